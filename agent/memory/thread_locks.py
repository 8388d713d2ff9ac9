"""One request of a thread at a time: the next one waits until the one before it is answered and stored.

Within a process they run in the order in which they came. Between processes a file for each thread is locked, so that
the lock of a process that dies is released at once.
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
"""Seconds between two attempts to lock a file that another process holds."""


class ThreadBusy(RecMindError):  # noqa: N818  reads as the fact that it is: "except ThreadBusy"
    """Other requests of the thread did not end in time; this one was not begun."""


class ThreadLock:
    """The right to continue a thread; any thread of the process may give it back."""

    def __init__(self, turns: ThreadLocks, thread_id: str) -> None:
        self._turns, self._thread_id = turns, thread_id
        self._file: sqlite3.Connection | None = None
        self._over = False
        self._lock = threading.Lock()

    def try_file(self) -> bool:
        """Locks the file; False if another process works on the thread."""
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
        """Lets the next request of the thread run."""
        with self._lock:
            self._over = True
            if self._file is not None:
                self._file.close()
        self._turns.next(self._thread_id)


class ThreadLocks:
    """The locks of all threads of one workspace.

    Args:
        folder: where the lock files are; made with the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Future[None]]] = {}
        """The requests that wait, in order, for each thread that is busy."""

    def file(self, thread_id: str) -> Path:
        """The file that a process locks to work on the thread. Its name does not reveal the thread's."""
        return self._folder / f"{hashlib.sha256(thread_id.encode()).hexdigest()[:24]}.lock"

    def take(self, thread_id: str, wait_s: float) -> ThreadLock:
        """The lock of the thread, as soon as the requests before this one are done.

        Args:
            thread_id: the name of the thread.
            wait_s: how long to wait, in seconds.

        Raises:
            ThreadBusy: the requests before this one did not end in time.
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
        """``take`` for an event loop, which is not blocked."""
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
        """Removes the file of a thread that nobody works on."""
        path = self.file(thread_id)
        with suppress(Taken, OSError):
            if path.exists():
                with closing(hold(path)):
                    path.unlink()

    def next(self, thread_id: str) -> None:
        """Ends the current turn of the thread; the request that has waited longest is next."""
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
        """A place in the thread's queue, given up if what is done inside fails; a time-out becomes ``ThreadBusy``."""
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
        """The lock once it is this request's turn within the process; given back if what is done inside fails."""
        turn = ThreadLock(self, thread_id)
        try:
            yield turn
        except BaseException:
            turn.give_back()
            raise

    def _queue(self, thread_id: str) -> Future[None]:
        """A place in the thread's queue; done when it is this request's turn."""
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
        """Gives the place up; if its turn has come in this instant, the next turn begins."""
        if not place.cancel():
            self.next(thread_id)


def _busy(thread_id: str, wait_s: float) -> ThreadBusy:
    return ThreadBusy(
        f"Thread {thread_id!r} is busy: other requests of it were not answered within {wait_s:g} s. Ask again later, "
        "or in another thread."
    )
