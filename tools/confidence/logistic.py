"""Logistic regression, fitted by scikit-learn and asked in plain NumPy, and a calibrated one.

The same data gives the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from recmind.data.arrays import Bools, Float64s, Int64s
from recmind.data.evaluation.metrics import calibration

FOLDS = 5
LEAST_LABELS = 200

CONSTANT = 1e-9
"""A feature with a smaller spread, beside its mean, is a constant."""
TOLERANCE = 1e-8
"""Of the fit: the largest slope that is left."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(true) = 1 / (1 + exp(-(bias + features @ weights))), the weights for features as they come."""

    weights: tuple[float, ...]
    bias: float

    @classmethod
    def fit(cls, features: Float64s, labels: Bools, shrinkage: float = 1.0) -> Logistic:
        """The weights that make the labels likeliest.

        Args:
            features: of shape (labels, features), finite; scaled to a spread of 1 before they are fitted.
            labels: what came true; both kinds must be there.
            shrinkage: what squared weights (for scaled features) cost, in labels; the bias is free.
        """
        # It has no types, and a question must not pay for the import.
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: PLC0415

        middle, deviation = features.mean(axis=0), features.std(axis=0)
        # The spread of a constant is seldom 0 in every digit, and dividing by what is left would make weights of noise.
        deviation = np.where(deviation > CONSTANT * np.abs(middle), deviation, 1.0)
        found = LogisticRegression(C=1 / shrinkage, solver="newton-cholesky", tol=TOLERANCE)
        found.fit((features - middle) / deviation, labels)
        weights = found.coef_[0] / deviation
        return cls(tuple(weights.tolist()), float(found.intercept_[0] - weights @ middle))

    def logits(self, features: Float64s) -> Float64s:
        """The log odds of each row of features."""
        odds: Float64s = features @ np.asarray(self.weights, dtype=np.float64) + self.bias
        return odds

    def predict_proba(self, features: Float64s) -> Float64s:
        """The probability of each row of features."""
        return _sigmoid(self.logits(features))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A logistic model, and a second one from its log odds to calibrated ones (Platt, 1999).

    The second is fitted on log odds that each come from a first one which has not met that group: one part of the
    labels alone would be few, and its share of true ones would shift every answer.
    """

    knots: tuple[tuple[float, ...], ...]
    """By feature, the values from which a hinge adds to it."""
    model: Logistic
    calibrator: Logistic
    skill: Mapping[str, float]
    """How true it is of groups it has not learned from: ``labels``, ``base_rate``, ``brier_skill`` (above 0: better
    than saying the base rate), ``ece`` in 15 bins of equal mass, and ``ece_by_chance``, that of perfect answers."""

    @classmethod
    def fit(
        cls,
        features: Float64s,
        labels: Bools,
        groups: Int64s,
        rng: np.random.Generator,
        *,
        hinges: bool = False,
    ) -> Calibrated | None:
        """Model and calibrator, or None if not significantly better than the base rate, or with fewer than 200 labels.

        The skill is that of five pairs, each asked about a fifth of the groups that neither of its models has met.

        Args:
            features: of shape (labels, features), finite.
            labels: what came true.
            groups: one for each label; what belongs together (a user) is never on both sides.
            rng: draws the fifths.
            hinges: whether the slope of a feature may change at its quartiles.
        """
        knots = tuple(_quartiles(column) if hinges else () for column in features.T)
        table = _with_hinges(features, knots)
        names, place = np.unique(groups, return_inverse=True)
        fold = (rng.permutation(len(names)) % FOLDS)[place]
        if len(labels) < LEAST_LABELS or any(len(np.unique(labels[fold == k])) < 2 for k in range(FOLDS)):
            return None
        said = np.empty(len(labels))
        for k in range(FOLDS):
            check = fold == k
            said[check] = cls._pair(table[~check], labels[~check], fold[~check], knots)._predict_hinged(table[check])
        measured = calibration(said, labels.astype(np.float64))
        if not _gain_lower_bound(said, labels, place) > 0:
            return None
        skill = {
            "labels": float(measured.pairs),
            "base_rate": measured.base_rate,
            "brier_skill": measured.brier_skill,
            "ece": measured.ece,
            "ece_by_chance": measured.ece_by_chance,
        }
        return replace(cls._pair(table, labels, fold, knots), skill=skill)

    @classmethod
    def _pair(
        cls,
        table: Float64s,
        labels: Bools,
        fold: Int64s,
        knots: tuple[tuple[float, ...], ...],
    ) -> Calibrated:
        odds = np.empty(len(labels))
        for k in np.unique(fold):
            rest = fold != k
            odds[~rest] = Logistic.fit(table[rest], labels[rest]).logits(table[~rest])
        return cls(knots, Logistic.fit(table, labels), Logistic.fit(odds[:, None], labels), {})

    def predict_proba(self, features: Float64s) -> Float64s:
        """The probability of each row of features."""
        return self._predict_hinged(_with_hinges(features, self.knots))

    def _predict_hinged(self, table: Float64s) -> Float64s:
        return self.calibrator.predict_proba(self.model.logits(table)[:, None])


def _gain_lower_bound(said: Float64s, labels: Bools, groups: Int64s) -> float:
    """By how much the squared error at least falls below that of the base rate: two standard errors under the mean."""
    gain = np.bincount(groups, (labels.mean() - labels) ** 2 - (said - labels) ** 2)
    return float((gain.sum() - 2 * np.sqrt(gain @ gain)) / len(labels))


def _quartiles(column: Float64s) -> tuple[float, ...]:
    """The inner quartiles of what is not 0, which often stands for "nothing is known"; fewer where they agree."""
    known = column[column != 0]
    if not len(known):
        return ()
    knots = np.unique(np.quantile(known, (0.25, 0.5, 0.75)))
    return tuple(knots[knots < known.max()].tolist())


def _with_hinges(features: Float64s, knots: tuple[tuple[float, ...], ...]) -> Float64s:
    """The features, and beside them by how much each exceeds each of its knots."""
    over = [np.maximum(features[:, n] - knot, 0) for n, of_one in enumerate(knots) for knot in of_one]
    return np.column_stack((features, *over))


def _sigmoid(odds: Float64s) -> Float64s:
    # exp of a large number would overflow; past 500 the answer is 0 or 1 in every digit.
    result: Float64s = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    return result
