"""What `recmind trace export` writes, sent on by LangSmith's own client and taken down by a server on the loopback."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import langsmith
import orjson
import pytest
from requests_toolbelt import MultipartDecoder

from recmind import RecMind
from tests.agent.scripted import ScriptedModel, calls

Received = list[tuple[str, str, bytes]]
"""Path, type and body of each request."""


class _Recorder(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], body))
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    received: Received


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Recorder) as running:
        running.received = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(lines, server, monkeypatch) -> langsmith.Client:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")
    return langsmith.Client(
        f"http://127.0.0.1:{server.server_port}",
        api_key="lsv2_of_the_tests_0123456789",
        auto_batch_tracing=False,
        info={"version": "1", "batch_ingest_config": {"use_multipart_endpoint": True, "size_limit_bytes": 20_000_000}},
    )


@pytest.fixture
def lines(recmind, home, tmp_path) -> list[dict[str, Any]]:
    """The runs of a request whose look-up failed once, of a question to the person, and of a fallback."""
    pick = {"item": "c1", "cites": ["e1"], "reason": "Has {e1}."}
    turns = [
        calls(("filter_items", {"where": ["color=red"]}), ("filter_items", {"where": ["genres=Comedy"], "n": 5})),
        calls(("submit_recommendations", {"recommendations": [pick]})),
    ]
    with RecMind.open(home) as rec:
        rec.recommend("a comedy", user_id="bob", k=1, model=ScriptedModel(turns=turns))
        assert rec.recommend("", mode="conversational").question
        rec.recommend("a drama", k=1, model=ScriptedModel(turns=[ValueError("odd reply")]))
    path = tmp_path / "runs.jsonl"
    assert recmind("trace", "export", "--out", path, "--home", home).code == 0
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def together(received: Received) -> dict[str, dict[str, Any]]:
    """The runs that arrived, by id, from the parts in which the client sends them."""
    runs: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, kind, body in received:
        assert path == "/runs/multipart"
        for part in MultipartDecoder(body, kind).parts:
            name = part.headers[b"Content-Disposition"].decode().partition('name="')[2].rstrip('"')
            verb, run_id, *field = name.split(".")
            assert verb == "post"
            value = orjson.loads(part.content)
            runs[run_id] |= {field[0]: value} if field else value
    return runs


def lost(runs: dict[str, dict[str, Any]], lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Names of runs and of their fields that did not arrive as written; the client adds itself to ``extra``."""
    found = []
    for line in lines:
        run = runs[line["id"]]
        for name, written in line.items():
            arrived = run.get(name)
            if name == "extra":
                arrived = {part: value for part, value in arrived.items() if part != "runtime"}
                arrived["metadata"] = {part: arrived["metadata"].get(part) for part in written["metadata"]}
            if arrived != written:
                found.append((line["name"], name))
    return found


def test_the_client_sends_every_line_in_parts(client, server, lines) -> None:
    client.multipart_ingest(create=deepcopy(lines))
    runs = together(server.received)
    assert len(runs) == len(lines)
    assert lost(runs, lines) == []


def test_the_client_sends_every_line_in_batches(client, server, lines) -> None:
    client.batch_ingest_runs(create=deepcopy(lines))
    runs = {run["id"]: run for _, _, body in server.received for run in orjson.loads(body)["post"]}
    assert {path for path, _, _ in server.received} == {"/runs/batch"}
    assert lost(runs, lines) == []


def test_the_client_creates_every_line_as_a_run(client, server, lines) -> None:
    for line in lines:
        client.create_run(**{**deepcopy(line), "project_name": line["session_name"]})
    runs = {run["id"]: run for _, _, body in server.received for run in [orjson.loads(body)]}
    assert {path for path, _, _ in server.received} == {"/runs"}
    assert lost(runs, lines) == []


def test_errors_are_those_that_were_none_else(lines) -> None:
    failed = [line["name"] for line in lines if line["status"] == "error"]
    assert failed == ["ScriptedModel", "filter_items"]
    assert {line["run_type"] for line in lines} == {"chain", "llm", "tool"}
    models = [line["extra"]["metadata"] for line in lines if line["run_type"] == "llm"]
    assert all(metadata["ls_model_type"] == "chat" for metadata in models)
