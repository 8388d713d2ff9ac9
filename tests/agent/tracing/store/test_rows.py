"""What of a request is written: shared payloads once, nothing that the settings keep back, and words to find it by."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langsmith import uuid7

from recmind.agent.tracing import TraceRecorder, TraceStore, TraceTree
from recmind.agent.tracing.store.redaction import REDACTED
from recmind.data.settings import TraceSettings
from recmind.tools.evidence.slate import Evidence, Finding, Findings, Slate

SYSTEM = SystemMessage("You recommend. " * 400)
TOOLS = [{"name": "search_items", "description": "Finds items. " * 50}]


def slate(*titles: str) -> Slate:
    rows = tuple(Finding(title.lower(), title, evidence=(Evidence("metadata", f"genre {title}"),)) for title in titles)
    return Slate().merged(Findings("search_items", rows))[0]


def ask(store: TraceStore, query: str = "something cosy", user_id: str = "user-ada", **ended: Any) -> str:
    """A request of two model calls and one look-up, as LangChain would report it; returns its id."""
    recorder, root, before, found = TraceRecorder(store), uuid7(), Slate(), slate("Paddington", "Amélie")
    metadata = {"query": query, "user_id": user_id, "model": "openai:any"}
    recorder.on_chain_start({}, {}, run_id=root, name="recommend", metadata=metadata)
    messages: list[Any] = [SYSTEM, HumanMessage(query)]
    for said in ("I look.", "I am done."):
        node, call = uuid7(), uuid7()
        recorder.on_chain_start(
            {}, {"messages": list(messages), "slate": before}, run_id=node, parent_run_id=root, name="reason"
        )
        recorder.on_chat_model_start(
            {"name": "M"},
            [list(messages)],
            run_id=call,
            parent_run_id=node,
            metadata={**metadata, "langgraph_node": "reason"},
            invocation_params={"model": "any", "tools": TOOLS},
        )
        message = AIMessage(said, response_metadata={"cache_hit": said == "I am done."})
        recorder.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]), run_id=call)
        messages.append(message)
        recorder.on_chain_end({"messages": [message], "slate": found}, run_id=node)
        before = found
    look_up = uuid7()
    recorder.on_tool_start(
        {"name": "search_items"}, "", run_id=look_up, parent_run_id=root, inputs={"query": "cosy bears"}
    )
    recorder.on_tool_error(LookupError("the shelf of cosy@bears.example is empty"), run_id=look_up)
    recorder.on_chain_end({"messages": messages, "slate": found, "message": "Cosy it is.", **ended}, run_id=root)
    return str(root)


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., TraceStore]]:
    opened: list[TraceStore] = []

    def open_it(**settings: Any) -> TraceStore:
        opened.append(TraceStore(tmp_path / "traces.db", TraceSettings(**settings)))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


def run(tree: TraceTree, name: str, n: int = 0) -> Any:
    return [run for run in tree.runs() if run.name == name][n]


def rows(store: TraceStore, sql: str) -> list[Any]:
    store.flush()
    db = sqlite3.connect(store.path)
    found = db.execute(sql).fetchall()
    db.close()
    return found


def test_what_many_runs_share_is_kept_once_and_comes_back_everywhere(open_store: Any) -> None:
    store = open_store()
    tree = store.tree(ask(store))
    first, second = run(tree, "M"), run(tree, "M", 1)
    contents = [message["kwargs"]["content"] for message in second.inputs["messages"][0]]
    assert contents == [SYSTEM.content, "something cosy", "I look."]
    assert first.inputs["messages"][0] == second.inputs["messages"][0][:2]
    assert first.extra["invocation_params"] == {"model": "any", "tools": TOOLS}
    before = rows(store, "SELECT count(*) FROM payloads")[0][0]
    ask(store, "something else")
    assert rows(store, "SELECT count(*) FROM payloads")[0][0] == before + 1
    assert len(rows(store, "SELECT 1 FROM runs WHERE instr(inputs, 'You recommend')")) == 0


def test_a_step_says_what_is_new_and_the_root_has_the_whole_slate(open_store: Any) -> None:
    store = open_store()
    tree = store.tree(ask(store))
    assert run(tree, "reason").inputs == {"messages": "(list of 2)", "slate": "(Slate)"}
    assert run(tree, "reason").outputs == {
        "messages": ["(AIMessage)"],
        "slate": {"entries": 2, "evidence": 2, "added": ["c1", "c2"]},
    }
    assert run(tree, "reason", 1).outputs["slate"]["added"] == []
    kept = tree.root.run.outputs["slate"]
    assert [entry["title"] for entry in kept["entries"].values()] == ["Paddington", "Amélie"]
    assert [fact["text"] for fact in kept["evidence"]] == ["genre Paddington", "genre Amélie"]
    assert run(tree, "M").extra["metadata"] == {"langgraph_node": "reason"}
    assert tree.root.run.inputs == {"query": "something cosy", "user_id": "user-ada", "model": "openai:any"}


def test_the_summary_counts_calls(open_store: Any) -> None:
    store = open_store()
    ask(store)
    (summary,) = store.list()
    assert (summary.model_calls, summary.cached_calls, summary.tool_calls, summary.failed_tools) == (2, 1, 1, 1)


def test_only_timings(open_store: Any) -> None:
    store = open_store(content="timings")
    tree = store.tree(ask(store))
    assert (tree.summary.query, tree.summary.user_id, tree.summary.model) == ("", None, "openai:any")
    assert [(r.name, r.inputs, r.outputs, r.extra, r.error) for r in tree.runs() if r.run_type != "chain"] == [
        ("M", {}, {}, {}, None),
        ("M", {}, {}, {}, None),
        ("search_items", {}, {}, {}, "LookupError"),
    ]
    store.close()
    written = store.path.read_bytes()
    assert b"recommend" in written
    for word in (b"cosy", b"Cosy", b"user-ada", b"Paddington", b"I look"):
        assert word not in written


def test_what_the_settings_name_is_written_nowhere(open_store: Any) -> None:
    store = open_store(redact_fields=("user_id",), redact_patterns=(r"\S+@\S+", "(?i)cosy"))
    tree = store.tree(ask(store))
    assert (tree.summary.query, tree.summary.user_id) == (f"something {REDACTED}", REDACTED)
    assert tree.root.run.outputs["message"] == f"{REDACTED} it is."
    assert run(tree, "M").inputs["messages"][0][1]["kwargs"]["content"] == f"something {REDACTED}"
    assert run(tree, "search_items").error.startswith(f"LookupError: the shelf of {REDACTED} is empty")
    assert f"something {REDACTED}" in rows(store, "SELECT text FROM words")[0][0]
    whole = json.dumps([[r.inputs, r.outputs, r.extra, r.error] for r in tree.runs()])
    assert "cosy" not in whole.lower()
    assert "user-ada" not in whole


def test_a_share_of_the_requests_is_kept_and_all_that_went_wrong(open_store: Any) -> None:
    store = open_store(sample=0.5)
    asked = [ask(store) for _ in range(40)]
    kept = {summary.trace_id for summary in store.list(100)}
    assert kept == {trace_id for trace_id in asked if int(trace_id[-8:], 16) < 2**31}
    none = open_store(sample=0.0)
    wrong = ask(none, cause="no server answers")
    ask(none)
    assert {summary.trace_id for summary in none.list(100)} == {*kept, wrong}
