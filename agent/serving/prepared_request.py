"""A request that was read: the input of the graph, the metadata of its trace, and the answer made from the result."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from recmind.agent.answer import Answer, Usage
from recmind.agent.graph.prepare import prepare
from recmind.agent.memory.running import ThreadMessage
from recmind.agent.memory.thread_locks import ThreadLock
from recmind.agent.models.choosing import Choice
from recmind.agent.models.recorded import RecordedModel
from recmind.agent.options import RequestOptions
from recmind.agent.state import AgentContext, Spent, State
from recmind.agent.tracing.records import REPLAYED
from recmind.agent.tracing.versions import versions_of
from recmind.agent.wording.recommendations import recommended
from recmind.tools.brief import Brief
from recmind.tools.evidence.slate import Slate


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One request, ready for the graph."""

    state: State
    context: AgentContext
    config: RunnableConfig
    trace_id: str
    started: float
    """``time.monotonic()`` when it came in."""
    why_model: str | None
    """Why ``auto`` chose the model, or None if it was named."""
    key: bytes | None
    """The cache key of the answer, or None if it is not remembered."""
    known: Answer | None
    """The remembered answer, or None."""
    message: ThreadMessage | None = None
    """The message for the thread; None if the request belongs to none."""
    turn: ThreadLock | None = None
    """Held until the request is answered, so that no other request of the thread runs meanwhile."""


def run_config(
    context: AgentContext,
    asked: RequestOptions,
    choice: Choice,
    *,
    recorder: BaseCallbackHandler,
    run_id: UUID,
    cached: bool,
) -> RunnableConfig:
    """The config of the graph's run: its callbacks, its id, and metadata for the trace.

    Args:
        context: the request's context.
        asked: the options of the request.
        choice: the model that was chosen.
        recorder: the callback that writes the trace.
        run_id: the id of the trace.
        cached: whether the answer was remembered as a whole.
    """
    return RunnableConfig(
        callbacks=[recorder, *asked.callbacks],
        run_id=run_id,
        run_name="recommend",
        metadata=_metadata(context, asked, choice, cached=cached),
        # The limits end a request long before this: it only has to be larger.
        recursion_limit=4 * context.limits.model_calls + 20,
    )


def _metadata(context: AgentContext, asked: RequestOptions, choice: Choice, *, cached: bool) -> dict[str, Any]:
    """What the trace records about the request; options with their usual value are left out."""
    name = f"{choice.name}{REPLAYED}" if isinstance(choice.model, RecordedModel) else choice.name
    is_group = bool(context.members)
    # A group is stored as one JSON text, in which ``recmind forget`` finds its members.
    user_id = json.dumps(context.members, ensure_ascii=False) if is_group else context.user_id
    return {
        "query": context.query,
        "user_id": user_id,
        "model": name,
        **({"model_choice": choice.why} if choice.why else {}),
        **({"aggregation": asked.aggregation} if is_group else {}),
        "versions": versions_of(context.store, context.engines),
        **({"cached": True} if cached else {}),
        **asked.traced(
            filters=context.filters,
            exclude=tuple(sorted(context.exclude)),
            strategy=context.strategy,
            strictness=context.strictness,
        ),
    }


def first_step(context: AgentContext) -> tuple[Brief, Slate]:
    """The result of the graph's first node: the brief, and the slate with its references."""
    state = prepare(State(spent=Spent(), slate=Slate()), Runtime(context=context))
    return state["brief"], state["slate"]


def answer_of(request: PreparedRequest, state: State) -> Answer:
    """The answer from the graph's final state."""
    cause, ready, question = state.get("cause"), state.get("recommended"), state.get("question")
    context = request.context
    return Answer(
        query=context.query,
        user_id=context.user_id,
        recommendations=recommended(state, context) if ready is None else ready,
        message=state["message"],
        source="fallback" if cause else "agent",
        model=context.model_name,
        trace_id=request.trace_id,
        question=question.text if question else None,
        choices=question.choices if question else (),
        thread=request.message.thread_id if request.message else None,
        fallback_cause=cause,
        repairs=state["verdict"].repairs,
        usage=_usage(state["spent"], request.why_model),
        latency_ms=round(1000 * (time.monotonic() - request.started), 3),
        understood=state["understood"],
        user_ids=context.people,
        aggregation=context.aggregation if context.members else None,
    )


def _usage(spent: Spent, why_model: str | None) -> Usage:
    return Usage(
        spent.model_calls,
        spent.tool_calls,
        spent.input_tokens,
        spent.output_tokens,
        cost_usd=None if spent.cost_usd is None else round(spent.cost_usd, 9),
        cached_model_calls=spent.cached_model_calls,
        cached_tool_calls=spent.cached_tool_calls,
        model_choice=why_model,
    )
