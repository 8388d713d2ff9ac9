"""How nodes that only compute and read SQLite run under an event loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import TypeVar

from langgraph.runtime import Runtime

from recmind.agent.state import AgentContext

S = TypeVar("S")


def pooled(node: Callable[[S, Runtime[AgentContext]], S]) -> Callable[[S, Runtime[AgentContext]], Awaitable[S]]:
    """The node as a coroutine: it runs in the request's threads, so that the event loop is not blocked."""

    async def anode(state: S, runtime: Runtime[AgentContext]) -> S:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(runtime.context.pool, context.run, node, state, runtime)

    anode.__name__ = node.__name__
    return anode
