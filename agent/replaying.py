"""Runs a request of the past once more, with what its model said then."""

from __future__ import annotations

from typing import cast

from agent.answer import Answer
from agent.asking import Options
from agent.models.recorded import recorded_model
from agent.recommender import RecMind

_ASKED = ("user_id", "k", "filters", "exclude", "diversity", "mode", "strategy")
"""Options that a trace keeps with its request."""


def replay(rec: RecMind, trace_id: str) -> Answer:
    """The answer to the same request by the catalogue, the history and the index of today, and the recorded replies.

    It leaves a trace of its own. Where nothing changed since, it is the same answer, whatever the model would say now.

    Args:
        rec: where the trace is, and where it is asked again.
        trace_id: an id, or any beginning or end of one; ``last`` is the newest.

    Raises:
        InputError: there is no such trace, or it kept no words.
    """
    tree = rec.traces.tree(trace_id)
    asked = tree.root.run.inputs
    options = {name: asked[name] for name in _ASKED if name in asked}
    return rec.recommend(tree.summary.query, **cast(Options, {**options, "model": recorded_model(tree)}))
