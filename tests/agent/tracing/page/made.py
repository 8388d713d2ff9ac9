"""Traces made by hand, as large and as hostile as a page has to bear, and a store that holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from recmind.agent.tracing.records import RunRecord, Tokens, TraceNode, TraceSummary, TraceTree
from recmind.agent.tracing.store.judging import Judgement
from recmind.agent.tracing.store.schema import UnknownTrace

BEGAN = datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC)

HOSTILE = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 2'>\u2028${1}`\\u0041&amp;"
"""Shown as it stands, or the page is broken."""


# In the class below, ``list`` is a method.
Summaries = list[TraceSummary]
Judgements = list[Judgement]


class MadeStore:
    """What the page asks of a store, answered from traces in memory."""

    def __init__(self, *trees: TraceTree) -> None:
        self.path = Path("made")
        self.trees = {tree.summary.trace_id: tree for tree in trees}
        self.said: list[Judgement] = []
        self.read: list[str] = []
        """Which traces were read whole, in order."""

    def list(self, limit: int = 20, *, text: str | None = None) -> Summaries:
        found = [one for one in reversed(self.trees.values()) if text is None or _has(one, text)]
        return [one.summary for one in found[:limit]]

    def judgements(self, trace_id: str | None = None) -> Judgements:
        return [one for one in self.said if trace_id in (None, one.trace_id)]

    def tree(self, trace_id: str) -> TraceTree:
        self.read.append(trace_id)
        if trace_id not in self.trees:
            raise UnknownTrace(f"There is no trace {trace_id!r}.")
        return self.trees[trace_id]


def _has(made: TraceTree, text: str) -> bool:
    """Whether all of the words are in what the runs were given and said."""
    words = str([(run.inputs, run.outputs) for run in made.runs()]).lower()
    return all(word in words for word in text.lower().split())


def judgement(made: TraceTree, score: float | None, comment: str = "", item_id: str | None = None) -> Judgement:
    """What a person said of the answer, or of an item in it."""
    return Judgement(made.summary.trace_id, BEGAN, score, comment, item_id, made.summary.query, "ada")


def message(kind: str, content: str, **more: Any) -> dict[str, Any]:
    """A message as the store keeps it."""
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", kind],
        "kwargs": {"type": kind, "content": content} | more,
    }


def tree(number: int, query: str = "a western", *, turns: int = 1, **summary: Any) -> TraceTree:
    """A request with this many turns of a model call and a look-up, and a slate of one entry for each look-up."""
    trace_id = str(UUID(int=(0x019 << 116) + (number << 32)))
    conversation = [message("system", "You recommend items."), message("human", f"Request: {query}")]
    nodes: list[TraceNode] = []
    for turn in range(turns):
        call = {"name": "search_items", "args": {"query": query}, "id": f"call_{turn}"}
        said = message("ai", "", tool_calls=[call])
        read = list(conversation)
        rows = [_row(turn)]
        found = message("tool", f"c{turn + 1} Film {turn + 1}", name="search_items", artifact={"rows": rows})
        reason = _run(trace_id, 4 * turn, "reason", "chain", 30 * turn, 20)
        model = _run(
            trace_id,
            4 * turn + 1,
            "ChatModel",
            "llm",
            30 * turn + 1,
            18,
            inputs={"messages": [read]},
            outputs={"generations": [[{"message": said}]]},
            extra={"first_token_s": 0.004, "invocation_params": {"model": "any", "tools": [{"name": "search_items"}]}},
            tokens=Tokens(100 * len(read), 10, 100 * len(read) + 10, 0.001),
        )
        act = _run(
            trace_id,
            4 * turn + 2,
            "act",
            "chain",
            30 * turn + 20,
            10,
            outputs={"slate": {"entries": turn + 1, "evidence": turn + 1, "added": [f"c{turn + 1}"]}},
        )
        tool = _run(
            trace_id,
            4 * turn + 3,
            "search_items",
            "tool",
            30 * turn + 21,
            8,
            inputs={"query": query},
            outputs={"output": found},
        )
        nodes += [TraceNode(reason, (TraceNode(model),)), TraceNode(act, (TraceNode(tool),))]
        conversation += [said, message("tool", f"c{turn + 1} Film {turn + 1}", name="search_items")]
    verdict = {
        "chosen": [{"item_id": "film-1", "title": "Film 1", "score": 0.5, "reason": f"Meets {query}.", "cites": [1]}],
        "problems": [],
        "repairs": ["Rewrote the reason for Film 1 from evidence."],
        "dropped": [],
    }
    nodes.append(TraceNode(_run(trace_id, 4 * turns, "validate", "chain", 30 * turns, 5, outputs={"verdict": verdict})))
    slate = {
        "entries": {
            f"c{turn + 1}": _row(turn) | {"handle": f"c{turn + 1}", "evidence": [turn + 1], "tools": ["search_items"]}
            for turn in range(turns)
        },
        "evidence": [{"kind": "metadata", "text": f"fact {turn + 1}", "data": {}} for turn in range(turns)],
    }
    root = _run(
        trace_id,
        None,
        "recommend",
        "chain",
        0,
        30 * turns + 6,
        inputs={"query": query, "user_id": "ada", "model": "openai:any", "k": 1},
        outputs={"message": f"I took this to mean: {query}.", "verdict": verdict, "slate": slate, "cause": None},
        tokens=Tokens(200 * turns, 10 * turns, 210 * turns, 0.001 * turns),
    )
    nested = TraceNode(root, tuple(nodes))
    told = TraceSummary(
        trace_id=trace_id,
        start_time=BEGAN + timedelta(minutes=number),
        latency_ms=float(30 * turns + 6),
        query=query,
        user_id="ada",
        model="openai:any",
        source="agent",
        status="success",
        error=None,
        runs=sum(1 for _ in nested.walk()),
        tokens=root.tokens,
    )
    return TraceTree(replace(told, **summary), nested)


def _row(turn: int) -> dict[str, Any]:
    return {
        "item_id": f"film-{turn + 1}",
        "title": f"Film {turn + 1}",
        "role": "candidate",
        "summary": "1999 · Western",
        "scores": {"semantic": 0.75},
        "evidence": [{"kind": "metadata", "text": f"fact {turn + 1}", "data": {}}],
    }


def _run(
    trace_id: str,
    place: int | None,
    name: str,
    run_type: str,
    at_ms: float,
    ms: float,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    tokens: Tokens | None = None,
) -> RunRecord:
    root = place is None
    parents = {"llm": -1, "tool": -1}
    parent = trace_id if root or run_type == "chain" else _id(trace_id, (place or 0) + parents[run_type])
    start = BEGAN + timedelta(milliseconds=at_ms)
    return RunRecord(
        id=trace_id if place is None else _id(trace_id, place),
        trace_id=trace_id,
        parent_run_id=None if root else parent,
        dotted_order="",
        name=name,
        run_type=run_type,
        start_time=start,
        end_time=start + timedelta(milliseconds=ms),
        inputs=inputs or {},
        outputs=outputs or {},
        extra=extra or {},
        session_name="recmind",
        tokens=tokens or Tokens(),
    )


def _id(trace_id: str, place: int) -> str:
    return str(UUID(int=UUID(trace_id).int + place + 1))
