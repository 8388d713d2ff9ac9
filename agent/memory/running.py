"""Runs the requests of threads: a new message, or the reply that a stopped run waits for."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langchain_core.runnables import RunnableConfig

from recmind.agent.memory.threads import Threads
from recmind.agent.options import TAKEN_OVER, Options, as_json
from recmind.agent.state import AgentContext, Question, Spent, State, Verdict
from recmind.tools.evidence.slate import Slate

if TYPE_CHECKING:
    from recmind.agent.memory.conversation import ConversationGraph, ConversationState
    from recmind.agent.understanding import Understanding


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message for a thread, with its options."""

    thread_id: str
    said: str
    options: Options
    waiting: bool
    """Whether the thread is waiting for a reply."""
    before: Understanding | None = None
    """What the thread understood until now; None at its beginning."""
    carried: dict[str, Any] | None = None
    """The ``Thread`` as JSON that the message is read against, instead of the stored one; the message is then not
    stored. An empty dict is a new thread."""


class Conversing:
    """Runs messages through the conversation graph, which is made for the first message."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self._graphs: dict[bool, ConversationGraph] = {}
        self._lock = threading.Lock()

    def message(
        self,
        thread_id: str,
        said: str,
        user_id: str | None,
        options: Options,
        carried: dict[str, Any] | None = None,
    ) -> ThreadMessage:
        """The message with the options that apply to it.

        Args:
            thread_id: the name of the thread.
            said: the person's words.
            user_id: the user who speaks; None for nobody.
            options: the options that the caller gave.
            carried: a thread as JSON, instead of the stored one; see ``ThreadMessage``.

        Raises:
            InputError: the thread belongs to somebody else, or its name is not allowed.
        """
        if carried is not None:
            return ThreadMessage(thread_id, said, options, False, carried=carried)
        thread = self.threads.open(thread_id, user_id)
        kept = self.threads.waiting(thread_id)
        return ThreadMessage(
            thread_id, said, cast(Options, {**(kept or {}), **options}), kept is not None, thread.understanding
        )

    def run(self, message: ThreadMessage, opening: State, config: RunnableConfig, context: AgentContext) -> State:
        """The final state of the run: it holds an answer or a question.

        Args:
            message: the message.
            opening: the state that the request's own graph starts with.
            config: the run's callbacks and metadata.
            context: the request's context.
        """
        given, within = _given(message, opening, config)
        graph = self._graph(asynchronous=False) if message.carried is None else _passing()
        return _ended(graph.invoke(given, within, context=context, durability="exit"))

    async def arun(
        self, message: ThreadMessage, opening: State, config: RunnableConfig, context: AgentContext
    ) -> State:
        """``run`` for an event loop.

        Args:
            message: the message.
            opening: the state that the request's own graph starts with.
            config: the run's callbacks and metadata.
            context: the request's context.
        """
        given, within = _given(message, opening, config)
        graph = self._graph(asynchronous=True)
        return _ended(await graph.ainvoke(given, within, context=context, durability="exit"))

    def _graph(self, *, asynchronous: bool) -> ConversationGraph:
        from recmind.agent.memory.conversation import build_conversation  # noqa: PLC0415  only requests with a thread need it

        with self._lock:
            if asynchronous not in self._graphs:
                self._graphs[asynchronous] = build_conversation(self.threads.saver, asynchronous=asynchronous)
            return self._graphs[asynchronous]


def _given(message: ThreadMessage, opening: State, config: RunnableConfig) -> tuple[Any, RunnableConfig]:
    from langgraph.types import Command  # noqa: PLC0415

    within = RunnableConfig(
        **{
            **config,
            "configurable": {"thread_id": message.thread_id},
            "metadata": {**config.get("metadata", {}), "thread_id": message.thread_id},
        }
    )
    kept = {name: as_json(value) for name, value in message.options.items() if name in TAKEN_OVER}
    update: ConversationState = {"opening": opening, "options": kept}
    if message.waiting:
        return Command(resume=message.said, update=update), within
    carried: ConversationState = {"thread": message.carried} if message.carried else {}
    return {**update, **carried, "said": message.said}, within


def _passing() -> ConversationGraph:
    """A graph whose threads are not kept after the run."""
    from langgraph.checkpoint.memory import InMemorySaver  # noqa: PLC0415

    from recmind.agent.memory.conversation import build_conversation  # noqa: PLC0415  only requests with a thread need it

    return build_conversation(InMemorySaver())


def _ended(out: dict[str, Any]) -> State:
    stopped = out.get("__interrupt__")
    if not stopped:
        return cast(State, out["result"])
    asked = stopped[0].value
    spent = out["result"]["spent"] if "result" in out else Spent()
    return State(
        question=Question(asked["text"], tuple(asked["choices"]), asked["attribute"]),
        message="",
        recommended=(),
        slate=Slate(),
        verdict=Verdict(),
        spent=spent,
        understood=(),
    )
