"""Runs a request: puts workspace and options into the graph, and makes the answer from its result."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from langsmith import uuid7

from recmind.agent.answer import Answer
from recmind.agent.caches import Caches, answer_key, told_again
from recmind.agent.graph.build import build_graph
from recmind.agent.memory.running import Conversing, ThreadMessage
from recmind.agent.memory.threads import Threads
from recmind.agent.models.choosing import Choice, Models
from recmind.agent.models.factory import who_is
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.models.prices import price_of
from recmind.agent.models.recorded import RecordedModel
from recmind.agent.options import Model, Options, RequestOptions, check_query
from recmind.agent.preferences.keeping import asked_now
from recmind.agent.serving.prepared_request import PreparedRequest, answer_of, run_config
from recmind.agent.state import AgentContext, Event, Spent, State
from recmind.agent.tracing import TraceRecorder, TraceStore
from recmind.agent.understanding import Understanding, understand
from recmind.data.conditions import Condition, parse_condition, resolve_condition
from recmind.data.settings import Limits
from recmind.data.spending import Ledger
from recmind.data.store.store import Store
from recmind.data.text import encodable
from recmind.data.workspace import Workspace
from recmind.tools.evidence.slate import Slate
from recmind.tools.index.engines import Engines, open_engines

MODEL_VARIABLE = "RECMIND_MODEL"
LONGEST_QUERY = 20_000
"""Letters of a request that are read; the rest is cut off, because no catalogue search gains from it."""
LONGEST_S = 1e9
"""The longest time limit, in seconds (some thirty years): Python's locks accept no longer wait."""
THREADS = 2
"""Threads for the steps of asynchronous requests, which only compute. With more of them a hundred requests at once take
a sixth longer, because they compete for the processor."""
LOOK_UP_THREADS = 16
"""Threads for look-ups alone: a few slow look-ups must not delay other requests."""
THREAD_LETTERS = 12
"""Length of the name of a thread that the request does not name."""

Emit = Callable[[Event], None]


class Requests:
    """Answers the requests of one workspace. Threads may share it.

    Args:
        workspace: the workspace.
        store: its database.
        traces: where traces are written.
        threads: its conversations.
        model: as for ``RecMind.open``.
        fallback: as for ``RecMind.open``.
    """

    def __init__(
        self, workspace: Workspace, store: Store, traces: TraceStore, threads: Threads, *, model: Model, fallback: bool
    ) -> None:
        self.workspace, self.store, self.traces = workspace, store, traces
        self._model, self._fallback = model, fallback
        self._threads = threads
        self._conversing = Conversing(threads)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="recmind")
        self._look_ups = ThreadPoolExecutor(LOOK_UP_THREADS, thread_name_prefix="recmind-look-up")
        self._lock = threading.Lock()
        self._engines: tuple[Path | None, Engines] | None = None
        self._caches = Caches(workspace)
        self._models = Models(workspace.settings.limits, fallback=fallback)

    def close(self) -> None:
        """Ends the threads; waits for what they have begun."""
        for pool in (self._pool, self._look_ups):
            pool.shutdown(wait=True, cancel_futures=True)

    @property
    def engines(self) -> Engines:
        """The engines of the index in use; a newly built index is used from the next request on.

        Raises:
            WorkspaceError: no index has been built, or it is damaged.
        """
        current = self.workspace.current_index()
        with self._lock:
            if self._engines is None or self._engines[0] != current:
                self._engines = (current, open_engines(self.workspace, self.store))
            return self._engines[1]

    def answer(self, request: PreparedRequest) -> Answer:
        """The answer to a request that was read."""
        try:
            if request.known is not None:
                return told_again(request.known, request.config, request.trace_id, request.started)
            return self._answer(request, self._run(request))
        finally:
            if request.turn is not None:
                request.turn.give_back()

    async def aanswer(self, query: str, options: Options, emit: Emit | None = None) -> Answer:
        """``read`` and ``answer`` for an event loop: the model is awaited, everything else runs in other threads.

        Args:
            query: what the person says.
            options: those of ``RecMind.recommend``, which raises the same.
            emit: takes the request's events; None if nobody listens.
        """
        in_pool = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        asked = RequestOptions.read(options)
        if asked.thread is None:
            return await self._aanswer(await in_pool(self._read, query, asked, emit), in_pool)
        # Before a thread of the pool is used: requests that wait must not block those whose turn it is.
        turn = await self._threads.turns.atake(encodable(asked.thread), self._limits(asked).seconds)
        try:
            return await self._aanswer(await in_pool(self._read, query, asked, emit), in_pool)
        finally:
            turn.give_back()

    async def _aanswer(self, request: PreparedRequest, in_pool: Callable[..., Awaitable[Any]]) -> Answer:
        answer: Answer
        if request.known is not None:
            answer = await in_pool(self.answer, request)
            return answer
        if request.message is not None:
            conversing = self._conversing
            state = await conversing.arun(request.message, request.state, request.config, request.context)
        else:
            graph = build_graph(asynchronous=True)
            state = cast(State, await graph.ainvoke(request.state, request.config, context=request.context))
        answer = await in_pool(self._answer, request, state)
        return answer

    def read(
        self, query: str, options: Options, emit: Emit | None = None, carried: dict[str, Any] | None = None
    ) -> PreparedRequest:
        """The request, ready for the graph; ``answer`` must be called with it.

        If the request belongs to a thread, this waits until the requests before it are answered.

        Args:
            query: what the person says.
            options: those of ``RecMind.recommend``.
            emit: takes the request's events; None if nobody listens.
            carried: the conversation that it is read against, instead of the one that its thread keeps.

        Raises:
            InputError: as ``RecMind.recommend``.
            ModelFailure: as ``RecMind.recommend``.
            ThreadBusy: the requests before it did not end in time.
        """
        asked = RequestOptions.read(options)
        if asked.thread is None or carried is not None:
            return self._read(query, asked, emit, carried)
        turn = self._threads.turns.take(encodable(asked.thread), self._limits(asked).seconds)
        try:
            return replace(self._read(query, asked, emit), turn=turn)
        except BaseException:
            turn.give_back()
            raise

    def _read(
        self,
        query: str,
        asked: RequestOptions,
        emit: Emit | None = None,
        carried: dict[str, Any] | None = None,
    ) -> PreparedRequest:
        """The request with checked options."""
        started = time.monotonic()
        said = encodable(check_query(query)[:LONGEST_QUERY])
        message = self._message(said, asked, carried)
        if message is not None:
            asked = RequestOptions.read(message.options)
        choice, reading = self._chosen(said, asked, message)
        context = replace(self._context(said, asked, choice, started), reading=reading, emit=emit)
        key = self._cache_key(context, asked) if message is None else None
        known = None if key is None else self._caches.answer(key)
        trace_id = uuid7()
        recorder = TraceRecorder(self.traces)
        config = run_config(context, asked, choice, recorder=recorder, run_id=trace_id, cached=known is not None)
        _report(emit, choice, cached=known is not None)
        state = State(spent=Spent(), slate=Slate(), cause=choice.failure, strategy=context.strategy)
        return PreparedRequest(state, context, config, str(trace_id), started, choice.why, key, known, message)

    def _message(self, said: str, asked: RequestOptions, carried: dict[str, Any] | None) -> ThreadMessage | None:
        """The message for the thread of the request, or None if it belongs to none."""
        thread_id = asked.thread
        if thread_id is None and asked.mode == "conversational":
            thread_id = uuid7().hex[-THREAD_LETTERS:]
        if thread_id is None:
            return None
        people = _people(asked)
        user_id = people[0] if len(people) == 1 else None
        return self._conversing.message(encodable(thread_id), said, user_id, asked.given(), carried)

    def _context(self, said: str, asked: RequestOptions, choice: Choice, started: float) -> AgentContext:
        """The context that the nodes of the graph get beside their state."""
        settings, people, limits = self.workspace.settings, _people(asked), self._limits(asked)
        user_id, members = (people[0], ()) if len(people) == 1 else (None, people)
        replays = isinstance(choice.model, RecordedModel)
        return AgentContext(
            query=said,
            user_id=user_id,
            members=members,
            aggregation=asked.aggregation,
            k=asked.k,
            filters=tuple(map(self._condition, asked.filters)),
            exclude=frozenset(map(encodable, asked.exclude)),
            diversity=asked.diversity,
            store=self.store,
            engines=self.engines,
            model=self._caches.model(choice.model, user_id) if asked.cache and not members else choice.model,
            model_name=choice.name,
            price=price_of(choice.model, choice.name, settings.prices),
            limits=limits,
            caches=self._caches if asked.cache else None,
            ledger=None if replays else Ledger(self.store.spending, settings.daily),
            deadline=started + limits.seconds,
            pool=self._pool,
            look_up_pool=self._look_ups,
            fallback=self._fallback,
            mode=asked.mode,
            ask=asked.ask and asked.mode == "conversational",
            strategy=asked.strategy or settings.strategy,
            strictness=asked.strictness or settings.strictness,
        )

    def _cache_key(self, context: AgentContext, asked: RequestOptions) -> bytes | None:
        """The cache key of the answer; None if it is not remembered.

        A model object has no key, because its name does not identify it. A group has none, because the answer could not
        be erased for each of its members.
        """
        if not (asked.cache and self.workspace.settings.caches.answers) or context.members:
            return None
        if not isinstance(asked.model or self._model or "", str):
            return None
        words = asked.words()
        manifest = context.engines.manifest
        words |= {"query": context.query, "model": context.model_name, "fallback": self._fallback}
        words["endpoint"] = who_is(context.model).endpoint
        return answer_key(words, (manifest.version, manifest.built_at, self.store.clock))

    def _run(self, request: PreparedRequest) -> State:
        if request.message is not None:
            return self._conversing.run(request.message, request.state, request.config, request.context)
        return cast(State, build_graph().invoke(request.state, request.config, context=request.context))

    def _limits(self, asked: RequestOptions) -> Limits:
        limits = self.workspace.settings.limits.changed(asked.limits)
        return limits if limits.seconds <= LONGEST_S else limits.model_copy(update={"seconds": LONGEST_S})

    def _condition(self, condition: str | Condition) -> Condition:
        parsed = parse_condition(condition) if isinstance(condition, str) else condition
        return resolve_condition(parsed, self.store.catalogue())

    def _chosen(
        self, said: str, asked: RequestOptions, message: ThreadMessage | None
    ) -> tuple[Choice, Understanding | None]:
        """The model for a request, and what was read to choose it."""
        settings, people = self.workspace.settings, _people(asked)
        wanted = asked.model or self._model or os.environ.get(MODEL_VARIABLE) or settings.model or OFFLINE
        readings: list[Understanding] = []

        def read() -> Understanding:
            known = any(self.engines.history.profile(user_id).known for user_id in people)
            query = asked_now(said, people[0] if len(people) == 1 else None)
            readings.append(understand(query, self.store, self.engines.titles, user_known=known))
            # "Another one" means nothing by itself: it continues what was asked before.
            before = message.before if message else None
            return before if before is not None and readings[0].empty else readings[0]

        with self.store.steady():
            choice = self._models.choose(wanted, read, self._limits(asked).seconds)
        return choice, readings[0] if readings else None

    def _answer(self, request: PreparedRequest, state: State) -> Answer:
        answer = answer_of(request, state)
        if request.key is not None:
            self._caches.keep_answer(request.key, answer)
        return answer


def _people(asked: RequestOptions) -> tuple[str, ...]:
    """The ids of the people who ask, in a form that files can store."""
    return tuple(map(encodable, asked.members))


def _report(emit: Emit | None, choice: Choice, *, cached: bool) -> None:
    """Tells the listener what was decided before the graph runs."""
    if emit is None:
        return
    if choice.why:
        emit(Event("routed", f"{choice.name}: {choice.why}", {"model": choice.name, "why": choice.why}))
    if cached:
        emit(Event("cached", "the answer to the same request is remembered"))
