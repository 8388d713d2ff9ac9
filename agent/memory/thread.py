"""A thread: one conversation of one user, as plain records that go into the checkpoints as JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from recmind.agent.answer import Recommendation
from recmind.agent.understanding import Understanding

MOST_TURNS = 100
"""Turns that a thread keeps; older ones are only counted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a thread and its answer."""

    said: str
    """The person's words."""
    meaning: str = ""
    """How they were understood, with everything carried over from before."""
    shown: tuple[Recommendation, ...] = ()
    """What was recommended. Only the last answer keeps its evidence: people ask about that one."""
    question: str | None = None
    """What was asked back instead of an answer."""
    at: float = field(default_factory=time.time)
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation so far. It is written down as texts, numbers and lists only."""

    user_id: str | None
    """The user it belongs to; nobody else may continue it."""
    turns: tuple[Turn, ...] = ()
    """The oldest first."""
    dropped: int = 0
    """The number of older turns that are no longer kept."""
    understanding: Understanding | None = None
    """The understanding after everything that was said; None at the beginning, and after "start over"."""
    shown: tuple[Recommendation, ...] = ()
    """The last list of recommendations, with the evidence of each: "the second" is one of these."""
    focus: str | None = None
    """The id of the item that was mentioned last: "that"."""
    had: tuple[str, ...] = ()
    """Ids of items that the person says they have had: not recommended in this thread, even without a user."""
    aside: tuple[str, ...] = ()
    """Ids of items that the person wants replaced by others, until they start over."""
    asked_for: str = ""
    """The attribute that the choices of the last question are values of; empty if they are not values of one."""
    choices: tuple[str, ...] = ()
    """The choices of the last question; empty if the last answer was not a question."""

    @property
    def asked(self) -> bool:
        """Whether the last answer was a question."""
        return bool(self.turns) and self.turns[-1].question is not None

    def with_turn(self, turn: Turn) -> Thread:
        """The thread with one more turn. Its recommendations, if any, become the last list."""
        bare = tuple(replace(found, evidence=()) for found in turn.shown)
        turns = (*self.turns, replace(turn, shown=bare))
        over = max(0, len(turns) - MOST_TURNS)
        return replace(self, turns=turns[over:], dropped=self.dropped + over)

    def to_json(self) -> dict[str, Any]:
        """The thread as JSON values."""
        written: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return written

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Thread:
        """The thread that ``to_json`` wrote."""
        return _adapter().validate_python(written)


@cache
def _adapter() -> TypeAdapter[Thread]:
    return TypeAdapter(Thread)
