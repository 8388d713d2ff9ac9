"""reason: one call of the model, within the caps."""

from __future__ import annotations

import time
from dataclasses import replace

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime

from agent.models.calling import ModelFailure, acall_model, call_model
from agent.models.offline import OfflinePlanner
from agent.state import AgentContext, Event, Spent, State
from tools.toolbox import ALL_TOOLS


def reason(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """The model's next message, or the cause why there is none."""
    context = runtime.context
    if cause := state.get("cause") or spent_out(state["spent"], context):
        return State(cause=cause)
    _thinking(state, context)
    try:
        message = call_model(_bound(context), state["messages"], config, _deadline(context), name=context.model_name)
    except ModelFailure as failure:
        return _failed(failure, state, context)
    return _heard(message, state)


async def areason(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """The same, natively asynchronous."""
    context = runtime.context
    if cause := state.get("cause") or spent_out(state["spent"], context):
        return State(cause=cause)
    _thinking(state, context)
    try:
        message = await acall_model(
            _bound(context), state["messages"], config, context.deadline, name=context.model_name
        )
    except ModelFailure as failure:
        return _failed(failure, state, context)
    return _heard(message, state)


def spent_out(spent: Spent, context: AgentContext) -> str | None:
    """Which limit forbids another model call, in words, or None."""
    limits = context.limits
    if spent.model_calls >= limits.model_calls:
        return f"the limit of {limits.model_calls} model calls was reached"
    if spent.tokens >= limits.tokens:
        return f"the limit of {limits.tokens} tokens was reached"
    if time.monotonic() >= context.deadline:
        return f"the limit of {limits.seconds:g} seconds was reached"
    return None


def _bound(context: AgentContext) -> Runnable[LanguageModelInput, AIMessage]:
    return context.model.bind_tools(ALL_TOOLS)


def _deadline(context: AgentContext) -> float | None:
    """When to give the call up; the offline planner cannot hang, so nobody has to watch it from another thread."""
    return None if isinstance(context.model, OfflinePlanner) else context.deadline


def _thinking(state: State, context: AgentContext) -> None:
    if context.emit:
        context.emit(Event("thinking", f"asking {context.model_name}", {"model_call": state["spent"].model_calls + 1}))


def _failed(failure: ModelFailure, state: State, context: AgentContext) -> State:
    if not context.fallback:
        raise failure
    return State(cause=str(failure), spent=_with(state["spent"], failure.usage))


def _heard(message: AIMessage, state: State) -> State:
    return State(messages=[message], spent=_with(state["spent"], message.usage_metadata))


def _with(spent: Spent, usage: UsageMetadata | None) -> Spent:
    """What is spent after one more call; a call that answers always has a usage, estimated where the server gives
    none."""
    return replace(
        spent,
        model_calls=spent.model_calls + 1,
        input_tokens=spent.input_tokens + (usage["input_tokens"] if usage else 0),
        output_tokens=spent.output_tokens + (usage["output_tokens"] if usage else 0),
    )
