"""Sends finished traces to an OpenTelemetry collector, if the usual environment variables name one."""

from __future__ import annotations

import atexit
import json
import logging
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from recmind.agent.tracing.export.json_lines import nanoseconds, span_number, trace_number
from recmind.agent.tracing.export.openinference import attributes_of
from recmind.agent.tracing.records import TraceTree
from recmind.agent.tracing.store.decoding import nested, run_of, summary_of
from recmind.agent.tracing.store.packing import unpack
from recmind.agent.tracing.views.run_contents import own_words
from recmind.data.version import recmind_version

if TYPE_CHECKING:
    from recmind.agent.tracing.store.rows import TraceRows

log = logging.getLogger(__name__)

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""One of them names the collector. The exporter itself reads them, and others for headers and time limits."""

Send = Callable[[TraceTree], None]


def tell(rows: TraceRows) -> None:
    """Sends a trace that is being written, if a collector is named. Never raises."""
    try:
        if send := sender():
            payloads = {digest.hex(): json.loads(unpack(body)) for digest, body in rows.payloads.items()}
            runs = [run_of(rows.trace["trace_id"], row, payloads) for row in rows.runs]
            # A new trace has no judgements yet.
            send(TraceTree(summary_of({**rows.trace, "score": None, "comment": None}), nested(runs)))
    except Exception:
        log.warning("trace %s was not sent", rows.trace["trace_id"], exc_info=True)


def sender() -> Send | None:
    """The function that exports a trace in the background, or None without a collector or an installed exporter."""
    if not any(os.environ.get(name) for name in VARIABLES) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    return _sender()


@cache
def _sender() -> Send | None:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
        from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags  # noqa: PLC0415
    except ImportError as error:
        log.warning(
            "%s names a collector, but traces cannot be sent there: %s. Run: pip install 'recmind[otel]'",
            next(name for name in VARIABLES if os.environ.get(name)),
            error,
        )
        return None
    processor = BatchSpanProcessor(OTLPSpanExporter())
    atexit.register(processor.shutdown)
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "recmind")})
    scope = InstrumentationScope("recmind", recmind_version())
    flags = TraceFlags(TraceFlags.SAMPLED)

    def send(tree: TraceTree) -> None:
        number = int(trace_number(tree.root.run), 16)
        for run in tree.runs():
            context, parent = (
                SpanContext(number, int(span_number(run_id), 16), is_remote=False, trace_flags=flags)
                if run_id
                else None
                for run_id in (run.id, run.parent_run_id)
            )
            span = ReadableSpan(
                name=run.name,
                context=context,
                parent=parent,
                resource=resource,
                attributes=attributes_of(run, tree.summary),
                status=Status(StatusCode.ERROR, own_words(run.error)) if run.error else Status(StatusCode.OK),
                start_time=nanoseconds(run.start_time),
                end_time=nanoseconds(run.end_time or run.start_time),
                instrumentation_scope=scope,
            )
            processor.on_end(span)

    return send
