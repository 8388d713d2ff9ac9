"""When items were taken: how new an item was at a moment, and how much it was taken around then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted, load_arrays, save_arrays
from recmind.data.catalogue import InteractionArrays
from recmind.tools.collaborative.user_sequence import DAY_S

MOST_TIMES = 256
"""Largest number of times kept for an item, evenly spaced in the order of its own; each stands for those it
replaces."""

TREND_DAYS = 60.0
"""In days: an interaction this far away counts 1/e of one now."""

_PREFIX = "item_times"
_ROWS, _ENTRIES = ("items", "counts"), ("days", "before", "after")


@dataclass(frozen=True, slots=True)
class ItemTimes:
    """Counts and times of the interactions of each item; nothing changes afterwards, so threads may share it."""

    items: Int64s
    """Numbers of the items with interactions, sorted."""
    counts: Int64s
    """Number of interactions of each item."""
    starts: Int64s
    """Where the times of each item begin in ``days``; one more than items."""
    days: Float32s
    """Days since 1970, ascending for each item."""
    before: Float64s
    """At each time, the sum of exp(-days away / TREND_DAYS) over the item's times up to it, itself included."""
    after: Float64s
    """The same sum over the times from it on. With both, the sum at any moment follows from its two neighboring
    times."""

    @classmethod
    def of(cls, arrays: InteractionArrays) -> ItemTimes:
        """The counts and times of all these interactions; those without a time are only counted."""
        items, place, counts = np.unique(arrays.item_numbers, return_inverse=True, return_counts=True)
        timed = np.flatnonzero(~np.isnan(arrays.at))
        order = timed[np.lexsort((arrays.at[timed], place[timed]))]
        owner = place[order]
        known = np.bincount(owner, minlength=len(items))
        first = np.concatenate(([0], np.cumsum(known)))[:-1]
        # Evenly spaced, including the oldest and the newest.
        step = np.maximum(1, (known - 1) / (MOST_TIMES - 1))
        rank = np.arange(len(order)) - first[owner]
        slot = np.floor(rank / step[owner])
        kept = np.append(True, (slot[1:] != slot[:-1]) | (owner[1:] != owner[:-1]))[: len(order)]
        starts = np.concatenate(([0], np.cumsum(np.bincount(owner[kept], minlength=len(items)))))
        days = (arrays.at[order[kept]] / DAY_S).astype(np.float32)
        return cls(
            items.astype(np.int64),
            counts.astype(np.int64),
            starts.astype(np.int64),
            days,
            _running(starts, days, 1),
            _running(starts, days, -1),
        )

    def save(self, folder: Path) -> None:
        """Write the arrays into the folder."""
        save_arrays(folder, _PREFIX, {name: getattr(self, name) for name in (*_ROWS, "starts", *_ENTRIES)})

    @classmethod
    def load(cls, folder: Path) -> ItemTimes:
        """The item times saved in this folder, mapped from the files. Raises RecMindError where that fails."""
        return cls(**load_arrays(folder, _PREFIX, _ROWS, _ENTRIES))

    def places(self, numbers: Int64s) -> Int64s:
        """The place of each of these items among ``items``, int64; -1 for an item without interactions."""
        places, known = index_in_sorted(self.items, numbers)
        return np.where(known, places, -1)

    def interactions(self, numbers: Int64s) -> Float64s:
        """The number of interactions of each of these items, float64."""
        return self.interactions_at(self.places(numbers))

    def interactions_at(self, places: Int64s) -> Float64s:
        """The same by the items' places."""
        return np.where(places >= 0, self.counts[places] if len(self.items) else 0, 0).astype(np.float64)

    def since_first(self, places: Int64s, days: Float64s) -> Float64s:
        """For each item, by its place, the days from its first interaction to a day (below 0: it came later); NaN for
        an item without times, or where the day is NaN.
        """
        found = np.full(len(places), np.nan)
        asked = self._timed(places, days)
        if len(asked):
            found[asked] = days[asked] - self.days[self.starts[places[asked]]].astype(np.float64)
        return found

    def around(self, places: Int64s, days: Float64s) -> tuple[Float64s, Float64s]:
        """For each item, by its place, seen from a day: the days to its nearest interaction, and the interactions
        around that day, each counting exp(-days away / TREND_DAYS).

        NaN and 0 for an item without times, or where the day is NaN.
        """
        nearest, density = np.full(len(places), np.nan), np.zeros(len(places))
        asked = self._timed(places, days)
        if not len(asked):
            return nearest, density
        starts, of_items, day = self.starts, self.days, days[asked]
        begins, ends = starts[places[asked]], starts[places[asked] + 1]
        later = _first_after(of_items, begins, ends, day)
        has_earlier, has_later = later > begins, later < ends
        earlier, later = np.maximum(later - 1, begins), np.minimum(later, ends - 1)
        since = np.where(has_earlier, day - of_items[earlier].astype(np.float64), np.inf)
        until = np.where(has_later, of_items[later].astype(np.float64) - day, np.inf)
        nearest[asked] = np.minimum(since, until)
        near = self.before[earlier] * np.exp(-since / TREND_DAYS) + self.after[later] * np.exp(-until / TREND_DAYS)
        density[asked] = near * self.counts[places[asked]] / (ends - begins)
        return nearest, density

    def _timed(self, places: Int64s, days: Float64s) -> Int64s:
        """The indices of those items that have times and a known day, int64."""
        asked = np.flatnonzero((places >= 0) & ~np.isnan(days))
        return asked[self.starts[places[asked] + 1] > self.starts[places[asked]]]


def _first_after(days: Float32s, begins: Int64s, ends: Int64s, day: Float64s) -> Int64s:
    """For each range of days, the place of the first one after its day; the end of the range where there is none."""
    day, newest = np.asarray(day, dtype=days.dtype), begins - 1
    for step in reversed(range(int((ends - begins).max()).bit_length())):
        further = newest + (1 << step)
        newest = np.where((further < ends) & (days.take(further, mode="clip") <= day), further, newest)
    return newest + 1


def _running(starts: Int64s, days: Float32s, direction: int) -> Float64s:
    """At each time, the sum of exp(-days away / TREND_DAYS) over the item's times up to it (1) or from it on (-1)."""
    sums, lengths = np.ones(len(days)), np.diff(starts)
    ends = starts[:-1] if direction > 0 else starts[1:] - 1
    for step in range(1, int(lengths.max(initial=0))):
        here = ends[lengths > step] + direction * step
        away = np.abs(days[here].astype(np.float64) - days[here - direction].astype(np.float64))
        sums[here] += sums[here - direction] * np.exp(-away / TREND_DAYS)
    return sums
