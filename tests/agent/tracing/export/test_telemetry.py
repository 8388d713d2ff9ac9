"""OpenTelemetry: a collector that the environment names receives the same runs; a missing package says what to do."""

from __future__ import annotations

import builtins
import logging
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from recmind.agent.tracing import TraceStore
from recmind.agent.tracing.export import telemetry
from recmind.agent.tracing.export.openinference import attributes_of
from tests.agent.tracing.export.test_json_lines import attributes
from tests.agent.tracing.test_recorder import run_apart


def test_a_collector_receives_the_same_runs(tmp_path: Path) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        trace_id, _ = run_apart(
            tmp_path / "traces.db", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_SERVICE_NAME="of-the-tests"
        )
        server.shutdown()
        thread.join()
    assert {path for path, _ in received} == {"/v1/traces"}
    requests = [ExportTraceServiceRequest.FromString(body) for _, body in received]
    groups = [group for request in requests for group in request.resource_spans]
    assert {attributes(group.resource)["service.name"] for group in groups} == {"of-the-tests"}
    spans = {span.span_id.hex(): span for group in groups for scope in group.scope_spans for span in scope.spans}
    with TraceStore(tmp_path / "traces.db") as store:
        tree = store.tree(trace_id)
    assert len(spans) == len(tree.runs())
    for run in tree.runs():
        span = spans[run.id.replace("-", "")[16:]]
        assert (span.name, span.trace_id.hex()) == (run.name, trace_id.replace("-", ""))
        assert set(attributes(span)) == set(attributes_of(run, tree.summary))


def test_a_missing_package_is_named_once_with_what_installs_it(monkeypatch, caplog) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError("No module named 'opentelemetry'")
        return real(name, *args, **kwargs)

    telemetry._sender.cache_clear()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(builtins, "__import__", without)
        assert telemetry.sender() is None
        assert telemetry.sender() is None
    telemetry._sender.cache_clear()
    assert [record.getMessage() for record in caplog.records] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT names a collector, but traces cannot be sent there: No module named "
        "'opentelemetry'. Run: pip install 'recmind[otel]'"
    ]


@pytest.mark.parametrize("environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}])
def test_nothing_is_sent_unasked(monkeypatch, environment) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert telemetry.sender() is None
