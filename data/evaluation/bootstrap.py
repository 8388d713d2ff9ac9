"""The uncertainty of a mean over cases: percentile bootstrap intervals, and paired differences of two systems.

Whole users are drawn with replacement, so several cases of one user stay together. The interval covers only the spread
over users, not that of another split, seed or training run. Efron and Tibshirani (1993).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from recmind.data.arrays import Float64s

RESAMPLES = 2_000
LEVEL = 0.95
POWER = 0.8
BATCH_CELLS = 2_000_000
"""Draws that are counted at a time: 16 MB."""
ALIKE = 1e-12
"""A standard error up to this share of the mean is rounding: all users have the same value."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over cases with its interval."""

    value: float
    low: float | None
    """Lower end of the interval; None with fewer than two users, or if all have the same value."""
    high: float | None
    cases: int
    users: int


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """The mean of a minus b over the cases that both have, with its interval."""

    p_value: float | None
    """Two-sided, 0 to 1: how often a difference at least as large would show by chance; at least 2 / (resamples + 1).
    By the sign test where all users differ by the same amount; None where nothing differs."""
    smallest_visible: float | None
    """The smallest true difference that an evaluation of this size would detect four times in five (power 0.8), at the
    level of the interval; from the standard error of the paired differences."""


class Resamples:
    """Draws of users with replacement, with a seed. Everything measured on the same cases can share them."""

    def __init__(
        self, users: Sequence[Hashable], resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
    ) -> None:
        """Prepare the draws.

        Args:
            users: the user of each case; cases of one user are drawn together.
            resamples: number of draws.
            seed: of the draws.
            level: level of the intervals, 0 to 1.
        """
        numbers = {user: number for number, user in enumerate(dict.fromkeys(users))}
        self._users = np.array([numbers[user] for user in users], np.int64)
        self._n_users = len(numbers)
        self._resamples = resamples
        self._seed = seed
        self._level = level

    def estimates(self, values: ArrayLike) -> list[Estimate]:
        """An estimate for each column.

        Args:
            values: of shape (cases, columns); NaN where a case has no value.
        """
        return [estimate for estimate, _, _ in self._columns(self._table(values))]

    def differences(self, a: ArrayLike, b: ArrayLike) -> list[Difference]:
        """The paired difference, a minus b, for each column.

        Args:
            a: of shape (cases, columns); NaN where a case has no value.
            b: the same of the other system.
        """
        normal = NormalDist()
        sizes = normal.inv_cdf((1 + self._level) / 2) + normal.inv_cdf(POWER)
        found = []
        for mean, error, drawn in self._columns(self._table(a) - self._table(b)):
            p_value = smallest = None
            if mean.low is not None:
                beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
                p_value = min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
                smallest = sizes * error
            elif abs(mean.value) > ALIKE:
                p_value = min(1.0, 2 * 0.5**mean.users)  # the same for each user: only the sign test is left
            found.append(Difference(mean.value, mean.low, mean.high, mean.cases, mean.users, p_value, smallest))
        return found

    def _columns(self, table: Float64s) -> Iterator[tuple[Estimate, float, Float64s]]:
        """For each column its estimate, the standard error, and its mean in each resample that has any value."""
        sums, counts = self._by_user(table)
        for total, cases, drawn in zip(sums.T, counts.T, self._means(sums, counts), strict=True):
            value, error = _mean_and_error(total, cases)
            known = drawn[~np.isnan(drawn)]
            low, high = self._interval(known) if error > ALIKE * max(1.0, abs(value)) else (None, None)
            yield Estimate(value, low, high, int(cases.sum()), int((cases > 0).sum())), error, known

    def _table(self, values: ArrayLike) -> Float64s:
        table = np.asarray(values, np.float64)
        if table.ndim != 2 or len(table) != len(self._users):
            raise ValueError(f"values of shape {table.shape} for {len(self._users)} cases: give one row for each case")
        return table

    def _by_user(self, table: Float64s) -> tuple[Float64s, Float64s]:
        """The sums and the numbers of the values, each of shape (users, columns)."""
        known = ~np.isnan(table)
        sums, counts = np.zeros((2, self._n_users, table.shape[1]))
        np.add.at(sums, self._users, np.where(known, table, 0))
        np.add.at(counts, self._users, known)
        return sums, counts

    def _means(self, sums: Float64s, counts: Float64s) -> Float64s:
        """The mean of every column in every resample, of shape (columns, resamples)."""
        if not self._n_users:
            return np.full((sums.shape[1], self._resamples), np.nan)
        found = []
        for times in self._draws():
            drawn = times @ counts
            found.append(np.divide(times @ sums, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0))
        return np.concatenate(found).T

    def _draws(self) -> Iterator[Float64s]:
        """How often each user is drawn, in blocks of shape (some resamples, users); the same at every call."""
        rng, n = np.random.default_rng(self._seed), self._n_users
        batch = max(1, BATCH_CELLS // n)
        for start in range(0, self._resamples, batch):
            rows = min(batch, self._resamples - start)
            drawn = rng.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
            yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)

    def _interval(self, drawn: Float64s) -> tuple[float, float]:
        low, high = np.quantile(drawn, [(1 - self._level) / 2, (1 + self._level) / 2])
        return float(low), float(high)


def _mean_and_error(sums: Float64s, counts: Float64s) -> tuple[float, float]:
    """The mean over cases and its standard error over users, that of a ratio (Cochran, 1977); NaN where not defined."""
    held = counts > 0
    total, users = float(counts.sum()), int(held.sum())
    if not users:
        return float("nan"), float("nan")
    mean = float(sums.sum()) / total
    if users < 2:
        return mean, float("nan")
    off = sums[held] - mean * counts[held]
    return mean, float(np.sqrt(users / (users - 1) * (off**2).sum())) / total
