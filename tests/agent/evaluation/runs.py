"""Runs made up by hand, small enough to be summed up by hand."""

from __future__ import annotations

import random

import numpy as np

from recmind.agent.evaluation.records import Case, Outcome, Run

ITEMS = ("a", "b", "c", "d")
POPULARITY = {"a": 6, "b": 3, "c": 1}
VECTORS = {"a": (1, 0), "b": (0, 1), "c": (1, 1)}
HISTORIES = {"ann": ("a", "b"), "bob": ("c",)}


def vectors(item_ids):
    return np.array([VECTORS.get(item_id, (0, 0)) for item_id in item_ids], float)


def tiny() -> Run:
    """Two users with three cases, one of them with two targets; two systems, of which one asks a model."""
    cases = (
        Case("1", "ann", "", ("c",)),
        Case("2", "ann", "a <b>film</b>", ("a", "d")),
        Case("3", "bob", "", ("b",)),
    )
    outcomes = (
        Outcome("1", "plain", ("a", "b"), (None,), 0.001),
        Outcome("2", "plain", ("a", "b"), (1, None), 0.002),
        Outcome("3", "plain", ("a", "c"), (None,), 0.003),
        _asked("1", ("c", "a"), (1,), ((0.8, True), (0.2, False)), cost_usd=0.01),
        _asked("2", ("b", "d"), (None, 2), ((0.4, False),), cost_usd=None, repairs=2, unproved_reasons=1),
        Outcome("3", "agent", (), (None,), 0.5, source="fallback", fallback_cause="timeout", model_calls=1),
    )
    settings = {"k": [1, 2], "depth": 2, "seed": 0, "model": "auto:small,large"}
    return Run("leave-one-out", "Made up.", settings, ("plain", "agent"), cases, outcomes, ITEMS, POPULARITY)


def _asked(case_id, ranking, ranks, confidences, **given) -> Outcome:
    used = {
        "source": "agent",
        "model": "small",
        "model_calls": 2,
        "tool_calls": 3,
        "input_tokens": 100,
        "output_tokens": 20,
    }
    return Outcome(case_id, "agent", ranking, ranks, 0.25, confidences, **used, recommendations=2, **given)


def large(systems=("popularity", "hybrid"), n=120) -> Run:
    """One target a case; each system finds more than the one before it."""
    rng = random.Random(0)
    items = tuple(f"i{number}" for number in range(200))
    cases = tuple(Case(f"c{number}", f"u{number}", "", (rng.choice(items),)) for number in range(n))
    outcomes = []
    for place, system in enumerate(systems):
        for case in cases:
            ranking = rng.sample(items, 30)
            if rng.random() < 0.15 + 0.4 * place:
                ranking = [item for item in ranking if item != case.targets[0]]
                ranking.insert(rng.randrange(10), case.targets[0])
            rank = ranking.index(case.targets[0]) + 1 if case.targets[0] in ranking else None
            said = tuple((share, rng.random() < share) for share in (rng.random(), rng.random()))
            outcomes.append(Outcome(case.case_id, system, tuple(ranking), (rank,), rng.uniform(0.001, 0.004), said))
    popularity = {item: 400 // (place + 1) for place, item in enumerate(items)}
    settings = {"k": [5, 10, 20], "depth": 30, "seed": 0}
    return Run("temporal", "Made up.", settings, tuple(systems), cases, tuple(outcomes), items, popularity)
