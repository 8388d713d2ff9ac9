"""The Python API: open a workspace, ask, read the answer."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langsmith import uuid7
from typing_extensions import Unpack

from agent.answer import Answer, Usage
from agent.asking import Asked, Model, Options
from agent.batch import batch
from agent.caches import Caches, answer_key, told_again
from agent.graph import build_graph
from agent.memory.preferring import forget_preference, keep_preference
from agent.memory.running import Conversing, Message
from agent.memory.threads import Threads
from agent.models.choosing import Choice, Models
from agent.models.factory import who_is
from agent.models.offline import NAME as OFFLINE
from agent.models.prices import price_of
from agent.recommended import recommended
from agent.state import AgentContext, Event, Spent, State
from agent.tracing import TraceRecorder, TraceStore
from agent.understanding import Understanding, understand
from agent.versions import versions_of
from data.conditions import Condition, parse_condition, resolve_condition
from data.errors import InputError, RecMindError
from data.records import Interaction, Preference
from data.spending import Ledger
from data.store import Store
from data.workspace import Workspace
from tools.index import Engines, open_engines
from tools.slate import Slate

MODEL_VARIABLE = "RECMIND_MODEL"
LONGEST_QUERY = 20_000
"""Letters of a request that are read; the rest is cut off, as no catalogue search gains from it."""
THREADS = 8
"""For the steps of asynchronous requests, which only compute."""
LOOK_UP_THREADS = 64
"""For look-ups: threads of their own, so that slow ones hold up nobody but their request."""
THREAD_LETTERS = 12
"""Of the name of a thread that nobody named."""
_SCORES = {"always": 1.0, "negative": 0.0}
"""What a kind of interaction with an item says of its being in an answer, by what it means."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request on its way into the graph."""

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


class RecMind:
    """Recommendations from one workspace. Safe to share between threads; a context manager."""

    def __init__(self, workspace: Workspace, *, model: Model = None, fallback: bool = True) -> None:
        self.workspace = workspace
        self.store = Store(workspace.database, workspace.settings)
        self.traces = TraceStore(workspace.traces, workspace.settings.traces)
        self._model, self._fallback = model, fallback
        self.threads = Threads(workspace.threads)
        self._conversing = Conversing(self.threads)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="recmind")
        self._look_ups = ThreadPoolExecutor(LOOK_UP_THREADS, thread_name_prefix="recmind-look-up")
        self._lock = threading.Lock()
        self._engines: tuple[Path | None, Engines] | None = None
        self._caches = Caches(workspace)
        self._models = Models(workspace.settings.limits, fallback=fallback)

    @classmethod
    def open(cls, home: str | Path | None = None, *, model: Model = None, fallback: bool = True) -> RecMind:
        """The workspace in this folder (``RECMIND_HOME`` or the platform's user data folder when none is given).

        Args:
            home: a folder made by ``recmind import`` and ``recmind index``.
            model: a model's name (``openai:gpt-4o-mini``) or any LangChain chat model; None takes ``RECMIND_MODEL``,
            the
                workspace's settings, or the offline planner, in this order.
            fallback: whether the hybrid ranker answers, and says so, when a named model fails. False: ``ModelFailure``.

        Raises:
            WorkspaceError: there is no workspace in that folder.
        """
        return cls(Workspace.open(home), model=model, fallback=fallback)

    def recommend(self, query: str = "", **options: Unpack[Options]) -> Answer:
        """The answer to a request in plain words.

        Args:
            query: what the person says; may be empty for a known user.
            options: see ``Options``: ``user_id`` or ``user_ids``, ``k``, ``filters``, ``exclude``, ``diversity``,
                ``model``, ``limits``, ``callbacks``.

        Raises:
            InputError: a filter or a limit cannot be read, ``k`` or ``diversity`` is out of range, or a model's name
                leads nowhere.
            ModelFailure: the model failed and ``fallback`` is off.
        """
        return self._answered(self._request(query, options))

    def _answered(self, request: _Request) -> Answer:
        if request.known is not None:
            return told_again(request.known, request.config, request.trace_id, request.started)
        return self._answer(request, self._run(request))

    async def arecommend(self, query: str = "", **options: Unpack[Options]) -> Answer:
        """``recommend`` for an event loop: the model is awaited, all else runs in threads of its own."""
        return await self._arecommend(query, options)

    async def _arecommend(self, query: str, options: Options, emit: Callable[[Event], None] | None = None) -> Answer:
        in_pool = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        request = await in_pool(self._request, query, options, emit)
        if request.known is not None:
            return await in_pool(self._answered, request)
        if request.message is not None:
            conversing = self._conversing
            state = await conversing.arun(request.message, request.state, request.config, request.context)
        else:
            graph = build_graph(asynchronous=True)
            state = cast(State, await graph.ainvoke(request.state, request.config, context=request.context))
        return await in_pool(self._answer, request, state)

    def resume(self, thread: str, /, reply: str = "", **options: Unpack[Options]) -> Answer:
        """The answer to a reply: the run that asked a question goes on with it.

        The next request on the thread does the same; this one insists that a question waits.

        Args:
            thread: ``Answer.thread`` of the answer with the question.
            reply: one of its choices, its number, anything else, or nothing: then RecMind chooses.
            options: those of the request that was asked about hold on where they are not given.

        Raises:
            InputError: no question waits in that thread, or it is somebody else's; and as ``recommend``.
        """
        if self.threads.waiting(thread) is None:
            raise InputError(f"No question waits for a reply in thread {thread!r}: ask with recommend(thread=...).")
        options["thread"] = thread
        return self.recommend(reply, **options)

    def stream(self, query: str = "", **options: Unpack[Options]) -> Iterator[Event]:
        """The steps of a request as they happen; the last event is ``done`` with the ``Answer`` in ``data["answer"]``.

        Raises the same as ``recommend``, when the first event is asked for or later.
        """
        events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
        request = self._request(query, options, events.put)

        def run() -> None:
            try:
                events.put(_done(self._answered(request)))
            except BaseException as error:  # noqa: BLE001  handed to the caller's thread, whatever it is
                events.put(error)

        threading.Thread(target=run, name="recmind-stream", daemon=True).start()
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if event.kind == "done":
                return

    async def astream(self, query: str = "", **options: Unpack[Options]) -> AsyncIterator[Event]:
        """``stream`` for an event loop. A request whose events nobody takes any more is given up."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | BaseException] = asyncio.Queue()

        def emit(event: Event | BaseException) -> None:
            # Look-ups report from their threads; all events take the same way, so that none overtakes another.
            loop.call_soon_threadsafe(events.put_nowait, event)

        async def run() -> None:
            try:
                emit(_done(await self._arecommend(query, options, emit)))
            except Exception as error:  # noqa: BLE001  handed to the caller, whatever it is
                emit(error)

        task = asyncio.create_task(run())
        try:
            while True:
                event = await events.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if event.kind == "done":
                    return
        finally:
            task.cancel()

    def batch(
        self, requests: Iterable[Mapping[str, Any]], *, concurrency: int = 8, **options: Unpack[Options]
    ) -> Iterator[tuple[int, Answer | RecMindError]]:
        """Each request's place, counted from 0, with its answer or what went wrong, in the order in which they end.

        Args:
            requests: ``query`` and options of each, by name.
            concurrency: how many are asked at a time.
            options: those of all requests; a request's own come first.

        Raises:
            InputError: ``concurrency`` is below 1.
        """
        return batch(self, requests, concurrency=concurrency, **options)

    def feedback(
        self,
        user_id: str = "",
        item_id: str = "",
        kind: str = "like",
        value: float | None = None,
        *,
        at: float | None = None,
        trace_id: str | None = None,
        score: float | None = None,
        comment: str = "",
    ) -> None:
        """Keeps what a user did with an item, what they say of an answer, or both.

            rec.feedback("ada", "alien-1979", "like")
            rec.feedback(trace_id=answer.trace_id, score=0.8, comment="the second one was new to me")
            rec.feedback("ada", "alien-1979", trace_id=answer.trace_id)

        What they did counts in the very next answer, no index has to be built. What they say attaches to the answer's
        trace: `recmind trace list` and `stats` show it, and ``agent.evaluation.judged_requests`` makes cases of it.

        Args:
            user_id: a new id makes a new user.
            item_id: an item of the catalogue.
            kind: like, dislike, taken, skipped, seen, rating, purchase, ... ; the settings say what each means.
            value: the stars of a rating.
            at: Unix seconds; now when None.
            trace_id: the answer's; with an item, what is said is said of that item.
            score: 0 (useless) to 1 (just right). Of an item 1 where None and the kind speaks for it, 0 where against.
            comment: their words.

        Raises:
            InputError: there is no such item or trace, the score is out of range, nothing is said, or a text holds what
                no file takes (a lone surrogate).
        """
        texts = {"user_id": user_id, "item_id": item_id, "kind": kind, "comment": comment}
        for name, text in texts.items():
            _check_kept(name, text)
        done = bool(user_id or item_id)
        if trace_id is None and not done:
            raise InputError("feedback needs a user_id and an item_id, or the trace_id of an answer.")
        if done and self.store.item(item_id) is None:
            raise InputError(f"There is no item {item_id!r} in {str(self.workspace.home)!r}.")
        moment = time.time() if at is None else at
        if trace_id is not None:
            if done and score is None:
                score = _SCORES.get(self.workspace.settings.kind(kind).positive)
            self.traces.judge(trace_id, score, comment, item_id=item_id or None, at=moment)
        if done:
            self.store.add_interactions([Interaction(user_id, item_id, kind, value, moment)])

    def preferences(self, user_id: str) -> list[Preference]:
        """What the user stated for good, oldest first; empty for an unknown user."""
        return self.store.preferences(user_id)

    def prefer(self, user_id: str, text: str) -> list[Preference]:
        """Keeps what a user states for good ("no horror", "nothing over two hours"); it binds from the next answer on.

        What they love ("I love Kurosawa") is kept as well, and counts as a wish where a request leaves it open. What
        they stated before of the same thing is corrected.

        Returns:
            The records kept, one for each condition.

        Raises:
            InputError: nothing in the text can be kept.
        """
        for name, given in (("user_id", user_id), ("text", text)):
            _check_kept(name, given)
        return keep_preference(user_id, text, self.store, self.engines.details, source="told", at=time.time())

    def forget_preference(self, user_id: str, text: str) -> list[Preference]:
        """Forgets what a user stated, by its words or its condition; the records dropped, empty where none is meant."""
        return forget_preference(user_id, text, self.store, self.engines.details)

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

    def close(self) -> None:
        """Ends the threads and closes the files."""
        for pool in (self._pool, self._look_ups):
            pool.shutdown(wait=True, cancel_futures=True)
        self.store.close()
        self.traces.close()
        self.threads.close()

    def __enter__(self) -> RecMind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, query: str, options: Options, emit: Callable[[Event], None] | None = None) -> _Request:
        started = time.monotonic()
        asked = Asked.read(options)
        thread, message = asked.thread, None
        if thread is None and asked.mode == "conversational":
            thread = uuid7().hex[-THREAD_LETTERS:]
        people = tuple(map(_encodable, asked.members))
        user_id = people[0] if len(people) == 1 else None
        said = _encodable(query[:LONGEST_QUERY])
        if thread is not None:
            message = self._conversing.message(_encodable(thread), said, user_id, options)
            asked = Asked.read(message.options)
        settings = self.workspace.settings
        limits = settings.limits.changed(asked.limits)
        chosen = self._chosen(asked.model, said, user_id)
        context = AgentContext(
            query=said,
            user_id=user_id,
            members=people if len(people) > 1 else (),
            aggregation=asked.aggregation,
            k=asked.k,
            filters=tuple(self._condition(condition) for condition in asked.filters),
            exclude=frozenset(map(_encodable, asked.exclude)),
            diversity=asked.diversity,
            store=self.store,
            engines=self.engines,
            model=self._caches.model(chosen.model, user_id) if asked.cache and len(people) < 2 else chosen.model,
            model_name=chosen.name,
            price=price_of(chosen.model, chosen.name, settings.prices),
            limits=limits,
            caches=self._caches if asked.cache else None,
            ledger=Ledger(self.store, settings.daily),
            deadline=started + limits.seconds,
            pool=self._pool,
            look_up_pool=self._look_ups,
            fallback=self._fallback,
            mode=asked.mode,
            ask=asked.ask and asked.mode == "conversational",
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
                "model": chosen.name,
                **({"model_choice": chosen.why} if chosen.why else {}),
                "k": asked.k,
                **({"aggregation": asked.aggregation} if context.members else {}),
                **({"diversity": asked.diversity} if asked.diversity else {}),
                **({"mode": asked.mode} if asked.mode != "direct" else {}),
                **({"strategy": context.strategy} if context.strategy != "react" else {}),
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
        return _Request(state, context, config, str(trace_id), started, chosen.why, key, known, message)

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

    def _run(self, request: _Request) -> State:
        if request.message is not None:
            return self._conversing.run(request.message, request.state, request.config, request.context)
        return cast(State, build_graph().invoke(request.state, request.config, context=request.context))

    def _condition(self, condition: str | Condition) -> Condition:
        parsed = parse_condition(condition) if isinstance(condition, str) else condition
        return resolve_condition(parsed, self.store.catalogue())

    def _chosen(self, model: Model, query: str, user_id: str | None) -> Choice:
        """The model for a request."""
        wanted = model or self._model or os.environ.get(MODEL_VARIABLE) or self.workspace.settings.model or OFFLINE

        def read() -> Understanding:
            known = self.engines.history.profile(user_id).known
            return understand(query, self.store, self.engines.details, user_known=known)

        with self.store.steady():
            return self._models.choose(wanted, read)

    def _answer(self, request: _Request, state: State) -> Answer:
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


def _done(answer: Answer) -> Event:
    return Event("done", f"{len(answer.recommendations)} recommendations", {"answer": answer})


def _check_kept(name: str, text: str) -> None:
    """Raises InputError where the text cannot be kept in a file."""
    if _encodable(text) != text:
        raise InputError(f"{name} is {text!r}, which cannot be kept: it holds a lone surrogate.")


def _encodable(text: str) -> str:
    """The text with a question mark for every lone surrogate, which no file and no server takes."""
    return text.encode("utf-8", "replace").decode()
