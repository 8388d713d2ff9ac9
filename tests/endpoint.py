"""A chat-completions endpoint on the loopback interface that behaves as real ones do, good days and bad ones.

    with Endpoint([calls(("search_items", {"query": "cosy"})), says("Done.")]) as endpoint:
        model = ChatOpenAI(model="any", base_url=endpoint.url, api_key="k")

Each request takes the next reply of the script. A reply may also be a function of the request's JSON body, for scripts
that have to read what they were sent. The same reply is sent whole or as a stream, whichever the request asks for.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the endpoint does with one request."""

    content: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    """Name and arguments as JSON text (which may be junk)."""
    refusal: str | None = None
    finish_reason: str | None = "auto"
    """auto: stop or tool_calls; None: never sent."""
    usage: bool = True
    """False: the endpoint never reports usage, as some local servers do."""
    status: int = 200
    body: str | None = None
    """Sent as it is instead of a completion."""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    """Seconds of silence before the first byte."""
    pause_s: float = 0.0
    """Seconds between two chunks of a stream."""
    stall_after: int | None = None
    """Chunks after which a stream falls silent with the connection open."""
    cut_after: int | None = None
    """Chunks after which the connection is closed; an answer that is not streamed is cut in half."""
    end_after: int | None = None
    """Chunks after which a stream ends politely, before it said why it finished."""


def says(content: str, **details: Any) -> Reply:
    """An answer in words."""
    return Reply(content=content, **details)


def calls(*tool_calls: tuple[str, Mapping[str, Any] | str], **details: Any) -> Reply:
    """An answer that calls tools: name and arguments (or their raw JSON text) each."""
    texts = ((name, args if isinstance(args, str) else json.dumps(dict(args))) for name, args in tool_calls)
    return Reply(tool_calls=tuple(texts), **details)


def fails(
    status: int, message: str, *, code: str | None = None, kind: str = "invalid_request_error", **details: Any
) -> Reply:
    """An error in the shape that OpenAI and its look-alikes send."""
    error = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Reply(status=status, body=json.dumps(error), **details)


def bad_key() -> Reply:
    """401."""
    return fails(401, "Incorrect API key provided: sk-wrong-key-0123456789abcdef.", code="invalid_api_key")


def rate_limited(retry_after_s: float | None = None) -> Reply:
    """429, with or without Retry-After."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return fails(429, "Rate limit reached for requests", code="rate_limit_exceeded", headers=headers)


def quota_used_up() -> Reply:
    """429 that no waiting will cure."""
    return fails(429, "You exceeded your current quota.", code="insufficient_quota", headers={"Retry-After": "0"})


def server_error(status: int = 500) -> Reply:
    """500 and its neighbors."""
    return fails(status, "The server had an error while processing your request.", kind="server_error")


def context_too_long() -> Reply:
    """400 for a conversation that does not fit."""
    text = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
    return fails(400, text, code="context_length_exceeded")


def no_such_model(name: str = "any") -> Reply:
    """404."""
    return fails(404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found")


def html(status: int = 200) -> Reply:
    """A web page, as a captive portal, a proxy or a wrong base URL gives."""
    return Reply(status=status, body="<!doctype html><html><body>Welcome</body></html>", content_type="text/html")


def refuses(text: str = "I can't help with that.") -> Reply:
    """A refusal in the field that OpenAI has for it."""
    return Reply(refusal=text)


Scripted = Reply | Callable[[Json], Reply]


class Endpoint:
    """The running server; a context manager. ``requests`` holds the JSON bodies received, in order."""

    def __init__(
        self,
        script: Iterable[Scripted] = (),
        *,
        always: Scripted | None = None,
        key: str | None = None,
        models: Iterable[str] = ("any",),
    ) -> None:
        self.script: list[Scripted] = list(script)
        self.always = always
        """What requests get once the script is over, or None where none may come."""
        self.busy_s = 0.0
        """Seconds from a request's arrival to having sent its reply, over all requests."""
        self.key = key
        """The only key it accepts, or None for any or none."""
        self.models = tuple(models)
        self.requests: list[Json] = []
        self.paths: list[str] = []
        self.connections: list[Any] = []
        """The address of the client, for each connection that was opened."""
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Base URL, with /v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def enqueue(self, *replies: Scripted) -> None:
        """Adds replies to the end of the script."""
        with self._lock:
            self.script.extend(replies)

    def next_reply(self, body: Json) -> Reply:
        """The reply to this request: a protocol error, or the next of the script."""
        with self._lock:
            self.requests.append(body)
            problem = _protocol_problem(body)
            if problem:
                return fails(400, problem)
            if self.script:
                scripted = self.script.pop(0)
            elif self.always is not None:
                scripted = self.always
            else:
                return fails(400, f"the script is over, but request {len(self.requests)} came")
        return scripted if isinstance(scripted, Reply) else scripted(body)

    def __enter__(self) -> Endpoint:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False
    disable_nagle_algorithm = True
    endpoint: Endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in the middle of a reply here all the time; that is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.endpoint.connections.append(self.client_address)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        endpoint = self.server.endpoint
        endpoint.paths.append(self.path)
        if self.path != "/v1/models":
            self._send(fails(404, f"no route {self.path}"))
            return
        data = [{"id": name, "object": "model", "owned_by": "tests"} for name in endpoint.models]
        self._send(Reply(body=json.dumps({"object": "list", "data": data})))

    def do_POST(self) -> None:
        endpoint, begun = self.server.endpoint, time.perf_counter()
        body: Json = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        endpoint.paths.append(self.path)
        if self.path != "/v1/chat/completions":
            self._send(fails(404, f"no route {self.path}"))
            return
        if endpoint.key is not None and self.headers.get("Authorization") != f"Bearer {endpoint.key}":
            endpoint.requests.append(body)
            self._send(bad_key())
            return
        self._answer(endpoint.next_reply(body), body)
        endpoint.busy_s += time.perf_counter() - begun

    def _answer(self, reply: Reply, body: Json) -> None:
        endpoint = self.server.endpoint
        if reply.wait_s and endpoint.closing.wait(reply.wait_s):
            self.close_connection = True
        elif reply.body is not None:
            self._send(reply)
        elif body.get("stream"):
            self._stream(reply, body)
        else:
            self._send(reply, _completion(reply, body))

    def _send(self, reply: Reply, completion: Json | None = None) -> None:
        payload = (json.dumps(completion) if completion is not None else reply.body or "").encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut_after is not None or reply.stall_after is not None:
            self.wfile.write(payload[: len(payload) // 2])
            self.close_connection = True
            if reply.stall_after is not None:
                self.server.endpoint.closing.wait()
            return
        self.wfile.write(payload)

    def _stream(self, reply: Reply, body: Json) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(_events(reply, body)):
            if number == reply.stall_after:
                self.server.endpoint.closing.wait()
            if number in {reply.stall_after, reply.cut_after}:
                self.close_connection = True
                return
            if number == reply.end_after:
                break
            self._chunk(f"data: {json.dumps(event)}\n\n")
            if reply.pause_s:
                time.sleep(reply.pause_s)
        self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _completion(reply: Reply, body: Json) -> Json:
    message: Json = {"role": "assistant", "content": reply.content or None, "refusal": reply.refusal}
    if reply.tool_calls:
        message["tool_calls"] = [_tool_call(n, name, args) for n, (name, args) in enumerate(reply.tool_calls)]
    answer = _frame("chat.completion", body)
    answer["choices"] = [{"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}]
    if reply.usage:
        answer["usage"] = _usage(reply, body)
    return answer


def _events(reply: Reply, body: Json) -> Iterator[Json]:
    """The chunks of a stream: the role, content or arguments in small pieces, why it finished, the usage."""

    def event(delta: Json, finish_reason: str | None = None) -> Json:
        return _frame("chat.completion.chunk", body) | {
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]
        }

    yield event({"role": "assistant", "content": "", "refusal": None})
    for piece in _pieces(reply.content):
        yield event({"content": piece})
    for piece in _pieces(reply.refusal or ""):
        yield event({"refusal": piece})
    for number, (name, args) in enumerate(reply.tool_calls):
        yield event({"tool_calls": [{"index": number, **_tool_call(number, name, "")}]})
        for piece in _pieces(args):
            yield event({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    if reply.finish_reason is not None:
        yield event({}, _finish(reply))
    if reply.usage and body.get("stream_options", {}).get("include_usage"):
        yield _frame("chat.completion.chunk", body) | {"choices": [], "usage": _usage(reply, body)}


def _frame(kind: str, body: Json) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body.get("model", "any")}


def _tool_call(number: int, name: str, args: str) -> Json:
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": args}}


def _finish(reply: Reply) -> str | None:
    if reply.finish_reason == "auto":
        return "tool_calls" if reply.tool_calls else "stop"
    return reply.finish_reason


def _usage(reply: Reply, body: Json) -> Json:
    """Tokens as four characters each: enough to tell one conversation from a longer one."""
    prompt = len(json.dumps(body.get("messages", []))) // 4
    completion = 1 + (len(reply.content) + sum(len(args) for _, args in reply.tool_calls)) // 4
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _pieces(text: str, size: int = 8) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _protocol_problem(body: Json) -> str | None:
    """What a strict server rejects: a tool call left without its answer, an answer without its call, junk arguments."""
    open_calls: list[str] = []
    for message in body.get("messages", []):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            return f"tool_call_ids did not have response messages: {', '.join(open_calls)}"
        open_calls = [call["id"] for call in message.get("tool_calls") or []]
    return f"tool_call_ids did not have response messages: {', '.join(open_calls)}" if open_calls else None
