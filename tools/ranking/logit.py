"""Learns the re-ranker's weights: a conditional logit (McFadden, 1974) over each user's candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float64s
from recmind.data.evaluation.metrics import TargetRanks
from recmind.tools.ranking.reranker import FEATURES

FOLDS = 5
SHRINKAGE = 1.0
"""Penalty on half the squared weights; the loss is the sum over users."""


def hit_rate_and_ndcg(ranks: Float64s) -> tuple[float, float]:
    """HR@10 and NDCG@10, each 0 to 1.

    Args:
        ranks: float64: the rank of each user's one target, from 1; infinite where it was not found.
    """
    measured = TargetRanks.of_one_target(ranks).metrics(10)
    return float(measured["hit_rate"].mean()), float(measured["ndcg"].mean())


@dataclass(frozen=True, slots=True)
class ChoiceSet:
    """One user's candidates: features of shape (candidates, features), and the target's place among them, or -1."""

    user: int
    features: Float64s
    target: int
    rank: float
    """The target's rank by links alone, from 1; infinite where it was not found."""
    counts: bool
    """Whether the user belongs to the newest slice, on which figures are measured."""


def cross_fitted(cases: Sequence[ChoiceSet], seed: int) -> tuple[dict[str, float], Float64s]:
    """The weights learned from all cases, and the rank of each target by weights learned from other users.

    Args:
        cases: one user's candidates each.
        seed: draws the folds of users.

    Returns:
        The weights by feature, and float64 of shape (cases,): ranks from 1, infinite where the target was not found.
    """
    users = np.array([case.user for case in cases])
    names = np.unique(users)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[np.searchsorted(names, users)]
    ranks = np.full(len(cases), np.inf)
    for k in range(FOLDS):
        weights = fit_logit([case for case, at in zip(cases, fold.tolist(), strict=True) if at != k])
        for n in np.flatnonzero(fold == k).tolist():
            case = cases[n]
            if case.target >= 0:
                logits = case.features @ weights
                ranks[n] = 1 + int((logits > logits[case.target]).sum())
    return {name: round(float(w), 6) for name, w in zip(FEATURES, fit_logit(cases), strict=True)}, ranks


def fit_logit(cases: Sequence[ChoiceSet]) -> Float64s:
    """The weights that make targets likeliest among their candidates, float64 in the order of ``FEATURES``.

    They are found by L-BFGS. A case without its target among the candidates is left out.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  a question must not pay for SciPy

    told = [case for case in cases if case.target >= 0]
    if not told:
        return np.zeros(len(FEATURES))
    lengths = np.array([len(case.features) for case in told])
    starts = np.cumsum(lengths) - lengths
    table = np.concatenate([case.features for case in told])
    deviation = table.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    table = table / deviation
    owner = np.repeat(np.arange(len(told)), lengths)
    of_target = table[starts + np.array([case.target for case in told])]

    def cost(weights: Float64s) -> tuple[float, Float64s]:
        logits = table @ weights
        highest = np.maximum.reduceat(logits, starts)
        odds = np.exp(logits - highest[owner])
        total = np.add.reduceat(odds, starts)
        value = float((np.log(total) + highest - of_target @ weights).sum() + SHRINKAGE * weights @ weights / 2)
        slope = table.T @ (odds / total[owner]) - of_target.sum(axis=0) + SHRINKAGE * weights
        return value, slope

    found = minimize(cost, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / deviation)
