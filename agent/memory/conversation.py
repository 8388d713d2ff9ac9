"""The conversation around the requests of a thread, as a graph.

START ► listen ► answer ► remember ► END
          │ ▲      │          ▲
          ▼ │      ▼          │
          ask ◄────┘          │
          │                   │
        (reply)    explain ───┘

``listen`` reads a message against what was said before, ``answer`` runs the request's own graph (``agent.graph``),
``explain`` tells why an item was recommended, ``ask`` stops the run until the person replies. Only the thread is
checkpointed, as plain JSON; nothing else outlives the request.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.channels.untracked_value import UntrackedValue
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from typing_extensions import TypedDict

from recmind.agent.graph.build import build_graph
from recmind.agent.graph.pooled import pooled
from recmind.agent.memory.account import account
from recmind.agent.memory.clarifying import clarifying_question
from recmind.agent.memory.hearing import Heard, hear
from recmind.agent.memory.thread import Thread, Turn
from recmind.agent.state import AgentContext, Question, Spent, State, Verdict
from recmind.agent.wording.recommendations import recommended
from recmind.tools.evidence.slate import Evidence, Finding, Findings, Slate


class ConversationState(TypedDict, total=False):
    """The state of the conversation graph; only its JSON parts are checkpointed."""

    said: str
    """The person's message, or their reply."""
    options: dict[str, Any]
    """The caller's options, which the reply to a question inherits."""
    thread: dict[str, Any]
    """``Thread`` as JSON."""
    question: dict[str, Any] | None
    """``Question`` as JSON, if one is asked back."""
    opening: Annotated[State, UntrackedValue]
    """The state that the request's own graph starts with."""
    heard: Annotated[Heard, UntrackedValue]
    result: Annotated[State, UntrackedValue]
    """The state that the request's own graph ended with."""


ConversationGraph = CompiledStateGraph[ConversationState, AgentContext, ConversationState, ConversationState]


def build_conversation(saver: BaseCheckpointSaver[str], *, asynchronous: bool = False) -> ConversationGraph:
    """The compiled conversation graph.

    Args:
        saver: where its checkpoints are kept.
        asynchronous: whether its nodes are coroutines.
    """
    graph = StateGraph(ConversationState, context_schema=AgentContext)
    nodes: tuple[tuple[str, Any, Any], ...] = (
        ("listen", listen, pooled(listen)),
        ("ask", ask, ask),
        ("answer", answer, aanswer),
        ("explain", explain, explain),
        ("remember", remember, pooled(remember)),
    )
    for name, node, anode in nodes:
        graph.add_node(name, anode if asynchronous else node)
    graph.add_edge(START, "listen")
    graph.add_conditional_edges("listen", after_listen, ["ask", "explain", "answer"])
    graph.add_edge("ask", "listen")
    graph.add_conditional_edges("answer", after_answer, ["ask", "remember"])
    graph.add_edge("explain", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="conversation", checkpointer=saver)


def listen(state: ConversationState, runtime: Runtime[AgentContext]) -> ConversationState:
    """Reads the message against what was said before; adds the question to ask back if it leaves everything open."""
    context = runtime.context
    thread = Thread.from_json(state["thread"]) if "thread" in state else Thread(context.user_id)
    heard = hear(state["said"], thread, context)
    may_ask = context.ask and not (thread.asked or heard.follow_up.why)
    question = clarifying_question(heard.follow_up.understanding, context) if may_ask and not heard.thread.had else None
    if question is None:
        return ConversationState(heard=heard, question=None)
    return ConversationState(heard=heard, **_asked(heard.thread, state["said"], question))


def ask(state: ConversationState) -> ConversationState:
    """Stops the run until the person replies; the reply is the next message."""
    reply = interrupt(state["question"])
    return ConversationState(said=str(reply), question=None)


def answer(state: ConversationState, config: RunnableConfig, runtime: Runtime[AgentContext]) -> ConversationState:
    """Runs the request's own graph on the message.

    Args:
        state: the state of the conversation.
        config: the run's callbacks and metadata.
        runtime: holds the request's context.
    """
    opening, context = _opening(state, runtime.context)
    return _answered(state, build_graph().invoke(opening, config, context=context))


async def aanswer(
    state: ConversationState, config: RunnableConfig, runtime: Runtime[AgentContext]
) -> ConversationState:
    """``answer`` for an event loop, which it does not block.

    Args:
        state: the state of the conversation.
        config: the run's callbacks and metadata.
        runtime: holds the request's context.
    """
    opening, context = _opening(state, runtime.context)
    return _answered(state, await build_graph(asynchronous=True).ainvoke(opening, config, context=context))


def explain(state: ConversationState) -> ConversationState:
    """Says why an item is in the last list, from the evidence behind its reason."""
    heard = state["heard"]
    found = next(shown for shown in heard.thread.shown if shown.item_id == heard.follow_up.focus)
    facts = "; ".join(proof.text for proof in found.evidence)
    message = f"{found.title} was number {found.rank} in the last list. {found.reason}"
    message += f" What stands behind it: {facts}." if facts else ""
    return ConversationState(
        result=State(
            message=message,
            recommended=(found,),
            slate=Slate(),
            verdict=Verdict(),
            spent=Spent(),
            understood=(),
        )
    )


def remember(state: ConversationState, runtime: Runtime[AgentContext]) -> ConversationState:
    """Adds this turn to the thread."""
    heard, result = state["heard"], state["result"]
    turn = Turn(state["said"], heard.follow_up.understanding.meaning())
    if heard.follow_up.why is not None:
        thread = replace(heard.thread.with_turn(turn), choices=(), asked_for="")
        return ConversationState(thread=thread.to_json())
    shown = recommended(result, runtime.context)
    thread = heard.thread.with_turn(replace(turn, shown=shown))
    focus = thread.focus if any(found.item_id == thread.focus for found in shown) else None
    thread = replace(thread, shown=shown, focus=focus, choices=(), asked_for="")
    return ConversationState(thread=thread.to_json(), result=State(**{**result, "recommended": shown}))


def after_listen(state: ConversationState) -> Literal["ask", "explain", "answer"]:
    """The next step: a question is asked, a "why?" is answered from the record, anything else is a request."""
    if state.get("question"):
        return "ask"
    return "explain" if state["heard"].follow_up.why is not None else "answer"


def after_answer(state: ConversationState) -> Literal["ask", "remember"]:
    """The next step: a model may ask the person too."""
    return "ask" if state.get("question") else "remember"


def _asked(thread: Thread, said: str, question: Question) -> ConversationState:
    asked = replace(
        thread.with_turn(Turn(said, question=question.text)), choices=question.choices, asked_for=question.attribute
    )
    return ConversationState(thread=asked.to_json(), question=asdict(question))


def _opening(state: ConversationState, context: AgentContext) -> tuple[State, AgentContext]:
    """The state for the request's own graph: the message as understood, and the items shown before on the slate."""
    heard = state["heard"]
    thread, follow_up = heard.thread, heard.follow_up
    barred = frozenset((*thread.had, *thread.aside))
    gone = barred | {mention.item_id for mention in follow_up.understanding.likes}
    slate = state["opening"]["slate"]
    if follow_up.refines:
        rows = tuple(
            Finding(
                shown.item_id,
                shown.title,
                evidence=tuple(Evidence(p.kind, p.text, p.data) for p in shown.evidence if p.kind != "request"),
            )
            for shown in thread.shown
            if shown.item_id not in gone
        )
        slate, _ = slate.merged(Findings("earlier", rows))
    told = account(thread, slate, context.store.settings.memory.tokens)
    return State(**{**state["opening"], "slate": slate}), replace(
        context,
        query=state["said"],
        heard=follow_up.understanding,
        notes=heard.notes,
        exclude=context.exclude | barred,
        earlier=told,
        ask=context.ask and not thread.asked,
    )


def _answered(state: ConversationState, ended: Any) -> ConversationState:
    result: State = ended
    question = result.get("question")
    if question is None:
        return ConversationState(result=result)
    return ConversationState(result=result, **_asked(state["heard"].thread, state["said"], question))
