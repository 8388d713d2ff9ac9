"""Calls a chat model within a deadline: returns a checked message, or raises ``ModelFailure``."""

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
        config: callbacks, tags and metadata; the run becomes a child of the run that the config belongs to.
        deadline: when to give up, as ``time.monotonic()``; None waits as long as the model's client does.
        name: the model's name in messages to people, such as ``openai:gpt-4o-mini``; None: its own name.
        stream: whether to ask for a stream, so that callbacks see the tokens as they come.

    Raises:
        ModelFailure: the call failed in any way, or the deadline passed. An abandoned call runs on in a thread of its
            own until its client notices; its result is ignored.
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
        if future.done():  # finished in the same instant (a TimeoutError of the model itself would be a ModelFailure)
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
    """``call_model`` for an event loop. A model that has no asynchronous interface runs in a thread.

    Args:
        model: a chat model, or one with tools bound to it.
        messages: the conversation so far.
        config: callbacks, tags and metadata; the run becomes a child of the run that the config belongs to.
        deadline: when to give up, as ``time.monotonic()``; None waits as long as the model's client does.
        name: the model's name in messages to people; None: its own name.
        stream: whether to ask for a stream, so that callbacks see the tokens as they come.

    Raises:
        ModelFailure: the call failed in any way, or the deadline passed.
    """
    who = who_is(model, name)
    seconds = _seconds_left(deadline, who)
    call = _ModelCall(model, messages, config, who, stream)
    task: asyncio.Future[AIMessage]
    if _is_asynchronous(model):
        task = asyncio.ensure_future(call.aanswer())
    else:
        # Not in the loop's own threads: asyncio.run waits for them when it ends, even if the model hangs.
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
    """How long a call may take, or None if nothing limits it. Raises ModelFailure if the time is already over."""
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise late(who, 0.0)
    return seconds


class _ModelCall:
    """One call of a model, plain or asynchronous."""

    def __init__(
        self, model: ChatModel, messages: Sequence[BaseMessage], config: RunnableConfig | None, who: Who, stream: bool
    ) -> None:
        self.model, self.messages, self.config, self.who = model, list(messages), config, who
        # Some models stream without saying so: if the stream broke off, its pieces would pass for a whole answer.
        self.stream = stream or bool(getattr(innermost(model), "streaming", False))
        self.given_up = threading.Event()
        self.whole: AIMessageChunk | None = None
        self._begun = time.monotonic()

    def answer(self) -> AIMessage:
        """The checked answer. Raises ModelFailure."""
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
        """``answer``, awaited."""
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
            # A model that cannot stream gives its whole answer as a single chunk.
            chunk = AIMessageChunk(**chunk.model_dump(exclude={"type"}))
        self.whole = chunk if self.whole is None else self.whole + chunk

    def _checked(self, message: Any) -> AIMessage:
        if isinstance(message, AIMessageChunk):
            message = _settled(message)
        return checked(message, self.who, self.messages, streamed=self.whole is not None)

    def _failure(self, error: Exception) -> ModelFailure:
        return failure_of(error, self.who, begun=self.whole is not None, seconds=time.monotonic() - self._begun)


def _settled(chunk: AIMessageChunk) -> AIMessage:
    """The message that the chunks make. LangChain repairs tool arguments that are not JSON; here they stay invalid."""
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
    """The future result of the work, from a thread that nobody has to wait for; runs nest as they would here."""
    future: concurrent.futures.Future[AIMessage] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  any error is handed to the caller
            future.set_exception(error)

    # Not threading.Thread: its start waits until the thread runs, which takes a millisecond in a busy process.
    _thread.start_new_thread(run, ())
    return future


def _is_asynchronous(model: Any) -> bool:
    model = innermost(model)
    if not isinstance(model, BaseChatModel):
        return True
    return type(model)._agenerate is not BaseChatModel._agenerate or type(model)._astream is not BaseChatModel._astream


def _forgotten(task: asyncio.Future[AIMessage]) -> None:
    """Reads how an abandoned call ended; otherwise asyncio warns that nobody did."""
    if not task.cancelled():
        task.exception()
