"""Traces are written by another thread, in batches: none is lost, none is torn, whoever writes and however it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recmind.agent.tracing import TraceStore
from recmind.agent.tracing.store import writer
from recmind.agent.tracing.store.writer import BatchWriter
from tests.agent.tracing.store.test_store import trace

SOURCE = str(Path(__file__).parents[4] / ".src")


def later(store: TraceStore, number: int) -> None:
    rows = trace(number)
    store.write_later(rows.trace["trace_id"], lambda: rows)


def test_reading_waits_for_what_this_process_has_not_written_yet(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with TraceStore(path) as first, TraceStore(path) as second:
        later(first, 1)
        assert [summary.query for summary in second.list()] == ["request 1"]
        later(first, 2)
        assert second.tree("last").summary.query == "request 2"
        later(first, 3)
    with TraceStore(path) as again:
        assert len(again.list()) == 3


def test_work_is_done_in_order_and_in_batches(tmp_path: Path) -> None:
    batches: list[list[int]] = []
    made: BatchWriter[int] = BatchWriter(tmp_path, lambda batch: (time.sleep(0.001), batches.append(batch))[1])

    async def hand_over() -> None:
        for number in range(3 * writer.BATCH):
            assert made.put(number)

    asyncio.run(hand_over())
    made.flush()
    assert [number for batch in batches for number in batch] == list(range(3 * writer.BATCH))
    assert len(batches) <= 5
    assert max(map(len, batches)) == writer.BATCH
    made.flush()


def test_a_thread_waits_a_while_for_its_last_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PATIENCE_S", 0.05)
    begun, released = threading.Event(), threading.Event()
    done: list[int] = []

    def slow(batch: list[int]) -> None:
        begun.set()
        released.wait(10)
        done.extend(batch)

    made: BatchWriter[int] = BatchWriter(tmp_path, slow)
    assert made.put(1)
    assert begun.wait(10)
    assert not made.put(2)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(made.put, 3).result()
        assert not other.submit(made.put, 4).result()
    released.set()
    made.flush()
    assert made.put(5)
    made.flush()
    assert done == [1, 3, 5]


def test_a_trace_that_cannot_be_written_keeps_no_other_from_it(tmp_path: Path, caplog: Any) -> None:
    def broken() -> Any:
        raise RuntimeError("odd")

    with caplog.at_level(logging.WARNING), TraceStore(tmp_path / "traces.db") as store:
        later(store, 1)
        later(store, 1)
        store.write_later("odd", broken)
        later(store, 2)
        assert [summary.query for summary in store.list()] == ["request 2", "request 1"]
    told = sorted(record.getMessage() for record in caplog.records)
    assert len(told) == 2
    assert "UNIQUE constraint failed" in told[0]
    assert told[1] == "trace odd was not written"


def test_a_thread_without_work_ends_and_another_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "IDLE_S", 0.01)
    done: list[int] = []
    made: BatchWriter[int] = BatchWriter(tmp_path, done.extend)
    for number in (1, 2):
        made.put(number)
        made.flush()
        until = time.monotonic() + 10
        while made._thread is not None and time.monotonic() < until:
            time.sleep(0.01)
        assert made._thread is None
    assert done == [1, 2]


def test_a_forked_child_writes_its_own_and_not_its_parent_s(tmp_path: Path) -> None:
    program = """
        import os, sys
        from recmind.agent.tracing import TraceStore
        from tests.agent.tracing.store.test_writer import later
        store = TraceStore(sys.argv[1])
        later(store, 1); store.flush()
        later(store, 2)
        child = os.fork()
        later(store, 4 if child else 3)
        store.flush()
        if child:
            assert os.waitpid(child, 0)[1] == 0
        os._exit(0)
    """
    run_apart(program, tmp_path / "traces.db")
    with TraceStore(tmp_path / "traces.db") as store:
        assert sorted(summary.query for summary in store.list()) == [f"request {n}" for n in (1, 2, 3, 4)]


def test_what_waits_is_written_when_the_process_ends(tmp_path: Path) -> None:
    program = """
        import sys
        from recmind.agent.tracing import TraceStore
        from tests.agent.tracing.store.test_writer import later
        store = TraceStore(sys.argv[1])
        for number in range(5):
            later(store, number)
    """
    run_apart(program, tmp_path / "traces.db")
    with TraceStore(tmp_path / "traces.db") as store:
        assert len(store.list()) == 5


def test_a_process_that_is_killed_loses_at_most_the_request_in_flight(tmp_path: Path) -> None:
    program = """
        import sys, time
        from recmind.agent.tracing import TraceStore
        from tests.agent.tracing.store.test_writer import later
        store = TraceStore(sys.argv[1])
        for number in range(100_000):
            later(store, number)
            print(number, flush=True)
            time.sleep(0.001)
    """
    path = tmp_path / "traces.db"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    ) as process:
        assert process.stdout is not None
        written, last = 0, -1
        while written < 200:
            last = int(process.stdout.readline())
            written = count(path)
        process.send_signal(signal.SIGKILL)
        last = max([last, *map(int, re.findall(r"\d+(?=\n)", process.stdout.read()))])
    with TraceStore(path) as store:
        found = [store.tree(summary.trace_id) for summary in store.list(10_000)]
    # It had handed over the one after the last that it told of, or not.
    assert last <= len(found) <= last + 2
    assert [tree.summary.query for tree in found] == [f"request {n}" for n in range(len(found) - 1, -1, -1)]
    assert {len(tree.runs()) for tree in found} == {2}


def count(path: Path) -> int:
    """How many traces a reader of another process sees."""
    if not path.exists():
        return 0
    db = sqlite3.connect(path, timeout=10)
    try:
        return int(db.execute("SELECT count(*) FROM traces").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        db.close()


def run_apart(program: str, path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
