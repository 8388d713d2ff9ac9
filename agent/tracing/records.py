"""The records of a trace: runs with LangSmith's fields, nested, under the summary of their request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

RunStatus = Literal["success", "error"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that model calls used; None if the endpoint did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cost: float | None = None
    """US dollars."""

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            _sum(self.prompt, other.prompt),
            _sum(self.completion, other.completion),
            _sum(self.total, other.total),
            _sum(self.cost, other.cost),
        )


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One step of a request: a model call, a tool call, a node of the graph."""

    id: str
    trace_id: str
    parent_run_id: str | None
    dotted_order: str
    """Start times and ids from the root down to this run, joined by dots: sorts children after their parents."""
    name: str
    run_type: str
    """llm, tool, chain, retriever, ..."""
    start_time: datetime
    end_time: datetime | None
    """None if no end was recorded."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    session_name: str = ""
    """The project, in LangSmith's words."""
    tokens: Tokens = Tokens()
    """The tokens of this run and of all runs below it."""

    @property
    def latency_ms(self) -> float | None:
        """Milliseconds from start to end, or None if there is no end."""
        return None if self.end_time is None else (self.end_time - self.start_time).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One request in a list of requests."""

    trace_id: str
    start_time: datetime
    latency_ms: float
    query: str
    user_id: str | None
    model: str
    source: str | None
    """agent or fallback; None if the request ended without an answer."""
    status: RunStatus
    error: str | None
    runs: int
    """The number of runs in the tree, the root included."""
    tokens: Tokens = Tokens()
    model_calls: int = 0
    cached_calls: int = 0
    """Model calls that were answered from the cache."""
    tool_calls: int = 0
    failed_tools: int = 0
    score: float | None = None
    """The mean of the scores that people gave, 0 to 1; None if nobody gave one."""
    comment: str | None = None
    """The last comment on it."""


@dataclass(frozen=True, slots=True)
class TraceNode:
    """A run and the runs it started, in order."""

    run: RunRecord
    children: tuple[TraceNode, ...] = ()

    def walk(self) -> Iterator[TraceNode]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class TraceTree:
    """One request with all its runs."""

    summary: TraceSummary
    root: TraceNode

    def runs(self) -> list[RunRecord]:
        """All runs, parents before children, each level in the order they began."""
        return [node.run for node in self.root.walk()]


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


CARRIED = "carried"
"""The key in the root's ``extra`` of the conversation before the request: ``Thread`` as JSON."""


REPLAYED = " (replayed)"
"""Added to the name of a model whose recorded replies were repeated: it was not called, and nothing was spent."""
