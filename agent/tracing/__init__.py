"""Traces: what happened during each request, kept in the workspace with LangSmith's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recmind.agent.tracing.records import RunRecord, Tokens, TraceNode, TraceSummary, TraceTree
from recmind.agent.tracing.store.schema import TraceError
from recmind.agent.tracing.store.trace_store import TraceStore

if TYPE_CHECKING:
    from recmind.agent.tracing.recorder import TraceRecorder

__all__ = ["RunRecord", "Tokens", "TraceError", "TraceNode", "TraceRecorder", "TraceStore", "TraceSummary", "TraceTree"]


def __getattr__(name: str) -> Any:
    # Reading traces needs no LangChain, whose import takes longer than listing them.
    if name == "TraceRecorder":
        from recmind.agent.tracing.recorder import TraceRecorder  # noqa: PLC0415

        return TraceRecorder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
