"""What most people took up and valued, over all times or in a period."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.arrays import places_of
from data.catalogue import Integers, ItemStatistics, without
from data.conditions import Condition
from data.store import Store
from tools import phrases
from tools.findings import NO_FOCUS, Focus, found, unmet
from tools.slate import Findings

Floats = npt.NDArray[np.float64]

VALUE_SHARE = 0.5
"""Where interactions have values, the Bayesian mean makes up so much of the score, and the count the rest."""


@dataclass(frozen=True, slots=True)
class PopularItem:
    """An item and how popular it is."""

    item_id: str
    count: int
    """Interactions of all kinds, in the period if one was asked for."""
    mean: float | None
    """Of their values, or None where none has one."""
    score: float
    """0 to 1: half the count (its logarithm), half the Bayesian mean; the count alone where there are no values."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """Scores of all items with interactions, in the order of the counts."""

    counts: ItemStatistics
    scores: Floats
    bayesian: Floats
    """NaN where the catalogue has no values."""
    order: Integers
    """The places of the items with interactions by score, best first, ties by item number."""


class PopularItems:
    """Popularity from the counts that the store keeps; a period is counted by SQL. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._known: tuple[int, _Scored] | None = None

    def ask(
        self,
        conditions: Sequence[Condition] = (),
        *,
        since: float | None = None,
        until: float | None = None,
        exclude: Collection[str] = frozenset(),
        n: int = 20,
    ) -> list[PopularItem]:
        """The n most popular available items, best first, ties by item number; items nobody took up do not come.

        Args:
            conditions: only items that meet all of them.
            since: Unix seconds; with it or ``until``, only interactions in that period count.
            until: Unix seconds, included.
            exclude: item ids that must not come.
            n: at most so many.
        """
        always = since is None and until is None
        scored = self._all() if always else _score(self.store.popularity_between(since, until))
        numbers = scored.counts.item_numbers
        barred = np.array(list(self.store.numbers_of(exclude).values()), dtype=np.int64)
        order = _first(scored.order, numbers, self.store.matching_numbers(conditions), barred, max(n, 0))
        ids = self.store.ids_of(numbers[order].tolist())
        means = scored.counts.means
        return [
            PopularItem(
                ids[int(numbers[place])],
                int(scored.counts.interactions[place]),
                None if np.isnan(means[place]) else float(means[place]),
                float(scored.scores[place]),
            )
            for place in order
            if int(numbers[place]) in ids
        ]

    def first(self, item_numbers: Integers, n: int) -> Integers:
        """The n most popular of these (sorted) item numbers, best first, ties by number; those that nobody took up
        come last."""
        scored = self._all()
        numbers = scored.counts.item_numbers
        found = numbers[_first(scored.order, numbers, item_numbers, numbers[:0], n)]
        if len(found) >= min(n, len(item_numbers)):
            return found
        return np.concatenate((found, without(item_numbers, found.tolist())[: n - len(found)]))

    def score(self, item_numbers: Sequence[int] | Integers) -> npt.NDArray[np.float32]:
        """The score of each item over all times, float32 0 to 1; 0 for an item without interactions."""
        return self._look_up(item_numbers, self._all().scores, 0.0)

    def bayesian_means(self, item_numbers: Sequence[int] | Integers) -> npt.NDArray[np.float32]:
        """The Bayesian mean of each item's values, in their units; NaN where the catalogue has no values."""
        scored = self._all()
        fill = (
            float(np.nanmean(scored.bayesian)) if len(scored.bayesian) and not np.isnan(scored.bayesian[0]) else np.nan
        )
        return self._look_up(item_numbers, scored.bayesian, fill)

    def _look_up(self, item_numbers: Sequence[int] | Integers, column: Floats, fill: float) -> npt.NDArray[np.float32]:
        wanted = np.asarray(item_numbers, dtype=np.int64)
        numbers = self._all().counts.item_numbers
        places, known = places_of(numbers, wanted)
        if not known.any():
            return np.full(len(wanted), fill, dtype=np.float32)
        return np.where(known, column[places], fill).astype(np.float32)

    def _all(self) -> _Scored:
        clock = self.store.clock
        known = self._known
        if known is None or known[0] != clock:
            known = clock, _score(self.store.statistics())
            with self._lock:
                self._known = known
        return known[1]


def prior_strength(counts: ItemStatistics) -> float:
    """How many values at the overall mean are added to an item's own: the number of values that the item of a typical
    value has (sum of squares by sum).

    The median count will not do: half of a long tail has one or two values, so that two fives would beat a hundred.
    """
    total = float(counts.value_count.sum())
    return float((counts.value_count.astype(np.float64) ** 2).sum()) / total if total else 0.0


def _score(counts: ItemStatistics) -> _Scored:
    """Scores 0 to 1 for items by their counts."""
    taken = np.log1p(counts.interactions.astype(np.float64))
    most = float(taken.max(initial=0.0))
    by_count = taken / most if most > 0 else taken
    total = float(counts.value_count.sum())
    if not total:
        return _Scored(counts, by_count, np.full(len(counts), np.nan), _order(counts, by_count))
    mean, strength = float(counts.value_sum.sum()) / total, prior_strength(counts)
    bayesian = (counts.value_sum + strength * mean) / (counts.value_count + strength)
    low, plain = float(bayesian.min()), counts.means
    # Never a small part of the range of the plain means, so that items which hardly differ stay close.
    spread = max(float(bayesian.max()) - low, 0.25 * float(np.nanmax(plain) - np.nanmin(plain)))
    by_value = (bayesian - low) / spread if spread > 0 else np.full(len(counts), 0.5)
    scores = (1 - VALUE_SHARE) * by_count + VALUE_SHARE * by_value
    scores = np.where(counts.interactions > 0, scores, 0.0)
    return _Scored(counts, scores, bayesian, _order(counts, scores))


def _order(counts: ItemStatistics, scores: Floats) -> Integers:
    taken = np.flatnonzero(counts.interactions > 0)
    # Places are in the order of the numbers, and a stable sort leaves equal ones so.
    return taken[np.argsort(-scores[taken], kind="stable")]


def _first(order: Integers, numbers: Integers, allowed: Integers, barred: Integers, n: int) -> Integers:
    """The first n of the places whose numbers are among the (sorted) allowed ones and none of the barred."""
    found = [order[:0]]
    start, step = 0, 4 * n + len(barred)
    while start < len(order) and n > 0 and len(allowed):
        places = order[start : start + step]
        asked = numbers[places]
        _, among = places_of(allowed, asked)
        kept = places[among & ~np.isin(asked, barred)][:n]
        found.append(kept)
        # Most requests are answered by the first few; where few are allowed, ever more are looked at.
        start, step, n = start + step, 4 * step, n - len(kept)
    return np.concatenate(found)


def popular_findings(
    store: Store,
    items: Sequence[PopularItem],
    *,
    conditions: Sequence[Condition] = (),
    since: float | None = None,
    until: float | None = None,
    focus: Focus = NO_FOCUS,
    shown: int = 10,
) -> Findings:
    """Popular items as rows for the slate, each with its count and mean.

    Args:
        store: where titles and attributes are read.
        items: what ``ask`` found.
        conditions: that it was asked with.
        since: the period's start that it was asked with.
        until: the period's end.
        focus: what the request is about.
        shown: how many rows the model reads.
    """
    note = ""
    if not items and (since is not None or until is not None):
        note = "Nobody took up such an item in that period. Leave the period out."
    elif not items:
        note = (
            unmet(store, conditions)
            if not store.count_matching(conditions)
            else ("Nobody has taken up such an item yet. Use filter_items.")
        )
    kind = only_kind(store)
    rows = [
        (
            item.item_id,
            [phrases.popularity(item.count, item.mean, kind=kind, since=since, until=until)],
            {"popularity": item.score},
        )
        for item in items
    ]
    return found(store, "popular_items", rows, note=note, focus=focus, shown=shown)


def only_kind(store: Store) -> str | None:
    """The kind of all interactions where there is just one, so that 215 ratings need not be called interactions."""
    kinds = store.catalogue().kinds
    return kinds[0].name if len(kinds) == 1 else None
