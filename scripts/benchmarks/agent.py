"""The framework's own share of a request to a chat model, the tokens that the model reads, and concurrent requests."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from benchmarks import bare
from benchmarks.common import PYTHONPATH, latest_small, python, recmind
from benchmarks.latency import REQUESTS
from recmind import RecMind
from recmind.agent.answer import Answer

USERS = range(1, 4)
THINKS_S = 0.1
"""Seconds that each call of the second model takes: a quick model."""
IN_FLIGHT = 100
WAIT_S = 0.5
"""Seconds that each call takes where requests are concurrent."""


def run(data: Path, work: Path) -> dict[str, Any]:
    """Figures of ``REQUESTS``, each by three users with ten items; nothing of an earlier request is reused.

    - ``overhead``: milliseconds of a request without those in which the model was busy; the model answers at once.
    - ``overhead_after_waiting``: the same if each call takes ``THINKS_S``, in which a shared machine does other work
      and its caches lose ours.
    - ``new_words``: how much longer a search takes for words that nobody searched before; it comes on top if a model
      thinks of words of its own.
    - ``cpu``: all processor time of this process for a request.
    - ``tokens``: the tokens that the model read, at four letters of messages and tools for each.
    - ``in_flight``: seconds that this many concurrent asynchronous requests take, and one alone, if each call of the
      model takes ``WAIT_S``; ``on_processes`` with a process for each core, ``bare`` by LangGraph and ChatOpenAI alone.
    - ``import_s``: how fast the machine is now.
    """
    workspace = latest_small(data, work)
    recmind("index", "--home", str(workspace.home))
    machine_s, _ = python("import sentence_transformers")
    with RecMind.open(workspace.home) as rec:
        new_words = [1000 * _new_words_s(rec, request) for request in REQUESTS]
        with GoodModel(0.0) as model:
            one_by_one = list(_asked(rec, model, "openai:good"))
        with GoodModel(THINKS_S) as model:
            waited = list(_asked(rec, model, "openai:thinking"))
        with GoodModel(WAIT_S):
            held = bare.conversation(rec, REQUESTS[0], "openai:patient")
            side_by_side = asyncio.run(_side_by_side(rec))
            bare_s = asyncio.run(bare.in_flight_s(held, IN_FLIGHT))
    processes = os.cpu_count() or 1
    with GoodModel(WAIT_S), RecMind.open(workspace.home, processes=processes) as rec:
        shared = asyncio.run(_side_by_side(rec, processes))
    overhead, after_waiting = (
        [1000 * (asked.seconds - asked.busy_s) for asked in all_asked] for all_asked in (one_by_one, waited)
    )
    cpu = [1000 * asked.cpu_s for asked in one_by_one]
    calls = [tokens for asked in one_by_one for tokens in asked.tokens]
    totals = [sum(asked.tokens) for asked in one_by_one]
    return {
        "import_s": round(machine_s, 2),
        "requests": len(one_by_one),
        "fallbacks": sum(asked.answer.source == "fallback" for asked in one_by_one),
        "repaired": sum(bool(asked.answer.repairs) for asked in one_by_one),
        "overhead_p50_ms": round(statistics.median(overhead), 1),
        "overhead_p95_ms": round(statistics.quantiles(overhead, n=20)[-1], 1),
        "overhead_after_waiting_p50_ms": round(statistics.median(after_waiting), 1),
        "new_words_p50_ms": round(statistics.median(new_words), 1),
        "cpu_p50_ms": round(statistics.median(cpu), 1),
        "model_calls_p50": statistics.median(len(asked.tokens) for asked in one_by_one),
        "model_calls_most": max(len(asked.tokens) for asked in one_by_one),
        "tokens_per_call_p50": statistics.median(calls),
        "tokens_per_call_most": max(calls),
        "tokens_per_request_p50": statistics.median(totals),
        "tokens_per_request_most": max(totals),
        **side_by_side,
        "in_flight_bare_s": round(bare_s, 2),
        "processes": processes,
        "in_flight_on_processes_s": shared["in_flight_s"],
        "in_flight_on_processes_fallbacks": shared["in_flight_fallbacks"],
    }


@dataclass(frozen=True, slots=True)
class MeasuredRequest:
    """One request, measured."""

    answer: Answer
    seconds: float
    cpu_s: float
    busy_s: float
    tokens: tuple[int, ...]
    """Tokens that the model read in each call."""


def _asked(rec: RecMind, model: GoodModel, name: str) -> Iterator[MeasuredRequest]:
    for user in USERS:
        rec.recommend("anything", user_id=str(user), model=name, cache=False)
    for request in REQUESTS:
        # The words are searched once before, as in the benchmark latency: encoding them is not the framework's work.
        rec.engines.search.search(request, n=1)
    model.told()
    for request in REQUESTS:
        for user in USERS:
            begun, cpu = time.perf_counter(), time.process_time()
            answer = rec.recommend(request, user_id=str(user), model=name, cache=False)
            seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
            told = model.told()
            yield MeasuredRequest(answer, seconds, cpu_s, told["busy_s"], tuple(told["tokens"]))


def _new_words_s(rec: RecMind, request: str) -> float:
    """Seconds that a search takes longer the first time than the second."""
    words = f"{request} {uuid4().hex[:4]}"

    def seconds() -> float:
        begun = time.perf_counter()
        rec.engines.search.search(words, n=1)
        return time.perf_counter() - begun

    return seconds() - seconds()


async def _side_by_side(rec: RecMind, processes: int = 1) -> dict[str, float | int]:
    async def ask(number: int) -> Answer:
        return await rec.arecommend(
            REQUESTS[number % len(REQUESTS)], user_id=str(1 + number), model="openai:patient", cache=False
        )

    await asyncio.gather(*(ask(0) for _ in range(processes)))
    gc.freeze()  # as the README advises servers to
    begun = time.perf_counter()
    await ask(1)
    alone_s, begun, cpu = time.perf_counter() - begun, time.perf_counter(), time.process_time()
    answers = await asyncio.gather(*(ask(number) for number in range(IN_FLIGHT)))
    together_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    return {
        "in_flight": IN_FLIGHT,
        "in_flight_s": round(together_s, 2),
        "in_flight_cpu_s": round(cpu_s, 2),
        "in_flight_slowest_chain_s": round(max(WAIT_S * answer.usage.model_calls for answer in answers), 2),
        "in_flight_fallbacks": sum(answer.source == "fallback" for answer in answers),
        "alone_s": round(alone_s, 2),
    }


class GoodModel:
    """A context manager for the process with the model; inside, ``openai:`` names lead to it."""

    def __init__(self, wait_s: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.good_model", str(wait_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
        )
        self._environment = _environment(self._line().strip())

    def told(self) -> dict[str, Any]:
        """The model's work since the last call of this method: calls, busy_s, tokens."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._line())
        return told

    def _line(self) -> str:
        assert self._process.stdout is not None, "it is a pipe"
        return self._process.stdout.readline()

    def __enter__(self) -> Self:
        self._environment.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._environment.__exit__(kind, error, trace)
        self._process.communicate()


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = os.environ.get("OPENAI_BASE_URL")
    os.environ["OPENAI_BASE_URL"] = url
    try:
        yield
    finally:
        if before is None:
            del os.environ["OPENAI_BASE_URL"]
        else:
            os.environ["OPENAI_BASE_URL"] = before
