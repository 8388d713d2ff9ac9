"""Evaluation: what RecMind recommends, measured on interactions that it was not shown.

    from agent.evaluation import evaluate

Importing this costs next to nothing: what an evaluation needs is imported when one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.evaluation.evaluating import evaluate
    from agent.evaluation.records import Case, Outcome, Run

__all__ = ["Case", "Outcome", "Run", "evaluate"]

_HOMES = {
    "Case": "agent.evaluation.records",
    "Outcome": "agent.evaluation.records",
    "Run": "agent.evaluation.records",
    "evaluate": "agent.evaluation.evaluating",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
