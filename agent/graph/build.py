"""The state machine.

START ► prepare ► reason ⇄ act ► validate ► respond ► END
                   ▲ │      │      │ ▲
                   │ │      ▼      ▼ │ (once)
                   │ │   inspire  repair ► reason
                   │ │      │
                   └─┼──────┘
                     └► fallback ► validate

The strategy ``react`` does not use ``inspire``. In ``self-inspiring`` it follows every turn of look-ups: the model is
asked whether another line of thought would help, given everything explored so far; ``reason`` then begins it or goes
on. If the model asks the person a question, ``act`` ends the request, and the conversation around it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import override

from recmind.agent.graph.act import aact, act
from recmind.agent.graph.fallback import fallback
from recmind.agent.graph.inspire import ainspire, inspire
from recmind.agent.graph.pooled import pooled
from recmind.agent.graph.prepare import prepare
from recmind.agent.graph.reason import areason, reason
from recmind.agent.graph.respond import respond
from recmind.agent.graph.validate import repair, said_nothing, validate
from recmind.agent.state import AgentContext, State

Graph = CompiledStateGraph[State, AgentContext, State, State]


class Branch(Runnable[State, str]):
    """Chooses the next node. It makes no run of its own: the node that follows already shows the choice."""

    def __init__(self, choose: Callable[[State], str]) -> None:
        self.choose = choose
        self.name = choose.__name__

    @override
    def invoke(self, input: State, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self.choose(input)

    @override
    async def ainvoke(self, input: State, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        return self.choose(input)


@cache
def build_graph(*, asynchronous: bool = False) -> Graph:
    """The compiled graph, with plain nodes or with coroutines; one of each serves all requests and threads."""
    graph = StateGraph(State, context_schema=AgentContext)
    nodes: tuple[tuple[str, Any, Any], ...] = (
        ("prepare", prepare, pooled(prepare)),
        ("reason", reason, areason),
        ("act", act, aact),
        ("inspire", inspire, ainspire),
        ("validate", validate, pooled(validate)),
        ("repair", repair, pooled(repair)),
        ("fallback", fallback, pooled(fallback)),
        ("respond", respond, pooled(respond)),
    )
    for name, node, anode in nodes:
        graph.add_node(name, anode if asynchronous else node)
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "reason")
    graph.add_conditional_edges("reason", Branch(after_reason), ["act", "repair", "fallback"])
    graph.add_conditional_edges("act", Branch(after_act), ["reason", "inspire", "validate", END])
    graph.add_edge("inspire", "reason")
    graph.add_conditional_edges("validate", Branch(after_validate), ["repair", "respond"])
    graph.add_edge("repair", "reason")
    graph.add_edge("fallback", "validate")
    graph.add_edge("respond", END)
    # Inside a conversation it must write no checkpoints of its own: the conversation stores what is needed.
    return graph.compile(name="recmind", checkpointer=False)


def after_reason(state: State) -> Literal["act", "repair", "fallback"]:
    """The node after a model's message: its calls, a nudge if it made none (once), else the fallback."""
    if state.get("cause"):
        return "fallback"
    if state.get("cut"):
        return "repair"
    if not said_nothing(state["messages"][-1]):
        return "act"
    return "fallback" if state.get("nudged") else "repair"


def after_act(state: State) -> Literal["reason", "inspire", "validate", "__end__"]:
    """The node after a turn of tool calls.

    A submission is validated. Findings go to the model, in the strategy self-inspiring by way of ``inspire``. A
    question to the person ends the request: the conversation around it asks.
    """
    if state.get("question") is not None:
        return "__end__"
    if state.get("submission") is not None:
        return "validate"
    return "inspire" if state["strategy"] == "self-inspiring" else "reason"


def after_validate(state: State) -> Literal["repair", "respond"]:
    """The node after the checks: problems go back to the model once, and never to a fallback, which has no model."""
    return "repair" if state["verdict"].problems else "respond"
