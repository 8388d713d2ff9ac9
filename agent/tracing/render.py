"""Prints a trace so that someone who has never seen the code can follow what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator

from agent.tracing.candidates import Candidate, candidates, verdicts
from agent.tracing.reading import (
    Found,
    found_by,
    is_routing,
    messages_read,
    messages_said,
    own_words,
    question_of,
    spoken,
)
from agent.tracing.records import RunRecord, TraceNode, TraceTree

LONGEST_LINE = 110
"""Characters of one text in the outline."""
TITLES = 4
"""How many of the rows found are named."""
BAR = 24
"""Characters of a line of time."""
SHOWN = 5
"""How many candidates are told of that nobody picked."""


def render_tree(tree: TraceTree, *, full: bool = False) -> str:
    """The request, then its steps as a tree: how long each took, what models and tools were asked and answered, errors;
    then what became of the candidates.

    With ``full`` also routing steps, all candidates, and all that was kept of what went in and came out, as JSON. No
    colors, no control characters.
    """
    lines = list(_lines(tree.root, "", "", full))
    width = max((len(text) for text, run in lines if run is not None), default=0)
    drawn = [f"{text.ljust(width)}  {_bar(run, tree.root.run)}".rstrip() if run else text for text, run in lines]
    fates = list(_fates(tree, full))
    return "\n".join([*_head(tree), "", *drawn, *(["", *fates] if fates else [])])


def render_prompts(tree: TraceTree) -> str:
    """Every model call as a conversation: what it read that no call before it had read, and what it said."""
    blocks: list[str] = []
    before: list[object] = []
    calls = [run for run in tree.runs() if run.run_type == "llm"]
    for number, run in enumerate(calls, 1):
        read = list(messages_read(run))
        known = len(before) if list(read[: len(before)]) == before else 0
        blocks.append(f"=== Model call {number} of {len(calls)}: {'  '.join(_facts(run))}")
        if known:
            blocks.append(f"(the {known} messages above, then)")
        for message in (*read[known:], *messages_said(run)):
            calls_made = [f"{call.name}({spoken(call.arguments)})" for call in message.calls]
            name = f" {message.name}" if message.name else ""
            text = "\n".join(part for part in (_printable(message.text), *calls_made) if part)
            blocks.append(f"--- {message.role}{name}\n{text}".rstrip())
        if run.error:
            blocks.append(f"--- error\n{own_words(run.error)}")
        before = [*read, *messages_said(run)]
    return "\n\n".join(blocks) or "No model was asked."


def duration(latency_ms: float | None) -> str:
    """Milliseconds or seconds with three digits at most: ``0.4 ms``, ``34 ms``, ``2.1 s``."""
    if latency_ms is None:
        return "unfinished"
    if latency_ms >= 1000:
        return f"{latency_ms / 1000:.1f} s"
    return f"{latency_ms:.0f} ms" if latency_ms >= 10 else f"{latency_ms:.1f} ms"


def money(dollars: float | None) -> str:
    """US dollars: ``$0.0012``, ``$1.20``; ``-`` where no price is known."""
    if dollars is None:
        return "-"
    return f"${dollars:.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """The text on one line, cut to this length, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _printable(text: str) -> str:
    """The text on its lines, without what could steer a terminal."""
    return "".join(c for c in text if c.isprintable() or c == "\n")


def _head(tree: TraceTree) -> Iterator[str]:
    summary, outputs = tree.summary, tree.root.run.outputs
    answered = {"agent": "answered by the agent", "fallback": "answered by the fallback"}
    tokens = summary.tokens
    yield f"Trace    {summary.trace_id}"
    yield f"Request  {one_line(summary.query) or '(empty)'}"
    yield f"User     {one_line(summary.user_id) if summary.user_id else '(none)'}"
    if thread := tree.root.run.inputs.get("thread_id"):
        yield f"Thread   {one_line(thread)}, {_carried(tree.root.run.extra.get('carried'))}"
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
        yield f"With     {one_line(', '.join(f'{name} {version}' for name, version in versions.items()))}"
    if question:
        yield f"Asked    {one_line(question, 3 * LONGEST_LINE)}"
    if message := outputs.get("message"):
        yield f"Said     {one_line(message, 3 * LONGEST_LINE)}"
    if summary.score is not None or summary.comment:
        parts = [f"{summary.score:.2f}"] if summary.score is not None else []
        yield f"Judged   {', '.join([*parts, *([one_line(summary.comment)] if summary.comment else [])])}"
    if summary.error:
        yield f"Error    {one_line(summary.error)}"


def _carried(carried: object) -> str:
    """How far a conversation had come before the request."""
    turns, dropped = (carried.get(name) for name in ("turns", "dropped")) if isinstance(carried, dict) else ((), 0)
    before = (len(turns) if isinstance(turns, list) else 0) + (dropped if isinstance(dropped, int) else 0)
    return f"after {before} request{'s' * (before != 1)}" if before else "its first request"


def _lines(node: TraceNode, first: str, rest: str, full: bool) -> Iterator[tuple[str, RunRecord | None]]:
    """A run and all below it; ``first`` leads its own line, which comes with the run, ``rest`` those under it."""
    run = node.run
    children = [child for child in node.children if full or not is_routing(child)]
    yield first + _title(run), run
    inner = rest + ("│    " if children else "     ")
    if run.error:
        yield f"{inner}error  {one_line(own_words(run.error))}", None
    if full:
        for word, value in (("in", run.inputs), ("out", run.outputs), ("extra", run.extra)):
            if value:
                yield f"{inner}{word:<6} {one_line(json.dumps(value, ensure_ascii=False), 1_000_000)}", None
    else:
        for word, text in _details(node):
            yield f"{inner}{word:<6} {one_line(text, LONGEST_LINE if len(word) < 6 else 3 * LONGEST_LINE)}", None
    for child in children:
        last = child is children[-1]
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), full)


def _title(run: RunRecord) -> str:
    kinds = {"llm": "model ", "tool": "tool ", "retriever": "search "}
    return "  ".join([f"{kinds.get(run.run_type, '')}{one_line(run.name)}", *_facts(run)])


def _facts(run: RunRecord) -> list[str]:
    """How long a run took, and what it used up."""
    facts = [duration(run.latency_ms)]
    if run.tokens.total:
        facts.append(f"{run.tokens.prompt or 0:,} → {run.tokens.completion or 0:,} tokens")
    if run.tokens.cost:
        facts.append(money(run.tokens.cost))
    first = run.extra.get("first_token_s")
    if isinstance(first, (int, float)):
        facts.append(f"first word after {duration(1000 * first)}")
    return facts


def _bar(run: RunRecord, root: RunRecord) -> str:
    """When the run took place within the request, and how long."""
    whole = root.latency_ms or 0.0
    if not whole or run is root:
        return "█" * BAR if whole else ""
    begun = (run.start_time - root.start_time).total_seconds() * 1000
    took = run.latency_ms if run.latency_ms is not None else whole - begun
    start = min(BAR - 1, max(0, int(BAR * begun / whole)))
    end = min(BAR, max(start + 1, round(BAR * (begun + took) / whole)))
    return "·" * start + "█" * (end - start) + "·" * (BAR - end)


def _details(node: TraceNode) -> Iterator[tuple[str, str]]:
    """What a call was asked and what it answered, in a word and a line each; what a step changed."""
    run = node.run
    if run.run_type == "llm":
        yield from _model_call(run)
    elif run.run_type in {"tool", "retriever"}:
        if run.inputs:
            yield "asked", spoken(run.inputs)
        found = _found(found_by(run))
        if found:
            yield "found", found
    elif not any(child.run.run_type == "chain" and not is_routing(child) for child in node.children):
        yield from _changed(run)


def _changed(run: RunRecord) -> Iterator[tuple[str, str]]:
    """What a step made of the request."""
    heard, slate, verdict = (run.outputs.get(name) for name in ("heard", "slate", "verdict"))
    if isinstance(heard, dict):
        yield "heard", " ".join(map(str, (heard.get("meaning"), *heard.get("notes", ()))))
    if run.outputs.get("asked"):
        yield "asked the person:", question_of(run.outputs)
    elif run.outputs.get("said"):
        yield "the person said:", str(run.outputs["said"])
    if isinstance(slate, dict) and slate.get("added"):
        yield "slate", f"{len(slate['added'])} more, {slate.get('entries')} in all"
    if isinstance(verdict, dict) and run.parent_run_id:
        yield "check", _checked(verdict)


def _checked(verdict: dict[str, object]) -> str:
    chosen, problems, repairs = (verdict.get(name) for name in ("chosen", "problems", "repairs"))
    parts = [f"{len(chosen) if isinstance(chosen, list) else 0} passed"]
    for word, said in (("sent back", problems), ("mended", repairs)):
        if isinstance(said, list) and said:
            parts.append(f"{word}: {'; '.join(map(str, said))}")
    return ", ".join(parts)


def _model_call(run: RunRecord) -> Iterator[tuple[str, str]]:
    if read := messages_read(run):
        whose = f"from {read[-1].role}: {read[-1].text}"
        yield "read", f"1 message, {whose}" if len(read) == 1 else f"{len(read)} messages, the last {whose}"
    for said in messages_said(run):
        if said.text:
            yield "said", said.text
        if said.calls:
            yield "calls", "; ".join(f"{call.name}({spoken(call.arguments)})" for call in said.calls)
        if said.unreadable:
            yield "calls", f"{said.unreadable} that could not be read"


def _found(found: Found) -> str:
    if found.titles:
        more = ", …" if len(found.titles) > TITLES else ""
        return f"{found.total} rows: {', '.join(found.titles[:TITLES])}{more}"
    return found.text


def _fates(tree: TraceTree, full: bool) -> Iterator[str]:
    """What became of the candidates: all that were picked, and the first of the others."""
    found = [one for one in candidates(tree) if full or one.fate != "reference"]
    if not found:
        return
    passed_over = [one for one in found if one.fate == "passed over"]
    best = sorted(passed_over, key=lambda one: -one.scores.get("score", -1.0))
    shown = [one for one in found if one.fate != "passed over"] + (best if full else best[:SHOWN])
    yield f"Candidates  {len(found)} found, {sum(one.fate == 'recommended' for one in found)} recommended"
    for one in shown:
        place = f"{one.rank}." if one.rank else {"rejected": "out", "reference": "ref"}.get(one.fate, "-")
        yield f"{place:>4} {one_line(one.title, 40):<40}  {_parts(one)}"
        if one.remarks:
            yield f"     {one_line('; '.join(one.remarks))}"
    if len(shown) < len(found):
        yield f"     and {len(found) - len(shown)} that scored less"
    if said := [problem for verdict in verdicts(tree) for problem in (*verdict.problems, *verdict.repairs)]:
        yield "Checked"
        yield from (f"     {one_line(sentence)}" for sentence in dict.fromkeys(said))


def _parts(one: Candidate) -> str:
    """Its score with what it is made of, and who found it."""
    score = one.scores.get("score")
    parts = [f"{name} {value:.2f}" for name, value in one.scores.items() if name != "score"]
    told = "not ranked" if score is None else f"{score:.2f}"
    made = f" = {', '.join(parts)}" if parts else ""
    return f"{told}{made}; found by {', '.join(one.tools) or 'nobody'}"
