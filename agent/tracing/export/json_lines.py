"""Traces for other systems: a line for each run in LangSmith's form, and spans in OpenTelemetry's form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from recmind.agent.tracing.export.openinference import attributes_of
from recmind.agent.tracing.records import RunRecord, TraceTree
from recmind.agent.tracing.views.run_contents import own_words
from recmind.data.version import recmind_version

SpanLine = dict[str, Any]

OK, FAILED = 1, 2
"""Status codes of a span."""

INTERNAL = 1
"""The kind of a span that neither serves nor calls another service."""


def langsmith_lines(tree: TraceTree) -> Iterator[bytes]:
    """One JSON object for each run, parents first, with the fields of ``langsmith.schemas.Run``."""
    for run in tree.runs():
        yield orjson.dumps(langsmith_run(run), option=orjson.OPT_UTC_Z)


def langsmith_run(run: RunRecord) -> SpanLine:
    """A run in the form that LangSmith's client sends and reads."""
    first_token_s = run.extra.get("first_token_s")
    line = {
        "id": run.id,
        "trace_id": run.trace_id,
        "parent_run_id": run.parent_run_id,
        "dotted_order": run.dotted_order,
        "session_name": run.session_name,
        "name": run.name,
        "run_type": run.run_type,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "status": "error" if run.error else "success" if run.end_time else "pending",
        "error": run.error,
        "inputs": run.inputs,
        "outputs": run.outputs,
        "extra": run.extra,
        "tags": list(run.tags),
        "prompt_tokens": run.tokens.prompt,
        "completion_tokens": run.tokens.completion,
        "total_tokens": run.tokens.total,
        "total_cost": run.tokens.cost,
        "first_token_time": (
            run.start_time + timedelta(seconds=first_token_s) if isinstance(first_token_s, (int, float)) else None
        ),
    }
    return {name: value for name, value in line.items() if value is not None}


def otlp_line(tree: TraceTree) -> bytes:
    """The trace as one OTLP request in JSON, as a collector accepts it over HTTP or from a file."""
    scope = {"name": "recmind", "version": recmind_version()}
    resource = {"attributes": [_attribute("service.name", tree.root.run.session_name or "recmind")]}
    spans = [_span(run, tree) for run in tree.runs()]
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]})


def trace_number(run: RunRecord) -> str:
    """OpenTelemetry's id of the trace: 16 bytes, in hexadecimal digits."""
    return run.trace_id.replace("-", "")


def span_number(run_id: str) -> str:
    """OpenTelemetry's id of a span: the second 8 bytes of a run's id, which are random."""
    return run_id.replace("-", "")[16:]


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970."""
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _span(run: RunRecord, tree: TraceTree) -> SpanLine:
    span: SpanLine = {
        "traceId": trace_number(run),
        "spanId": span_number(run.id),
        "name": run.name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(nanoseconds(run.start_time)),
        "endTimeUnixNano": str(nanoseconds(run.end_time or run.start_time)),
        "attributes": [_attribute(name, value) for name, value in attributes_of(run, tree.summary).items()],
        "status": {"code": FAILED, "message": own_words(run.error)} if run.error else {"code": OK},
    }
    if run.parent_run_id:
        span["parentSpanId"] = span_number(run.parent_run_id)
    return span


def _attribute(name: str, value: Any) -> SpanLine:
    return {"key": name, "value": _value(value)}


def _value(value: Any) -> SpanLine:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}  # OTLP writes 64-bit numbers as text
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_value(part) for part in value]}}
    return {"stringValue": str(value)}
