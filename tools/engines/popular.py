"""The most popular items, over all times or in a period."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted
from recmind.data.catalogue import ItemStatistics, without
from recmind.data.conditions import Condition
from recmind.data.statistics import Counted
from recmind.data.store.store import Store

VALUE_SHARE = 0.5
"""The share of the Bayesian mean in the score where interactions have values; the count makes up the rest."""


@dataclass(frozen=True, slots=True)
class PopularItem:
    """An item and how popular it is."""

    item_id: str
    count: int
    """Number of interactions of all kinds, in the period if one is given."""
    mean: float | None
    """Mean of their values, or None where none has one."""
    score: float
    """0 to 1: half the count (its logarithm), half the Bayesian mean; the count alone where there are no values."""


@dataclass(frozen=True, slots=True)
class _PopularityScale:
    """The scale on which counts become scores, made from the counts of all items."""

    most: float
    """The largest logarithm of a count."""
    mean: float
    """Mean of all values; NaN where no interaction has one."""
    strength: float
    low: float
    """The lowest Bayesian mean."""
    spread: float
    """Length of the scale of Bayesian means, in the units of values; 0 where all are equal."""

    def means(self, counts: ItemStatistics) -> Float64s:
        """The Bayesian mean of each item, float64 in the order of the counts; NaN without values."""
        if np.isnan(self.mean):
            return np.full(len(counts), np.nan)
        return np.asarray((counts.value_sum + self.strength * self.mean) / (counts.value_count + self.strength))

    def scores(self, counts: ItemStatistics) -> Float64s:
        """The score of each item, 0 to 1, float64 in the order of the counts."""
        taken = np.log1p(counts.interactions.astype(np.float64))
        by_count = taken / self.most if self.most > 0 else taken
        if np.isnan(self.mean):
            return np.minimum(by_count, 1.0)
        by_value = (self.means(counts) - self.low) / self.spread if self.spread > 0 else np.full(len(counts), 0.5)
        scores = np.clip((1 - VALUE_SHARE) * by_count + VALUE_SHARE * by_value, 0.0, 1.0)
        return np.where(counts.interactions > 0, scores, 0.0)


@dataclass(frozen=True, slots=True)
class _Scored:
    """Items with their scores."""

    counts: ItemStatistics
    """Sorted by item number."""
    scale: _PopularityScale
    scores: Float64s
    order: Int64s
    """Numbers of the items with interactions, best first, ties by number."""

    def of(self, item_numbers: Int64s) -> Float64s:
        """The score of each of these items, float64; 0 for one that has no counts here."""
        places, known = index_in_sorted(self.counts.item_numbers, item_numbers)
        return np.where(known, self.scores[places], 0.0) if len(self.scores) else np.zeros(len(item_numbers))


@dataclass(frozen=True, slots=True)
class _Standing:
    """The scores of all items now: a full set of some time ago, and the items that have changed since, on its scale.

    A few interactions hardly move the scale of a large catalogue, but sorting a million items takes a while.
    """

    counted: Counted
    whole: _Scored
    changed: _Scored

    def scores(self, item_numbers: Int64s) -> Float64s:
        """The score of each item, float64; 0 for one without interactions."""
        _, has_changed = index_in_sorted(self.changed.counts.item_numbers, item_numbers)
        return np.where(has_changed, self.changed.of(item_numbers), self.whole.of(item_numbers))

    def first(self, allowed: Int64s, barred: Int64s, n: int) -> Int64s:
        """The numbers of the n most popular allowed items, best first; only items with interactions.

        Args:
            allowed: int64, sorted: item numbers to choose from.
            barred: int64: item numbers that must not come.
            n: the most to return.
        """
        moved = self.changed.counts.item_numbers
        found = _first(self.whole.order, allowed, np.concatenate((barred, moved)), n)
        if not len(moved):
            return found
        found = np.concatenate((found, _first(self.changed.order, allowed, barred, n)))
        return found[np.lexsort((found, -self.scores(found)))][:n]


class PopularItems:
    """Popularity from the counts that the store keeps; a period is counted by SQL. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._known: _Standing | None = None

    def recommend(
        self,
        conditions: Sequence[Condition] = (),
        *,
        since: float | None = None,
        until: float | None = None,
        exclude: Collection[str] = frozenset(),
        n: int = 20,
    ) -> list[PopularItem]:
        """The n most popular available items, best first, ties by item number; items without interactions do not come.

        Args:
            conditions: only items that meet all of them.
            since: Unix seconds; with it or ``until``, only interactions in that period count.
            until: Unix seconds, included.
            exclude: item ids that must not come.
            n: the most to return.
        """
        allowed = self.store.items.matching(conditions)
        barred = np.array(list(self.store.items.numbers_of(exclude).values()), dtype=np.int64)
        if since is None and until is None:
            standing = self._standing()
            chosen = standing.first(allowed, barred, max(n, 0))
            counts, scores = standing.counted.of(chosen), standing.scores(chosen)
        else:
            scored = _scored(self.store.counts.between(since, until))
            chosen = _first(scored.order, allowed, barred, max(n, 0))
            counts, scores = scored.counts.of(chosen), scored.of(chosen)
        ids = self.store.items.ids_of(chosen.tolist())
        rows = zip(chosen.tolist(), counts.interactions.tolist(), counts.means.tolist(), scores.tolist(), strict=True)
        return [
            PopularItem(ids[number], count, None if math.isnan(mean) else mean, score)
            for number, count, mean, score in rows
            if number in ids
        ]

    def first(self, item_numbers: Int64s, n: int, barred: Int64s | None = None) -> Int64s:
        """The numbers of the n most popular of these items, best first, ties by number; items without interactions come
        last.

        Args:
            item_numbers: int64, sorted: item numbers to choose from.
            n: the most to return.
            barred: int64: item numbers that must not come; None bars none.
        """
        ruled_out = item_numbers[:0] if barred is None else barred
        found = self._standing().first(item_numbers, ruled_out, n)
        if len(found) >= min(n, len(item_numbers)):
            return found
        return np.concatenate((found, without(item_numbers, np.concatenate((found, ruled_out)))[: n - len(found)]))

    def score(self, item_numbers: Sequence[int] | Int64s) -> Float32s:
        """The score of each item over all times, float32 0 to 1; 0 for an item without interactions."""
        return self._standing().scores(np.asarray(item_numbers, dtype=np.int64)).astype(np.float32)

    def bayesian_means(self, item_numbers: Sequence[int] | Int64s) -> Float32s:
        """The Bayesian mean of each item's values, in their units; NaN where the catalogue has no values."""
        standing = self._standing()
        counts = standing.counted.of(np.asarray(item_numbers, dtype=np.int64))
        return standing.whole.scale.means(counts).astype(np.float32)

    def _standing(self) -> _Standing:
        counted = self.store.counts.snapshot()
        known = self._known
        if known is None or known.counted is not counted:
            as_before = known is not None and known.counted.whole is counted.whole
            whole = known.whole if known is not None and as_before else _scored(counted.whole)
            known = _Standing(counted, whole, _scored(counted.changed, whole.scale))
            with self._lock:
                self._known = known
        return known


def prior_strength(counts: ItemStatistics) -> float:
    """How many values at the overall mean are added to an item's own values in a Bayesian mean.

    It is the number of values that the item of a typical value has (sum of squares divided by sum). The median count
    will not do: half of a long tail has one or two values, so that two fives would beat a hundred.
    """
    total = float(counts.value_count.sum())
    return float((counts.value_count.astype(np.float64) ** 2).sum()) / total if total else 0.0


def _scale(counts: ItemStatistics) -> _PopularityScale:
    most = float(np.log1p(counts.interactions.max(initial=0)))
    total = float(counts.value_count.sum())
    if not total:
        return _PopularityScale(most, math.nan, 0.0, 0.0, 0.0)
    mean, strength = float(counts.value_sum.sum()) / total, prior_strength(counts)
    bayesian = _PopularityScale(most, mean, strength, 0.0, 0.0).means(counts)
    low, plain = float(bayesian.min()), counts.means
    # At least a quarter of the range of the plain means, so that items which hardly differ get close scores.
    spread = max(float(bayesian.max()) - low, 0.25 * float(np.nanmax(plain) - np.nanmin(plain)))
    return _PopularityScale(most, mean, strength, low, spread)


def _scored(counts: ItemStatistics, scale: _PopularityScale | None = None) -> _Scored:
    """Items with their scores, on the given scale, or on that of the counts themselves where ``scale`` is None."""
    chosen = scale or _scale(counts)
    scores = chosen.scores(counts)
    taken = np.flatnonzero(counts.interactions > 0)
    # Counts are sorted by item number, and a stable sort keeps that order among equal scores.
    return _Scored(counts, chosen, scores, counts.item_numbers[taken[np.argsort(-scores[taken], kind="stable")]])


def _first(order: Int64s, allowed: Int64s, barred: Int64s, n: int) -> Int64s:
    """The first n numbers of ``order`` that are allowed and not barred."""
    found = [order[:0]]
    start, step = 0, 4 * n + len(barred)
    while start < len(order) and n > 0 and len(allowed):
        asked = order[start : start + step]
        _, among = index_in_sorted(allowed, asked)
        kept = asked[among & ~np.isin(asked, barred)][:n]
        found.append(kept)
        # The first few answer most requests; where few items are allowed, each round looks at more.
        start, step, n = start + step, 4 * step, n - len(kept)
    return np.concatenate(found)
