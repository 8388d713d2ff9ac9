"""Two requests of a thread follow one another, in one process and in several, with and without an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recmind.agent.memory.thread_locks import ThreadBusy, ThreadLocks
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from tests.agent.scripted import COMEDIES, ScriptedModel, looks_up_then_submits

WAIT_S = 60.0


@pytest.fixture
def turns(tmp_path: Path) -> ThreadLocks:
    return ThreadLocks(tmp_path / "threads.locks")


def waiters(turns: ThreadLocks, thread_id: str) -> int:
    return len(turns._waiting.get(thread_id, ()))


def until(met, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_they_follow_in_the_order_in_which_they_came(turns):
    order: list[int] = []
    first = turns.take("t", WAIT_S)

    def work(n: int) -> None:
        turn = turns.take("t", WAIT_S)
        order.append(n)
        turn.give_back()

    threads = []
    for n in range(5):
        threads.append(threading.Thread(target=work, args=(n,)))
        threads[-1].start()
        until(lambda n=n: waiters(turns, "t") == n + 1)
    turns.take("another", WAIT_S).give_back()
    assert order == []
    first.give_back()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4]
    assert turns._waiting == {}


def test_who_waits_too_long_is_told_and_holds_up_nobody(turns):
    turn = turns.take("t", WAIT_S)
    with pytest.raises(ThreadBusy, match=r"^Thread 't' is busy: other requests of it were not answered within 0.02 s"):
        turns.take("t", 0.02)
    with pytest.raises(ThreadBusy):
        asyncio.run(turns.atake("t", 0.02))
    turn.give_back()
    turns.take("t", 0.02).give_back()


def test_a_cancelled_request_gives_its_place_up(turns):
    async def run() -> None:
        turn = await turns.atake("t", WAIT_S)
        waiting = [asyncio.create_task(turns.atake("t", WAIT_S)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        turn.give_back()
        # Its turn has come, but it does not know yet.
        waiting[1].cancel()
        last = await waiting[2]
        assert [task.cancelled() for task in waiting[:2]] == [True, True]
        last.give_back()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert turns._waiting == {}


HOLDING = """
import signal, sys
from pathlib import Path
from recmind.agent.memory.thread_locks import ThreadLocks
turn = ThreadLocks(Path(sys.argv[1])).take("t", 10)
print("held", flush=True)
signal.pause()
"""


def test_a_process_that_dies_ends_its_turn(turns, tmp_path):
    folder = str(tmp_path / "threads.locks")
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, folder], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ThreadBusy):
            turns.take("t", 0.1)
        with pytest.raises(ThreadBusy):
            asyncio.run(turns.atake("t", 0.1))
        turns.take("other", 1).give_back()
    finally:
        holder.kill()
        holder.wait(30)
        holder.stdout.close()
    turns.take("t", 30).give_back()


def test_the_file_goes_with_the_thread(turns):
    turn = turns.take("t", 1)
    turns.forget("t")
    assert turns.file("t").exists(), "somebody is at work"
    turn.give_back()
    turns.forget("t")
    turns.forget("none")
    assert not turns.file("t").exists()


SAID = ("comedies", "from the nineties", "something shorter", "another one")


def alone(script: ScriptedModel, at_work: list[int], others_had_their_chance: Callable[[], None]) -> ScriptedModel:
    """The same, which fails where another is at work beside it."""
    inner = script.script

    def run(messages):
        at_work.append(1)
        assert len(at_work) == 1
        others_had_their_chance()
        assert len(at_work) == 1
        at_work.pop()
        return inner(messages)

    return ScriptedModel(script=run, heard=[])


def said_in(rec: RecMind, thread: str) -> list[str]:
    return [turn.said for turn in rec.threads.get(thread).turns]


def test_requests_of_a_thread_from_many_threads(demo: RecMind):
    at_work: list[int] = []
    answered: list[str] = []

    def the_others_wait() -> None:
        until(lambda: waiters(demo.threads.turns, "t") >= len(SAID) - 1 - len(answered))

    def ask(said: str):
        model = alone(looks_up_then_submits(COMEDIES, k=2), at_work, the_others_wait)
        answer = demo.recommend(said, thread="t", k=2, model=model, cache=False)
        answered.append(said)
        return answer

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, SAID))
    assert sorted(said_in(demo, "t")) == sorted(SAID)
    assert {answer.source for answer in answers} == {"agent"}


def test_requests_of_a_thread_under_an_event_loop(demo: RecMind):
    at_work: list[int] = []
    ticked = threading.Event()

    async def tick() -> None:
        while True:
            ticked.set()
            await asyncio.sleep(0.001)

    def the_loop_goes_on() -> None:
        ticked.clear()
        assert ticked.wait(30), "the event loop is held up"

    async def run() -> list:
        ticking = asyncio.create_task(tick())
        # More than the threads that the steps of requests share: those who wait must not use them up.
        asked = [
            demo.arecommend(
                said,
                thread="t",
                k=2,
                model=alone(looks_up_then_submits(COMEDIES, k=2), at_work, the_loop_goes_on),
                cache=False,
            )
            for said in SAID * 3
        ]
        answers = await asyncio.gather(*asked)
        ticking.cancel()
        return answers

    answers = asyncio.run(run())
    assert said_in(demo, "t") == list(SAID * 3)
    assert {answer.source for answer in answers} == {"agent"}


def test_a_stream_and_an_error_give_their_turns_back(demo: RecMind):
    events = list(demo.stream("comedies", thread="t", k=1))
    assert events[-1].kind == "done"
    with pytest.raises(InputError, match="year"):
        demo.recommend("x", thread="t", filters=["year>>1"])
    with pytest.raises(InputError, match="year"):
        asyncio.run(demo.arecommend("x", thread="t", filters=["year>>1"]))
    assert demo.recommend("shorter", thread="t", k=1, limits={"seconds": 5}).source == "agent"


def test_a_busy_thread_is_one_line(demo: RecMind):
    turn = demo.threads.turns.take("t", 1)
    try:
        with pytest.raises(ThreadBusy, match="were not answered within"):
            demo.recommend("comedies", thread="t", limits={"seconds": 0.1})
        with pytest.raises(ThreadBusy, match="were not answered within"):
            asyncio.run(demo.arecommend("comedies", thread="t", limits={"seconds": 0.1}))
    finally:
        turn.give_back()
    assert demo.threads.get("t") is None
