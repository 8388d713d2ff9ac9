"""Writes traces in a thread of its own, so that a request does not wait for its trace.

What is handed over is written at once; what comes meanwhile goes together into the next transaction. It is there when
something in this process reads the file, and when the process ends. A process that is killed loses what was in flight:
of each thread at most the request that it was answering or had just answered. A trace is written whole or not at all.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

BATCH = 32
"""How many are written at once at most."""
PATIENCE_S = 60.0
"""How long a thread waits for its last trace to be written before it hands over another."""
IDLE_S = 2.0
"""A writer without work ends its thread, so that a store nobody closed can go."""


class BatchWriter(Generic[T]):
    """Hands what is put into it to ``write``, in order, a batch at a time, in one thread. ``write`` must not raise."""

    def __init__(self, path: Path, write: Callable[[list[T]], None]) -> None:
        self.path = path.absolute()
        self._write = write
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, T]] = deque()
        self._owed: Counter[int] = Counter()
        """What each thread handed over and is not written yet."""
        self._writing = self._done = 0
        self._thread: threading.Thread | None = None
        _WRITERS.add(self)

    def put(self, work: T) -> bool:
        """Takes the work over; False where the thread's last was not written within ``PATIENCE_S``.

        An event loop, whose thread must not be held up, hands over without limit.
        """
        thread, free = threading.get_ident(), _in_a_loop()
        with self._changed:
            if not self._changed.wait_for(lambda: free or not self._owed[thread], PATIENCE_S):
                return False
            self._waiting.append((thread, work))
            self._owed[thread] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recmind-traces", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._changed.notify_all()
            return True

    def flush(self) -> None:
        """Returns when all that was put before is written, or could not be."""
        with self._changed:
            if threading.current_thread() is not self._thread:
                last = self._put_so_far()
                self._changed.wait_for(lambda: self._done >= last)

    def _put_so_far(self) -> int:
        return self._done + self._writing + len(self._waiting)

    def _start_afresh(self) -> None:
        """As after a fork, where the parent's thread writes what waits."""
        self._changed, self._waiting, self._owed = threading.Condition(), deque(), Counter()
        self._writing = self._done = 0
        self._thread = None

    def _run(self) -> None:
        while batch := self._next():
            self._write([work for _, work in batch])
            with self._changed:
                self._done += len(batch)
                self._writing = 0
                self._owed -= Counter(thread for thread, _ in batch)
                self._changed.notify_all()

    def _next(self) -> list[tuple[int, T]]:
        """The next batch; empty where there is nothing to do."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                self._thread = None
                return []
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._writing = len(batch)
            return batch


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_WRITERS: weakref.WeakSet[BatchWriter[Any]] = weakref.WeakSet()


def flush_all(path: Path | None = None) -> None:
    """Waits until everything of this process is written; with a path, what goes to that file."""
    for writer in list(_WRITERS):
        if path is None or writer.path == path.absolute():
            writer.flush()


def _after_fork() -> None:
    for writer in list(_WRITERS):
        writer._start_afresh()


atexit.register(flush_all)
os.register_at_fork(after_in_child=_after_fork)
