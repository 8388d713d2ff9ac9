"""A request leaves its tree of runs, whatever happens to it, and costs next to nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langsmith import uuid7
from typing_extensions import TypedDict

from recmind.agent.models.calling import ModelFailure, acall_model, call_model
from recmind.agent.tracing import TraceRecorder, TraceStore, TraceTree
from recmind.agent.tracing.store.rows import UNFINISHED
from recmind.agent.tracing.views.render import render_tree
from tests.agent.scripted import ScriptedModel, calls


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    with TraceStore(tmp_path / "traces.db") as opened:
        yield opened


class State(TypedDict, total=False):
    messages: list[Any]
    verdict: Any
    cause: str | None


@tool
def search_items(query: str) -> str:
    """Items whose text fits the query."""
    if query == "broken":
        raise ValueError("the index is gone")
    return f"c1 A film about {query}"


def graph(model: Any, asynchronous: bool = False) -> Any:
    """reason, act, reason: as the agent's own."""

    def reason(state: State, config: RunnableConfig) -> State:
        said = call_model(model, state["messages"], config, time.monotonic() + 5)
        return State(messages=[*state["messages"], said])

    async def areason(state: State, config: RunnableConfig) -> State:
        said = await acall_model(model, state["messages"], config, time.monotonic() + 5)
        return State(messages=[*state["messages"], said])

    def act(state: State, config: RunnableConfig) -> State:
        found = [search_items.invoke(call, config) for call in state["messages"][-1].tool_calls]
        return State(messages=[*state["messages"], *found], verdict={"chosen": ["Alien"]})

    def route(state: State) -> str:
        return "act" if state["messages"][-1].tool_calls else END

    made = StateGraph(State)
    made.add_node("reason", areason if asynchronous else reason)
    made.add_node("act", act)
    made.add_edge(START, "reason")
    made.add_conditional_edges("reason", route, ["act", END])
    made.add_edge("act", "reason")
    return made.compile()


def usage(read: int, written: int) -> Any:
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def turns(query: str = "cosy") -> list[Any]:
    first = calls(("search_items", {"query": query}))
    return [
        first.model_copy(update={"usage_metadata": usage(100, 20)}),
        AIMessage("Done.", usage_metadata=usage(150, 5)),
    ]


def ask(store: TraceStore, model: Any, *, asynchronous: bool = False, **state: Any) -> str:
    """Runs one request and returns its trace id."""
    trace_id = uuid7()
    config = RunnableConfig(
        callbacks=[TraceRecorder(store)],
        run_id=trace_id,
        run_name="recommend",
        tags=["test"],
        metadata={"query": "something cosy", "user_id": "42", "model": "offline", "k": 3},
    )
    asked = State(messages=[HumanMessage("something cosy")], **state)
    if asynchronous:
        asyncio.run(graph(model, True).ainvoke(asked, config))
    else:
        graph(model).invoke(asked, config)
    return str(trace_id)


def outline(tree: TraceTree) -> list[str]:
    hidden = {"route"}
    return [
        f"{'  ' * run.dotted_order.count('.')}{run.run_type} {run.name}"
        for run in tree.runs()
        if run.name not in hidden
    ]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_request_leaves_its_tree(store: TraceStore, asynchronous: bool) -> None:
    trace_id = ask(store, ScriptedModel(turns=turns()), asynchronous=asynchronous)
    (summary,) = store.list()
    assert (summary.trace_id, summary.query, summary.user_id, summary.model) == (
        trace_id,
        "something cosy",
        "42",
        "offline",
    )
    assert (summary.source, summary.status, summary.error) == ("agent", "success", None)
    assert (summary.tokens.prompt, summary.tokens.completion, summary.tokens.total) == (250, 25, 275)
    assert summary.tokens.cost is None
    assert summary.latency_ms > 0
    tree = store.tree(trace_id)
    assert outline(tree) == [
        "chain recommend",
        "  chain reason",
        "    llm ScriptedModel",
        "  chain act",
        "    tool search_items",
        "  chain reason",
        "    llm ScriptedModel",
    ]
    root, _, model, *_ = tree.runs()
    assert summary.runs == len(tree.runs())
    assert root.inputs == {"query": "something cosy", "user_id": "42", "model": "offline", "k": 3}
    assert root.outputs == {"verdict": {"chosen": ["Alien"]}}
    assert root.tags == ("test",)
    assert {run.trace_id for run in tree.runs()} == {trace_id}
    assert {run.session_name for run in tree.runs()} == {"recmind"}
    assert model.parent_run_id == tree.runs()[1].id
    assert model.inputs["messages"][0][0]["kwargs"]["content"] == "something cosy"
    assert model.outputs["generations"][0][0]["message"]["kwargs"]["tool_calls"][0]["args"] == {"query": "cosy"}
    assert (model.tokens.prompt, model.tokens.completion) == (100, 20)
    look_up = next(run for run in tree.runs() if run.run_type == "tool")
    assert look_up.inputs == {"query": "cosy"}
    assert look_up.outputs["output"]["kwargs"]["content"] == "c1 A film about cosy"
    for run in tree.runs():
        assert run.end_time is not None
        assert run.end_time >= run.start_time
        assert run.dotted_order.endswith(run.id)
        assert run.dotted_order.startswith(root.dotted_order)


def test_ids_sort_by_time(store: TraceStore) -> None:
    asked = [ask(store, ScriptedModel(turns=turns())) for _ in range(4)]
    assert [summary.trace_id for summary in store.list()] == asked[::-1]
    assert store.tree("last").summary.trace_id == asked[-1]


def test_a_state_with_a_cause_came_from_the_fallback(store: TraceStore) -> None:
    ask(store, ScriptedModel(turns=turns()), cause="no server answers")
    assert [summary.source for summary in store.list(source="fallback")] == ["fallback"]
    assert store.tree("last").root.run.outputs["cause"] == "no server answers"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_request_that_fails_leaves_its_tree_too(store: TraceStore, asynchronous: bool) -> None:
    with pytest.raises(ModelFailure):
        ask(store, ScriptedModel(turns=[ValueError("odd reply")]), asynchronous=asynchronous)
    (summary,) = store.list(status="error")
    assert (summary.source, summary.status) == (None, "error")
    errors = {run.run_type: run.error for run in store.tree("last").runs() if run.error}
    assert "odd reply" in str(errors["llm"])
    assert "Error    ModelFailure: ScriptedModel gave no usable answer (odd reply). Check the model." in render_tree(
        store.tree("last")
    )


def test_the_error_of_a_tool_that_raises_is_kept(store: TraceStore) -> None:
    with pytest.raises(ValueError, match="the index is gone"):
        ask(store, ScriptedModel(turns=turns("broken")))
    assert "error  ValueError: the index is gone" in render_tree(store.tree("last"))


def test_a_model_call_that_was_given_up(store: TraceStore) -> None:
    released = threading.Event()

    def hang(_: Any) -> AIMessage:
        released.wait(10)
        return AIMessage("late")

    def reason(state: State, config: RunnableConfig) -> State:
        try:
            call_model(ScriptedModel(script=hang), state["messages"], config, time.monotonic() + 0.1)
        except ModelFailure as failure:
            return State(cause=str(failure))
        return State()

    made = StateGraph(State)
    made.add_node("reason", reason)
    made.add_edge(START, "reason")
    made.compile().invoke(State(messages=[HumanMessage("a")]), {"callbacks": [TraceRecorder(store)]})
    released.set()
    (model,) = [run for run in store.tree("last").runs() if run.run_type == "llm"]
    assert (model.end_time, model.latency_ms, model.error) == (None, None, UNFINISHED)
    assert "model ScriptedModel  unfinished" in render_tree(store.tree("last"))


def unwritable(folder: Path) -> Path:
    (folder / "file").write_text("in the way")
    return folder / "file" / "traces.db"


def garbage(folder: Path) -> Path:
    (folder / "traces.db").write_text("this is no database " * 200)
    return folder / "traces.db"


def newer(folder: Path) -> Path:
    db = sqlite3.connect(folder / "traces.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    return folder / "traces.db"


@pytest.mark.parametrize("broken", [unwritable, garbage, newer])
def test_a_trace_that_cannot_be_written_costs_no_answer(tmp_path: Path, broken: Any, caplog: Any) -> None:
    path = broken(tmp_path)
    with caplog.at_level(logging.WARNING), TraceStore(path) as store:
        ask(store, ScriptedModel(turns=turns()))
    (record,) = [r for r in caplog.records if r.name == "recmind.agent.tracing.store.trace_store"]
    assert "was not written" in record.getMessage()
    assert str(path) in record.getMessage()


def test_odd_things_in_the_state_cost_no_trace(store: TraceStore) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    ask(store, ScriptedModel(turns=turns()), verdict=Odd())
    assert store.list()[0].status == "success"


def test_keys_are_never_written(store: TraceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-key-of-the-environment")
    said = AIMessage("the-key-of-the-environment and sk-0123456789abcdefgh")
    ask(store, ScriptedModel(turns=[said]), verdict={"api_key": "third-secret", "note": "the-key-of-the-environment"})
    store.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"something cosy" in written
    for secret in (b"the-key-of", b"0123456789abc", b"third-secret"):
        assert secret not in written


def test_a_request_of_many_runs_is_one_trace(store: TraceStore) -> None:
    for _ in range(3):
        recorder, root = TraceRecorder(store), uuid7()
        message = AIMessage("said", usage_metadata=usage(10, 2))
        answer = LLMResult(generations=[[ChatGeneration(message=message)]])
        messages = [HumanMessage("word " * 100) for _ in range(8)]
        state = {"messages": messages, "slate": {str(n): {"title": "t", "evidence": [1, 2]} for n in range(100)}}
        recorder.on_chain_start({}, {}, run_id=root, name="recommend", metadata={"query": "q"})
        for _ in range(4):
            node = uuid7()
            recorder.on_chain_start({}, state, run_id=node, parent_run_id=root, name="reason")
            call = uuid7()
            recorder.on_chat_model_start({"name": "M"}, [messages], run_id=call, parent_run_id=node)
            recorder.on_llm_end(answer, run_id=call)
            recorder.on_chain_end({"messages": [message]}, run_id=node)
        for _ in range(3):
            call = uuid7()
            recorder.on_tool_start({"name": "t"}, "{}", run_id=call, parent_run_id=root, inputs={"query": "q"})
            recorder.on_tool_end("row\n" * 50, run_id=call)
        recorder.on_chain_end(state, run_id=root)
    assert [trace.runs for trace in store.list(5)] == [12, 12, 12]


# LangSmith, in processes of its own: it reads its variables once.

PROGRAM = """
    import socket, sys
    tried = []
    real = socket.socket.connect
    def connect(self, address):
        tried.append(address)
        return real(self, address)
    socket.socket.connect = connect
    sys.path.insert(0, {root!r})
    from tests.agent.tracing.test_recorder import ScriptedModel, TraceStore, ask, turns
    with TraceStore({path!r}) as store:
        print(ask(store, ScriptedModel(turns=turns())))
    if {wait}:
        from langchain_core.tracers.langchain import wait_for_all_tracers
        wait_for_all_tracers()
    print(len(tried))
"""


def run_apart(path: Path, *, wait: bool = False, **environment: str) -> list[str]:
    root = str(Path(__file__).parents[3])
    program = textwrap.dedent(PROGRAM.format(root=root, path=str(path), wait=wait))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH", "LANGCHAIN"))}
    environment = {**inherited, **environment}
    command = [sys.executable, "-c", program]
    # Far above the few seconds it takes: a hang fails by name instead of holding up all other tests.
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_leaves_the_machine_unasked(tmp_path: Path) -> None:
    _, connections = run_apart(tmp_path / "traces.db")
    assert connections == "0"


def test_langsmith_receives_the_same_runs_when_it_is_asked_for(tmp_path: Path) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    received.append(self.rfile.read(size))
                    self.rfile.readline()
            else:
                received.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._done(b"{}")

        def do_GET(self) -> None:
            self._done(b'{"version": "1"}')

        def _done(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    trace_id, connections = run_apart(
        tmp_path / "traces.db",
        wait=True,
        LANGSMITH_TRACING="true",
        LANGSMITH_API_KEY="lsv2_of_the_tests_0123456789",
        LANGSMITH_ENDPOINT=f"http://127.0.0.1:{server.server_address[1]}",
        LANGSMITH_DISABLE_RUN_COMPRESSION="true",
    )
    server.shutdown()
    server.server_close()
    assert int(connections) > 0
    sent = b"".join(received)
    with TraceStore(tmp_path / "traces.db") as store:
        runs = store.tree(trace_id).runs()
    assert [run.id for run in runs if run.id.encode() not in sent] == []
