"""The answer to a request: typed, frozen results whose ``to_dict`` is the JSON that the command line prints.

The JSON Schema (``recmind schema``) is made from these types and the words under them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from recmind.data.choices import Aggregation
from recmind.tools.evidence.slate import EvidenceKind

Source = Literal["agent", "fallback"]
Count = Annotated[int, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]


class AnswerPart:
    """A part of an answer. Its fields are always there, and the words under each describe it in the schema."""

    __slots__ = ()
    __pydantic_config__ = {"use_attribute_docstrings": True, "json_schema_serialization_defaults_required": True}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Proof(AnswerPart):
    """One fact behind a reason, checked against the catalogue and the user's history."""

    kind: EvidenceKind
    """What sort of fact it is."""
    text: str
    """The fact as a noun phrase: 'genre Comedy', 'your 5-star rating of Alien'."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What is needed to check the fact again; the keys depend on the kind."""


@dataclass(frozen=True, slots=True)
class Fit(AnswerPart):
    """How well a recommendation fits one member of a group."""

    user_id: str
    """The member of the group."""
    fit: Share
    """The share of the other candidates that this member's ranking puts below it: 1 is their best, 0 their worst."""


@dataclass(frozen=True, slots=True)
class Recommendation(AnswerPart):
    """One recommended item."""

    rank: Annotated[int, Ge(1)]
    """1 is the best."""
    item_id: str
    """The catalogue's own id."""
    title: str
    """The item's title, or its id where it has none."""
    score: Share
    """Higher is better; comparable within one answer only."""
    reason: str
    """Why, in a sentence; its facts come from the evidence."""
    evidence: tuple[Proof, ...] = ()
    """The facts behind the reason, checked against the catalogue and the user's history."""
    confidence: Share | None = None
    """A calibrated probability, or null (None) where none has been learned."""
    fits: tuple[Fit, ...] = ()
    """How well it fits each member of a group, in the caller's order; empty for one person."""


@dataclass(frozen=True, slots=True)
class Portrait(AnswerPart):
    """What was understood of one person."""

    user_id: str | None
    """Who it is about, or null (None) where nobody was named."""
    text: str
    """What was understood of the person, in a few sentences made of the evidence."""
    evidence: tuple[Proof, ...] = ()
    """The facts behind it, checked against the history and what the user stated."""


@dataclass(frozen=True, slots=True)
class Usage(AnswerPart):
    """What a request cost."""

    model_calls: Count = 0
    """Calls of the chat model."""
    tool_calls: Count = 0
    """Look-ups made."""
    input_tokens: Count = 0
    """Tokens the model read."""
    output_tokens: Count = 0
    """Tokens the model wrote."""
    cost_usd: Annotated[float, Ge(0)] | None = None
    """US dollars, or null (None) where no price is known."""
    cached_model_calls: Count = 0
    """Of the model calls, those answered from the cache, without tokens or money."""
    cached_tool_calls: Count = 0
    """Of the look-ups, those that were remembered."""
    cached: bool = False
    """Whether the whole answer was remembered, so that nothing was asked."""
    model_choice: str | None = None
    """Why auto:CHEAP,STRONG chose the model, or null (None) where it was named."""


@dataclass(frozen=True, slots=True)
class Answer(AnswerPart):
    """The answer to one request."""

    query: str
    """The request as it was given."""
    user_id: str | None
    """Who it was for, or null (None)."""
    recommendations: tuple[Recommendation, ...]
    """Best first; fewer than asked for where not enough items qualify."""
    message: str
    """What the request was taken to mean, and what could not be done."""
    source: Source
    """fallback: the model failed, and the ranker answered."""
    model: str
    """The model that answered; 'offline' is the built-in planner."""
    trace_id: str
    """For `recmind trace show`."""
    question: str | None = None
    """A clarifying question, where there is one instead of an answer."""
    fallback_cause: str | None = None
    """Why the fallback answered, or null (None)."""
    repairs: tuple[str, ...] = ()
    """What the validator changed before the answer left, a sentence each."""
    usage: Usage = field(default_factory=Usage)
    """What the request cost."""
    latency_ms: Annotated[float, Ge(0)] = 0.0
    """Milliseconds from request to answer."""
    choices: tuple[str, ...] = ()
    """What the question offers, values of the catalogue; any other reply will do as well."""
    thread: str | None = None
    """The conversation that the answer belongs to, for the next request or the reply; or null (None)."""
    understood: tuple[Portrait, ...] = ()
    """What was understood of each person, in the mode explanation-first; else empty."""
    user_ids: tuple[str, ...] = ()
    """Everybody it was for: one person, the members of a group (``user_id`` is null then), or nobody."""
    aggregation: Aggregation | None = None
    """How the fits of a group's members became the score, or null (None) for one person or none."""

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values, in the shape of ``recmind schema``."""
        return asdict(self)
