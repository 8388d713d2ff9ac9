"""RecMind: a recommendation agent that people can trust with their own catalogue.

    from agent import RecMind

Importing this costs next to nothing: what a request needs is imported when the first one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lazy import lazy

if TYPE_CHECKING:
    from agent.answer import Answer, Fit, Portrait, Proof, Recommendation, Usage
    from agent.recommender import RecMind
    from agent.state import Event

__all__ = ["Answer", "Event", "Fit", "Portrait", "Proof", "RecMind", "Recommendation", "Usage"]

__getattr__ = lazy(
    __name__,
    {
        "Answer": "agent.answer",
        "Event": "agent.state",
        "Fit": "agent.answer",
        "Portrait": "agent.answer",
        "Proof": "agent.answer",
        "RecMind": "agent.recommender",
        "Recommendation": "agent.answer",
        "Usage": "agent.answer",
    },
)
