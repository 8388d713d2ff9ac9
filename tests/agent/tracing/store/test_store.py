"""Reading traces back, from several threads and processes, and from files that are not what they should be."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from recmind.agent.tracing import RunRecord, Tokens, TraceError, TraceNode, TraceStore, TraceSummary, TraceTree
from recmind.agent.tracing.store import schema
from recmind.agent.tracing.store.rows import TraceRows
from recmind.agent.tracing.views.formatting import duration, one_line
from recmind.agent.tracing.views.render import render_tree
from recmind.data.settings import TraceSettings

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def trace(number: int, **facts: Any) -> TraceRows:
    """A trace of two runs; the higher the number the later it was."""
    trace_id = f"0190{number:04x}-0000-7000-8000-00000000{number:04x}"
    started = (TODAY + timedelta(minutes=number)).isoformat(timespec="microseconds")
    tokens = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "total_cost": None}
    head = {
        "trace_id": trace_id,
        "start_time": started,
        "latency_ms": 12.5,
        "query": f"request {number}",
        "user_id": None,
        "model": "offline",
        "source": "agent",
        "status": "success",
        "error": None,
        "runs": 2,
        **tokens,
        "model_calls": 1,
        "cached_calls": 0,
        "tool_calls": 2,
        "failed_tools": 1,
        **facts,
    }
    run = {
        "name": "recommend",
        "run_type": "chain",
        "start_time": started,
        "end_time": started,
        "inputs": "{}",
        "outputs": '{"a": [1]}',
        "error": None,
        "extra": "{}",
        "shared": None,
        "tags": '["x"]',
        "session_name": "recmind",
        **tokens,
    }
    root = {**run, "id": trace_id, "parent_run_id": None, "dotted_order": "1"}
    child = {**run, "id": f"{trace_id}-child", "parent_run_id": trace_id, "dotted_order": "1.2", "name": "act"}
    return TraceRows(head, [root, child], words=str(head["query"]))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with TraceStore(tmp_path / "new" / "traces.db") as opened:
        yield opened


def queries(found: list[TraceSummary]) -> list[str]:
    return [summary.query for summary in found]


def test_newest_first_and_filtered(store: TraceStore) -> None:
    store.write(trace(1, user_id="42"))
    store.write(trace(2, model="openai:any", source="fallback"))
    store.write(trace(3, user_id="42", status="error", source=None, error="no server"))
    assert queries(store.list()) == ["request 3", "request 2", "request 1"]
    assert queries(store.list(2)) == ["request 3", "request 2"]
    assert queries(store.list(user_id="42")) == ["request 3", "request 1"]
    assert queries(store.list(user_id="42", status="success")) == ["request 1"]
    assert queries(store.list(model="openai:any")) == ["request 2"]
    assert queries(store.list(source="fallback")) == ["request 2"]
    assert queries(store.list(since=(TODAY + timedelta(minutes=2)).timestamp())) == ["request 3", "request 2"]
    assert queries(store.list(user_id="nobody")) == []


def test_found_by_time_cost_and_words(store: TraceStore) -> None:
    store.write(trace(1, query="a film of Amélie's", latency_ms=900.0))
    store.write(trace(2, query="NEAR the sea, not far", total_cost=0.25))
    assert queries(store.list(slower_ms=900)) == ["a film of Amélie's"]
    assert queries(store.list(dearer=0.2)) == ["NEAR the sea, not far"]
    assert queries(store.list(until=(TODAY + timedelta(minutes=2)).timestamp())) == ["a film of Amélie's"]
    assert queries(store.list(text="amelie FILM")) == ["a film of Amélie's"]
    assert queries(store.list(text="near sea")) == ["NEAR the sea, not far"]
    for none in ("sea film", 'OR "', "*", "", "se"):
        assert store.list(text=none) == []


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    old = (TODAY - timedelta(days=40)).isoformat()
    with TraceStore(tmp_path / "traces.db", TraceSettings(days=50)) as store:
        store.write(trace(1, start_time=old, query="long ago"), trace(2))
        assert queries(store.list()) == ["request 2", "long ago"]
    with TraceStore(tmp_path / "traces.db", TraceSettings(days=30)) as store:
        store.write(trace(3))
        assert queries(store.list()) == ["request 3", "request 2"]
        assert store.prune() == 0
        assert store.list(text="long ago") == []


def test_the_oldest_of_what_is_too_much_goes(tmp_path: Path) -> None:
    shared = {b"shared": b"0" * 1000}
    traces = [replace(trace(n), payloads={**shared, f"{n}".encode(): os.urandom(10_000)}) for n in range(200)]
    with TraceStore(tmp_path / "traces.db", TraceSettings(mib=1)) as store:
        store.write(*traces)
        left = queries(store.list(1000))
        assert 50 < len(left) < 100
        assert left == [f"request {n}" for n in range(199, 199 - len(left), -1)]
        assert store.prune() == 0
        assert store.path.stat().st_size <= 2**20
    db = sqlite3.connect(store.path)
    assert db.execute("SELECT count(*) FROM payloads").fetchone() == (len(left) + 1,)
    assert db.execute("SELECT count(*) FROM words").fetchone() == (len(left),)
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (2 * len(left),)
    db.close()


def test_what_is_too_much_goes_a_little_with_each_trace(tmp_path: Path) -> None:
    old = (TODAY - timedelta(days=40)).isoformat()
    with TraceStore(tmp_path / "traces.db", TraceSettings(days=50)) as store:
        store.write(*(trace(n, start_time=old) for n in range(20)))
    with TraceStore(tmp_path / "traces.db", TraceSettings(days=30)) as store:
        for written in (1, 2, 3):
            store.write(trace(100 + written))
            assert len(store.list(100)) == 20 - written
        assert store.prune() == 14


def test_what_was_said_of_one_trace_is_told_by_itself(tmp_path: Path) -> None:
    rows = [trace(n) for n in (1, 2)]
    with TraceStore(tmp_path / "traces.db") as store:
        assert store.judgements("none") == []
        store.write(*rows)
        first, second = (one.trace["trace_id"] for one in rows)
        store.judge(first, 0.5, at=1.0)
        store.judge(second, None, "good", at=2.0)
        store.judge(first, 1.0, "better", at=3.0)
        assert [(one.trace_id, one.score) for one in store.judgements(first)] == [(first, 0.5), (first, 1.0)]
        assert [one.comment for one in store.judgements()] == ["", "good", "better"]


def test_a_file_of_the_first_release_is_taken_over(tmp_path: Path) -> None:
    head, (root, child) = (rows := trace(1, query="an old wish")).trace, rows.runs
    db = Database(tmp_path / "traces.db")
    schema._first(db)
    db.conn.execute("PRAGMA user_version = 1")
    new = {"model_calls", "cached_calls", "tool_calls", "failed_tools", "shared"}
    for table, row in (("traces", head), ("runs", root), ("runs", {**child, "run_type": "tool", "error": "no"})):
        of_trace = {"trace_id": head["trace_id"]}
        db[table].insert({name: value for name, value in {**of_trace, **row}.items() if name not in new})
    db.close()
    with TraceStore(tmp_path / "traces.db") as store:
        tree = store.tree("last")
        assert [(run.id, run.outputs) for run in tree.runs()] == [(root["id"], {"a": [1]}), (child["id"], {"a": [1]})]
        assert tree.summary == replace(store.list(text="old wish")[0], model_calls=0, tool_calls=1, failed_tools=1)
        store.write(trace(2))
        assert queries(store.list()) == ["request 2", "an old wish"]


def test_a_tree_comes_back_whole(store: TraceStore) -> None:
    store.write(trace(1))
    tree = store.tree("01900001")
    assert tree.summary == TraceSummary(
        trace_id="01900001-0000-7000-8000-000000000001",
        start_time=TODAY + timedelta(minutes=1),
        latency_ms=12.5,
        query="request 1",
        user_id=None,
        model="offline",
        source="agent",
        status="success",
        error=None,
        runs=2,
        tokens=Tokens(1, 2, 3),
        model_calls=1,
        tool_calls=2,
        failed_tools=1,
    )
    assert [(run.name, run.tags, run.outputs) for run in tree.runs()] == [
        ("recommend", ("x",), {"a": [1]}),
        ("act", ("x",), {"a": [1]}),
    ]
    assert [child.run.name for child in tree.root.children] == ["act"]


def test_any_beginning_or_end_of_an_id_will_do(store: TraceStore) -> None:
    for number in (0x11, 0x12, 0x22):
        store.write(trace(number))
    assert store.tree("01900022").summary.query == "request 34"
    assert store.tree(" 000011 ").summary.query == "request 17"
    assert store.tree("LAST").summary.query == "request 34"
    with pytest.raises(TraceError, match=r"'0190001' fits several traces \(01900012-.*, 01900011-.*\)\. Give more"):
        store.tree("0190001")
    with pytest.raises(TraceError, match=r"There is no trace 'abc' in .*Run: recmind trace list"):
        store.tree("abc")
    for odd in ("", "%", "x' OR 1", "*"):
        with pytest.raises(TraceError, match="is not a trace id"):
            store.tree(odd)


def test_before_the_first_request(store: TraceStore) -> None:
    assert store.list() == []
    assert store.forget_user("42") == 0
    with pytest.raises(TraceError, match=r"There are no traces in .* yet"):
        store.tree("last")
    assert not store.path.exists()


def test_a_trace_is_written_whole_or_not_at_all(store: TraceStore) -> None:
    whole = trace(2)
    broken = replace(whole, runs=[*whole.runs, whole.runs[0]])
    with pytest.raises(TraceError, match="UNIQUE constraint failed"):
        store.write(trace(1), broken)
    assert store.list() == []
    store.write(trace(1), whole)
    assert len(store.list()) == 2


def test_forgetting_a_user_leaves_no_trace_of_their_words(store: TraceStore) -> None:
    store.write(trace(1, user_id="42", query="a very private wish"))
    store.write(trace(2, user_id="43"))
    assert store.forget_user("42") == 1
    store.close()
    assert b"very private" not in b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert queries(store.list()) == ["request 2"]
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    db.close()


def test_many_threads_share_one_store(store: TraceStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: (store.write(trace(number)), store.list(3)), range(40)))
    assert len(store.list(100)) == 40


def _write_some(path: Path, numbers: range) -> None:
    with TraceStore(path) as store:
        for number in numbers:
            store.write(trace(number))


def test_several_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_some, args=(path, range(n * 10, n * 10 + 10))) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with TraceStore(path) as store:
        assert len(store.list(100)) == 30


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "traces.db").write_text("this is no database " * 100)
    with TraceStore(tmp_path / "traces.db") as store, pytest.raises(TraceError, match="file is not a database"):
        store.list()


def test_a_file_of_a_newer_recmind(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "traces.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with TraceStore(tmp_path / "traces.db") as store, pytest.raises(TraceError, match=r"newer RecMind .*format 99"):
        store.list()


def test_reading_traces_needs_no_langchain() -> None:
    program = (
        "import sys, recmind.agent.tracing, recmind.agent.tracing.views.render;"
        "print([m for m in sys.modules if m.startswith('langchain')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["x"], "kwargs": {"type": kind, **fields}}


def test_a_tree_reads_like_a_story() -> None:
    def run(name: str, ms: int | None, run_type: str = "chain", **facts: Any) -> RunRecord:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        end = None if ms is None else start.replace(microsecond=ms * 1000)
        return RunRecord(name, "t", None, name, name, run_type, start, end, **facts)

    calls = [{"name": "search_items", "args": {"query": "cosy\nfilm", "n": 5}}]
    said = {"generations": [[{"message": message("ai", content="", tool_calls=calls)}]]}
    asked = {"messages": [[message("system", content="You are"), message("human", content="something cosy")]]}
    rows = [{"title": f"Film {n}"} for n in range(25)] + ["… (75 more)"]
    found = {"output": message("tool", content="text", artifact={"rows": rows})}
    tree = TraceTree(
        TraceSummary(
            "0190",
            datetime(2026, 1, 1, tzinfo=UTC),
            34.4,
            "something\tcosy",
            "42",
            "openai:any",
            "agent",
            "success",
            None,
            6,
            Tokens(1200, 34, 1234, 0.0012),
        ),
        TraceNode(
            run("recommend", 34, tokens=Tokens(1200, 34, 1234)),
            (
                TraceNode(run("prepare", 6)),
                TraceNode(
                    run("reason", 20),
                    (
                        TraceNode(
                            run("ChatOpenAI", 19, "llm", inputs=asked, outputs=said, tokens=Tokens(1200, 34, 1234))
                        ),
                        TraceNode(run("route", 0, tags=("seq:step:3",))),
                    ),
                ),
                TraceNode(
                    run("act", 4),
                    (
                        TraceNode(run("search_items", 3, "tool", inputs={"query": "cosy", "n": 5}, outputs=found)),
                        TraceNode(
                            run(
                                "item_details",
                                None,
                                "tool",
                                error="KeyError: 'x'\n\nTraceback (most recent call last)\n ...",
                            )
                        ),
                    ),
                ),
            ),
        ),
    )
    head, story = render_tree(tree).split("\n\n")
    assert [line for line in head.splitlines() if not line.startswith("When")] == [
        "Trace    0190",
        "Request  something cosy",
        "User     42",
        "Model    openai:any, answered by the agent",
        "Tokens   1,200 read, 34 written, 0.0012 US dollars",
    ]
    bars = [line.split("  ")[-1].strip() for line in story.splitlines() if line.endswith(("█", "·"))]
    assert [(bar.count("█"), len(bar)) for bar in bars] == [(n, 24) for n in (24, 4, 14, 13, 3, 2, 24)]
    assert [line.rstrip("█· ") for line in story.splitlines()] == [
        "recommend  34 ms  1,200 → 34 tokens",
        "├─ prepare: reads the request, the person and what binds  6.0 ms",
        "├─ reason: asks the model what to do next  20 ms",
        "│  └─ model ChatOpenAI  19 ms  1,200 → 34 tokens",
        "│          read   2 messages, the last from human: something cosy",
        '│          calls  search_items(query="cosy\\nfilm", n=5)',
        "└─ act: does what the model called for  4.0 ms",
        "   ├─ tool search_items  3.0 ms",
        '   │       asked  query="cosy", n=5',
        "   │       found  100 rows: Film 0, Film 1, Film 2, Film 3, …",
        "   └─ tool item_details  unfinished",
        "           error  KeyError: 'x'",
    ]
    assert "route  0.0 ms" in render_tree(tree, full=True)
    assert 'query "cosy"' in render_tree(tree, full=True)


def test_durations_and_lines() -> None:
    assert [duration(ms) for ms in (0.44, 9.96, 34.4, 2100.0, None)] == [
        "0.4 ms",
        "10.0 ms",
        "34 ms",
        "2.1 s",
        "unfinished",
    ]
    assert one_line("a\x1b[31m\nb  c", 20) == "a [31m b c"
    assert one_line("abcdef", 4) == "abc…"
