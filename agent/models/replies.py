"""Checks what a model answered before anybody relies on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata

from recmind.agent.models.failures import FailureKind, ModelFailure, Who

ENDED_BADLY: dict[str, FailureKind] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "max_output_tokens": "truncated",
    "model_length": "truncated",
    "model_context_window_exceeded": "context_too_long",
    "content_filter": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
    "prohibited_content": "refusal",
    "blocklist": "refusal",
}
"""What providers say, in lower case, when an answer ended before it was complete."""

LETTERS_PER_TOKEN = 4

ESTIMATED = "usage_estimated"
"""True in ``response_metadata`` if the endpoint reported no usage, so that it was estimated from the text."""


def checked(message: Any, who: Who, asked: Sequence[BaseMessage], *, streamed: bool = False) -> AIMessage:
    """The message with its usage, which is estimated and flagged if the endpoint reported none.

    Args:
        message: what the model returned.
        who: the model that was called.
        asked: the messages that it was given.
        streamed: whether the answer came as a stream, which may have broken off.

    Raises:
        ModelFailure: the answer is cut off, a refusal, empty, or not a chat message.
    """
    if not isinstance(message, AIMessage):
        raise ModelFailure("bad_reply", f"{who} did not answer with a chat message. Choose another model.")
    usage = message.usage_metadata
    reason = finish_reason(message)
    refusal = message.additional_kwargs.get("refusal")
    if refusal:
        raise ModelFailure("refusal", f"{who} refused to answer: {_line(refusal)}", usage=usage)
    kind = ENDED_BADLY.get((reason or "").lower())
    if kind == "refusal":
        raise ModelFailure(kind, f"{who} withheld its answer ({reason}). Put the request in other words.", usage=usage)
    if kind == "truncated":
        told = (
            f"The answer of {who} was cut off ({reason}). Give the model more room for its answer, or choose another."
        )
        raise ModelFailure(kind, told, usage=usage)
    if kind is not None:
        raise ModelFailure(
            kind, f"The conversation is too long for {who} ({reason}). Choose another model.", usage=usage
        )
    if reason is None and streamed and message.response_metadata.get("model_provider") == "openai":
        # A part of an answer may look complete: tool arguments were repaired, and a sentence can end anywhere.
        told = f"The answer of {who} broke off: its stream ended too early. Try again, or choose another model."
        raise ModelFailure("truncated", told, usage=usage)
    if not (message.content or message.tool_calls or message.invalid_tool_calls):
        hint = " (a refusal looks like that in a stream)" if streamed else ""
        raise ModelFailure(
            "bad_reply", f"{who} gave an empty answer{hint}. Try again, or choose another model.", usage=usage
        )
    return message if usage else _with_estimate(message, asked)


def readable(arguments: Any) -> Any:
    """The arguments of a call as text: a JSON object, or text that is not JSON.

    LangChain fails on the whole answer if the arguments are any other JSON. Some servers of open models send JSON
    inside JSON.
    """
    if not isinstance(arguments, str) or arguments.lstrip()[:1] in ("", "{"):
        return arguments
    try:
        read = json.loads(arguments)
    except ValueError:
        return arguments
    return read if isinstance(read, str) and read.lstrip().startswith("{") else f"no object: {arguments}"


def finish_reason(message: AIMessage) -> str | None:
    """Why the answer ended, in the provider's word; None if the provider did not say."""
    facts = message.response_metadata
    for name in ("finish_reason", "stop_reason", "done_reason"):
        if isinstance(facts.get(name), str) and facts[name]:
            return str(facts[name])
    if facts.get("status") == "incomplete":
        return str((facts.get("incomplete_details") or {}).get("reason") or "max_output_tokens")
    status = facts.get("status")
    return str(status) if status else None


def _with_estimate(message: AIMessage, asked: Sequence[BaseMessage]) -> AIMessage:
    read, written = sum(map(estimated_tokens, asked)), estimated_tokens(message)
    usage = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
    facts = {**message.response_metadata, ESTIMATED: True}
    return message.model_copy(update={"usage_metadata": usage, "response_metadata": facts})


def estimated_tokens(message: BaseMessage) -> int:
    """The approximate number of tokens of a message, from its letters; the arguments of tool calls count."""
    letters = len(message.content if isinstance(message.content, str) else json.dumps(message.content, default=str))
    if isinstance(message, AIMessage):
        letters += sum(len(call["name"]) + len(json.dumps(call["args"], default=str)) for call in message.tool_calls)
        letters += sum(len(call["args"] or "") for call in message.invalid_tool_calls)
    return letters // LETTERS_PER_TOKEN + 1


def _line(text: object, longest: int = 160) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
