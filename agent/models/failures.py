"""The failures of chat models, each as one line that names the model, the endpoint and the next step."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from langchain_core.messages.ai import UsageMetadata

from recmind.agent.tracing.store.redaction import redacted, secrets_in
from recmind.data.errors import RecMindError

FailureKind = Literal[
    "no_key",
    "bad_key",
    "no_server",
    "no_model",
    "timeout",
    "rate_limit",
    "context_too_long",
    "rejected",
    "refusal",
    "truncated",
    "bad_reply",
    "server_error",
]
"""no_model: the server does not know the model's name; rejected: it did not accept the request for another reason."""

OPENAI_KEY = "OPENAI_API_KEY"

SIGNS: tuple[tuple[FailureKind, tuple[type[BaseException], ...], Collection[int]], ...] = (
    ("no_server", (), (407,)),  # a proxy asks for a login
    ("bad_key", (ModelAuthenticationError, ModelPermissionDeniedError), (401, 403)),
    ("no_model", (ModelNotFoundError,), (404,)),
    ("rate_limit", (ModelRateLimitError,), (429,)),
    ("timeout", (ModelTimeoutError, TimeoutError), (408,)),
    ("rejected", (ModelInvalidRequestError,), range(400, 500)),
    ("server_error", (ModelAPIError,), range(500, 600)),
    ("no_server", (ModelConnectionError, ConnectionError), ()),
)
"""The first match counts: exception names of provider packages, or the HTTP status of other exceptions."""

TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|context window|prompt is too long|context size|too many tokens"
    r"|ContextWindowExceeded|input is too long",
    re.IGNORECASE,
)
"""Words that say that a conversation is too long; most servers send them with a plain 400."""
TOO_LONG_STATUSES = (400, 413)

HUNG_UP = {"RemoteProtocolError", "ReadError", "WriteError", "ConnectionResetError", "BrokenPipeError"}
"""Exceptions that mean that a server closed the connection, by name: every HTTP library has its own classes."""

TOLD: dict[FailureKind, str] = {
    "no_key": "{who} needs a key{code}, and {key} is not set. Set it{elsewhere}.",
    "bad_key": "{who} did not accept the key in {key}{code}. Check the key and what it is allowed.",
    "no_server": "{name}: no server {at}{detail}. Start it, or check the address and the network.",
    "no_model": "{who} does not exist there{code}{detail}. Check the name{url}.",
    "timeout": "{who} did not answer{after}. Raise limits.seconds in recmind.toml, or choose a faster model.",
    "rate_limit": "{who} turned the request away{code}: too many requests. Try again {wait}.",
    "context_too_long": "The conversation is too long for {who}{detail}. Choose a model with a longer context.",
    "rejected": "{who} did not accept the request{code}{detail}. Choose a model that can call tools.",
    "refusal": "{who} refused to answer{detail}. Put the request in other words, or choose another model.",
    "truncated": "The answer of {who} broke off{detail}. Try again, or choose another model.",
    "server_error": "The server of {who} failed{code}{detail}. Try again later.",
    "bad_reply": "{who} gave no usable answer{detail}. Check the model{url}.",
}
QUOTA_USED_UP = "{who} turned the request away{code}: the quota is used up. Check the account's plan and billing."

LONGEST_DETAIL = 160
"""Characters of a server's own message that are passed on."""


class ModelFailure(RecMindError):  # noqa: N818  reads as the event that it is: "except ModelFailure"
    """A model could not be called, or its answer cannot be used."""

    def __init__(self, kind: FailureKind, message: str, *, usage: UsageMetadata | None = None) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.usage = usage
        """What the unusable answer cost; None if that is not known."""


@dataclass(frozen=True, slots=True)
class Who:
    """The model that was called, as messages to people name it."""

    name: str
    """``openai:gpt-4o-mini``, or the class of a model object."""
    endpoint: str = ""
    """The base URL; empty if it is the provider's own."""
    keyless: bool = False
    """Whether the call was made without a key."""

    def __str__(self) -> str:
        return f"{self.name} at {self.endpoint}" if self.endpoint else self.name

    @property
    def key_variable(self) -> str:
        """The environment variable that usually holds its key."""
        provider = self.name.partition(":")[0] if ":" in self.name else ""
        return f"{re.sub(r'[^A-Za-z0-9]', '_', provider).upper()}_API_KEY" if provider else OPENAI_KEY


def failure_of(error: BaseException, who: Who, *, begun: bool = False, seconds: float | None = None) -> ModelFailure:
    """The ``ModelFailure`` for an exception of a model's client.

    Args:
        error: the exception.
        who: the model that was called.
        begun: whether part of the answer had already arrived.
        seconds: how long the call took; None if that is not known.
    """
    if isinstance(error, ModelFailure):
        return error
    return ModelFailure(_kind(error, who, begun), _told(_kind(error, who, begun), who, error, seconds))


def _kind(error: BaseException, who: Who, begun: bool) -> FailureKind:
    status, text = _status(error), _all_words(error)
    if isinstance(error, ContextOverflowError) or (status in TOO_LONG_STATUSES and TOO_LONG.search(text)):
        return "context_too_long"
    fits = (kind for kind, classes, statuses in SIGNS if isinstance(error, classes) or status in statuses)
    kind: FailureKind = next(fits, "bad_reply")
    if kind == "bad_key" and who.keyless:
        return "no_key"
    if kind == "no_server" and (begun or "complete message body" in text):
        return "truncated"
    if kind == "no_server" and {type(cause).__name__ for cause in _chain(error)} & HUNG_UP:
        return "server_error"
    return kind


def no_key(who: Who) -> ModelFailure:
    """The failure of a model whose key is not set."""
    return ModelFailure("no_key", _told("no_key", who))


def late(who: Who, seconds: float) -> ModelFailure:
    """The failure of a model that did not answer in time.

    Args:
        who: the model that was called.
        seconds: how long it had.
    """
    return ModelFailure("timeout", _told("timeout", who, seconds=seconds))


def _told(kind: FailureKind, who: Who, error: BaseException | None = None, seconds: float | None = None) -> str:
    status, wait = _status(error), _retry_after(error)
    key = who.key_variable
    spent = kind == "rate_limit" and "quota" in _all_words(error).lower()
    return (QUOTA_USED_UP if spent else TOLD[kind]).format(
        who=who,
        name=who.name,
        code=f" ({status})" if status else "",
        detail=_detail(error),
        key=key,
        elsewhere=", or OPENAI_BASE_URL to a server that needs none" if key == OPENAI_KEY and not who.endpoint else "",
        at=f"answers at {who.endpoint}" if who.endpoint else "of it can be reached",
        url=" and that OPENAI_BASE_URL is right (it usually ends in /v1)" if who.endpoint else "",
        after=f" within {seconds:.1f} s" if seconds is not None else " in time",
        wait=f"in {wait:g} s" if wait else "later",
    )


def _detail(error: BaseException | None) -> str:
    """The server's or client's own message as a short parenthesis: one line, without keys or web pages."""
    if error is None:
        return ""
    told = _own_words(error)
    line = " ".join(told.split())
    if not line or "<html" in line.lower() or "<!doctype" in line.lower():
        return " (a web page)" if line else ""
    line = redacted(line, secrets_in())
    return f" ({line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + '…'})".replace(".)", ")")


def _own_words(error: BaseException) -> str:
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(message, str):
            return message
    if isinstance(error, ModelConnectionError):
        deepest = list(_chain(error))[-1]
        return str(deepest) or type(deepest).__name__
    return str(error) or type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and its causes, at most ten levels deep."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _all_words(error: BaseException | None) -> str:
    """The text of the exception and its causes, error codes included."""
    parts = ((str(cause), getattr(cause, "code", ""), getattr(cause, "body", "")) for cause in _chain(error))
    return " ".join(str(part) for cause in parts for part in cause if part)


def _status(error: BaseException | None) -> int | None:
    for cause in _chain(error):
        status = getattr(cause, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _retry_after(error: BaseException | None) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return float(headers.get("retry-after"))
    except (TypeError, ValueError):
        return None
