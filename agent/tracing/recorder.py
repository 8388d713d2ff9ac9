"""Writes the runs of one request when it is over."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from agent.tracing.plain import CALL, MODEL, STATE, STEP, Plainer
from agent.tracing.records import Tokens
from agent.tracing.redaction import secrets_in
from agent.tracing.runs import Run, RunListener
from agent.tracing.store import TraceStore
from data.errors import RecMindError

log = logging.getLogger(__name__)

PROJECT = "recmind"
"""The project that runs belong to where LANGSMITH_PROJECT does not name another."""

UNFINISHED = "No end was recorded: it was given up, or still running when the request ended."

WORKING = frozenset({"messages", "slate", "spent"})
"""Parts of the final state that the root does not repeat: the model's and the tools' runs have them."""

_OF_LANGCHAIN = ("ls_", "lc_", "langgraph_")
"""How the metadata begins that LangChain adds to a request's."""


class TraceRecorder(RunListener):
    """The tracer of one request: a callback of the graph, whose run is the root of the trace.

        config = {"callbacks": [TraceRecorder(store)], "run_id": trace_id, "metadata": metadata}

    The root's metadata says ``query``, ``user_id`` and ``model``. When the root ends, well or not, everything is
    written in one transaction; a state that ends with a ``cause`` came from the fallback.
    """

    def __init__(self, store: TraceStore) -> None:
        super().__init__()
        self.store = store

    @override
    def finished(self, root: Run) -> None:
        """Writes the trace. Never raises: a lost trace must not cost an answer."""
        try:
            self.store.write(*self._rows(root))
        except RecMindError as error:
            log.warning("trace %s was not written: %s", root.id, error)
        except Exception:
            log.warning("trace %s was not written", root.id, exc_info=True)

    def _rows(self, root: Run) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The trace and its runs, parents first, by column name."""
        runs = [run for run in list(self.runs) if run.trace_id == root.id]
        secrets = secrets_in()
        whole, model, step, state = (Plainer(bounds, secrets) for bounds in (CALL, MODEL, STEP, STATE))
        bounded = {"llm": (model, model), "chain": (state, step)}
        project = os.environ.get("LANGSMITH_PROJECT") or PROJECT
        asked, answered = _asked(root), _answered(root)
        tokens = _tokens(runs)
        rows = []
        for run in runs:
            given, made = bounded.get(run.run_type, (whole, whole))
            error = run.error or (UNFINISHED if run.end_time is None else None)
            used = tokens[run.id]
            rows.append(
                {
                    "id": run.id,
                    "trace_id": root.id,
                    "parent_run_id": run.parent_run_id,
                    "dotted_order": run.dotted_order,
                    "name": run.name,
                    "run_type": run.run_type,
                    "start_time": _iso(run.start_time),
                    "end_time": _iso(run.end_time) if run.end_time else None,
                    "inputs": whole.json(asked) if run is root else given.json(run.inputs),
                    "outputs": whole.json(answered) if run is root else made.json(run.outputs),
                    "error": whole.line(error) if error else None,
                    "extra": model.json(run.extra),
                    "tags": whole.json(run.tags),
                    "session_name": project,
                    "prompt_tokens": used.prompt,
                    "completion_tokens": used.completion,
                    "total_tokens": used.total,
                    "total_cost": used.cost,
                }
            )
        trace = {
            **rows[0],
            "latency_ms": ((root.end_time or datetime.now(UTC)) - root.start_time).total_seconds() * 1000,
            "query": whole.line(str(asked.get("query") or "")),
            "user_id": asked.get("user_id"),
            "model": str(asked.get("model") or ""),
            "source": None if root.error else "fallback" if root.outputs.get("cause") else "agent",
            "status": "error" if root.error else "success",
            "error": whole.line(root.error.partition("\n\nTraceback ")[0]) if root.error else None,
            "runs": len(rows),
        }
        return trace, rows


def _tokens(runs: list[Run]) -> dict[str, Tokens]:
    """The tokens of every run by id: its own and those of the runs below it, which come after their parents."""
    totals = {run.id: run.usage for run in runs}
    for run in reversed(runs):
        if run.parent_run_id in totals:
            totals[run.parent_run_id] += totals[run.id]
    return totals


def _asked(root: Run) -> dict[str, Any]:
    """The request: what the root's metadata says beside what LangChain adds."""
    metadata = root.extra.get("metadata") or {}
    return {name: value for name, value in metadata.items() if not name.startswith(_OF_LANGCHAIN)}


def _answered(root: Run) -> dict[str, Any]:
    return {name: value for name, value in root.outputs.items() if name not in WORKING}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
