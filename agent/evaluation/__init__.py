"""Evaluation: what RecMind recommends, measured on interactions that it was not shown.

    from agent.evaluation import evaluate

Importing this costs next to nothing: what an evaluation needs is imported when one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lazy import lazy

if TYPE_CHECKING:
    from agent.evaluation.evaluating import evaluate
    from agent.evaluation.judged import judged_requests
    from agent.evaluation.records import Case, Outcome, Run

__all__ = ["Case", "Outcome", "Run", "evaluate", "judged_requests"]

__getattr__ = lazy(
    __name__,
    {
        "Case": "agent.evaluation.records",
        "Outcome": "agent.evaluation.records",
        "Run": "agent.evaluation.records",
        "evaluate": "agent.evaluation.evaluating",
        "judged_requests": "agent.evaluation.judged",
    },
)
