"""inspire: after a step, whether another line of thought would help given all that was explored, and its beginning."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, RemoveMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime

from recmind.agent.graph.budget import acharged, arefused, charged, refused
from recmind.agent.graph.lines_of_thought import ANOTHER, RESERVED, begun, idea_of, question
from recmind.agent.graph.reason import call_deadline, ready_model
from recmind.agent.models.calling import ModelFailure, acall_model, call_model
from recmind.agent.state import AgentContext, Event, Spent, State
from recmind.tools.chat.toolbox import schemas

SCHEMAS = schemas([ANOTHER])


def inspire(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """The state of a further line of thought, or only what asking for one has cost.

    Args:
        state: the state so far.
        config: callbacks and metadata of the run.
        runtime: holds the request's context.
    """
    context, spent = runtime.context, state["spent"]
    if not _affordable(spent, context) or refused(spent, context):
        return State()
    asked = [question(state, context)]
    try:
        message = call_model(_bound(state, context), asked, config, call_deadline(context), name=context.model_name)
    except ModelFailure as failure:
        # A question that fails takes nothing from what is known: the line goes on.
        return State(spent=charged(spent, failure, context))
    return _answered(message, charged(spent, message, context), state, context)


async def ainspire(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """``inspire`` for an event loop: the model is awaited.

    Args:
        state: the state so far.
        config: callbacks and metadata of the run.
        runtime: holds the request's context.
    """
    context, spent = runtime.context, state["spent"]
    if not _affordable(spent, context) or await arefused(spent, context):
        return State()
    asked = [question(state, context)]
    try:
        message = await acall_model(_bound(state, context), asked, config, context.deadline, name=context.model_name)
    except ModelFailure as failure:
        return State(spent=await acharged(spent, failure, context))
    return _answered(message, await acharged(spent, message, context), state, context)


def _affordable(spent: Spent, context: AgentContext) -> bool:
    """Whether the caps leave room for the question and what follows from it."""
    calls, looks = context.limits.model_calls - spent.model_calls, context.limits.tool_calls - spent.tool_calls
    return calls >= RESERVED and looks > 0


def _bound(state: State, context: AgentContext) -> Runnable[LanguageModelInput, AIMessage]:
    return ready_model(state, context, SCHEMAS, thinks_over=True)


def _answered(message: AIMessage, spent: Spent, state: State, context: AgentContext) -> State:
    idea = idea_of(message, state)
    if not idea:
        return State(spent=spent)
    if context.emit:
        context.emit(Event("thinking", f"another line of thought: {idea}"))
    messages, left = begun(state, idea)
    anew: list[Any] = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *messages]
    return State(messages=anew, line=idea, lines=(*state.get("lines", ()), left), spent=spent)
