"""A trace as text that a person who has never seen the code can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from recmind.agent.tracing.records import CARRIED, TraceTree
from recmind.agent.tracing.store.judging import Judgement
from recmind.agent.tracing.views.candidates import Candidate, candidates, submission_checks
from recmind.agent.tracing.views.formatting import LONGEST_LINE, duration, one_line, printable
from recmind.agent.tracing.views.outline import Outline, facts
from recmind.agent.tracing.views.run_contents import messages_read, messages_said, own_words, question_of, spoken

SHOWN = 5
"""At most this many of the candidates that nobody picked are shown."""


def render_tree(tree: TraceTree, said: Sequence[Judgement] = (), *, full: bool = False) -> str:
    """The request, its steps as a tree, and what happened to the candidates, without colors or control characters.

    The steps show how long each took, what models and tools were asked and answered, and errors.

    Args:
        tree: the trace.
        said: what people said about the answer.
        full: whether to include routing steps, all candidates, and all inputs and outputs that were kept, as JSON.
    """
    outline = Outline(tree, full=full)
    fates = list(_fates(tree, full))
    return "\n".join([*_head(tree), *_judged(tree, said), "", *outline.lines(), *(["", *fates] if fates else [])])


def render_prompts(tree: TraceTree) -> str:
    """Every model call as a conversation: what it read that no earlier call had read, and what it answered."""
    blocks: list[str] = []
    before: list[object] = []
    calls = [run for run in tree.runs() if run.run_type == "llm"]
    for number, run in enumerate(calls, 1):
        read = list(messages_read(run))
        known = len(before) if list(read[: len(before)]) == before else 0
        blocks.append(f"=== Model call {number} of {len(calls)}: {'  '.join(facts(run))}")
        if known:
            blocks.append(f"(the {known} messages above, then)")
        for message in (*read[known:], *messages_said(run)):
            calls_made = [f"{call.name}({spoken(call.arguments)})" for call in message.calls]
            name = f" {message.name}" if message.name else ""
            text = "\n".join(part for part in (printable(message.text), *calls_made) if part)
            blocks.append(f"--- {message.role}{name}\n{text}".rstrip())
        if run.error:
            blocks.append(f"--- error\n{own_words(run.error)}")
        before = [*read, *messages_said(run)]
    return "\n\n".join(blocks) or "No model was asked."


def _head(tree: TraceTree) -> Iterator[str]:
    summary, outputs = tree.summary, tree.root.run.outputs
    answered = {"agent": "answered by the agent", "fallback": "answered by the fallback"}
    tokens = summary.tokens
    yield f"Trace    {summary.trace_id}"
    yield f"Request  {one_line(summary.query) or '(empty)'}"
    yield f"User     {one_line(summary.user_id) if summary.user_id else '(none)'}"
    if thread := tree.root.run.inputs.get("thread_id"):
        yield f"Thread   {one_line(thread)}, {_carried(tree.root.run.extra.get(CARRIED))}"
    yield f"When     {summary.start_time.astimezone():%Y-%m-%d %H:%M:%S %z}, took {duration(summary.latency_ms)}"
    question = question_of(outputs)
    ended = "asked the person back" if question else answered.get(summary.source or "", "no answer")
    yield f"Model    {one_line(summary.model)}, {ended}"
    if cause := outputs.get("cause"):
        yield f"Because  {one_line(cause)}"
    if tokens.total or tokens.cost:
        cost = f", {tokens.cost:.4f} US dollars" if tokens.cost is not None else ""
        yield f"Tokens   {tokens.prompt or 0:,} read, {tokens.completion or 0:,} written{cost}"
    versions = tree.root.run.inputs.get("versions")
    if isinstance(versions, dict):
        yield f"Versions {one_line(', '.join(f'{name} {version}' for name, version in versions.items()))}"
    if question:
        yield f"Asked    {one_line(question, 3 * LONGEST_LINE)}"
    if message := outputs.get("message"):
        yield f"Said     {one_line(message, 3 * LONGEST_LINE)}"
    if summary.error:
        yield f"Error    {one_line(summary.error)}"


def _judged(tree: TraceTree, said: Sequence[Judgement]) -> Iterator[str]:
    titles = {one.item_id: one.title for one in candidates(tree)} if said else {}
    for n, one in enumerate(said):
        score = "" if one.score is None else f"{one.score:.2f}"
        item = titles.get(one.item_id) or one.item_id if one.item_id else "the answer"
        about = " ".join(filter(None, (score, f"for {one_line(item)}")))
        yield f"{'' if n else 'Judged':<8} {about}{f': “{one_line(one.comment)}”' if one.comment else ''}"


def _carried(carried: object) -> str:
    """How long the conversation was before the request."""
    turns, dropped = (carried.get(name) for name in ("turns", "dropped")) if isinstance(carried, dict) else ((), 0)
    before = (len(turns) if isinstance(turns, list) else 0) + (dropped if isinstance(dropped, int) else 0)
    return f"after {before} request{'s' * (before != 1)}" if before else "its first request"


def _fates(tree: TraceTree, full: bool) -> Iterator[str]:
    """What happened to the candidates: all that were picked, and the first of the others."""
    found = [one for one in candidates(tree) if full or one.fate != "reference"]
    if not found:
        return
    reasons = _reasons(tree)
    passed_over = [one for one in found if one.fate == "passed over"]
    best = sorted(passed_over, key=lambda one: -one.scores.get("score", -1.0))
    shown = [one for one in found if one.fate != "passed over"] + (best if full else best[:SHOWN])
    yield f"Candidates  {len(found)} found, {sum(one.fate == 'recommended' for one in found)} recommended"
    for one in shown:
        place = f"{one.rank}." if one.rank else {"rejected": "out", "reference": "ref"}.get(one.fate, "-")
        yield f"{place:>4} {one.handle:<4} {one_line(one.title, 40):<40}  {_score(one)}"
        if reason := reasons.get(one.item_id):
            yield f"          {one_line(reason, 2 * LONGEST_LINE)}"
        yield f"          found by {_finders(one)}"
        yield from (f"          {one_line(remark)}" for remark in one.remarks)
    if len(shown) < len(found):
        yield f"          and {len(found) - len(shown)} that scored less"
    told = {remark for one in found for remark in one.remarks}
    said = [problem for verdict in submission_checks(tree) for problem in (*verdict.problems, *verdict.repairs)]
    if other := [sentence for sentence in dict.fromkeys(said) if sentence not in told]:
        yield "Checked"
        yield from (f"     {one_line(sentence)}" for sentence in other)


def _reasons(tree: TraceTree) -> dict[str, str]:
    """The reasons of the answer by item."""
    verdict = tree.root.run.outputs.get("verdict")
    chosen = verdict.get("chosen") if isinstance(verdict, Mapping) else None
    return {str(one.get("item_id")): str(one.get("reason") or "") for one in chosen or () if isinstance(one, Mapping)}


def _score(one: Candidate) -> str:
    """Its score and the parts of it."""
    score = one.scores.get("score")
    parts = [f"{name} {value:.2f}" for name, value in one.scores.items() if name != "score"]
    made = f" from {', '.join(parts)}" if parts else ""
    return ("not ranked" if score is None else f"{score:.2f}") + made


def _finders(one: Candidate) -> str:
    """The tools that found it."""
    return ", ".join("the conversation before" if tool == "earlier" else tool for tool in one.tools) or "nobody"
