"""The steps of a request as a tree of lines, each with a bar that says when it ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from recmind.agent.tracing.records import RunRecord, TraceNode, TraceTree
from recmind.agent.tracing.views.candidates import SUBMIT, checked, picks, titled
from recmind.agent.tracing.views.formatting import LONGEST_LINE, REPLIED, STEPS, duration, money, one_line
from recmind.agent.tracing.views.run_contents import (
    TracedFindings,
    found_by,
    handles,
    is_routing,
    messages_read,
    messages_said,
    model_of,
    own_words,
    question_of,
    spoken,
)

TITLES = 4
"""At most this many of the rows found are named."""
BAR = 24
"""The width of a time bar, in characters."""
WHOLE = 1_000_000
"""The limit for texts that must not be cut."""
_KINDS = {"llm": "model ", "tool": "tool ", "retriever": "search "}

Detail = tuple[str, str]
"""A label, empty if the line continues the one above, and its text."""


def facts(run: RunRecord) -> list[str]:
    """How long a run took, and the tokens it used."""
    told = [duration(run.latency_ms)]
    if run.tokens.total:
        told.append(f"{run.tokens.prompt or 0:,} → {run.tokens.completion or 0:,} tokens")
    if run.tokens.cost:
        told.append(money(run.tokens.cost))
    first = run.extra.get("first_token_s")
    if isinstance(first, (int, float)):
        told.append(f"first word after {duration(1000 * first)}")
    return told


class Outline:
    """The lines of one trace.

    Args:
        tree: the trace.
        full: whether to include routing steps, and all inputs and outputs that were kept.
    """

    def __init__(self, tree: TraceTree, *, full: bool) -> None:
        self.root, self.full = tree.root, full
        self._titles = handles(tree)
        self._explained: set[str] = set()

    def lines(self) -> list[str]:
        """All lines, from the root down."""
        told = list(self._lines(self.root, "", ""))
        width = max((len(text) for text, run in told if run is not None), default=0)
        return [f"{text.ljust(width)}  {self._bar(run)}".rstrip() if run else text for text, run in told]

    def _lines(self, node: TraceNode, first: str, rest: str) -> Iterator[tuple[str, RunRecord | None]]:
        """A run and all below it; ``first`` precedes its own line, which comes with the run, ``rest`` those below."""
        run = node.run
        children = [child for child in node.children if self.full or not is_routing(child)]
        yield first + self._title(run), run
        inner = rest + ("│    " if children else "     ")
        for word, text in self._whole(run) if self.full else self._details(node):
            # Questions to a person are shown in full.
            longest = WHOLE if self.full else LONGEST_LINE if len(word) < 6 else 3 * LONGEST_LINE
            yield f"{inner}{word:<6} {one_line(text, longest)}", None
        for child in children:
            last = child is children[-1]
            yield from self._lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))

    def _title(self, run: RunRecord) -> str:
        named = _KINDS.get(run.run_type, "") + one_line(model_of(run) or run.name)
        if run.run_type == "chain" and run.name in STEPS and run.name not in self._explained:
            self._explained.add(run.name)
            named = f"{named}: {REPLIED if 'said' in run.outputs else STEPS[run.name]}"
        return "  ".join([named, *facts(run)])

    def _bar(self, run: RunRecord) -> str:
        """A bar that shows when the run took place within the request, and how long."""
        root = self.root.run
        whole = root.latency_ms or 0.0
        if not whole or run is root:
            return "█" * BAR if whole else ""
        begun = (run.start_time - root.start_time).total_seconds() * 1000
        took = run.latency_ms if run.latency_ms is not None else whole - begun
        start = min(BAR - 1, max(0, int(BAR * begun / whole)))
        end = min(BAR, max(start + 1, round(BAR * (begun + took) / whole)))
        return "·" * start + "█" * (end - start) + "·" * (BAR - end)

    def _whole(self, run: RunRecord) -> Iterator[Detail]:
        """Everything that was kept, as JSON: a line for each field, and for each message."""
        if run.error:
            yield "error", own_words(run.error)
        for word, values in (("in", run.inputs), ("out", run.outputs), ("extra", run.extra)):
            for n, (name, value) in enumerate(_fields(values)):
                yield ("" if n else word), f"{name} {json.dumps(value, ensure_ascii=False)}"

    def _details(self, node: TraceNode) -> Iterator[Detail]:
        """The inputs and outputs of a call; what a step changed."""
        run = node.run
        if run.run_type == "llm":
            yield from self._model_call(run)
        elif run.run_type in {"tool", "retriever"}:
            if run.inputs:
                yield "asked", spoken(run.inputs)
            if found := _found(found_by(run)):
                yield "found", found
        elif not any(child.run.run_type == "chain" and not is_routing(child) for child in node.children):
            yield from self._changed(run)
        if run.error:
            yield "error", own_words(run.error)

    def _model_call(self, run: RunRecord) -> Iterator[Detail]:
        if read := messages_read(run):
            whose = f"from {read[-1].role}: {read[-1].text}"
            yield "read", f"1 message, {whose}" if len(read) == 1 else f"{len(read)} messages, the last {whose}"
        for said in messages_said(run):
            if said.text:
                yield "said", said.text
            for n, call in enumerate(said.calls):
                if call.name == SUBMIT:
                    yield "picks", picks(call, self._titles)
                else:
                    yield ("" if n else "calls"), f"{call.name}({spoken(call.arguments)})"
            if said.unreadable:
                yield "calls", f"{said.unreadable} that could not be read"

    def _changed(self, run: RunRecord) -> Iterator[Detail]:
        """What a step changed."""
        heard, slate, verdict = (run.outputs.get(name) for name in ("heard", "slate", "verdict"))
        if isinstance(heard, Mapping):
            yield "heard", " ".join(map(str, (heard.get("meaning"), *heard.get("notes", ()))))
        if run.outputs.get("asked"):
            yield "asked the person:", question_of(run.outputs)
        elif run.outputs.get("said"):
            yield "the person said:", str(run.outputs["said"])
        if isinstance(slate, Mapping) and slate.get("added"):
            yield "slate", f"{len(slate['added'])} more, {slate.get('entries')} in all"
        if isinstance(verdict, Mapping) and run.parent_run_id:
            yield from self._checked(verdict)

    def _checked(self, verdict: Mapping[str, Any]) -> Iterator[Detail]:
        yield "check", checked(verdict)
        for name in ("problems", "repairs"):
            for sentence in verdict.get(name) or ():
                yield "", titled(str(sentence), self._titles)


def _fields(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if name in {"messages", "generations"} and isinstance(value, list):
            yield from ((name, part) for batch in value for part in (batch if isinstance(batch, list) else [batch]))
        else:
            yield name, value


def _found(found: TracedFindings) -> str:
    if found.titles:
        more = ", …" if len(found.titles) > TITLES else ""
        return f"{found.total} rows: {', '.join(found.titles[:TITLES])}{more}"
    return found.text
