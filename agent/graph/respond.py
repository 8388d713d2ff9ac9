"""respond: builds the message from the verdict. It says what was understood and what could not be done."""

from __future__ import annotations

from langgraph.runtime import Runtime

from recmind.agent.state import AgentContext, State
from recmind.agent.wording.message import write_message


def respond(state: State, runtime: Runtime[AgentContext]) -> State:
    """The message to the person."""
    brief = state["brief"]
    message = write_message(brief, state["verdict"], runtime.context, cause=state.get("cause"))
    return State(message=" ".join([*brief.notes, message]).strip())
