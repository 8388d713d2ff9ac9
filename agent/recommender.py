"""The Python API: open a workspace, ask, read the answer."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Unpack

from recmind.agent.answer import Answer
from recmind.agent.memory.threads import Threads
from recmind.agent.options import Model, Options
from recmind.agent.preferences.keeping import forget_preference, keep_preference
from recmind.agent.serving.batch import batch
from recmind.agent.serving.requests import Requests
from recmind.agent.serving.workers import WorkerEnded, Workers, can_cross
from recmind.agent.state import Event
from recmind.agent.tracing import TraceStore
from recmind.data.errors import InputError, RecMindError
from recmind.data.records import Interaction, Preference
from recmind.data.store.store import Store
from recmind.data.text import encodable
from recmind.data.workspace import Workspace
from recmind.tools.index.engines import Engines

_SCORES = {"always": 1.0, "negative": 0.0}
"""The score of an item in an answer that an interaction of a kind implies, by what the kind means."""


class RecMind:
    """Recommendations from one workspace. Safe to share between threads; a context manager."""

    def __init__(self, workspace: Workspace, *, model: Model = None, fallback: bool = True, processes: int = 1) -> None:
        if processes < 1:
            raise InputError(f"processes is {processes}; give a whole number from 1 on.")
        if processes > 1 and not isinstance(model, str | None):
            raise InputError("A model object cannot be sent to other processes: give the model's name, as text.")
        self.workspace = workspace
        self.store = Store(workspace.database, workspace.settings)
        self.traces = TraceStore(workspace.traces, workspace.settings.traces)
        self.threads = Threads(workspace.threads)
        self._requests = Requests(workspace, self.store, self.traces, self.threads, model=model, fallback=fallback)
        self._workers: Workers | None = None
        if processes > 1:
            name = model if isinstance(model, str) else None
            self._workers = Workers(workspace.home, name, fallback=fallback, processes=processes)
            self.traces.flushed_elsewhere.append(self._workers.flush)

    @classmethod
    def open(
        cls,
        home: str | Path | None = None,
        *,
        model: Model = None,
        fallback: bool = True,
        processes: int = 1,
    ) -> RecMind:
        """The workspace in this folder, opened.

        Args:
            home: a folder made by ``recmind import`` and ``recmind index``; None takes ``RECMIND_HOME`` or the
                platform's user data folder.
            model: a model's name (``openai:gpt-4o-mini``) or any LangChain chat model; None takes ``RECMIND_MODEL``,
                the workspace's settings, or the offline planner, in this order.
            fallback: whether the hybrid ranker answers, and says so, when a named model fails. False: ``ModelFailure``.
            processes: if more than one, ``arecommend`` and ``batch`` share their requests among this many processes,
                each with the workspace open; take at most one for each core. This process answers everything else, and
                requests with ``callbacks`` or a model object.

        Raises:
            WorkspaceError: there is no workspace in that folder.
            InputError: ``processes`` is below 1, or above 1 with a model that is not a name.
        """
        return cls(Workspace.open(home), model=model, fallback=fallback, processes=processes)

    def recommend(self, query: str = "", **options: Unpack[Options]) -> Answer:
        """The answer to a request in plain words.

        Args:
            query: what the person says; may be empty for a known user.
            **options: those of ``RequestOptions``: ``user_id`` or ``user_ids``, ``k``, ``filters``, ``exclude``,
                ``diversity``, ``model``, ``limits``, ``callbacks`` and more.

        Raises:
            InputError: a filter or a limit cannot be read, ``k`` or ``diversity`` is out of range, or a model's name is
                unknown.
            ModelFailure: the model failed and ``fallback`` is off.
        """
        return self._requests.answer(self._requests.read(query, options))

    async def arecommend(self, query: str = "", **options: Unpack[Options]) -> Answer:
        """``recommend`` for an event loop: the model is awaited, everything else runs in threads or other processes."""
        workers = self._workers_for(options)
        if workers is None:
            return await self._requests.aanswer(query, options)
        return await asyncio.wrap_future(workers.answer(query, options))

    def resume(self, thread: str, /, reply: str = "", **options: Unpack[Options]) -> Answer:
        """The answer to a reply: the run that asked a question continues with it.

        The next request on the thread does the same; this method insists that a question is waiting.

        Args:
            thread: ``Answer.thread`` of the answer with the question.
            reply: one of its choices, its number, any other text, or nothing: then RecMind chooses.
            **options: as for ``recommend``; those that are not given are taken from the request that led to the
                question.

        Raises:
            InputError: no question is waiting in that thread, or the thread belongs to somebody else; and as
                ``recommend``.
        """
        if self.threads.waiting(thread) is None:
            raise InputError(f"No question waits for a reply in thread {thread!r}: ask with recommend(thread=...).")
        options["thread"] = thread
        return self.recommend(reply, **options)

    def replay(self, trace_id: str) -> Answer:
        """A past request answered again: with today's catalogue, history and index and its model's recorded replies.

        It leaves a trace of its own. If nothing has changed since, the answer is the same, whatever the model would
        say now. A request of a conversation is read against what had been said by then; its thread is not changed.

        Args:
            trace_id: an id, or any beginning or end of one; ``last`` is the newest.

        Raises:
            InputError: there is no such trace, or it kept too little of its request.
        """
        from recmind.agent.serving.replay import replayed  # noqa: PLC0415  few ask for it

        return replayed(self.traces.tree(trace_id), self._requests)

    def stream(self, query: str = "", **options: Unpack[Options]) -> Iterator[Event]:
        """The steps of a request as they happen; the last event is ``done`` with the ``Answer`` in ``data["answer"]``.

        It raises what ``recommend`` raises, when the first event is asked for or later.
        """
        events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
        request = self._requests.read(query, options, events.put)

        def run() -> None:
            try:
                events.put(_done(self._requests.answer(request)))
            except BaseException as error:  # noqa: BLE001  any error is handed to the caller's thread
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
        """``stream`` for an event loop. A request is cancelled when nobody takes its events any more."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | BaseException] = asyncio.Queue()

        def emit(event: Event | BaseException) -> None:
            # Look-ups report from other threads. All events take this way, so that their order is kept.
            loop.call_soon_threadsafe(events.put_nowait, event)

        async def run() -> None:
            try:
                emit(_done(await self._requests.aanswer(query, options, emit)))
            except Exception as error:  # noqa: BLE001  any error is handed to the caller
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
    ) -> Generator[tuple[int, Answer | RecMindError]]:
        """The position of each request, counted from 0, with its answer or error, in the order in which they finish.

        Args:
            requests: ``query`` and options of each request, by name.
            concurrency: how many requests run at a time.
            **options: options of all requests; those of a single request take precedence.

        Raises:
            InputError: ``concurrency`` is below 1.
        """
        return batch(self._recommend_anywhere, requests, concurrency=concurrency, **options)

    def _recommend_anywhere(self, query: str = "", **options: Unpack[Options]) -> Answer:
        """``recommend``, in another process if there are any; it is sent once more if that process ends before
        answering.
        """
        workers = self._workers_for(options)
        if workers is None:
            return self.recommend(query, **options)
        try:
            return workers.answer(query, options).result()
        except WorkerEnded:
            return workers.answer(query, options).result()

    def _workers_for(self, options: Options) -> Workers | None:
        """The other processes, or None if there are none or a request with these options cannot be sent there."""
        return self._workers if self._workers is not None and can_cross(options) else None

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

        What they did counts from the next answer on; no index has to be built. What they say is attached to the
        answer's trace: `recmind trace list`, `stats` and `view` show it, and `recmind evaluate requests` asks again
        for what was right.

        Args:
            user_id: a new id makes a new user.
            item_id: an item of the catalogue.
            kind: like, dislike, taken, skipped, seen, rating, purchase, ... ; the settings say what each means.
            value: the stars of a rating.
            at: Unix seconds; now when None.
            trace_id: the trace of the answer that is judged; with an item, only that item of it is judged.
            score: 0 (useless) to 1 (just right). None for an item: 1 if the kind is positive, 0 if it is negative.
            comment: their words.

        Raises:
            InputError: there is no such item or trace, the score is out of range, nothing is said, or a text contains
                an unpaired surrogate, which no file can store.
        """
        texts = {"user_id": user_id, "item_id": item_id, "kind": kind, "comment": comment}
        for name, text in texts.items():
            _check_kept(name, text)
        done = bool(user_id or item_id)
        if trace_id is None and not done:
            raise InputError("feedback needs a user_id and an item_id, or the trace_id of an answer.")
        if done and self.store.items.get(item_id) is None:
            raise InputError(f"There is no item {item_id!r} in {str(self.workspace.home)!r}.")
        moment = time.time() if at is None else at
        if trace_id is not None:
            if done and score is None:
                score = _SCORES.get(self.workspace.settings.kind(kind).positive)
            self.traces.judge(trace_id, score, comment, item_id=item_id or None, at=moment)
        if done:
            self.store.interactions.add([Interaction(user_id, item_id, kind, value, moment)])

    def preferences(self, user_id: str) -> list[Preference]:
        """What the user stated as lasting preferences, oldest first; empty for an unknown user."""
        return self.store.preferences.of_user(user_id)

    def prefer(self, user_id: str, text: str) -> list[Preference]:
        """Keeps a lasting preference of a user ("no horror", "nothing over two hours"); it binds from the next answer
        on.

        What they love ("I love Kurosawa") is kept as well, and counts as a wish if a request leaves it open. What they
        stated before about the same thing is replaced.

        Args:
            user_id: whose preference it is; a new id makes a new user.
            text: the preference in plain words.

        Returns:
            The records kept, one for each condition.

        Raises:
            InputError: nothing in the text can be kept.
        """
        for name, given in (("user_id", user_id), ("text", text)):
            _check_kept(name, given)
        return keep_preference(user_id, text, self.store, self.engines.titles, source="told", at=time.time())

    def forget_preference(self, user_id: str, text: str) -> list[Preference]:
        """Forgets the preferences that the words or the condition name; returns those dropped, empty if none fits."""
        return forget_preference(user_id, text, self.store, self.engines.titles)

    @property
    def engines(self) -> Engines:
        """The engines of the index in use; a newly built index is used from the next request on.

        Raises:
            WorkspaceError: no index has been built, or it is damaged.
        """
        return self._requests.engines

    def close(self) -> None:
        """Ends the threads and processes, and closes the files."""
        if self._workers is not None:
            self._workers.close()
        self._requests.close()
        self.store.close()
        self.traces.close()
        self.threads.close()

    def __enter__(self) -> RecMind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _done(answer: Answer) -> Event:
    return Event("done", f"{len(answer.recommendations)} recommendations", {"answer": answer})


def _check_kept(name: str, text: str) -> None:
    """Raises InputError if the text cannot be stored in a file."""
    if encodable(text) != text:
        raise InputError(
            f"{name} is {text!r}, which cannot be kept: it contains an unpaired surrogate, which UTF-8 cannot store."
        )
