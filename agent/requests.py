"""A request on its way: what of the workspace and the options goes into the graph, and what answer comes out."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langsmith import uuid7

from recmind.agent.answer import Answer, Usage
from recmind.agent.asking import Asked, Model, Options
from recmind.agent.caches import Caches, answer_key, told_again
from recmind.agent.graph import build_graph
from recmind.agent.memory.preferring import asked_now
from recmind.agent.memory.running import Conversing, Message
from recmind.agent.memory.threads import Threads
from recmind.agent.memory.turns import Turn
from recmind.agent.models.choosing import Choice, Models
from recmind.agent.models.factory import who_is
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.models.prices import price_of
from recmind.agent.models.recorded import RecordedModel
from recmind.agent.recommended import recommended
from recmind.agent.state import AgentContext, Event, Spent, State
from recmind.agent.tracing import TraceRecorder, TraceStore
from recmind.agent.tracing.reading import REPLAYED
from recmind.agent.understanding import Understanding, understand
from recmind.agent.versions import versions_of
from recmind.data.conditions import Condition, parse_condition, resolve_condition
from recmind.data.settings import Limits
from recmind.data.spending import Ledger
from recmind.data.store.store import Store
from recmind.data.text import encodable
from recmind.data.workspace import Workspace
from recmind.tools.index import Engines, open_engines
from recmind.tools.slate import Slate

MODEL_VARIABLE = "RECMIND_MODEL"
LONGEST_QUERY = 20_000
"""Letters of a request that are read; the rest is cut off, as no catalogue search gains from it."""
THREADS = 2
"""For the steps of asynchronous requests, which only compute: with more, a hundred requests at once take a sixth
longer, because each finds the processor full of what others work on."""
LOOK_UP_THREADS = 16
"""For look-ups: threads of their own, so that a few slow ones hold up nobody but their request."""
THREAD_LETTERS = 12
"""Of the name of a thread that nobody named."""

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready for the graph."""

    state: State
    context: AgentContext
    config: RunnableConfig
    trace_id: str
    started: float
    why_model: str | None
    """Why ``auto`` chose the model, or None where nobody had to choose."""
    key: bytes | None
    """Under which the answer is remembered, or None where it is not."""
    known: Answer | None
    """The answer that is remembered."""
    message: Message | None = None
    """What goes into a thread; None where the request belongs to none."""
    turn: Turn | None = None
    """Held until the request is answered, so that no other one of the thread runs meanwhile."""


class Requests:
    """Answers the requests of one workspace. Threads may share it."""

    def __init__(
        self, workspace: Workspace, store: Store, traces: TraceStore, threads: Threads, *, model: Model, fallback: bool
    ) -> None:
        """``model`` and ``fallback`` as ``RecMind.open`` takes them."""
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
        """Ends the threads; what they have begun is waited for."""
        for pool in (self._pool, self._look_ups):
            pool.shutdown(wait=True, cancel_futures=True)

    @property
    def engines(self) -> Engines:
        """The engines of the index in use; a newly built one is taken up with the next request.

        Raises:
            WorkspaceError: no index has been built, or it is damaged.
        """
        current = self.workspace.current_index()
        with self._lock:
            if self._engines is None or self._engines[0] != current:
                self._engines = (current, open_engines(self.workspace, self.store))
            return self._engines[1]

    def answer(self, request: Request) -> Answer:
        """The answer to a request that was read."""
        try:
            if request.known is not None:
                return told_again(request.known, request.config, request.trace_id, request.started)
            return self._answer(request, self._run(request))
        finally:
            if request.turn is not None:
                request.turn.give_back()

    async def aanswer(self, query: str, options: Options, emit: Emit | None = None) -> Answer:
        """The same for an event loop, reading included: the model is awaited, all else runs in threads of its own."""
        in_pool = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        asked = Asked.read(options)
        if asked.thread is None:
            return await self._aanswer(await in_pool(self._read, query, options, asked, emit), in_pool)
        # Before any thread of the pool is taken: those who wait must not hold up those whose turn it is.
        turn = await self._threads.turns.atake(encodable(asked.thread), self._limits(asked).seconds)
        try:
            return await self._aanswer(await in_pool(self._read, query, options, asked, emit), in_pool)
        finally:
            turn.give_back()

    async def _aanswer(self, request: Request, in_pool: Callable[..., Awaitable[Any]]) -> Answer:
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
    ) -> Request:
        """The request, ready for the graph; ``answer`` has to be called with it. Where it belongs to a thread, that is
        as soon as the requests before it are answered.

        Args:
            query: what the person says.
            options: those of ``RecMind.recommend``, which raises the same.
            emit: takes the request's events.
            carried: the conversation that it is read against instead of the one that its thread keeps.
        """
        asked = Asked.read(options)
        if asked.thread is None or carried is not None:
            return self._read(query, options, asked, emit, carried)
        turn = self._threads.turns.take(encodable(asked.thread), self._limits(asked).seconds)
        try:
            return replace(self._read(query, options, asked, emit), turn=turn)
        except BaseException:
            turn.give_back()
            raise

    def _read(
        self,
        query: str,
        options: Options,
        asked: Asked,
        emit: Emit | None = None,
        carried: dict[str, Any] | None = None,
    ) -> Request:
        """``asked`` is what the options come to."""
        started = time.monotonic()
        thread, message = asked.thread, None
        if thread is None and asked.mode == "conversational":
            thread = uuid7().hex[-THREAD_LETTERS:]
        people = tuple(map(encodable, asked.members))
        user_id = people[0] if len(people) == 1 else None
        said = encodable(query[:LONGEST_QUERY])
        if thread is not None:
            message = self._conversing.message(encodable(thread), said, user_id, options, carried)
            asked = Asked.read(message.options)
        settings = self.workspace.settings
        limits = self._limits(asked)
        chosen, reading = self._chosen(asked.model, said, people, message, limits.seconds)
        replays = isinstance(chosen.model, RecordedModel)
        context = AgentContext(
            query=said,
            user_id=user_id,
            members=people if len(people) > 1 else (),
            aggregation=asked.aggregation,
            k=asked.k,
            filters=tuple(self._condition(condition) for condition in asked.filters),
            exclude=frozenset(map(encodable, asked.exclude)),
            diversity=asked.diversity,
            store=self.store,
            engines=self.engines,
            model=self._caches.model(chosen.model, user_id) if asked.cache and len(people) < 2 else chosen.model,
            model_name=chosen.name,
            price=price_of(chosen.model, chosen.name, settings.prices),
            limits=limits,
            caches=self._caches if asked.cache else None,
            ledger=None if replays else Ledger(self.store.spending, settings.daily),
            deadline=started + limits.seconds,
            pool=self._pool,
            look_up_pool=self._look_ups,
            fallback=self._fallback,
            mode=asked.mode,
            ask=asked.ask and asked.mode == "conversational",
            reading=reading,
            strategy=asked.strategy or self.workspace.settings.strategy,
            strictness=asked.strictness or self.workspace.settings.strictness,
            emit=emit,
        )
        keeps = asked.cache and settings.caches.answers and message is None
        key = self._key(context, asked) if keeps else None
        known = None if key is None else self._caches.answer(key)
        trace_id = uuid7()
        config = RunnableConfig(
            callbacks=[TraceRecorder(self.traces), *asked.callbacks],
            run_id=trace_id,
            run_name="recommend",
            metadata={
                "query": context.query,
                # A group is one text of JSON, in which ``recmind forget`` finds its members.
                "user_id": json.dumps(people, ensure_ascii=False) if context.members else user_id,
                "model": f"{chosen.name}{REPLAYED}" if replays else chosen.name,
                **({"model_choice": chosen.why} if chosen.why else {}),
                "k": asked.k,
                **({"aggregation": asked.aggregation} if context.members else {}),
                **({"diversity": asked.diversity} if asked.diversity else {}),
                **({"mode": asked.mode} if asked.mode != "direct" else {}),
                **({} if asked.ask else {"ask": False}),
                **({"strategy": context.strategy} if context.strategy != "react" else {}),
                **({"strictness": context.strictness} if context.strictness != "strict" else {}),
                **({"limits": dict(asked.limits)} if asked.limits else {}),
                **({"filters": list(map(str, context.filters))} if context.filters else {}),
                **({"exclude": sorted(context.exclude)} if context.exclude else {}),
                "versions": versions_of(self.store, context.engines),
                **({"cached": True} if known else {}),
            },
            # The caps end a request long before this: it only has to be out of their way.
            recursion_limit=4 * limits.model_calls + 20,
        )
        if emit and chosen.why:
            emit(Event("routed", f"{chosen.name}: {chosen.why}", {"model": chosen.name, "why": chosen.why}))
        if emit and known:
            emit(Event("cached", "the answer to the same request is remembered"))
        state = State(spent=Spent(), slate=Slate(), cause=chosen.failure, strategy=context.strategy)
        return Request(state, context, config, str(trace_id), started, chosen.why, key, known, message)

    def _key(self, context: AgentContext, asked: Asked) -> bytes | None:
        """What the answer hangs on; None for a model that was handed in, as its name says too little of it, and for
        a group, whose members could not each have it erased."""
        if context.members or not isinstance(asked.model or self._model or "", str):
            return None
        words = asked.words()
        manifest = context.engines.manifest
        words |= {"query": context.query, "model": context.model_name, "fallback": self._fallback}
        words["endpoint"] = who_is(context.model).endpoint
        return answer_key(words, (manifest.version, manifest.built_at, self.store.clock))

    def _run(self, request: Request) -> State:
        if request.message is not None:
            return self._conversing.run(request.message, request.state, request.config, request.context)
        return cast(State, build_graph().invoke(request.state, request.config, context=request.context))

    def _limits(self, asked: Asked) -> Limits:
        return self.workspace.settings.limits.changed(asked.limits)

    def _condition(self, condition: str | Condition) -> Condition:
        parsed = parse_condition(condition) if isinstance(condition, str) else condition
        return resolve_condition(parsed, self.store.catalogue())

    def _chosen(
        self, model: Model, said: str, people: tuple[str, ...], message: Message | None, seconds: float
    ) -> tuple[Choice, Understanding | None]:
        """The model for a request, and what was read to choose it."""
        wanted = model or self._model or os.environ.get(MODEL_VARIABLE) or self.workspace.settings.model or OFFLINE

        readings: list[Understanding] = []

        def read() -> Understanding:
            known = any(self.engines.history.profile(user_id).known for user_id in people)
            query = asked_now(said, people[0] if len(people) == 1 else None)
            readings.append(understand(query, self.store, self.engines.details, user_known=known))
            # "Another one" says nothing by itself: it goes on with what was asked before.
            before = message.before if message else None
            return before if before is not None and readings[0].empty else readings[0]

        with self.store.steady():
            choice = self._models.choose(wanted, read, seconds)
        return choice, readings[0] if readings else None

    def _answer(self, request: Request, state: State) -> Answer:
        verdict, spent, cause = state["verdict"], state["spent"], state.get("cause")
        ready, question = state.get("recommended"), state.get("question")
        recommendations = recommended(state, request.context) if ready is None else ready
        answer = Answer(
            query=request.context.query,
            user_id=request.context.user_id,
            recommendations=recommendations,
            message=state["message"],
            source="fallback" if cause else "agent",
            model=request.context.model_name,
            trace_id=request.trace_id,
            question=question.text if question else None,
            choices=question.choices if question else (),
            thread=request.message.thread_id if request.message else None,
            fallback_cause=cause,
            repairs=verdict.repairs,
            usage=Usage(
                spent.model_calls,
                spent.tool_calls,
                spent.input_tokens,
                spent.output_tokens,
                cost_usd=None if spent.cost_usd is None else round(spent.cost_usd, 9),
                cached_model_calls=spent.cached_model_calls,
                cached_tool_calls=spent.cached_tool_calls,
                model_choice=request.why_model,
            ),
            latency_ms=round(1000 * (time.monotonic() - request.started), 3),
            understood=state["understood"],
            user_ids=request.context.people,
            aggregation=request.context.aggregation if request.context.members else None,
        )
        if request.key is not None:
            self._caches.keep_answer(request.key, answer)
        return answer
