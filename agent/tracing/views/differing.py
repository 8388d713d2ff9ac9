"""Where two runs of one request begin to differ, and what each then did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from recmind.agent.tracing.records import REPLAYED, RunRecord, TraceNode, TraceTree
from recmind.agent.tracing.views.run_contents import found_by, messages_said, own_words, question_of

_SETS = frozenset({"excluded", "consumed"})
"""Parts of a brief whose order has no meaning."""
_CALLS = frozenset({"llm", "tool", "retriever"})


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """One step of a request, without ids and times, which do not matter."""

    what: str
    """``model call``, ``tool search_items``, ``step validate``."""
    facts: tuple[tuple[str, str], ...]
    """Its inputs and outputs, by name."""
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class ComparedField:
    """One field in which two requests are compared."""

    name: str
    a: str | None
    """The value in the first; None if it has none."""
    b: str | None

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.a == self.b


@dataclass(frozen=True, slots=True)
class TraceDifference:
    """The comparison of two traces."""

    request: tuple[ComparedField, ...]
    """What was asked, by whom, and with which versions."""
    steps: tuple[tuple[ComparedStep | None, ComparedStep | None], ...]
    """The steps of both, side by side in their order."""
    parted: int | None
    """The first index in ``steps`` where they differ; None if they never do."""
    answer: tuple[ComparedField, ...]
    """The recommended items, rank by rank, then the message."""


def differ(a: TraceTree, b: TraceTree) -> TraceDifference:
    """The comparison of two traces."""
    steps = tuple(zip_longest(steps_of(a), steps_of(b)))
    parted = next((n for n, (one, other) in enumerate(steps) if not _same(one, other)), None)
    return TraceDifference(tuple(_request(a, b)), steps, parted, tuple(_answer(a, b)))


def steps_of(tree: TraceTree) -> list[ComparedStep]:
    """The model calls, look-ups and steps of a request, in order; steps that only contain calls are left out."""
    return [step for child in tree.root.children for step in _steps(child)]


def _steps(node: TraceNode) -> Iterator[ComparedStep]:
    run = node.run
    if run.run_type in _CALLS:
        # Which model it was is part of the request.
        what = "model call" if run.run_type == "llm" else f"tool {run.name}"
        yield ComparedStep(what, tuple(_call(run)), run.latency_ms)
        return
    if run.name == "ask" and "said" in run.outputs:
        # This step only took the reply, which is the request itself.
        return
    below = [step for child in node.children for step in _steps(child)]
    if not below:
        yield ComparedStep(f"step {run.name}", tuple(_outcome(run)), run.latency_ms)
    # Look-ups of one turn run in parallel: their order means nothing.
    tools = all(child.run.run_type in ("tool", "retriever") for child in node.children)
    yield from sorted(below, key=lambda step: (step.what, step.facts)) if tools else below


def _same(one: ComparedStep | None, other: ComparedStep | None) -> bool:
    return one is not None and other is not None and (one.what, one.facts) == (other.what, other.facts)


def _call(run: RunRecord) -> Iterator[tuple[str, str]]:
    if run.run_type == "llm":
        for said in messages_said(run):
            if said.text:
                yield "said", said.text
            yield from (("calls", f"{call.name} {_text(call.arguments)}") for call in said.calls)
    else:
        yield "asked", _text(run.inputs)
        found = found_by(run)
        yield "found", f"{found.total} rows: {', '.join(found.titles)}" if found.rows else found.text
    if run.error:
        yield "error", own_words(run.error)


def _outcome(run: RunRecord) -> Iterator[tuple[str, str]]:
    for name, value in run.outputs.items():
        if name not in ("messages", "spent", "read", "submit_call_id"):
            told = (
                {part: _unordered(one) if part in _SETS else one for part, one in value.items()}
                if name == "brief"
                else value
            )
            yield name, _text(told)
    if run.error:
        yield "error", own_words(run.error)


def _request(a: TraceTree, b: TraceTree) -> Iterator[ComparedField]:
    names = dict.fromkeys((*a.root.run.inputs, *b.root.run.inputs))
    for name in names:
        yield ComparedField(name, *(_text(tree.root.run.inputs.get(name)).removesuffix(REPLAYED) for tree in (a, b)))


def _answer(a: TraceTree, b: TraceTree) -> Iterator[ComparedField]:
    for rank, (one, other) in enumerate(zip_longest(_titles(a), _titles(b)), 1):
        yield ComparedField(f"{rank}.", one, other)
    for name in ("message", "cause"):
        one, other = (tree.root.run.outputs.get(name) for tree in (a, b))
        if one or other:
            yield ComparedField(name, one, other)
    one, other = (question_of(tree.root.run.outputs) for tree in (a, b))
    if one or other:
        yield ComparedField("question", one or None, other or None)


def _titles(tree: TraceTree) -> list[str]:
    verdict = tree.root.run.outputs.get("verdict")
    chosen = verdict.get("chosen") if isinstance(verdict, dict) else None
    return [str(one.get("title")) for one in chosen or () if isinstance(one, dict)]


def _unordered(values: list[str]) -> list[str]:
    """The values of a set in order; only their number if some were left out, because which ones is chance."""
    left_out = values and values[-1].startswith("… (")
    return [f"{len(values) - 1} and {values[-1]}"] if left_out else sorted(values)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(part)}" for name, part in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return str(value)
