"""LangGraph and ChatOpenAI alone, with the prompts of a real request and free look-ups: a lower bound for any agent."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Annotated, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from recmind import RecMind
from recmind.tools.chat.toolbox import schemas


class BareState(TypedDict):
    """The state of the bare graph."""

    messages: Annotated[list[AnyMessage], add_messages]


class HeardMessages(BaseCallbackHandler):
    """Keeps the messages that a model was sent."""

    def __init__(self) -> None:
        self.calls: list[list[AnyMessage]] = []

    def on_chat_model_start(self, *arguments: Any, **_: Any) -> None:
        """Called by LangChain with the model and the messages."""
        self.calls.append(arguments[1][0])


def conversation(rec: RecMind, query: str, model: str) -> list[AnyMessage]:
    """The messages that the model reads in the second call of a request: prompts, its calls, and the look-ups' answers.

    Args:
        rec: answers the request.
        query: the request.
        model: the chat model, as ``provider:name``.
    """
    heard = HeardMessages()
    rec.recommend(query, user_id="1", model=model, cache=False, callbacks=[heard])
    return heard.calls[1]


async def in_flight_s(messages: Sequence[AnyMessage], count: int) -> float:
    """Seconds that this many concurrent conversations take, after a first one."""
    url = os.environ["OPENAI_BASE_URL"]
    model = ChatOpenAI(model="patient", base_url=url, api_key=lambda: "none").bind_tools(schemas())
    answers = [message for message in messages if isinstance(message, ToolMessage)]
    asked: list[AnyMessage] = [message for message in messages if message.type in ("system", "human")]

    async def reason(state: BareState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def act(state: BareState) -> dict[str, Any]:
        said = state["messages"][-1]
        assert isinstance(said, AIMessage)
        pairs = zip(said.tool_calls, answers, strict=True)
        return {"messages": [ToolMessage(answer.content, tool_call_id=call["id"]) for call, answer in pairs]}

    def next_of(state: BareState) -> str:
        return "act" if len(state["messages"]) == len(asked) + 1 else "validate"

    graph = StateGraph(BareState)
    graph.add_node("prepare", _nothing)
    graph.add_node("reason", reason)
    graph.add_node("act", act)
    graph.add_node("validate", _nothing)
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "reason")
    graph.add_conditional_edges("reason", next_of, ["act", "validate"])
    graph.add_edge("act", "reason")
    graph.add_edge("validate", END)
    compiled = graph.compile()

    async def hold() -> None:
        await compiled.ainvoke(BareState(messages=asked))

    await hold()
    begun = time.perf_counter()
    await asyncio.gather(*(hold() for _ in range(count)))
    return time.perf_counter() - begun


def _nothing(state: BareState) -> dict[str, Any]:  # noqa: ARG001  LangGraph looks at the name
    return {}
