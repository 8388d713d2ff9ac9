"""fallback: the hybrid ranker answers, with its own sentences, if a named model fails, refuses or overspends."""

from __future__ import annotations

from langgraph.runtime import Runtime

from recmind.agent.graph.steady import steady
from recmind.agent.planner import fallback_ranking, rules
from recmind.agent.state import AgentContext, Event, State
from recmind.tools.chat.submit import parse_submission


@steady
def fallback(state: State, runtime: Runtime[AgentContext]) -> State:
    """A submission made by the offline planner's rules, directly on the engines.

    It makes no model call and no tool call, and keeps what the model had found.
    """
    context, brief = runtime.context, state["brief"]
    cause = state.get("cause") or "the model did not submit recommendations"
    if context.emit:
        context.emit(Event("fallback", cause))
    slate = fallback_ranking.gathered(context, brief, state["slate"])
    slate, best = fallback_ranking.ranked(context, brief, slate, context.wanted(brief))
    _, arguments = rules.submission(fallback_ranking.rows_of(best, slate), context.wanted(brief))
    return State(slate=slate, submission=parse_submission(arguments), submit_call_id=None, cause=cause)
