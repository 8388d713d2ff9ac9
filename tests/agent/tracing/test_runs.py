"""What LangChain reports of a run is noted, whatever kind of run it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langsmith import uuid7

from recmind.agent.tracing.runs import ListenedRun, RunListener


class Ended(RunListener):
    def __init__(self) -> None:
        super().__init__()
        self.roots: list[ListenedRun] = []
        self.ended: list[ListenedRun] = []

    def finished(self, root: ListenedRun, runs: Sequence[ListenedRun]) -> None:
        self.roots.append(root)
        self.ended = list(runs)


@pytest.fixture
def listener() -> Ended:
    return Ended()


@pytest.fixture
def root(listener: Ended) -> UUID:
    run_id = uuid7()
    listener.on_chain_start({}, {"a": 1}, run_id=run_id, name="recommend", tags=["t"], metadata={"k": 3})
    return run_id


def test_a_run_knows_its_place(listener: Ended, root: UUID) -> None:
    child, grandchild = uuid7(), uuid7()
    listener.on_chain_start({}, "text", run_id=child, parent_run_id=root, name="act")
    listener.on_tool_start(
        {"name": "search_items"}, "{'q': 1}", run_id=grandchild, parent_run_id=child, inputs={"q": 1}, color="green"
    )
    listener.on_tool_end("found", run_id=grandchild)
    listener.on_chain_end("said", run_id=child)
    assert listener.roots == []
    listener.on_chain_end({"b": 2}, run_id=root)
    first, second, third = listener.runs
    assert listener.roots == [first]
    assert [run.name for run in listener.runs] == ["recommend", "act", "search_items"]
    assert [run.run_type for run in listener.runs] == ["chain", "chain", "tool"]
    assert [run.parent_run_id for run in listener.runs] == [None, first.id, second.id]
    assert {run.trace_id for run in listener.runs} == {str(root)}
    assert third.dotted_order.startswith(f"{second.dotted_order}.")
    assert (first.inputs, first.outputs, first.tags, first.extra) == ({"a": 1}, {"b": 2}, ["t"], {"metadata": {"k": 3}})
    assert (second.inputs, second.outputs) == ({"input": "text"}, {"output": "said"})
    assert (third.inputs, third.outputs, third.extra) == ({"q": 1}, {"output": "found"}, {"color": "green"})


def test_inputs_are_noted_as_they_were_given(listener: Ended) -> None:
    state: dict[str, Any] = {"messages": [1]}
    listener.on_chain_start({}, state, run_id=uuid7(), name="n")
    state["later"] = True
    assert listener.runs[0].inputs == {"messages": [1]}


def test_a_run_without_a_known_parent_is_a_root(listener: Ended) -> None:
    run_id = uuid7()
    listener.on_chain_start({}, {}, run_id=run_id, parent_run_id=uuid7(), name="n")
    listener.on_chain_end({}, run_id=run_id)
    assert listener.roots == listener.runs
    assert listener.runs[0].parent_run_id is None


@pytest.mark.parametrize(
    ("serialized", "name"), [({"name": "given"}, "given"), ({"id": ["a", "Class"]}, "Class"), (None, "Unnamed")]
)
def test_a_run_is_called_after_what_runs(listener: Ended, serialized: Any, name: str) -> None:
    listener.on_chain_start(serialized, {}, run_id=uuid7())
    assert listener.runs[0].name == name


def test_a_model_call_becomes_a_run(listener: Ended, root: UUID) -> None:
    chat, text = uuid7(), uuid7()
    message = AIMessage("hi", usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5})
    heard = [[HumanMessage("hello")]]
    listener.on_chat_model_start({"id": ["x", "Model"]}, heard, run_id=chat, parent_run_id=root, options={"stop": None})
    listener.on_llm_new_token("h", run_id=chat)
    seconds = listener.runs[-1].extra["first_token_s"]
    listener.on_llm_new_token("i", run_id=chat)
    listener.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]), run_id=chat)
    said = listener.runs[-1]
    assert (said.name, said.run_type, said.inputs) == ("Model", "llm", {"messages": heard})
    assert (said.usage.prompt, said.usage.completion, said.usage.total) == (3, 2, 5)
    assert said.extra == {"options": {"stop": None}, "first_token_s": seconds}
    assert said.outputs == {"generations": [[{"text": "hi", "message": message}]], "llm_output": None}
    listener.on_llm_start({"name": "Old"}, ["hello"], run_id=text, parent_run_id=root)
    half = LLMResult(generations=[[Generation(text="ha")]])
    listener.on_llm_error(TimeoutError("too late"), run_id=text, response=half)
    broken = listener.runs[-1]
    assert (broken.run_type, broken.inputs) == ("llm", {"prompts": ["hello"]})
    assert broken.outputs["generations"] == [[{"text": "ha"}]]
    assert str(broken.error).startswith("TimeoutError: too late\n\n")
    assert broken.end_time is not None


def test_a_search_by_a_retriever(listener: Ended, root: UUID) -> None:
    found, lost = uuid7(), uuid7()
    listener.on_retriever_start({}, "space", run_id=found, parent_run_id=root)
    listener.on_retriever_end([Document("a film")], run_id=found)
    listener.on_retriever_start({}, "space", run_id=lost, parent_run_id=root, name="mine")
    listener.on_retriever_error(OSError("gone"), run_id=lost)
    _, first, second = listener.runs
    assert (first.name, first.run_type, first.inputs) == ("Retriever", "retriever", {"query": "space"})
    assert first.outputs == {"documents": [Document("a film")]}
    assert (second.name, second.outputs) == ("mine", {})
    assert str(second.error).startswith("OSError: gone")


def test_the_end_of_a_run_that_never_began_is_nothing(listener: Ended) -> None:
    listener.on_chain_end({}, run_id=uuid7())
    listener.on_tool_error(ValueError("x"), run_id=uuid7())
    listener.on_llm_new_token("x", run_id=uuid7())
    assert (listener.runs, listener.roots) == ([], [])


def test_what_a_given_up_call_says_later_changes_nothing(listener: Ended, root: UUID) -> None:
    call = uuid7()
    listener.on_chat_model_start({"name": "M"}, [[HumanMessage("hello")]], run_id=call, parent_run_id=root)
    listener.on_chain_end({"b": 2}, run_id=root)
    listener.on_llm_new_token("late", run_id=call)
    listener.on_llm_end(LLMResult(generations=[[ChatGeneration(message=AIMessage("late"))]]), run_id=call)
    assert [run.name for run in listener.ended] == ["recommend", "M"]
    assert (listener.ended[1].end_time, listener.ended[1].outputs, listener.ended[1].extra) == (None, {}, {})
