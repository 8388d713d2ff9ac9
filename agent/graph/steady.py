"""A node that reads the database's versions once, instead of before each of its dozens of queries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from langgraph.runtime import Runtime

from recmind.agent.state import AgentContext, State

Node = Callable[[State, Runtime[AgentContext]], State]


def steady(node: Node) -> Node:
    """The node, run inside ``Store.steady``. What is written meanwhile is seen by the next node."""

    @wraps(node)
    def steadied(state: State, runtime: Runtime[AgentContext]) -> State:
        with runtime.context.store.steady():
            return node(state, runtime)

    return steadied
