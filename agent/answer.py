"""What comes back: typed, frozen results whose ``to_dict`` is the JSON that the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Source = Literal["agent", "fallback"]


@dataclass(frozen=True, slots=True)
class Proof:
    """One fact behind a reason, checked against the catalogue and the user's history."""

    kind: str
    """request, preference, history, collaborative, semantic, metadata or popularity."""
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a recommendation fits one member of a group."""

    user_id: str
    fit: float
    """The share of the other candidates that this member's ranking puts below it: 1 is their best, 0 their worst."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item."""

    rank: int
    item_id: str
    title: str
    score: float
    """0 to 1, higher is better; comparable within one answer only."""
    reason: str
    evidence: tuple[Proof, ...] = ()
    confidence: float | None = None
    """A calibrated probability, or None where none has been learned."""
    fits: tuple[Fit, ...] = ()
    """For each member of a group, in the caller's order; empty for one person."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """What was understood of one person."""

    user_id: str | None
    text: str
    """A few sentences made of the evidence."""
    evidence: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None where the price is not known."""
    cached_model_calls: int = 0
    """How many of the model calls were answered from the cache, without tokens or money."""
    cached_tool_calls: int = 0
    """How many of the look-ups were remembered."""
    cached: bool = False
    """The whole answer was remembered: nothing was asked anew."""
    model_choice: str | None = None
    """Why ``auto:CHEAP,STRONG`` chose the model, or None where it was named."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    query: str
    user_id: str | None
    recommendations: tuple[Recommendation, ...]
    message: str
    """What the request was taken to mean, and what could not be done."""
    source: Source
    model: str
    trace_id: str
    question: str | None = None
    """A clarifying question, where the agent asks one instead of answering."""
    fallback_cause: str | None = None
    repairs: tuple[str, ...] = ()
    """What the validator changed before the answer left, a sentence each."""
    usage: Usage = field(default_factory=Usage)
    latency_ms: float = 0.0
    choices: tuple[str, ...] = ()
    """What the question offers; any other reply will do as well."""
    thread: str | None = None
    """The conversation that the answer belongs to, for the next request or the reply."""
    understood: tuple[Portrait, ...] = ()
    """What was understood of each person, where the mode is ``explanation-first``."""
    user_ids: tuple[str, ...] = ()
    """Everybody it was for: one, the members of a group (``user_id`` is None then), or nobody."""
    aggregation: str | None = None
    """How the members' fits became the score; None for one person or none."""

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values, in the shape of ``recmind schema``."""
        return asdict(self)
