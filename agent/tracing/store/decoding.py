"""Turns database rows back into records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from recmind.agent.tracing.records import RunRecord, Tokens, TraceNode, TraceSummary
from recmind.agent.tracing.store.packing import unpack
from recmind.agent.tracing.store.schema import TraceError

Row = Mapping[str, Any]

TRACE_COLUMNS = (
    "trace_id, start_time, latency_ms, query, user_id, model, source, status, error, runs, prompt_tokens, "
    "completion_tokens, total_tokens, total_cost, model_calls, cached_calls, tool_calls, failed_tools"
)
_SCORE = "(SELECT avg(score) FROM judgements j WHERE j.number = traces.number)"
_COMMENT = (
    "(SELECT comment FROM judgements j WHERE j.number = traces.number AND comment != '' ORDER BY at DESC LIMIT 1)"
)
SUMMARY = f"{TRACE_COLUMNS}, {_SCORE} AS score, {_COMMENT} AS comment"
"""The columns of a trace, and what people said of it."""
RUN_COLUMNS = (
    "number, id, parent_run_id, dotted_order, name, run_type, start_time, end_time, inputs, outputs, error, extra, "
    "shared, tags, session_name, prompt_tokens, completion_tokens, total_tokens, total_cost"
)


def summary_of(row: Row) -> TraceSummary:
    """The summary in a row with the columns of ``SUMMARY``."""
    kept = {
        name: row[name]
        for name in (
            *("trace_id", "latency_ms", "query", "user_id", "model", "source", "status", "error", "runs"),
            *("model_calls", "cached_calls", "tool_calls", "failed_tools", "score", "comment"),
        )
    }
    return TraceSummary(**kept, start_time=datetime.fromisoformat(row["start_time"]), tokens=_tokens(row))


def run_of(trace_id: str, row: Row, payloads: Mapping[str, Any]) -> RunRecord:
    """The run in a row with ``RUN_COLUMNS``.

    Args:
        trace_id: the id of its trace.
        row: the run's row.
        payloads: the payloads of its trace, by hash.
    """
    kept = {name: row[name] for name in ("id", "parent_run_id", "dotted_order", "name", "run_type", "error")}
    columns = {name: json.loads(unpack(row[name])) for name in ("inputs", "outputs", "extra")}
    for column, parts in json.loads(row["shared"] or "{}").items():
        for place, hashes in parts.items():
            *path, name = place.split(".")
            within = columns[column]
            for step in path:
                within = within[step]
            within[name] = _resolved(hashes, payloads)
    return RunRecord(
        **kept,
        **columns,
        trace_id=trace_id,
        start_time=datetime.fromisoformat(row["start_time"]),
        end_time=datetime.fromisoformat(row["end_time"]) if row["end_time"] else None,
        tags=tuple(json.loads(row["tags"])),
        session_name=row["session_name"],
        tokens=_tokens(row),
    )


def nested(runs: Sequence[RunRecord]) -> TraceNode:
    """The tree of runs. A run whose parent is missing becomes a child of the root.

    Args:
        runs: the runs, parents first.

    Raises:
        TraceError: there are no runs.
    """
    if not runs:
        raise TraceError("The trace has no runs.")
    root = runs[0].id
    known = {run.id for run in runs}
    below: dict[str, list[RunRecord]] = {}
    for run in runs[1:]:
        below.setdefault(run.parent_run_id if run.parent_run_id in known else root, []).append(run)

    def node(run: RunRecord) -> TraceNode:
        return TraceNode(run, tuple(node(child) for child in below.get(run.id, ())))

    return node(runs[0])


def _resolved(hashes: Any, payloads: Mapping[str, Any]) -> Any:
    """The payload of a hash, or the payloads of lists of hashes."""
    return payloads[hashes] if isinstance(hashes, str) else [_resolved(part, payloads) for part in hashes]


def _tokens(row: Row) -> Tokens:
    return Tokens(row["prompt_tokens"], row["completion_tokens"], row["total_tokens"], row["total_cost"])
