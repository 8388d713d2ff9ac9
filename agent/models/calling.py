"""Calls a chat model within a deadline and hands back a message that can be relied on, or a ``ModelFailure``."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import contextvars
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    message_chunk_to_message,
)
from langchain_core.runnables import Runnable, RunnableConfig

from recmind.agent.models.factory import innermost, who_is
from recmind.agent.models.failures import ModelFailure, Who, failure_of, late
from recmind.agent.models.replies import checked, readable

__all__ = ["ModelFailure", "acall_model", "call_model"]

ChatModel = Runnable[LanguageModelInput, AIMessage]

LAST_WORDS_S = 0.2
"""How long a cancelled asynchronous call may take to close its connection."""


def call_model(
    model: ChatModel,
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
    deadline: float | None = None,
    *,
    name: str | None = None,
    stream: bool = False,
) -> AIMessage:
    """The model's answer to these messages.

    Args:
        model: a chat model, or one with tools bound to it.
        messages: the conversation so far.
        config: callbacks, tags and metadata; the run nests under the one the config belongs to.
        deadline: when to give up, on the clock of ``time.monotonic()``; None waits as long as the model's client does.
        name: how to call the model in messages to people, such as ``openai:gpt-4o-mini``.
        stream: ask for a stream, so that callbacks see the tokens as they come.

    Raises:
        ModelFailure: whatever went wrong. A call that is given up goes on in a thread of its own until its client
            notices; nothing it does then reaches anybody.
    """
    who = who_is(model, name)
    seconds = _seconds_left(deadline, who)
    call = _ModelCall(model, messages, config, who, stream)
    if seconds is None:
        return call.answer()
    future = _in_thread(call.answer)
    try:
        return future.result(seconds)
    except concurrent.futures.TimeoutError:
        if future.done():  # the model's own TimeoutError is a ModelFailure by then: this one came in the same instant
            return future.result()
        raise late(who, seconds) from None
    finally:
        call.given_up.set()


async def acall_model(
    model: ChatModel,
    messages: Sequence[BaseMessage],
    config: RunnableConfig | None = None,
    deadline: float | None = None,
    *,
    name: str | None = None,
    stream: bool = False,
) -> AIMessage:
    """The same for an event loop. A model without an asynchronous side of its own runs in a thread."""
    who = who_is(model, name)
    seconds = _seconds_left(deadline, who)
    call = _ModelCall(model, messages, config, who, stream)
    task: asyncio.Future[AIMessage]
    if _is_asynchronous(model):
        task = asyncio.ensure_future(call.aanswer())
    else:
        # Not the loop's own threads: asyncio.run waits for those at its end, however long the model hangs.
        task = asyncio.wrap_future(_in_thread(call.answer))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            return task.result()
        raise late(who, seconds or 0.0)
    finally:
        call.given_up.set()
        if not task.done():
            task.add_done_callback(_forgotten)
            task.cancel()
            await asyncio.wait({task}, timeout=LAST_WORDS_S)


def _seconds_left(deadline: float | None, who: Who) -> float | None:
    """How long a call may take, or None where nothing limits it. ModelFailure where its time is over already."""
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise late(who, 0.0)
    return seconds


class _ModelCall:
    """One call, whichever way it is made."""

    def __init__(
        self, model: ChatModel, messages: Sequence[BaseMessage], config: RunnableConfig | None, who: Who, stream: bool
    ) -> None:
        self.model, self.messages, self.config, self.who = model, list(messages), config, who
        # A model that streams by itself hides that it does: its mended pieces would pass for a whole answer.
        self.stream = stream or bool(getattr(innermost(model), "streaming", False))
        self.given_up = threading.Event()
        self.whole: AIMessageChunk | None = None
        self._begun = time.monotonic()

    def answer(self) -> AIMessage:
        """The checked answer, or ModelFailure."""
        try:
            if not self.stream:
                return self._checked(self.model.invoke(self.messages, self.config))
            for chunk in self.model.stream(self.messages, self.config):
                self._take(chunk)
                if self.given_up.is_set():
                    break
            return self._checked(self.whole)
        except Exception as error:
            raise self._failure(error) from error

    async def aanswer(self) -> AIMessage:
        """The same, awaited."""
        try:
            if not self.stream:
                return self._checked(await self.model.ainvoke(self.messages, self.config))
            async for chunk in self.model.astream(self.messages, self.config):
                self._take(chunk)
            return self._checked(self.whole)
        except Exception as error:
            raise self._failure(error) from error

    def _take(self, chunk: AIMessage) -> None:
        if not isinstance(chunk, AIMessageChunk):
            # A model that cannot stream hands over its whole answer as the only piece.
            chunk = AIMessageChunk(**chunk.model_dump(exclude={"type"}))
        self.whole = chunk if self.whole is None else self.whole + chunk

    def _checked(self, message: Any) -> AIMessage:
        if isinstance(message, AIMessageChunk):
            message = _settled(message)
        return checked(message, self.who, self.messages, streamed=self.whole is not None)

    def _failure(self, error: Exception) -> ModelFailure:
        return failure_of(error, self.who, begun=self.whole is not None, seconds=time.monotonic() - self._begun)


def _settled(chunk: AIMessageChunk) -> AIMessage:
    """The message that the chunks make. LangChain mends tool arguments that are junk; here they are invalid."""
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for piece in chunk.tool_call_chunks:
        call, args, call_id = piece["name"] or "", piece["args"] or "", piece["id"]
        try:
            read = json.loads(readable(args)) if args.strip() else {}
        except ValueError as error:
            invalid.append(
                InvalidToolCall(name=call, args=args, id=call_id, error=str(error), type="invalid_tool_call")
            )
        else:
            valid.append(ToolCall(name=call, args=read, id=call_id, type="tool_call"))
    message = message_chunk_to_message(chunk)
    assert isinstance(message, AIMessage)
    return message.model_copy(update={"tool_calls": valid, "invalid_tool_calls": invalid})


def _in_thread(work: Callable[[], AIMessage]) -> concurrent.futures.Future[AIMessage]:
    """The work's result to be, from a thread that nobody has to wait for; runs nest as they would have here."""
    future: concurrent.futures.Future[AIMessage] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  handed to whoever asks
            future.set_exception(error)

    # Not threading.Thread: its start waits until the thread runs, which costs a call a millisecond of a busy process.
    _thread.start_new_thread(run, ())
    return future


def _is_asynchronous(model: Any) -> bool:
    model = innermost(model)
    if not isinstance(model, BaseChatModel):
        return True
    return type(model)._agenerate is not BaseChatModel._agenerate or type(model)._astream is not BaseChatModel._astream


def _forgotten(task: asyncio.Future[AIMessage]) -> None:
    """Reads how an abandoned call ended, so that asyncio does not warn that nobody did."""
    if not task.cancelled():
        task.exception()
