"""Processes that answer requests beside this one.

RecMind's own computing for a request keeps one core of one process busy, however many requests wait for their models
meanwhile. Several processes use several cores.
"""

from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from recmind.agent.answer import Answer
from recmind.agent.options import Options, RequestOptions
from recmind.data.errors import RecMindError, WorkspaceError

CLOSING_S = 10.0
"""How long a process may take to end after it is told to."""

Kind = Literal["answer", "flush", "cancel"]
_Opened = tuple[Path, str | None, bool]
"""What a process opens: the workspace, the model's name, and whether the ranker answers if the model fails."""
Reply = tuple[int, Any, BaseException | None]
"""The reply of a process: the number of the request, the result, and the error if there was one."""


class WorkerEnded(RecMindError):  # noqa: N818  reads as the event that it is: "except WorkerEnded"
    """A process ended, or was closed, before it had answered."""


class Workers:
    """Processes with the workspace open. Threads and event loops may share them.

    They are started without waiting for them; requests that are sent before they are ready are answered later.

    Args:
        home: the folder of the workspace.
        model: the model's name; None for the workspace's default.
        fallback: whether the ranker answers if the model fails.
        processes: how many processes to start.
    """

    def __init__(self, home: Path, model: str | None, *, fallback: bool, processes: int) -> None:
        self._opened: _Opened = (home, model, fallback)
        self._lock = threading.Lock()
        self._parent = os.getpid()
        self._closed = False
        self._workers = [_Worker(self._opened) for _ in range(processes)]

    def answer(self, query: str, options: Options) -> Future[Answer]:
        """The future answer of the process that has the fewest requests; as ``RecMind.arecommend``.

        It fails with WorkerEnded if that process ends. Cancelling it cancels the request.

        Args:
            query: what the person says.
            options: the options of the request.

        Raises:
            InputError: an option is wrong.
            WorkspaceError: the processes were closed.
        """
        given = RequestOptions.read(options).given()  # checked here, because a wrong value may not be picklable
        with self._lock:
            if self._closed:
                raise WorkspaceError("The workspace is closed: open it again.")
            if self._parent != os.getpid():
                # A forked child inherits its parent's pipes, and must not write to them.
                self._parent = os.getpid()
                self._workers = [_Worker(self._opened) for _ in self._workers]
            self._workers = [worker if worker.alive else _Worker(self._opened) for worker in self._workers]
            return min(self._workers, key=lambda worker: worker.waiting).submit("answer", query, given)

    def flush(self) -> None:
        """Returns once the traces of everything answered are written."""
        with self._lock:
            workers = self._workers if self._parent == os.getpid() else []
        wait([worker.submit("flush") for worker in workers if worker.alive])

    def close(self) -> None:
        """Ends the processes; requests that are not answered yet fail with WorkerEnded."""
        with self._lock:
            self._closed = True
            if self._parent == os.getpid():
                for worker in self._workers:
                    worker.close()
                for worker in self._workers:
                    worker.wait()


def can_cross(options: Options) -> bool:
    """Whether another process can answer a request with these options; objects of the caller cannot be sent."""
    return isinstance(options.get("model"), str | None) and not options.get("callbacks")


class _Worker:
    """One process, as seen from this one."""

    def __init__(self, opened: _Opened) -> None:
        # Not multiprocessing: that runs the caller's main module again, guarded or not.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "recmind.agent.serving.worker_process", "recmind.agent.recommender:RecMind"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        self._to, self._from = self._process.stdin, self._process.stdout
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[Any]] = {}
        self.alive = True
        self._send(opened)
        self._listener = threading.Thread(target=self._listen, name="recmind-worker", daemon=True)
        self._listener.start()

    @property
    def waiting(self) -> int:
        """The number of requests that it has not answered yet."""
        return len(self._waiting)

    def submit(self, kind: Kind, *asked: Any) -> Future[Any]:
        """The future reply of the process."""
        future: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = future
        try:
            sent = self._send((number, kind, asked))
        except Exception:  # something in it cannot be pickled: the caller gets the error
            del self._waiting[number]
            raise
        if not sent:
            self._end()

        def give_up(done: Future[Any]) -> None:
            if done.cancelled():
                self._waiting.pop(number, None)
                self._send((number, "cancel", ()))

        future.add_done_callback(give_up)
        return future

    def close(self) -> None:
        """Tells the process to end."""
        with self._lock, suppress(OSError):
            self._to.close()

    def wait(self) -> None:
        """Returns once the process has ended."""
        try:
            self._process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._listener.join()

    def _send(self, message: Any) -> bool:
        data = pickle.dumps(message)
        try:
            with self._lock:
                self._to.write(data)
                self._to.flush()
        except (OSError, ValueError):  # the process has ended, or is about to
            return False
        return True

    def _listen(self) -> None:
        """Hands over the replies of the process, until it ends."""
        for number, outcome, error in messages(self._from):
            future = self._waiting.pop(number, None)
            if future is None or not future.set_running_or_notify_cancel():
                continue
            if error is None:
                future.set_result(outcome)
            else:
                future.set_exception(error)
        self._from.close()
        self._end()

    def _end(self) -> None:
        self.alive = False
        self.close()
        code = self._process.wait()
        with self._lock:
            left, self._waiting = self._waiting, {}
        told = f"The process {self._process.pid} ended ({code}) before it had answered; ask again."
        for future in left.values():
            if future.set_running_or_notify_cancel():
                future.set_exception(WorkerEnded(told))


def messages(pipe: IO[bytes]) -> Iterable[Any]:
    """The messages that come through the pipe, until its other end is closed."""
    while True:
        try:
            yield pickle.load(pipe)  # noqa: S301  from our own process
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            return
