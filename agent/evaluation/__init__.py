"""Evaluation: measures what RecMind recommends, on interactions that it has not seen.

    from recmind.agent.evaluation import evaluate

Importing this takes almost no time: what an evaluation needs is imported when one is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recmind.agent.lazy import lazy

if TYPE_CHECKING:
    from recmind.agent.evaluation.evaluating import evaluate
    from recmind.agent.evaluation.feedback_cases import judged_requests
    from recmind.agent.evaluation.records import Case, Outcome, Run

__all__ = ["Case", "Outcome", "Run", "evaluate", "judged_requests"]

__getattr__ = lazy(
    __name__,
    {
        "Case": "recmind.agent.evaluation.records",
        "Outcome": "recmind.agent.evaluation.records",
        "Run": "recmind.agent.evaluation.records",
        "evaluate": "recmind.agent.evaluation.evaluating",
        "judged_requests": "recmind.agent.evaluation.feedback_cases",
    },
)
