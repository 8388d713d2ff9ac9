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
"""Turns that a thread keeps; of older ones only the number is known."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a thread and what came of it."""

    said: str
    """The person's words."""
    meaning: str = ""
    """What they were taken to mean, with all that was carried over."""
    shown: tuple[Recommendation, ...] = ()
    """What was recommended. Evidence is kept of the last answer only: that is the one people ask about."""
    question: str | None = None
    """What was asked back instead of an answer."""
    at: float = field(default_factory=time.time)
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation so far. Nothing in it but texts, numbers and lists once it is written down."""

    user_id: str | None
    """Whose it is; nobody else may go on with it."""
    turns: tuple[Turn, ...] = ()
    """The oldest first."""
    dropped: int = 0
    """How many older turns are no longer kept."""
    understanding: Understanding | None = None
    """What holds after all that was said; None at the beginning, and after "start over"."""
    shown: tuple[Recommendation, ...] = ()
    """The last list of recommendations, with the evidence of each: "the second" is one of these."""
    focus: str | None = None
    """The item that was spoken of last, "that"."""
    had: tuple[str, ...] = ()
    """Items that the person said they have had: not recommended in this thread, whoever they are."""
    aside: tuple[str, ...] = ()
    """Items that have to make room for others, until the person starts over."""
    asked_for: str = ""
    """The attribute that the choices of the last question are values of; empty where that does not matter."""
    choices: tuple[str, ...] = ()
    """What the last question offered; empty where the last answer was no question."""

    @property
    def asked(self) -> bool:
        """Whether the last answer was a question."""
        return bool(self.turns) and self.turns[-1].question is not None

    def with_turn(self, turn: Turn) -> Thread:
        """The thread one turn longer. Recommendations of the turn become the list that is spoken of."""
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
        """The thread that was written down."""
        return _adapter().validate_python(written)


@cache
def _adapter() -> TypeAdapter[Thread]:
    return TypeAdapter(Thread)
