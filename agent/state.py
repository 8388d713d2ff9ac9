"""What flows through the graph."""

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
    """The request's context with what the nodes need to think: a model, limits, a clock."""

    model: BaseChatModel
    model_name: str
    price: Price | None = None
    """What the model takes, or None where that is not known."""
    limits: Limits
    caches: Caches | None = None
    """What is remembered of look-ups, or None where nothing may be."""
    ledger: Ledger | None = None
    """Where the day's spending is counted, or None where nobody counts it."""
    deadline: float
    """``time.monotonic()`` after which no model call or look-up starts or is waited for."""
    pool: Executor
    """Threads that outlive the request: each keeps its database connection."""
    look_up_pool: Executor
    """The same for look-ups: a slow one must not hold up the steps of other requests."""
    fallback: bool = True
    """False: a failing model raises ``ModelFailure`` instead of being replaced by the hybrid ranker."""
    mode: Mode = "direct"
    ask: bool = False
    """Whether the person may be asked back."""
    earlier: str = ""
    """What a model is told of the conversation so far."""
    reading: Understanding | None = None
    """The request as it was read to choose a model; None where nobody had to."""
    heard: Understanding | None = None
    """What a conversation has heard its message to mean; None where the request is read by itself."""
    notes: tuple[str, ...] = ()
    """What the conversation has kept of its message, a sentence each."""
    strategy: Strategy = "react"
    strictness: Strictness = "strict"
    emit: Callable[[Any], None] | None = None
    """Takes the events of ``RecMind.stream``, or None when nobody listens."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked back."""

    text: str
    choices: tuple[str, ...] = ()
    attribute: str = ""
    """The attribute that the choices are values of; empty where that does not matter."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the request has used up so far."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_model_calls: int = 0
    """Of these, answered from the cache, without tokens or money."""
    cached_tool_calls: int = 0
    cost_usd: float | None = 0.0
    """None as soon as the cost of one call is not known."""

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class LineOfThought:
    """A line of thought that was explored: nothing of it is thrown away."""

    idea: str
    """What it was about; empty for the first."""
    messages: tuple[AnyMessage, ...]
    """Its whole conversation."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recommendation that passed every check, ready to leave."""

    item_id: str
    title: str
    score: float
    reason: str
    """Rendered: no slots are left in it."""
    cites: tuple[int, ...]
    """Numbers into the slate's evidence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the validator makes of a submission."""

    chosen: tuple[Chosen, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong and what is allowed instead, a sentence each, written to the model."""
    repairs: tuple[str, ...] = ()
    """What was changed without asking the model, a sentence each, written to the person."""
    dropped: tuple[str, ...] = ()
    """Labels of request constraints the model gave up."""


class State(TypedDict, total=False):
    """The sequence of ``messages`` is: system, human (the request), then for every turn one AI message and one tool
    message for each of its calls. The final call is answered only where ``repair`` sends it back. ``inspire`` may begin
    a further line of thought: ``messages`` then starts anew, with an account of all lines, and ``lines`` keeps the old.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    strategy: Strategy
    brief: Brief
    """What reading the request brought: the first step's result, and all that later steps know of its words."""
    understood: tuple[Portrait, ...]
    """What is told of each person before the items, where the mode asks for it."""
    slate: Slate
    read: frozenset[str]
    """Handles of the entries that the model has read about."""
    submission: Submission | None
    submit_call_id: str | None
    verdict: Verdict
    spent: Spent
    repaired: bool
    """Whether the one chance to mend a submission is used."""
    line: str
    """The idea of the present line of thought; missing while it is the first."""
    lines: tuple[LineOfThought, ...]
    """The lines of thought explored before the present one, whose messages are ``messages``."""
    cut: bool
    """Whether the model's last answer was cut off and has to be asked for again."""
    shortened: bool
    """Whether the one chance to answer in fewer words is used."""
    nudged: bool
    """Whether the model was told once that plain text is no answer."""
    cause: str | None
    """Why the fallback answers, or None while the agent does."""
    message: str
    """What the answer says beside its items."""
    question: Question | None
    """What is asked back instead of an answer."""
    recommended: tuple[Recommendation, ...]
    """The items as they leave, where they are known before the answer is put together."""


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
    score}, once for each item that will leave; validated {problems}; done {answer}, which is the last. Nothing for
    understood, repairing, fallback, and cached, which says that the answer is remembered as a whole."""
