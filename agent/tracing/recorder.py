"""Collects the runs of one request as they happen and writes them when it is over."""

from __future__ import annotations

import logging
import os
import traceback
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult
from langchain_core.tracers import BaseTracer
from langchain_core.tracers.schemas import Run

from agent.tracing.plain import CALL, MODEL, STATE, STEP, Plainer
from agent.tracing.records import Tokens
from agent.tracing.redaction import secrets_in
from agent.tracing.store import TraceStore
from data.errors import RecMindError

log = logging.getLogger(__name__)

PROJECT = "recmind"
"""The project that runs belong to where LANGSMITH_PROJECT does not name another."""

UNFINISHED = "No end was recorded: it was given up, or still running when the request ended."

WORKING = frozenset({"messages", "slate", "spent"})
"""Parts of the final state that the root does not repeat: the model's and the tools' runs have them."""


class TraceRecorder(BaseTracer):
    """The tracer of one request: a callback of the graph, whose run is the root of the trace.

        config = {"callbacks": [TraceRecorder(store)], "run_id": trace_id, "metadata": metadata}

    The root's metadata says ``query``, ``user_id`` and ``model``. When the root ends, well or not, everything is
    written in one transaction; a state that ends with a ``cause`` came from the fallback.
    """

    run_inline = True
    """Asynchronous runs call back in the event loop's own thread: in order, and with no thread switch."""

    def __init__(self, store: TraceStore) -> None:
        super().__init__(_schema_format="original+chat")
        self.store = store
        self._runs: list[Run] = []
        self._usage: dict[UUID, Tokens] = {}

    # What LangChain calls while the request runs.

    def _persist_run(self, run: Run) -> None:
        """Writes the trace when its root has ended. Never raises: a lost trace must not cost an answer."""
        try:
            self.store.write(*self._rows(run))
        except RecMindError as error:
            log.warning("trace %s was not written: %s", run.id, error)
        except Exception:
            log.warning("trace %s was not written", run.id, exc_info=True)

    def _on_run_create(self, run: Run) -> None:
        self._runs.append(run)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Run:
        """Starts a model run of type ``llm``, as LangSmith has it. The messages are made plain when all is written."""
        run = Run(
            id=run_id,
            parent_run_id=parent_run_id,
            serialized=serialized,
            inputs={"messages": messages},
            extra={**kwargs, **({"metadata": metadata} if metadata else {})},
            start_time=datetime.now(UTC),
            run_type="llm",
            tags=tags,
            # Without a name the run is called after the model's class.
            name=cast(str, name),
        )
        self._start_trace(run)
        return run

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],  # noqa: ARG002  the base class's names
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,  # noqa: ARG002
        run_id: UUID,
        parent_run_id: UUID | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Run:
        """Notes when the first token came; the whole text is in the outputs anyway."""
        run = self._get_run(run_id, run_type={"llm", "chat_model"})
        run.extra.setdefault("first_token_s", (datetime.now(UTC) - run.start_time).total_seconds())
        return run

    @staticmethod
    def _get_stacktrace(error: BaseException) -> str:
        """What is kept of an error: its own words first, then where it came from."""
        return f"{type(error).__name__}: {error}\n\n{''.join(traceback.format_exception(error))}".strip()

    def _complete_llm_run(self, response: LLMResult, run_id: UUID) -> Run:
        """Ends a model run. BaseTracer makes plain copies of the messages at once; here ``_rows`` does, once."""
        run = self._get_run(run_id, run_type={"llm", "chat_model"})
        run.outputs = {
            "generations": [[_said(generation) for generation in batch] for batch in response.generations],
            "llm_output": response.llm_output,
        }
        run.end_time = datetime.now(UTC)
        self._usage[run.id] = _usage(response)
        return run

    # Making rows.

    def _rows(self, root: Run) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The trace and its runs, parents first, by column name."""
        runs = [run for run in list(self._runs) if run.trace_id == root.id]
        secrets = secrets_in()
        whole, model, step, state = (Plainer(bounds, secrets) for bounds in (CALL, MODEL, STEP, STATE))
        bounded = {"llm": (model, model), "chain": (state, step)}
        tokens = self._tokens(runs)
        rows = []
        for run in runs:
            given, made = bounded.get(run.run_type, (whole, whole))
            error = run.error or (UNFINISHED if run.end_time is None else None)
            used = tokens[run.id]
            rows.append(
                {
                    "id": str(run.id),
                    "trace_id": str(root.id),
                    "parent_run_id": None if run is root else str(run.parent_run_id),
                    "dotted_order": run.dotted_order,
                    "name": run.name,
                    "run_type": run.run_type,
                    "start_time": _iso(run.start_time),
                    "end_time": _iso(run.end_time) if run.end_time else None,
                    "inputs": whole.json(_asked(root)) if run is root else given.json(run.inputs),
                    "outputs": whole.json(_answered(root)) if run is root else made.json(run.outputs or {}),
                    "error": whole.line(error) if error else None,
                    "extra": model.json(run.extra),
                    "tags": whole.json(run.tags or []),
                    "session_name": os.environ.get("LANGSMITH_PROJECT") or PROJECT,
                    "prompt_tokens": used.prompt,
                    "completion_tokens": used.completion,
                    "total_tokens": used.total,
                    "total_cost": used.cost,
                }
            )
        asked, head = _asked(root), rows[0]
        trace = {
            **head,
            "latency_ms": ((root.end_time or datetime.now(UTC)) - root.start_time).total_seconds() * 1000,
            "query": whole.line(str(asked.get("query") or "")),
            "user_id": asked.get("user_id"),
            "model": str(asked.get("model") or ""),
            "source": None if root.error else "fallback" if (root.outputs or {}).get("cause") else "agent",
            "status": "error" if root.error else "success",
            "error": whole.line(root.error.partition("\n\nTraceback ")[0]) if root.error else None,
            "runs": len(rows),
        }
        return trace, rows

    def _tokens(self, runs: list[Run]) -> dict[UUID, Tokens]:
        """The tokens of every run: its own and those of the runs below it, which come after their parents."""
        totals = {run.id: self._usage.get(run.id, Tokens()) for run in runs}
        for run in reversed(runs):
            if run.parent_run_id in totals:
                totals[run.parent_run_id] += totals[run.id]
        return totals


def _asked(root: Run) -> dict[str, Any]:
    """The request: what the root's metadata says beside what LangChain adds."""
    metadata = root.extra.get("metadata") or {}
    return {name: value for name, value in metadata.items() if not name.startswith(("ls_", "lc_", "langgraph_"))}


def _answered(root: Run) -> dict[str, Any]:
    return {name: value for name, value in (root.outputs or {}).items() if name not in WORKING}


def _said(generation: Any) -> dict[str, Any]:
    parts = {name: getattr(generation, name, None) for name in ("text", "generation_info", "message")}
    return {name: part for name, part in parts.items() if part is not None}


def _usage(response: LLMResult) -> Tokens:
    """The tokens of all generations. Costs only where the endpoint reports them, as prices change."""
    tokens = Tokens()
    for batch in response.generations:
        for generation in batch:
            usage: Any = getattr(getattr(generation, "message", None), "usage_metadata", None)
            if usage:
                found = (usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens", "total_cost"))
                tokens += Tokens(*found)
    return tokens


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
