"""The data that flows through the graph: the state, its parts, and the context of a request."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from recmind.agent.answer import Portrait, Recommendation
from recmind.agent.caches import Caches
from recmind.agent.understanding import Understanding
from recmind.data.choices import Mode, Strategy, Strictness
from recmind.data.settings import Limits, Price
from recmind.data.spending import Ledger
from recmind.tools.brief import Brief
from recmind.tools.chat.submit import Submission
from recmind.tools.context import RequestContext
from recmind.tools.evidence.slate import Slate


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentContext(RequestContext):
    """The request's context with everything the nodes need: a model, limits, a clock."""

    model: BaseChatModel
    model_name: str
    price: Price | None = None
    """The price of the model, or None if it is not known."""
    limits: Limits
    caches: Caches | None = None
    """The caches, or None if the request must not use any."""
    ledger: Ledger | None = None
    """Counts what is spent in a day, or None if nobody does."""
    deadline: float
    """``time.monotonic()`` after which no model call or look-up starts or is waited for."""
    pool: Executor
    """Threads that outlive the request; each keeps its own database connection."""
    look_up_pool: Executor
    """Threads for look-ups: a slow look-up must not delay the steps of other requests."""
    fallback: bool = True
    """False: a failing model raises ``ModelFailure`` instead of being replaced by the hybrid ranker."""
    mode: Mode = "direct"
    ask: bool = False
    """Whether the agent may ask the person a question."""
    earlier: str = ""
    """A summary of the conversation so far, for the model."""
    reading: Understanding | None = None
    """The request as it was read to choose a model; None if no choice was needed."""
    heard: Understanding | None = None
    """How a conversation understood its message; None if the request is read by itself."""
    notes: tuple[str, ...] = ()
    """What the conversation remembered because of its message, a sentence each."""
    strategy: Strategy = "react"
    strictness: Strictness = "strict"
    emit: Callable[[Any], None] | None = None
    """Takes the events of ``RecMind.stream``, or None when nobody listens."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the person."""

    text: str
    choices: tuple[str, ...] = ()
    attribute: str = ""
    """The attribute that the choices are values of; empty if they are not values of one."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the request has used up so far."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_model_calls: int = 0
    """How many of them were answered from the cache, at no cost."""
    cached_tool_calls: int = 0
    cost_usd: float | None = 0.0
    """US dollars; None as soon as the cost of one call is not known."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class LineOfThought:
    """A line of thought that was explored; all its messages are kept."""

    idea: str
    """Its idea; empty for the first line."""
    messages: tuple[AnyMessage, ...]
    """Its whole conversation."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recommendation that passed every check."""

    item_id: str
    title: str
    score: float
    reason: str
    """The final text; all its slots are filled."""
    cites: tuple[int, ...]
    """Numbers of evidence on the slate."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The validator's result for a submission."""

    chosen: tuple[Chosen, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong and what is allowed instead, a sentence for each fault, written to the model."""
    repairs: tuple[str, ...] = ()
    """What was changed without asking the model, a sentence each, written to the person."""
    dropped: tuple[str, ...] = ()
    """Labels of request constraints the model gave up."""


class State(TypedDict, total=False):
    """The state of the graph.

    The sequence of ``messages`` is: system, human (the request), then for every turn one AI message and one tool
    message for each of its calls. The final call is answered only where ``repair`` sends it back. ``inspire`` may begin
    a further line of thought: ``messages`` then starts anew, with an account of all lines, and ``lines`` keeps the old.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    strategy: Strategy
    brief: Brief
    """What reading the request brought: the first step's result, and all that later steps know of its words."""
    understood: tuple[Portrait, ...]
    """The taste summary of each person, if the mode asks for it."""
    slate: Slate
    read: frozenset[str]
    """Handles of the entries that the model has read about."""
    submission: Submission | None
    submit_call_id: str | None
    verdict: Verdict
    spent: Spent
    repaired: bool
    """Whether the model has used its one chance to correct a submission."""
    line: str
    """The idea of the current line of thought; missing during the first."""
    lines: tuple[LineOfThought, ...]
    """The earlier lines of thought; ``messages`` is the current one."""
    cut: bool
    """Whether the model's last answer was cut off and has to be asked for again."""
    shortened: bool
    """Whether the model has used its one chance to answer in fewer words."""
    nudged: bool
    """Whether the model was told once that plain text is not an answer."""
    cause: str | None
    """Why the fallback answers, or None as long as the model answers."""
    message: str
    """The text of the answer beside its items."""
    question: Question | None
    """The question that the person gets instead of an answer."""
    recommended: tuple[Recommendation, ...]
    """The recommended items, if they are known before the answer is put together."""


EventKind = Literal[
    "routed",
    "cached",
    "understood",
    "thinking",
    "tool_started",
    "tool_finished",
    "candidates",
    "repairing",
    "fallback",
    "item_validated",
    "validated",
    "done",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a request as ``RecMind.stream`` and ``astream`` report it, in the order in which it happened."""

    kind: EventKind
    text: str
    """The step in a line, for people."""
    data: dict[str, Any] = field(default_factory=dict)
    """By kind: routed {model, why}; thinking {model_call: its number}; tool_started {tool, arguments}; tool_finished
    {tool, arguments, rows, cached}; candidates {count: on the slate, new}; item_validated {rank, item_id, title,
    score}, once for each item of the answer; validated {problems}; done {answer}, which is the last. Empty for
    understood, repairing, fallback, and cached, which says that the whole answer was remembered."""
