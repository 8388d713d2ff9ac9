"""One request of a thread at a time: the next waits until the one before it has been answered and kept.

Within a process they follow in the order in which they came; between processes a file for each thread is locked, so
that the turn of a process that dies is free at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from recmind.data.errors import RecMindError
from recmind.data.locking import Taken, hold

PAUSE_S = 0.05
"""Between two looks whether another process has ended its turn."""


class ThreadBusy(RecMindError):  # noqa: N818  reads as the fact that it is: "except ThreadBusy"
    """Other requests of the thread did not end in time; nothing of this one was done."""


class ThreadLock:
    """The right to go on with a thread, until it is given back; any thread of the process may do that."""

    def __init__(self, turns: ThreadLocks, thread_id: str) -> None:
        self._turns, self._thread_id = turns, thread_id
        self._file: sqlite3.Connection | None = None
        self._over = False
        self._lock = threading.Lock()

    def try_file(self) -> bool:
        """Whether no other process is at work on the thread; none can begin from then on."""
        path = self._turns.file(self._thread_id)
        with self._lock:
            if not self._over:
                try:
                    path.parent.mkdir(exist_ok=True)
                    self._file = hold(path)
                except Taken:
                    return False
            return True

    def give_back(self) -> None:
        """Let the next request of the thread go on."""
        with self._lock:
            self._over = True
            if self._file is not None:
                self._file.close()
        self._turns.next(self._thread_id)


class ThreadLocks:
    """The turns of all threads of one workspace."""

    def __init__(self, folder: Path) -> None:
        """``folder``: where the files are that processes lock; made when the first is."""
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Future[None]]] = {}
        """Those who wait, in their order, for each thread that is at work."""

    def file(self, thread_id: str) -> Path:
        """What a process locks that works on the thread. Its name does not tell the thread's."""
        return self._folder / f"{hashlib.sha256(thread_id.encode()).hexdigest()[:24]}.lock"

    def take(self, thread_id: str, wait_s: float) -> ThreadLock:
        """This request's turn, as soon as those before it are through.

        Raises:
            ThreadBusy: that was not so within ``wait_s`` seconds.
        """
        end = time.monotonic() + wait_s
        with self._place(thread_id, wait_s) as place:
            place.result(wait_s)
        with self._kept(thread_id) as turn:
            while not turn.try_file():
                if time.monotonic() >= end:
                    raise _busy(thread_id, wait_s)
                time.sleep(PAUSE_S)
        return turn

    async def atake(self, thread_id: str, wait_s: float) -> ThreadLock:
        """The same for an event loop, which goes on with other things meanwhile."""
        end = time.monotonic() + wait_s
        with self._place(thread_id, wait_s) as place:
            await asyncio.wait_for(asyncio.wrap_future(place), wait_s)
        with self._kept(thread_id) as turn:
            while not await asyncio.to_thread(turn.try_file):
                if time.monotonic() >= end:
                    raise _busy(thread_id, wait_s)
                await asyncio.sleep(PAUSE_S)
        return turn

    def forget(self, thread_id: str) -> None:
        """Removes the file of a thread that nobody is at work on."""
        path = self.file(thread_id)
        with suppress(Taken, OSError):
            if path.exists():
                with closing(hold(path)):
                    path.unlink()

    def next(self, thread_id: str) -> None:
        """Ends the turn at work on the thread; the one that waits longest is next."""
        with self._lock:
            waiting = self._waiting[thread_id]
            while waiting:
                place = waiting.popleft()
                if place.set_running_or_notify_cancel():
                    place.set_result(None)
                    return
            del self._waiting[thread_id]

    @contextmanager
    def _place(self, thread_id: str, wait_s: float) -> Iterator[Future[None]]:
        """A place in the thread's queue, given up where the wait inside fails; ``ThreadBusy`` where it is too long."""
        place = self._queue(thread_id)
        try:
            yield place
        except TimeoutError:
            self._leave(thread_id, place)
            raise _busy(thread_id, wait_s) from None
        except BaseException:
            self._leave(thread_id, place)
            raise

    @contextmanager
    def _kept(self, thread_id: str) -> Iterator[ThreadLock]:
        """The turn that has come within this process, given back where what is done inside fails."""
        turn = ThreadLock(self, thread_id)
        try:
            yield turn
        except BaseException:
            turn.give_back()
            raise

    def _queue(self, thread_id: str) -> Future[None]:
        """A place in the thread's queue; done when it is this one's turn."""
        place: Future[None] = Future()
        with self._lock:
            waiting = self._waiting.get(thread_id)
            if waiting is None:
                self._waiting[thread_id] = deque()
                place.set_result(None)
            else:
                waiting.append(place)
        return place

    def _leave(self, thread_id: str, place: Future[None]) -> None:
        """Gives the place up; where its turn has come in this instant, the next one's begins."""
        if not place.cancel():
            self.next(thread_id)


def _busy(thread_id: str, wait_s: float) -> ThreadBusy:
    return ThreadBusy(
        f"Thread {thread_id!r} is busy: other requests of it were not answered within {wait_s:g} s. Ask again later, "
        "or in another thread."
    )
