"""The cost of tracing, and whether any run is lost or torn: many threads, several processes, one of them killed."""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langsmith import uuid7

from benchmarks.common import PYTHONPATH
from recmind.agent.tracing import TraceRecorder, TraceStore
from recmind.tools.evidence.slate import Evidence, Finding, Findings, Slate

NEEDS_DATA = False
REQUESTS, THREADS, PROCESSES = 10_000, 8, 2
RUNS = 12
"""Runs of one request: the root, two steps with a model call each, and seven look-ups."""
TIMED = 200
"""Number of requests whose own path is timed, with a pause after each, as people pause."""
KILLED_AFTER = 500
"""Number of requests answered before a process is killed."""
SYSTEM = SystemMessage("You recommend items of this catalogue. " * 200)


def run(_data: Path, work: Path, *, requests: int = REQUESTS) -> dict[str, Any]:
    """The cost of one trace, and what many leave behind.

    ``own_path_ms`` is the CPU time that a request of twelve runs pays for its trace in its own thread; ``written_ms``
    is the writer's work on it later. ``lost`` and ``torn`` count, of requests from eight threads in each of two
    processes, those that are not there or not whole. ``killed`` does the same with a process that SIGKILL ends while
    its threads trace as fast as they can: of each, at most the last request may be lost.

    Args:
        _data: not used.
        work: a folder for the files.
        requests: number of all requests.
    """
    work.mkdir(parents=True, exist_ok=True)
    return {**timed(work / "timed.db"), **crowded(work / "crowded.db", requests), "killed": killed(work / "killed.db")}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to the command line."""
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N", help=f"how many in all; {REQUESTS:,}")


def request(store: TraceStore, name: str, *, turns: int = 2, look_ups: int = 7) -> str:
    """Report a scripted request of 1 + 2 · ``turns`` + ``look_ups`` runs to a recorder, as LangChain would; returns its
    id.

    Args:
        store: where the trace is kept.
        name: the request's words.
        turns: number of steps with a model call.
        look_ups: number of look-ups.
    """
    recorder, root = TraceRecorder(store), uuid7()
    rows = tuple(Finding(f"i{n}", f"Title {n}", evidence=(Evidence("metadata", f"genre {n}"),)) for n in range(40))
    slate = Slate().merged(Findings("search_items", rows))[0]
    metadata = {"query": name, "user_id": "42", "model": "offline"}
    recorder.on_chain_start({}, {}, run_id=root, name="recommend", metadata=metadata)
    messages: list[Any] = [SYSTEM, HumanMessage(name)]
    for _ in range(turns):
        node, call = uuid7(), uuid7()
        recorder.on_chain_start({}, {"messages": list(messages)}, run_id=node, parent_run_id=root, name="reason")
        recorder.on_chat_model_start({"name": "M"}, [list(messages)], run_id=call, parent_run_id=node)
        messages.append(AIMessage(f"said of {name}"))
        recorder.on_llm_end(LLMResult(generations=[[ChatGeneration(message=messages[-1])]]), run_id=call)
        recorder.on_chain_end({"slate": slate}, run_id=node)
    for _ in range(look_ups):
        call = uuid7()
        recorder.on_tool_start({"name": "search_items"}, "", run_id=call, parent_run_id=root, inputs={"query": name})
        recorder.on_tool_end(Findings("search_items", rows[:10]), run_id=call)
    recorder.on_chain_end({"slate": slate, "message": name}, run_id=root)
    return str(root)


def timed(path: Path) -> dict[str, float]:
    """CPU milliseconds of one request's trace, at the median: in the request's thread, and in the writer's."""
    own: list[float] = []
    whole: list[float] = []
    with TraceStore(path) as store:
        request(store, "the first makes the file")
        store.flush()
        for n in range(TIMED):
            thread, process = time.thread_time(), time.process_time()
            request(store, f"request {n}")
            own.append(1000 * (time.thread_time() - thread))
            store.flush()
            whole.append(1000 * (time.process_time() - process))
    size = path.stat().st_size / (TIMED + 1)
    return {
        "own_path_ms": round(statistics.median(own), 2),
        "written_ms": round(statistics.median(whole) - statistics.median(own), 2),
        "kib_a_trace": round(size / 1024, 1),
    }


def crowded(path: Path, requests: int) -> dict[str, float | int]:
    """Whether every trace of many threads and processes is there and whole."""
    share = requests // PROCESSES
    begun = time.perf_counter()
    command = [sys.executable, "-m", __spec__.name, str(path), str(share)]
    running = [subprocess.Popen([*command, str(n)], env=_environment()) for n in range(PROCESSES)]
    codes = [process.wait() for process in running]
    if any(codes):
        raise RuntimeError(f"a process that traces ended with {codes}")
    seconds = time.perf_counter() - begun
    whole, torn = _found(path)
    return {
        "requests": share * PROCESSES,
        "threads": THREADS,
        "processes": PROCESSES,
        "requests_per_s": round(share * PROCESSES / seconds),
        "lost": share * PROCESSES - len(whole) - torn,
        "torn": torn,
    }


def killed(path: Path) -> dict[str, int]:
    """What a process that is killed while it writes leaves behind."""
    command = [sys.executable, "-m", __spec__.name, str(path), "1000000", "killed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline().strip() for _ in range(KILLED_AFTER)]
        process.send_signal(signal.SIGKILL)
        answered += [line.strip() for line in process.stdout if line.endswith("\n")]
    whole, torn = _found(path)
    return {
        "answered": len(answered),
        "lost": sum(trace_id not in whole for trace_id in answered),
        "in_flight": THREADS,
        "torn": torn,
    }


def _found(path: Path) -> tuple[set[str], int]:
    """The ids of the whole traces, and the number of others."""
    db = sqlite3.connect(path)
    sql = """
        SELECT trace_id, (SELECT count(*) FROM runs WHERE runs.number = traces.number),
            (SELECT count(*) FROM words WHERE rowid = number),
            (SELECT count(*) FROM uses JOIN payloads USING (hash) WHERE uses.number = traces.number)
        FROM traces
    """
    rows = db.execute(sql).fetchall()
    db.close()
    whole = {trace_id for trace_id, runs, words, payloads in rows if (runs, words) == (RUNS, 1) and payloads >= 4}
    return whole, len(rows) - len(whole)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": PYTHONPATH}


def _work(path: str, count: int, name: str) -> None:
    """One process, whose threads trace this many requests; if it will be killed, it prints what it has answered."""

    def ask(n: int) -> None:
        trace_id = request(store, f"{name} {n}")
        if name == "killed":
            # A single write, so that threads do not mix their lines.
            os.write(1, f"{trace_id}\n".encode())

    with TraceStore(path) as store, ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(ask, range(count)):
            pass


if __name__ == "__main__":
    _work(sys.argv[1], int(sys.argv[2]), sys.argv[3])
