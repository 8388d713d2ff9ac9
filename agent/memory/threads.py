"""The threads of a workspace: opened by their users, listed, shown, pruned by age, deleted."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from pydantic import ValidationError

from recmind.agent.memory.thread import Thread
from recmind.agent.memory.thread_locks import ThreadLocks
from recmind.data.errors import InputError, WorkspaceError

if TYPE_CHECKING:
    from recmind.agent.memory.saver import ThreadSaver

INTERRUPT = "__interrupt__"
"""LangGraph's name for what a stopped run waits for."""
LONGEST_NAME = 200
SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """One thread, as a list shows it."""

    thread_id: str
    user_id: str | None
    turns: int
    first_said: str
    last_said: str
    started: float
    """Unix seconds."""
    last: float
    """Unix seconds."""
    waiting: bool
    """Whether its last answer is a question that is waiting for a reply."""


class Threads:
    """All threads of one workspace. No file is made or opened before one of them is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turns = ThreadLocks(path.with_suffix(".locks"))
        """Decides which request of a thread runs next."""
        self._lock = threading.Lock()
        self._saver: ThreadSaver | None = None

    @property
    def saver(self) -> ThreadSaver:
        """The checkpointer for LangGraph."""
        with self._lock:
            if self._saver is None:
                from recmind.agent.memory.saver import ThreadSaver  # noqa: PLC0415  only requests with a thread need it

                try:
                    self._saver = ThreadSaver(self.path)
                except sqlite3.Error as error:
                    raise WorkspaceError(
                        f"The threads in {str(self.path)!r} cannot be read: {error}. Move the file away."
                    ) from None
            return self._saver

    def get(self, thread_id: str) -> Thread | None:
        """The thread of this name, or None."""
        if self._saver is None and not self.path.exists():
            return None
        found = self.saver.get_tuple(RunnableConfig(configurable={"thread_id": thread_id}))
        written = found.checkpoint["channel_values"].get("thread") if found else None
        try:
            return None if written is None else Thread.from_json(written)
        except ValidationError as error:
            raise WorkspaceError(
                f"Thread {thread_id!r} was written by another version of RecMind ({error.error_count()} differences). "
                f"Delete it with: recmind threads delete {thread_id!r}"
            ) from None

    def waiting(self, thread_id: str) -> dict[str, Any] | None:
        """The options of the request whose question waits for a reply in this thread; None if no question waits."""
        if self._saver is None and not self.path.exists():
            return None
        found = self.saver.get_tuple(RunnableConfig(configurable={"thread_id": thread_id}))
        if found is None or not any(channel == INTERRUPT for _, channel, _ in found.pending_writes or ()):
            return None
        options: dict[str, Any] = found.checkpoint["channel_values"].get("options") or {}
        return options

    def open(self, thread_id: str, user_id: str | None) -> Thread:
        """The thread of this name for this user; a new one if there is none.

        Args:
            thread_id: the name of the thread.
            user_id: the user who speaks; None for nobody.

        Raises:
            InputError: the thread belongs to somebody else, or the name is empty or too long.
        """
        if not thread_id.strip() or len(thread_id) > LONGEST_NAME:
            raise InputError(
                f"A thread's name has 1 to {LONGEST_NAME} letters; {thread_id[:40]!r} has {len(thread_id)}."
            )
        thread = self.get(thread_id)
        if thread is None:
            return Thread(user_id)
        if thread.user_id != user_id:
            raise InputError(
                f"Thread {thread_id!r} belongs to another user: ask with the user_id it was begun with, or choose "
                "another name for a new thread."
            )
        return thread

    def all(self, n: int | None = None, *, user_id: str | None = None) -> list[ThreadSummary]:
        """The threads, the last used first.

        Args:
            n: at most this many; None for all.
            user_id: only those of this user; None for those of everybody.
        """
        found = [summary for summary in self._summaries() if user_id is None or summary.user_id == user_id]
        found.sort(key=lambda summary: (-summary.last, summary.thread_id))
        return found if n is None else found[:n]

    def delete(self, thread_id: str) -> bool:
        """Erases a thread; returns whether there was one."""
        if not self.path.exists() or thread_id not in self.saver.thread_ids():
            return False
        self._erase(thread_id)
        return True

    def prune(self, days: float, *, now: float | None = None) -> list[str]:
        """Erases the threads that nobody has used for this long; returns their names.

        Args:
            days: the age, in days.
            now: Unix seconds; None takes the clock.
        """
        before = (time.time() if now is None else now) - days * SECONDS_A_DAY
        old = [summary.thread_id for summary in self._summaries() if summary.last < before]
        for thread_id in old:
            self._erase(thread_id)
        return old

    def forget_user(self, user_id: str) -> int:
        """Erases all threads of a user; returns how many there were."""
        theirs = [summary.thread_id for summary in self._summaries() if summary.user_id == user_id]
        for thread_id in theirs:
            self._erase(thread_id)
        return len(theirs)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._saver is not None:
                self._saver.conn.close()
                self._saver = None

    def __enter__(self) -> Threads:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _erase(self, thread_id: str) -> None:
        self.saver.delete_thread(thread_id)
        self.turns.forget(thread_id)

    def _summaries(self) -> list[ThreadSummary]:
        if self._saver is None and not self.path.exists():
            return []
        named = [(thread_id, self.get(thread_id)) for thread_id in self.saver.thread_ids()]
        return [_summary(thread_id, thread) for thread_id, thread in named if thread is not None and thread.turns]


def _summary(thread_id: str, thread: Thread) -> ThreadSummary:
    first, last = thread.turns[0], thread.turns[-1]
    return ThreadSummary(
        thread_id,
        thread.user_id,
        thread.dropped + len(thread.turns),
        first.said,
        last.said,
        first.at,
        last.at,
        thread.asked,
    )
