"""The loopback server: who it answers, and with what."""

from __future__ import annotations

import gzip
import http.client
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from recmind.agent.tracing.page import PageServer
from recmind.agent.tracing.page.views import row
from tests.agent.tracing.page.made import MadeStore, tree
from tests.agent.tracing.page.test_views import read_lines, seen

MADE = tree(1)


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(MadeStore(MADE)) as running:  # type: ignore[arg-type]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server: PageServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_the_page_and_its_traces(server) -> None:
    status, headers, page = ask(server, "/")
    assert (status, headers["Content-Type"], page[:15]) == (200, "text/html; charset=utf-8", b"<!DOCTYPE html>")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert read_lines(ask(server, "/api/traces")[2]) == [row(MADE.summary)]
    one = ask(server, f"/api/traces/{MADE.summary.trace_id}")[2]
    assert read_lines(one) == seen(MADE)
    status, headers, data = ask(server, "/api/traces", **{"Accept-Encoding": "gzip"})
    assert (headers["Content-Encoding"], read_lines(gzip.decompress(data))) == ("gzip", [row(MADE.summary)])


def test_all_runs_are_searched(server) -> None:
    def search(words: str, before: str = "") -> dict[str, list]:
        (found,) = read_lines(ask(server, f"/api/search?{urlencode({'q': words, 'before': before})}")[2])
        return found

    one = MADE.summary.trace_id
    at = int(MADE.summary.start_time.timestamp() * 1000)
    assert search("Film 1 fact") == {"ids": [one], "older": []}
    assert search("film western", str(at + 1)) == {"ids": [one], "older": [row(MADE.summary)]}
    assert search("film western", str(at)) == search("film western", "soon") == {"ids": [one], "older": []}
    assert search("musical") == search("  ") == {"ids": [], "older": []}


def test_it_listens_on_the_loopback_interface_alone(server) -> None:
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""]
)
def test_other_names_are_not_answered(server, host) -> None:
    status, _, text = ask(server, "/api/traces", Host=host.format(port=server.server_port))
    assert status == 421
    assert text.decode() == f"Traces are read at {server.url} and by no other name."


def test_localhost_is_a_name_of_it(server) -> None:
    assert ask(server, "/api/traces", Host=f"localhost:{server.server_port}")[0] == 200


def test_what_is_not_there_is_not_found(server) -> None:
    assert ask(server, "/api/traces/nothing")[::2] == (404, b"There is no trace 'nothing'.")
    assert ask(server, "/etc/passwd")[::2] == (404, b"There is nothing at /etc/passwd.")
    assert ask(server, "/", "POST")[0] == 501
    status, headers, body = ask(server, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 10_000
