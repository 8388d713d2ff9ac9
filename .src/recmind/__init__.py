"""RecMind: a recommendation agent that people can trust with their own catalogue.

    from recmind import RecMind

Importing this costs next to nothing: what a request needs is imported when the first one is made.
Its packages are the folders ``agent``, ``tools``, ``data`` and ``prompts`` of the repository, linked from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recmind.agent.lazy import lazy

if TYPE_CHECKING:
    from recmind.agent.answer import Answer, Fit, Portrait, Proof, Recommendation, Usage
    from recmind.agent.recommender import RecMind
    from recmind.agent.state import Event

__all__ = ["Answer", "Event", "Fit", "Portrait", "Proof", "RecMind", "Recommendation", "Usage"]

__getattr__ = lazy(
    __name__,
    {
        "Answer": "recmind.agent.answer",
        "Event": "recmind.agent.state",
        "Fit": "recmind.agent.answer",
        "Portrait": "recmind.agent.answer",
        "Proof": "recmind.agent.answer",
        "RecMind": "recmind.agent.recommender",
        "Recommendation": "recmind.agent.answer",
        "Usage": "recmind.agent.answer",
    },
)
