"""The Python API: open a workspace, ask, read the answer."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langsmith import uuid7

from agent.answer import Answer, Proof, Recommendation, Usage
from agent.graph import build_graph
from agent.models.calling import ModelFailure
from agent.models.factory import model_name_of, open_model
from agent.models.offline import NAME as OFFLINE
from agent.models.offline import OfflinePlanner
from agent.state import AgentContext, Event, Spent, State
from agent.tracing import TraceRecorder, TraceStore
from data.conditions import Condition, parse_condition, resolve_condition
from data.errors import InputError
from data.records import Interaction
from data.store import Store
from data.workspace import Workspace
from tools.index import Engines, open_engines
from tools.slate import Slate

MODEL_VARIABLE = "RECMIND_MODEL"
MOST_ASKED = 100
"""The largest ``k``."""
LONGEST_QUERY = 20_000
"""Letters of a request that are read; the rest is cut off, as no catalogue search gains from it."""
THREADS = 8

Model = str | BaseChatModel | None


@dataclass(frozen=True, slots=True)
class _Request:
    """A request on its way into the graph."""

    state: State
    context: AgentContext
    config: RunnableConfig
    trace_id: str
    started: float


class RecMind:
    """Recommendations from one workspace. Safe to share between threads; a context manager."""

    def __init__(self, workspace: Workspace, *, model: Model = None, fallback: bool = True) -> None:
        self.workspace = workspace
        self.store = Store(workspace.database, workspace.settings)
        self.traces = TraceStore(workspace.traces)
        self._model, self._fallback = model, fallback
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="recmind")
        self._lock = threading.Lock()
        self._engines: tuple[Path | None, Engines] | None = None
        self._models: dict[str, BaseChatModel] = {}

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

    def recommend(
        self,
        query: str = "",
        *,
        user_id: str | None = None,
        k: int = 10,
        filters: Sequence[str | Condition] = (),
        exclude: Sequence[str] = (),
        diversity: float = 0.0,
        model: Model = None,
        callbacks: Sequence[BaseCallbackHandler] = (),
    ) -> Answer:
        """The answer to a request in plain words.

        Args:
            query: what the person says; may be empty for a known user.
            user_id: whose history and preferences count; an unknown id is answered as a newcomer's.
            k: how many recommendations at most, 1 to 100.
            filters: conditions that every recommendation must meet, such as ``"year>=1990"``.
            exclude: item ids not to recommend.
            diversity: 0 to 1; 0 ranks by score alone, more gives up score for items that differ from each other. It
                acts where the ranking decides the order: always without a chat model, else through ``rank_candidates``.
            model: another model for this request only.
            callbacks: LangChain callback handlers that see every run of the request.

        Raises:
            InputError: a filter cannot be read, ``k`` or ``diversity`` is out of range, or a model's name leads
                nowhere.
            ModelFailure: the model failed and ``fallback`` is off.
        """
        request = self._request(query, user_id, k, filters, exclude, diversity, model, callbacks, None)
        state = build_graph().invoke(request.state, request.config, context=request.context)
        return self._answer(request, cast(State, state))

    async def arecommend(
        self,
        query: str = "",
        *,
        user_id: str | None = None,
        k: int = 10,
        filters: Sequence[str | Condition] = (),
        exclude: Sequence[str] = (),
        diversity: float = 0.0,
        model: Model = None,
        callbacks: Sequence[BaseCallbackHandler] = (),
    ) -> Answer:
        """``recommend`` for an event loop: the model is awaited, look-ups run in threads of their own."""
        request = self._request(query, user_id, k, filters, exclude, diversity, model, callbacks, None)
        graph = build_graph(asynchronous=True)
        state = await graph.ainvoke(request.state, request.config, context=request.context)
        return self._answer(request, cast(State, state))

    def stream(
        self,
        query: str = "",
        *,
        user_id: str | None = None,
        k: int = 10,
        filters: Sequence[str | Condition] = (),
        exclude: Sequence[str] = (),
        diversity: float = 0.0,
        model: Model = None,
        callbacks: Sequence[BaseCallbackHandler] = (),
    ) -> Iterator[Event]:
        """The steps of a request as they happen; the last event is ``done`` with the ``Answer`` in ``data["answer"]``.

        Raises the same as ``recommend``, when the first event is asked for or later.
        """
        events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
        request = self._request(query, user_id, k, filters, exclude, diversity, model, callbacks, events.put)

        def run() -> None:
            try:
                state = build_graph().invoke(request.state, request.config, context=request.context)
                answer = self._answer(request, cast(State, state))
                events.put(Event("done", f"{len(answer.recommendations)} recommendations", {"answer": answer}))
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

    def feedback(
        self, user_id: str, item_id: str, kind: str = "like", value: float | None = None, *, at: float | None = None
    ) -> None:
        """Keeps what a user did with an item; the very next answer knows it, no index has to be built.

        Args:
            user_id: a new id makes a new user.
            item_id: an item of the catalogue.
            kind: like, dislike, rating, purchase, seen, skip, ... ; the settings say what each means.
            value: the stars of a rating.
            at: Unix seconds; now when None.

        Raises:
            InputError: there is no such item, or a text holds what no file takes (a lone surrogate).
        """
        for name, text in (("user_id", user_id), ("item_id", item_id), ("kind", kind)):
            if _encodable(text) != text:
                raise InputError(f"{name} is {text!r}, which cannot be kept: it holds a lone surrogate.")
        if self.store.item(item_id) is None:
            raise InputError(f"There is no item {item_id!r} in {str(self.workspace.home)!r}.")
        moment = time.time() if at is None else at
        self.store.add_interactions([Interaction(user_id, item_id, kind, value, moment)])

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
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.store.close()
        self.traces.close()

    def __enter__(self) -> RecMind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _request(
        self,
        query: str,
        user_id: str | None,
        k: int,
        filters: Sequence[str | Condition],
        exclude: Sequence[str],
        diversity: float,
        model: Model,
        callbacks: Sequence[BaseCallbackHandler],
        emit: Any,
    ) -> _Request:
        started = time.monotonic()
        if not 1 <= k <= MOST_ASKED:
            raise InputError(f"k is {k}; ask for 1 to {MOST_ASKED} recommendations.")
        if not 0 <= diversity <= 1:
            raise InputError(f"diversity is {diversity}; give a number from 0 to 1.")
        limits = self.workspace.settings.limits
        user_id = None if user_id is None else _encodable(user_id)
        chosen, name, cause = self._chosen_model(model)
        context = AgentContext(
            query=_encodable(query[:LONGEST_QUERY]),
            user_id=user_id,
            k=k,
            filters=tuple(self._condition(condition) for condition in filters),
            exclude=frozenset(map(_encodable, exclude)),
            diversity=diversity,
            store=self.store,
            engines=self.engines,
            model=chosen,
            model_name=name,
            limits=limits,
            deadline=started + limits.seconds,
            pool=self._pool,
            fallback=self._fallback,
            emit=emit,
        )
        trace_id = uuid7()
        config = RunnableConfig(
            callbacks=[TraceRecorder(self.traces), *callbacks],
            run_id=trace_id,
            run_name="recommend",
            metadata={
                "query": context.query,
                "user_id": user_id,
                "model": name,
                "k": k,
                **({"diversity": diversity} if diversity else {}),
            },
            # The caps end a request long before this: it only has to be out of their way.
            recursion_limit=4 * limits.model_calls + 20,
        )
        return _Request(State(spent=Spent(), slate=Slate(), cause=cause), context, config, str(trace_id), started)

    def _condition(self, condition: str | Condition) -> Condition:
        parsed = parse_condition(condition) if isinstance(condition, str) else condition
        return resolve_condition(parsed, self.store.catalogue())

    def _chosen_model(self, model: Model) -> tuple[BaseChatModel, str, str | None]:
        """The model for a request, its name, and why it cannot be asked where it cannot."""
        wanted = model or self._model or os.environ.get(MODEL_VARIABLE) or self.workspace.settings.model or OFFLINE
        if not isinstance(wanted, str):
            return wanted, model_name_of(wanted), None
        with self._lock:
            if wanted not in self._models:
                try:
                    self._models[wanted] = (
                        OfflinePlanner() if wanted == OFFLINE else open_model(wanted, self.workspace.settings.limits)
                    )
                except ModelFailure as failure:
                    if not self._fallback:
                        raise
                    return OfflinePlanner(), wanted, str(failure)
            return self._models[wanted], wanted, None

    def _answer(self, request: _Request, state: State) -> Answer:
        slate, verdict, spent, cause = state["slate"], state["verdict"], state["spent"], state.get("cause")
        chosen_ids = [chosen.item_id for chosen in verdict.chosen]
        confidences = request.context.engines.confidences(request.context.user_id, chosen_ids)
        recommendations = tuple(
            Recommendation(
                rank=rank,
                item_id=chosen.item_id,
                title=chosen.title,
                score=chosen.score,
                reason=chosen.reason,
                evidence=tuple(
                    Proof(fact.kind, fact.text, dict(fact.data)) for n in chosen.cites if (fact := slate.fact(n))
                ),
                confidence=confidences.get(chosen.item_id),
            )
            for rank, chosen in enumerate(verdict.chosen, 1)
        )
        free = request.context.model_name == OFFLINE
        return Answer(
            query=request.context.query,
            user_id=request.context.user_id,
            recommendations=recommendations,
            message=state["message"],
            source="fallback" if cause else "agent",
            model=request.context.model_name,
            trace_id=request.trace_id,
            fallback_cause=cause,
            repairs=verdict.repairs,
            usage=Usage(
                spent.model_calls,
                spent.tool_calls,
                spent.input_tokens,
                spent.output_tokens,
                cost_usd=0.0 if free else None,
            ),
            latency_ms=round(1000 * (time.monotonic() - request.started), 3),
        )


def _encodable(text: str) -> str:
    """The text with a question mark for every lone surrogate, which no file and no server takes."""
    return text.encode("utf-8", "replace").decode()
