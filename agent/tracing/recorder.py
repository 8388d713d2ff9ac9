"""Hands over the runs of one request to be written, when the request has ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from langgraph.errors import GraphInterrupt
from typing_extensions import override

from recmind.agent.tracing.conversations import as_request
from recmind.agent.tracing.export.telemetry import tell
from recmind.agent.tracing.runs import ListenedRun, RunListener
from recmind.agent.tracing.store.rows import kept, rows_of
from recmind.agent.tracing.store.trace_store import TraceStore


class TraceRecorder(RunListener):
    """The tracer of one request: a callback of the graph, whose run is the root of the trace.

        config = {"callbacks": [TraceRecorder(store)], "run_id": trace_id, "metadata": metadata}

    The root's metadata holds ``query``, ``user_id`` and ``model``. When the root ends, with or without an error,
    everything is handed to the store, which writes it later in one transaction. If the final state has a ``cause``, the
    fallback answered. A trace that cannot be written is logged and does not affect the answer.
    """

    def __init__(self, store: TraceStore) -> None:
        super().__init__()
        self.store = store

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A step that stops the run to ask the person is not an error: the question is its output."""
        if isinstance(error, GraphInterrupt):
            self.on_chain_end({"asked": error.args[0][0].value if error.args[0] else None}, run_id=run_id)
        else:
            super().on_chain_error(error, run_id=run_id, **kwargs)

    @override
    def finished(self, root: ListenedRun, runs: Sequence[ListenedRun]) -> None:
        settings = self.store.settings
        root, runs = as_request(root, runs)
        if kept(root, settings):
            self.store.write_later(root.id, partial(rows_of, root, runs, settings), then=tell)
