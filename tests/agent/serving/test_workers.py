"""Requests that other processes answer: the same answers, and nothing lost where such a process ends."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from recmind.agent.models.failures import ModelFailure
from recmind.agent.recommender import RecMind
from recmind.agent.serving.workers import WorkerEnded
from recmind.data.errors import ConditionError, InputError, WorkspaceError
from tests.endpoint import Endpoint, bad_key, says


@pytest.fixture(scope="module")
def two(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecMind]:
    """The demo workspace, in two processes beside this one; for tests that leave both as they are."""
    home = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("workers") / "demo"))
    with RecMind.open(home, processes=2) as rec:
        yield rec


class Odd(str):
    """A text that nobody can use."""

    __slots__ = ()

    def __getitem__(self, _place):
        raise TypeError("odd")


def processes_of(rec: RecMind) -> list[int]:
    assert rec._workers is not None
    return [worker._process.pid for worker in rec._workers._workers]


def test_they_answer_as_this_process_does_and_share_the_requests(two):
    options = [{"query": f"a comedy of the {decade}s", "user_id": "ada", "k": 3} for decade in (70, 80, 90)] * 2

    async def all_at_once():
        return await asyncio.gather(*(two.arecommend(**one) for one in options))

    answers = asyncio.run(all_at_once())
    here = [two.recommend(**one) for one in options]
    assert [answer.recommendations for answer in answers] == [answer.recommendations for answer in here]
    assert len(set(processes_of(two)) - {os.getpid()}) == 2
    # Their traces are there for whoever asks at once.
    assert [two.traces.tree(answer.trace_id).summary.query for answer in answers] == [one["query"] for one in options]


def test_what_is_told_here_counts_in_their_very_next_answer(two):
    first = asyncio.run(two.arecommend("a comedy", user_id="new", k=3))
    disliked = first.recommendations[0].item_id
    two.feedback("new", disliked, "dislike")
    two.prefer("new", "no drama")
    again = asyncio.run(two.arecommend("a comedy", user_id="new", k=10))
    assert disliked not in {found.item_id for found in again.recommendations}
    items = two.store.items.get_many(found.item_id for found in again.recommendations)
    assert all("Drama" not in item.attributes["genres"] for item in items.values())


def test_errors_come_back_as_they_are(demo_copy, monkeypatch):
    with Endpoint(always=bad_key()) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        with RecMind.open(demo_copy, model="openai:any", fallback=False, processes=2) as rec:
            with pytest.raises(ConditionError, match="no attribute 'colour'"):
                asyncio.run(rec.arecommend("a comedy", filters=["colour=red"]))
            with pytest.raises(ModelFailure) as failed:
                asyncio.run(rec.arecommend("a comedy"))
            assert failed.value.kind == "no_key"
            with pytest.raises(InputError, match="There is no option 'colour'"):
                asyncio.run(rec.arecommend("a comedy", colour="red"))
            with pytest.raises(TypeError, match="odd") as wrong:
                asyncio.run(rec.arecommend(Odd("a comedy")))
            assert "In another process:" in "".join(wrong.value.__notes__)


def test_a_process_that_is_killed_ends_its_requests_alone_and_another_takes_its_place(demo_copy, monkeypatch):
    both, over = threading.Barrier(3), threading.Event()

    def holds(_body):
        both.wait(60)
        over.wait(60)
        return says("too late")

    with Endpoint([holds] * 2, always=says("no call")) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        with RecMind.open(demo_copy, model="openai:any", processes=2) as rec:
            before = processes_of(rec)

            async def kill_one():
                asked = [asyncio.create_task(rec.arecommend(f"{n} films", k=1)) for n in range(2)]
                await asyncio.to_thread(both.wait, 60)
                os.kill(before[0], signal.SIGKILL)
                done, running = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                for task in running:
                    task.cancel()
                return [task.exception() for task in done]

            (ended,) = asyncio.run(kill_one())
            over.set()
            assert isinstance(ended, WorkerEnded)
            assert str(ended) == f"The process {before[0]} ended (-9) before it had answered; ask again."
            assert asyncio.run(rec.arecommend("a comedy", k=1)).recommendations
            after = processes_of(rec)
            assert (before[0] in after, before[1] in after, len(after)) == (False, True, 2)


def test_a_cancelled_request_is_given_up_there_too(demo_copy, monkeypatch):
    came, gone = threading.Event(), threading.Event()

    def holds(_body):
        came.set()
        assert gone.wait(60)
        return says("nobody reads this")

    with Endpoint([holds], always=says("no call")) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        with RecMind.open(demo_copy, model="openai:any", processes=2) as rec:

            async def give_up():
                asked = asyncio.create_task(rec.arecommend("a comedy", k=1))
                await asyncio.to_thread(came.wait, 60)
                asked.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asked

            asyncio.run(give_up())
            gone.set()
            rec.traces.flush()
            assert rec._workers is not None
            assert [worker.waiting for worker in rec._workers._workers] == [0, 0]
            assert len(endpoint.requests) == 1


def test_what_only_this_process_has_is_answered_here(two):
    class Counts(BaseCallbackHandler):
        runs = 0

        def on_chain_start(self, *_args, **_options):
            self.runs += 1

    seen = Counts()
    assert asyncio.run(two.arecommend("a comedy", callbacks=[seen])).recommendations
    assert seen.runs


def test_what_cannot_cross_is_told_and_nothing_waits_for_it(two):
    class Mine(str):
        __slots__ = ()

    with pytest.raises((TypeError, AttributeError, pickle.PicklingError), match="pickle"):
        asyncio.run(two.arecommend(Mine("a comedy")))
    two.traces.flush()
    assert [worker.waiting for worker in two._workers._workers] == [0, 0]


def test_processes_are_checked(demo_copy):
    with pytest.raises(InputError, match="processes is 0"):
        RecMind.open(demo_copy, processes=0)
    with RecMind.open(demo_copy) as rec:
        model = rec._requests._models.choose("offline", lambda: None, 5.0).model
    with pytest.raises(InputError, match="give the model's name"):
        RecMind.open(demo_copy, model=model, processes=2)


def test_they_end_with_it_and_with_a_program_that_forgets_to_close(demo_copy):
    with RecMind.open(demo_copy, processes=2) as rec:
        begun = processes_of(rec)
    assert [running(pid) for pid in begun] == [False, False]
    with pytest.raises(WorkspaceError, match="is closed"):
        asyncio.run(rec.arecommend("a comedy"))
    # No guard against being run again, and no end either.
    program = (
        "import asyncio, sys; from recmind import RecMind\n"
        "rec = RecMind.open(sys.argv[1], processes=2)\n"
        "print(len(asyncio.run(rec.arecommend('a comedy', k=2)).recommendations))\n"
        "print(*[worker._process.pid for worker in rec._workers._workers])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(demo_copy)], capture_output=True, text=True, timeout=120, check=True
    )
    count, pids = done.stdout.splitlines()
    assert count == "2"
    until = time.monotonic() + 30
    while any(map(running, map(int, pids.split()))) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(running, map(int, pids.split())))


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_errors_with_more_than_a_message_can_be_pickled():
    error = ModelFailure("key", "The key was refused.")
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), copied.kind) == (ModelFailure, str(error), "key")
