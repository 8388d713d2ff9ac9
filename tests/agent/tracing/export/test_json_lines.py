"""Exports: taken by LangSmith's own models and client, and by OpenTelemetry's own messages."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from langsmith import schemas
from openinference.semconv import trace as semconv
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from recmind.agent.tracing.export.json_lines import langsmith_lines, otlp_line
from recmind.agent.tracing.records import TraceNode, TraceTree
from tests.agent.tracing.page.made import BEGAN, HOSTILE, tree


def test_each_line_is_a_run_of_langsmiths() -> None:
    made = tree(1, HOSTILE, turns=2)
    lines = [orjson.loads(line) for line in langsmith_lines(made)]
    read = [schemas.Run(**line, session_id=line["id"]) for line in lines]
    assert [(str(run.id), run.name, run.run_type, run.parent_run_id and str(run.parent_run_id)) for run in read] == [
        (run.id, run.name, run.run_type, run.parent_run_id) for run in made.runs()
    ]
    model, kept = read[2], made.runs()[2]
    assert (model.inputs, model.outputs, model.extra) == (kept.inputs, kept.outputs, kept.extra)
    assert (model.start_time, model.end_time) == (kept.start_time, kept.end_time)
    assert (model.prompt_tokens, model.total_cost) == (200, Decimal("0.001"))
    assert model.first_token_time == BEGAN + timedelta(milliseconds=5)
    assert all(schemas.RunBase(**line).name == line["name"] for line in lines)
    for line in lines:
        assert set(line) <= set(schemas.Run.model_fields) | {"session_name"}


def test_a_line_of_otlp_is_a_request_of_opentelemetrys() -> None:
    made = tree(1, HOSTILE)
    request = read_otlp(otlp_line(made))
    (spans,) = (list(scope.spans) for scope in request.resource_spans[0].scope_spans)
    assert [span.name for span in spans] == ["recommend", "reason", "ChatModel", "act", "search_items", "validate"]
    by_id = {span.span_id: span.name for span in spans}
    assert [by_id.get(span.parent_span_id) for span in spans] == [
        None,
        "recommend",
        "reason",
        "recommend",
        "act",
        "recommend",
    ]
    assert {span.trace_id.hex() for span in spans} == {made.summary.trace_id.replace("-", "")}
    model = spans[2]
    assert (model.end_time_unix_nano - model.start_time_unix_nano, model.status.code) == (18_000_000, 1)
    kinds = [attributes(span)["openinference.span.kind"] for span in spans]
    assert kinds == ["AGENT", "CHAIN", "LLM", "CHAIN", "TOOL", "CHAIN"]
    told = attributes(model)
    assert {
        name: told[name] for name in told if name.startswith(("llm.input", "llm.output", "llm.token", "llm.cost"))
    } == {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "You recommend items.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": f"Request: {HOSTILE}",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_0",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search_items",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": orjson.dumps(
            {"query": HOSTILE}
        ).decode(),
        "llm.token_count.prompt": 200,
        "llm.token_count.completion": 10,
        "llm.token_count.total": 210,
        "llm.cost.total": 0.001,
    }
    assert attributes(spans[0])["input.value"] == HOSTILE
    assert attributes(spans[0])["user.id"] == "ada"
    assert (attributes(spans[4])["tool.name"], attributes(spans[4])["tool.parameters"]) == (
        "search_items",
        orjson.dumps({"query": HOSTILE}).decode(),
    )


def test_every_attribute_is_one_of_openinferences() -> None:
    known = {
        value
        for holder in vars(semconv).values()
        if isinstance(holder, type)
        for name, value in vars(holder).items()
        if name.isupper() and isinstance(value, str)
    }
    request = read_otlp(otlp_line(tree(1, turns=2)))
    for span in request.resource_spans[0].scope_spans[0].spans:
        for name in attributes(span):
            parts = [part for part in name.split(".") if not part.isdigit()]
            assert is_made_of(".".join(parts), known), name


@pytest.mark.parametrize("error", ["ValueError: no\n\nTraceback (most recent call last)\n  File x"])
def test_a_failure_is_told(error) -> None:
    made = tree(1, status="error", error="ValueError: no")
    failed = TraceTree(made.summary, TraceNode(replace(made.root.run, error=error, end_time=None)))
    span = read_otlp(otlp_line(failed)).resource_spans[0].scope_spans[0].spans[0]
    assert (span.status.code, span.status.message) == (2, "ValueError: no")
    assert span.end_time_unix_nano == span.start_time_unix_nano
    (line,) = langsmith_lines(failed)
    read = schemas.Run(**orjson.loads(line), session_id=failed.summary.trace_id)
    assert (read.status, read.error, read.end_time) == ("error", error, None)


def read_otlp(line: bytes) -> Any:
    """The message that a collector reads: its JSON has ids in hexadecimal digits where Protobuf's has base64."""
    request = orjson.loads(line)
    for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return json_format.ParseDict(request, ExportTraceServiceRequest())


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def is_made_of(name: str, known: set[str]) -> bool:
    """Whether a name is one of these, or several of them one after the other."""
    return name in known or any(name.startswith(f"{one}.") and is_made_of(name[len(one) + 1 :], known) for one in known)
