"""Prints a trace so that someone who has never seen the code can follow what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator

from agent.tracing.reading import Found, found_by, is_routing, messages_read, messages_said, own_words, spoken
from agent.tracing.records import RunRecord, TraceNode, TraceTree

LONGEST_LINE = 110
"""Characters of one text in the outline."""
TITLES = 4
"""How many of the rows found are named."""


def render_tree(tree: TraceTree, *, full: bool = False) -> str:
    """The request, then its steps as a tree: how long each took, what models and tools were asked and answered, errors.

    With ``full`` also routing steps, and all that was kept of what went in and came out, as JSON. No colors, no control
    characters.
    """
    return "\n".join([*_head(tree), "", *_lines(tree.root, "", "", full)])


def duration(latency_ms: float | None) -> str:
    """Milliseconds or seconds with three digits at most: ``0.4 ms``, ``34 ms``, ``2.1 s``."""
    if latency_ms is None:
        return "unfinished"
    if latency_ms >= 1000:
        return f"{latency_ms / 1000:.1f} s"
    return f"{latency_ms:.0f} ms" if latency_ms >= 10 else f"{latency_ms:.1f} ms"


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """The text on one line, cut to this length, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _head(tree: TraceTree) -> Iterator[str]:
    summary = tree.summary
    answered = {"agent": "answered by the agent", "fallback": "answered by the fallback"}
    tokens = summary.tokens
    yield f"Trace    {summary.trace_id}"
    yield f"Request  {one_line(summary.query) or '(empty)'}"
    yield f"User     {one_line(summary.user_id) if summary.user_id else '(none)'}"
    yield f"When     {summary.start_time.astimezone():%Y-%m-%d %H:%M:%S %z}, took {duration(summary.latency_ms)}"
    yield f"Model    {one_line(summary.model)}, {answered.get(summary.source or '', 'no answer')}"
    if tokens.total:
        cost = f", {tokens.cost:.4f} US dollars" if tokens.cost is not None else ""
        yield f"Tokens   {tokens.prompt or 0:,} read, {tokens.completion or 0:,} written{cost}"
    if summary.error:
        yield f"Error    {one_line(summary.error)}"


def _lines(node: TraceNode, first: str, rest: str, full: bool) -> Iterator[str]:
    """A run and all below it; ``first`` leads its own line, ``rest`` those under it."""
    run = node.run
    children = [child for child in node.children if full or not is_routing(child)]
    yield first + _title(run)
    inner = rest + ("│    " if children else "     ")
    if run.error:
        yield f"{inner}error  {one_line(own_words(run.error))}"
    if full:
        for word, value in (("in", run.inputs), ("out", run.outputs)):
            if value:
                yield f"{inner}{word:<5}  {one_line(json.dumps(value, ensure_ascii=False), 1_000_000)}"
    else:
        for word, text in _details(run):
            yield f"{inner}{word:<5}  {one_line(text)}"
    for child in children:
        last = child is children[-1]
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), full)


def _title(run: RunRecord) -> str:
    kinds = {"llm": "model ", "tool": "tool ", "retriever": "search "}
    parts = [f"{kinds.get(run.run_type, '')}{one_line(run.name)}", duration(run.latency_ms)]
    if run.tokens.total:
        parts.append(f"{run.tokens.prompt or 0:,} → {run.tokens.completion or 0:,} tokens")
    return "  ".join(parts)


def _details(run: RunRecord) -> Iterator[tuple[str, str]]:
    """What a call was asked and what it answered, in a word and a line each."""
    if run.run_type == "llm":
        yield from _model_call(run)
    elif run.run_type in {"tool", "retriever"}:
        if run.inputs:
            yield "asked", spoken(run.inputs)
        found = _found(found_by(run))
        if found:
            yield "found", found


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
    if titles := found.titles:
        more = ", …" if len(titles) > TITLES else ""
        return f"{found.total} rows: {', '.join(titles[:TITLES])}{more}"
    return found.text
