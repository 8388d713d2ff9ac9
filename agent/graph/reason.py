"""reason: one call of the model, within the caps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime

from recmind.agent.graph.budget import acharged, arefused, charged, refused
from recmind.agent.graph.lines_of_thought import explored
from recmind.agent.models.calling import ModelFailure, acall_model, call_model
from recmind.agent.models.offline import OfflinePlanner
from recmind.agent.models.text_tool_calls import with_text_tool_calls
from recmind.agent.planner.task import PlannerTask
from recmind.agent.state import AgentContext, Event, Spent, State
from recmind.tools.chat.submit import SUBMIT
from recmind.tools.chat.toolbox import ALL_TOOLS, ASKING, schemas

NAMES = tuple(tool.name for tool in (*ALL_TOOLS, ASKING))
SCHEMAS, WITH_ASKING = schemas(), schemas((*ALL_TOOLS, ASKING))


def reason(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """The model's next message, or the cause why there is none.

    Args:
        state: the state so far.
        config: callbacks and metadata of the run.
        runtime: holds the request's context.
    """
    context = runtime.context
    if cause := state.get("cause") or refused(state["spent"], context):
        return State(cause=cause)
    _thinking(state, context)
    try:
        message = call_model(
            _bound(state, context), state["messages"], config, call_deadline(context), name=context.model_name
        )
    except ModelFailure as failure:
        return _failed(failure, charged(state["spent"], failure, context), state, context)
    return _heard(message, charged(state["spent"], message, context))


async def areason(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """``reason`` for an event loop: the model is awaited.

    Args:
        state: the state so far.
        config: callbacks and metadata of the run.
        runtime: holds the request's context.
    """
    context = runtime.context
    if cause := state.get("cause") or await arefused(state["spent"], context):
        return State(cause=cause)
    _thinking(state, context)
    try:
        message = await acall_model(
            _bound(state, context), state["messages"], config, context.deadline, name=context.model_name
        )
    except ModelFailure as failure:
        return _failed(failure, await acharged(state["spent"], failure, context), state, context)
    return _heard(message, await acharged(state["spent"], message, context))


def _bound(state: State, context: AgentContext) -> Runnable[LanguageModelInput, AIMessage]:
    return ready_model(state, context, WITH_ASKING if context.ask else SCHEMAS)


def ready_model(
    state: State, context: AgentContext, tools: Sequence[dict[str, Any]], *, thinks_over: bool = False
) -> Runnable[LanguageModelInput, AIMessage]:
    """The request's model with what it needs beside the messages: the tools it may call, or a planner's task.

    Args:
        state: the request so far.
        context: its ``model`` is the one.
        tools: their schemas.
        thinks_over: whether another line of thought is asked for, given all that was explored.
    """
    if not isinstance(context.model, OfflinePlanner):
        return context.model.bind_tools(tools)
    brief, at_once = state["brief"], context.strategy != "self-inspiring"
    over = explored(state) if thinks_over else None
    task = PlannerTask(brief, state["slate"], context.wanted(brief), at_once, state.get("line", ""), over)
    return context.model.with_task(task)


def call_deadline(context: AgentContext) -> float | None:
    """When to give the call up; the offline planner cannot hang, so nobody has to watch it from another thread."""
    return None if isinstance(context.model, OfflinePlanner) else context.deadline


def _thinking(state: State, context: AgentContext) -> None:
    if context.emit:
        context.emit(Event("thinking", f"asking {context.model_name}", {"model_call": state["spent"].model_calls + 1}))


def _failed(failure: ModelFailure, spent: Spent, state: State, context: AgentContext) -> State:
    if failure.kind == "truncated" and not state.get("shortened"):
        return State(cut=True, spent=spent)
    if not context.fallback:
        raise failure
    return State(cause=str(failure), spent=spent)


def _heard(message: AIMessage, spent: Spent) -> State:
    return State(messages=[with_text_tool_calls(message, NAMES, SUBMIT)], spent=spent)
