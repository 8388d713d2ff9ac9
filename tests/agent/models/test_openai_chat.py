"""OpenAI's protocol over a real connection: what is sent, and which connections are kept."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI

from recmind.agent.graph.reason import SCHEMAS
from recmind.agent.models.factory import open_model
from tests.endpoint import Endpoint, says

CONVERSATION = [
    HumanMessage("something like Alien"),
    AIMessage("", tool_calls=[{"name": "search_items", "args": {"query": "space é"}, "id": "1", "type": "tool_call"}]),
    ToolMessage("nothing", tool_call_id="1"),
]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Any:
    with Endpoint(always=says("Hello.")) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield endpoint, open_model("openai:any")


def test_what_is_sent_is_what_langchain_s_own_class_sends(opened: Any) -> None:
    endpoint, model = opened
    plain = ChatOpenAI(model="any", temperature=0.0, seed=7, stream_usage=True)
    for each in (plain, model):
        each.bind_tools(SCHEMAS).invoke(CONVERSATION)
        list(each.bind_tools(SCHEMAS).stream(CONVERSATION))
    assert endpoint.requests[:2] == endpoint.requests[2:]
    assert [len(body["messages"]) for body in endpoint.requests] == [3, 3, 3, 3]


def test_a_body_of_one_s_own_is_sent_along(opened: Any) -> None:
    endpoint, model = opened
    model.model_copy(update={"extra_body": {"top_k": 5}}).invoke(CONVERSATION)
    assert endpoint.requests[-1]["top_k"] == 5
    assert len(endpoint.requests[-1]["messages"]) == 3


def test_an_event_loop_keeps_its_connection_and_closes_it_at_its_end(opened: Any) -> None:
    endpoint, model = opened

    async def three() -> None:
        for _ in range(3):
            assert (await model.ainvoke(CONVERSATION)).content == "Hello."
        async for _ in model.astream(CONVERSATION):
            pass

    for loops in (1, 2):
        asyncio.run(three())
        # What a loop left open would be told of here, and warnings are errors.
        gc.collect()
        assert len(endpoint.connections) == loops


def test_loops_side_by_side_do_not_share_a_connection(opened: Any) -> None:
    endpoint, model = opened

    async def one() -> str:
        return str((await model.ainvoke(CONVERSATION)).content)

    async def outer() -> str:
        first = await one()
        return first + await asyncio.to_thread(asyncio.run, one()) + await one()

    assert asyncio.run(outer()) == "Hello." * 3
    assert len(endpoint.connections) == 2
