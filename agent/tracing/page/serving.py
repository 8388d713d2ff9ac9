"""Serves the page on the loopback interface, where it loads each trace when it is opened."""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from typing_extensions import override

from recmind.agent.tracing.page.document import document
from recmind.agent.tracing.page.packed import line, lines
from recmind.agent.tracing.page.views import details, row
from recmind.agent.tracing.store.schema import TraceError, UnknownTrace
from recmind.agent.tracing.store.trace_store import TraceStore

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
"""Only this machine can connect."""

LISTED = 10_000
"""The list holds at most this many requests, the newest."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers in addition to the page's own policy: no other site may embed it or read from it."""


class PageServer(ThreadingHTTPServer):
    """Serves the page and its traces until it is shut down. Port 0 chooses a free port."""

    daemon_threads = True

    def __init__(self, traces: TraceStore, port: int = 0) -> None:
        super().__init__((ADDRESS, port), _Handler)
        self.traces = traces

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def answers_to(self, host: str) -> bool:
        """Whether a request names this server: another site whose name leads here must not read traces."""
        return host in {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    @override
    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)

    def do_GET(self) -> None:
        """Sends the page, the list, or one trace."""
        if not self.server.answers_to(self.headers.get("Host", "")):
            self._say(HTTPStatus.MISDIRECTED_REQUEST, f"Traces are read at {self.server.url} and by no other name.")
            return
        try:
            asked = urlsplit(self.path)
            self._answer(asked.path, dict(parse_qsl(asked.query)))
        except UnknownTrace as error:
            self._say(HTTPStatus.NOT_FOUND, str(error))
        except TraceError as error:
            self._say(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def do_HEAD(self) -> None:
        """Sends only the headers of what GET would send."""
        self.do_GET()

    def _answer(self, path: str, options: Mapping[str, str]) -> None:
        traces = self.server.traces
        if path == "/":
            page = "".join(document("server", (), time.time()))
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())
        elif path == "/api/traces":
            self._send_lines(line([row(summary) for summary in traces.list(LISTED)]))
        elif path == "/api/search":
            self._send_lines(line([self._found(options.get("q", ""), options.get("before", ""))]))
        elif path.startswith("/api/traces/"):
            tree = traces.tree(unquote(path.removeprefix("/api/traces/")))
            self._send_lines(lines(details(tree, traces.judgements(tree.summary.trace_id))))
        else:
            self._say(HTTPStatus.NOT_FOUND, f"There is nothing at {path}.")

    def _found(self, words: str, before: str) -> dict[str, Any]:
        """The ids of the requests that contain all of these words, and the rows of those that are too old for the list.

        The list begins at ``before``: milliseconds since 1970, or empty if it has all requests.
        """
        found = self.server.traces.list(LISTED, text=words) if words.strip() else []
        rows = [row(summary) for summary in found] if before.isdigit() else []
        return {
            "ids": [summary.trace_id for summary in found],
            "older": [one for one in rows if one["at"] < int(before)],
        }

    def _send_lines(self, data: bytes) -> None:
        self._send(HTTPStatus.OK, "application/jsonl; charset=utf-8", data)

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._send(status, "text/plain; charset=utf-8", text.encode())

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
