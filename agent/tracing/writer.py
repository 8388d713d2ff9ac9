"""Writes traces in a thread of its own, so that a request does not wait for its trace.

What is handed over is written at once; what comes meanwhile goes together into the next transaction. It is there when
something in this process reads the file, and when the process ends. A process that is killed loses what it was writing
and what waited for that, and nothing else: each trace is written whole or not at all.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

BATCH = 8
"""How many are written at once at most."""
MOST_WAITING = 8
"""How many wait at most; who comes then waits for the writer. With a batch, the most that a killed process loses."""
MOST_OF_A_LOOP = 1_000
"""The same where an event loop hands over, which must not be held up: many of its requests may end together."""
PATIENCE_S = 60.0
"""How long that may take."""
IDLE_S = 2.0
"""A writer without work ends its thread, so that a store nobody closed can go."""


class BatchWriter(Generic[T]):
    """Hands what is put into it to ``write``, in order, a batch at a time, in one thread. ``write`` must not raise."""

    def __init__(self, path: Path, write: Callable[[list[T]], None]) -> None:
        self.path = path.absolute()
        self._write = write
        self._changed = threading.Condition()
        self._waiting: deque[T] = deque()
        self._writing = self._done = 0
        self._thread: threading.Thread | None = None
        _WRITERS.add(self)

    def put(self, work: T) -> bool:
        """Takes the work over; False where so much waited for ``PATIENCE_S`` that it was not taken."""
        most = MOST_OF_A_LOOP if _in_a_loop() else MOST_WAITING
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._waiting) < most, PATIENCE_S):
                return False
            self._waiting.append(work)
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
        self._changed, self._waiting = threading.Condition(), deque()
        self._writing = self._done = 0
        self._thread = None

    def _run(self) -> None:
        while batch := self._next():
            self._write(batch)
            with self._changed:
                self._done += len(batch)
                self._writing = 0
                self._changed.notify_all()

    def _next(self) -> list[T]:
        """The next batch; empty where there is nothing to do."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, IDLE_S):
                self._thread = None
                return []
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._writing = len(batch)
            self._changed.notify_all()
            return batch


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_WRITERS: weakref.WeakSet[BatchWriter[Any]] = weakref.WeakSet()


def flush(path: Path | None = None) -> None:
    """Waits until everything of this process is written; with a path, what goes to that file."""
    for writer in list(_WRITERS):
        if path is None or writer.path == path.absolute():
            writer.flush()


def _after_fork() -> None:
    for writer in list(_WRITERS):
        writer._start_afresh()


atexit.register(flush)
os.register_at_fork(after_in_child=_after_fork)
