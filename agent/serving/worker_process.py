"""The worker process: answers what comes in through stdin until stdin ends. ``workers.py`` starts it."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import pkgutil
import signal
import sys
import threading
import traceback
from typing import IO, Any

from recmind.agent.serving.workers import Kind, Reply, messages
from recmind.data.errors import RecMindError

COLLECTED = (50_000, 20, 100)
"""Thresholds of the garbage collector in such a process. With a hundred requests in flight most live objects are not
garbage; collecting at the usual pace takes a tenth of their time."""


def main(answering: str) -> None:
    """Answers what comes in through stdin until stdin ends.

    Args:
        answering: names ``RecMind`` as text (``module:class``): it is imported once interruptions are ignored.
    """
    # Ctrl-C reaches the whole process group; only the first process reacts, and closes this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Prints must not get between the answers, which use the original stdout.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(_serve(answering, sys.stdin.buffer, answers))


async def _serve(answering: str, requests: IO[bytes], answers: IO[bytes]) -> None:
    rec_mind = pkgutil.resolve_name(answering)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    home, model, fallback = pickle.load(requests)  # noqa: S301  from our own process
    running: dict[int, asyncio.Task[None]] = {}

    def begin(number: int, kind: Kind, asked: tuple[Any, ...]) -> None:
        if kind == "cancel":
            if task := running.get(number):
                task.cancel()
            return
        task = running[number] = asyncio.create_task(answer(number, kind, asked))
        task.add_done_callback(lambda _: running.pop(number))

    async def answer(number: int, kind: Kind, asked: tuple[Any, ...]) -> None:
        try:
            if kind == "flush":
                await asyncio.to_thread(rec.traces.flush)
                told: Reply = number, None, None
            else:
                query, options = asked
                told = number, await rec.arecommend(query, **options), None
        except Exception as error:  # noqa: BLE001  any error is sent to the caller's process
            told = number, None, error
        answers.write(_pickled(told))
        answers.flush()

    def listen() -> None:
        for message in messages(requests):
            loop.call_soon_threadsafe(begin, *message)
        loop.call_soon_threadsafe(ended.set)

    with rec_mind.open(home, model=model, fallback=fallback) as rec:
        threading.Thread(target=listen, name="recmind-worker", daemon=True).start()
        _ = rec.engines  # the first request need not open them
        gc.freeze()
        gc.set_threshold(*COLLECTED)
        await ended.wait()
        for task in running.values():
            task.cancel()


def _pickled(told: Reply) -> bytes:
    number, _, error = told
    if error is None:
        return pickle.dumps(told)
    if not isinstance(error, RecMindError):
        error.add_note(f"In another process:\n{''.join(traceback.format_exception(error))}")
    try:
        data = pickle.dumps(told)
        pickle.loads(data)  # noqa: S301  a reply that cannot be unpickled would end the other side
    except Exception:  # noqa: BLE001  any object may fail to pickle
        return pickle.dumps((number, None, RuntimeError(f"{type(error).__name__}: {error}")))
    return data


if __name__ == "__main__":
    main(sys.argv[1])
