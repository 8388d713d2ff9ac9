"""Measures of the quality of rankings, lists and confidences, on plain arrays.

Ranks are counted from 1; ``k`` is the length of the list that counts. A number that cannot be computed is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Bools, Float64s, Int64s

BINS = 15
"""Bins of a reliability table, as in Guo et al. (2017), but of equal mass."""
Z = 1.959964
"""A normal distribution lies within this many standard deviations in 95 of 100 cases."""
BATCH_LISTS = 1024
"""Lists whose vectors are summed at a time."""


@dataclass(frozen=True, slots=True)
class TargetRanks:
    """The ranks of the targets of many cases; a case may have several targets."""

    cases: Int64s
    """For each target, the number of its case."""
    ranks: Float64s
    """For each target, its rank from 1; infinite where the ranking does not hold it."""
    targets: Int64s
    """For each case, the number of its targets."""

    @classmethod
    def of(cls, ranks: Iterable[Sequence[int | None]]) -> TargetRanks:
        """From the ranks of each case's targets; None where the ranking does not hold a target."""
        rows = list(ranks)
        targets = np.array([len(row) for row in rows], np.int64)
        flat = [np.inf if rank is None else rank for row in rows for rank in row]
        return cls(np.repeat(np.arange(len(rows)), targets), np.array(flat, np.float64), targets)

    @classmethod
    def of_one_target(cls, ranks: Float64s) -> TargetRanks:
        """From the rank of the one target of each case; infinite where the ranking does not hold it."""
        return cls(np.arange(len(ranks)), ranks, np.ones(len(ranks), np.int64))

    def metrics(self, k: int) -> dict[str, Float64s]:
        """The measures of each case by name, float64 of shape (cases,), in [0, 1]; NaN for a case without targets.

        - hit_rate: 1 if any target is among the first k
        - recall: the share of the targets that is among the first k
        - precision: the share of k places that a target fills; a list shorter than k has empty places
        - ndcg: the gains 1 / log2(1 + rank) over those of the best order (Järvelin and Kekäläinen, 2002)
        - mrr: 1 / rank of the first target, 0 if that is beyond k

        Args:
            k: number of places that count, at least 1.

        Raises:
            ValueError: k is below 1.
        """
        if k < 1:
            raise ValueError(f"k is {k}, must be at least 1")
        n = len(self.targets)
        within = self.ranks <= k
        cases, ranks = self.cases[within], self.ranks[within]
        found = np.bincount(cases, minlength=n)
        gains = np.bincount(cases, weights=1 / np.log2(1 + ranks), minlength=n)
        best = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
        reciprocal = np.zeros(n)
        np.maximum.at(reciprocal, cases, 1 / ranks)
        asked = np.where(self.targets > 0, self.targets, np.nan)
        nothing = np.where(self.targets > 0, 0.0, np.nan)
        return {
            "hit_rate": np.minimum(found, 1) + nothing,
            "recall": found / asked,
            "precision": found / k + nothing,
            "ndcg": gains / best[np.clip(self.targets, 1, k) - 1] + nothing,
            "mrr": reciprocal + nothing,
        }


def mean_over(lists: Int64s, values: Float64s) -> Float64s:
    """The mean of its items' values for each list, float64 of shape (lists,); NaN for an empty list.

    Args:
        lists: of shape (lists, places): item numbers, -1 for empty places at the end.
        values: float64, by item number.
    """
    held = lists >= 0
    if not len(values):
        return np.full(len(lists), np.nan)
    return _ratio(np.where(held, values[lists], 0).sum(axis=1), held.sum(axis=1))


def self_information(counts: Int64s) -> Float64s:
    """For each item, -log2 of its share of all interactions, in bits: how surprising it is (Zhou et al., 2010).

    Each item is given one interaction more, so that an item without any has a finite value too.

    Args:
        counts: interactions, by item number.
    """
    information: Float64s = -np.log2((counts + 1) / (counts.sum() + max(len(counts), 1)))
    return information


def popularity_percentiles(counts: Int64s) -> Float64s:
    """For each item, the share of items with fewer interactions plus half of those with as many: (0, 1), mean 1/2."""
    ordered = np.sort(counts)
    below = np.searchsorted(ordered, counts, side="left")
    up_to = np.searchsorted(ordered, counts, side="right")
    return (below + up_to) / (2 * max(len(counts), 1))


def diversity(lists: Int64s, vectors: NDArray[np.floating]) -> Float64s:
    """For each list, the mean of 1 - cosine over all pairs of its items (Ziegler et al., 2005), in [0, 2].

    An item whose vector is 0 or NaN is left out. NaN for a list with fewer than two other items.

    Args:
        lists: of shape (lists, places): item numbers, -1 for empty places at the end.
        vectors: of shape (items, dimension), by item number.
    """
    rows = np.nan_to_num(np.asarray(vectors, np.float32))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    known = np.append(lengths[:, 0] > 0, False)  # the last stands for an empty place, -1
    units = np.concatenate([units, np.zeros((1, rows.shape[1]), np.float32)])
    found = np.full(len(lists), np.nan)
    for start in range(0, len(lists), BATCH_LISTS):
        numbers = lists[start : start + BATCH_LISTS]
        total = np.zeros((len(numbers), rows.shape[1]), np.float32)
        for place in numbers.T:  # a single place at a time stays in the processor's cache
            total += units[place]
        n = known[numbers].sum(axis=1)
        # The squared length of the sum of n unit vectors is n plus twice the sum of the cosines of all pairs.
        twice_cosines = np.square(total, dtype=np.float64).sum(axis=1) - n
        found[start : start + BATCH_LISTS] = 1 - _ratio(twice_cosines, n * (n - 1))
    return found


def exposure(lists: Int64s, n_items: int) -> Int64s:
    """For each item number, the number of places of all lists that it fills."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


def coverage(exposures: Int64s) -> float:
    """The share of the catalogue's items that any list holds, 0 to 1; NaN for an empty catalogue."""
    return float(np.mean(exposures > 0)) if len(exposures) else float("nan")


def gini(exposures: Int64s) -> float:
    """How unequally the places are shared among all items: 0 if equally, near 1 if one has all; NaN without places."""
    n, total = len(exposures), exposures.sum()
    if not total:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * np.sort(exposures)).sum() / (n * total))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Confidences of similar size, and how often they came true."""

    pairs: int
    lowest: float
    highest: float
    confidence: float
    """Mean of the confidences."""
    share: float
    """The share of true labels, 0 to 1."""
    low: float
    """Lower end of the 95 % interval of the share (Wilson, 1927), which assumes that the pairs are independent."""
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well confidences agree with what came true."""

    pairs: int
    base_rate: float
    """The share of true labels, 0 to 1."""
    brier: float
    """The mean squared distance of confidence and label; lower is better (Brier, 1950)."""
    brier_skill: float
    """1 - brier / (brier of always saying the base rate): above 0 is better than that; NaN where all labels agree."""
    ece: float
    """Expected calibration error: the mean distance of confidence and share over the bins, weighted by their pairs."""
    ece_by_chance: float
    """The mean expected calibration error of as many perfectly calibrated confidences."""
    bins: tuple[ReliabilityBin, ...]


def calibration(
    confidences: Sequence[float] | Float64s, labels: Sequence[bool] | Float64s, bins: int = BINS
) -> Calibration:
    """The calibration of confidences against what came true.

    Bins are of equal mass. Equal confidences share a bin, so the order of the pairs does not matter.

    Args:
        confidences: probabilities, 0 to 1.
        labels: what came true, in the same order.
        bins: number of bins.

    Raises:
        ValueError: there is no confidence, or one outside 0 to 1, or the numbers of confidences and labels differ.
    """
    said, true = np.asarray(confidences, np.float64), np.asarray(labels, np.float64)
    if not len(said) or len(said) != len(true):
        raise ValueError(
            f"{len(said)} confidences and {len(true)} labels: give one label for each confidence, and at least one"
        )
    if np.isnan(said).any() or said.min() < 0 or said.max() > 1:
        raise ValueError(f"confidences run from {said.min():g} to {said.max():g}, must be within 0 and 1")
    places = _equal_mass(said, bins)
    base, brier = float(true.mean()), float(np.mean((said - true) ** 2))
    spread = base * (1 - base)
    rng = np.random.default_rng(0)
    by_chance = [_ece(said, rng.random(len(said)) < said, places) for _ in range(100)]
    return Calibration(
        pairs=len(said),
        base_rate=base,
        brier=brier,
        brier_skill=1 - brier / spread if spread else float("nan"),
        ece=_ece(said, true, places),
        ece_by_chance=float(np.mean(by_chance)),
        bins=tuple(_bin(said[places == place], true[places == place]) for place in np.unique(places)),
    )


def percentiles(values: Sequence[float] | Float64s, percents: Sequence[float]) -> list[float]:
    """The values below which these percentages of all values lie, interpolated; NaN without values."""
    if not len(values):
        return [float("nan")] * len(percents)
    return [float(value) for value in np.percentile(values, percents)]


def _equal_mass(said: Float64s, bins: int) -> Int64s:
    """The bin of each confidence, by the middle place of all that are equal to it."""
    _, places, counts = np.unique(said, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    bin_of_value: Int64s = np.minimum(middles * bins / len(said), bins - 1).astype(np.int64)
    return bin_of_value[places]


def _ece(said: Float64s, true: Float64s | Bools, places: Int64s) -> float:
    """The expected calibration error. The weight of a bin cancels against the mean within it, so sums are left."""
    return float(np.abs(np.bincount(places, weights=said - true)).sum() / len(said))


def _bin(said: Float64s, true: Float64s) -> ReliabilityBin:
    n, share = len(said), float(true.mean())
    middle, spread = share + Z**2 / (2 * n), Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((middle + side * spread) / (1 + Z**2 / n) for side in (-1, 1))
    return ReliabilityBin(n, float(said.min()), float(said.max()), float(said.mean()), share, float(low), float(high))


def _ratio(numerator: Float64s, denominator: Int64s) -> Float64s:
    found = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=found, where=denominator > 0)
    return found
