"""Writes traces in a separate thread, so that a request does not wait for its trace.

A trace that is handed over is written at once; those that come meanwhile go together into the next transaction. Readers
in this process wait for it, and so does the end of the process. A process that is killed loses at most one trace for
each thread: that of the request that it was answering or had just answered. A trace is written whole or not at all.
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
"""At most this many traces are written at once."""
PATIENCE_S = 60.0
"""Seconds that a thread waits for its last trace to be written before it hands over another."""
IDLE_S = 2.0
"""A writer without work for this many seconds ends its thread, so that a store that nobody closed can be freed."""


class BatchWriter(Generic[T]):
    """Passes what is put into it to ``write``, in order, a batch at a time, in one thread.

    Args:
        path: the file that is written.
        write: writes a batch; must not raise.
    """

    def __init__(self, path: Path, write: Callable[[list[T]], None]) -> None:
        self.path = path.absolute()
        self._write = write
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, T]] = deque()
        self._owed: Counter[int] = Counter()
        """By thread, how much of what it handed over is not written yet."""
        self._writing = self._done = 0
        self._thread: threading.Thread | None = None
        _WRITERS.add(self)

    def put(self, work: T) -> bool:
        """Takes the work over; False if the thread's last work was not written within ``PATIENCE_S``.

        The thread of an event loop, which must not be blocked, never waits.
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
        """Returns once everything that was put before is written, or could not be written."""
        with self._changed:
            if threading.current_thread() is not self._thread:
                last = self._put_so_far()
                self._changed.wait_for(lambda: self._done >= last)

    def _put_so_far(self) -> int:
        return self._done + self._writing + len(self._waiting)

    def _start_afresh(self) -> None:
        """Starts empty, as after a fork: the parent's thread writes what was waiting."""
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
        """The next batch; empty if there is nothing to do."""
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
    """Waits until all traces of this process are written.

    Args:
        path: only those for this file; None for all files.
    """
    for writer in list(_WRITERS):
        if path is None or writer.path == path.absolute():
            writer.flush()


def _after_fork() -> None:
    for writer in list(_WRITERS):
        writer._start_afresh()


atexit.register(flush_all)
os.register_at_fork(after_in_child=_after_fork)
