"""When items were taken: how new an item was to everybody at a moment, and how much was going on with it then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.tools.collaborative.user_sequence import DAY_S

MOST_TIMES = 256
"""Times kept of an item, evenly drawn from all of its own; each stands for as many as it replaces."""

TREND_DAYS = 60.0
"""Days away at which an interaction counts 1/e of one now."""

_FILES = ("items", "counts", "starts", "days", "before", "after")


@dataclass(frozen=True, slots=True)
class ItemTimes:
    """Counts and times of the interactions of each item; nothing changes afterwards, so threads may share it."""

    items: Int64s
    """Sorted numbers of the items with interactions."""
    counts: Int64s
    """Interactions of each."""
    starts: Int64s
    """Where the times of each item begin; one more than there are items."""
    days: Float32s
    """Days since 1970, ascending for each item."""
    before: Float64s
    """At each time, the item's times up to and with it, each counting exp(-days away / TREND_DAYS)."""
    after: Float64s
    """The same of the times from it on. With both, what counts at any moment is known from its two neighbors."""

    @classmethod
    def of(cls, arrays: InteractionArrays) -> ItemTimes:
        """Of all these interactions; those without a time are only counted."""
        items, place, counts = np.unique(arrays.item_numbers, return_inverse=True, return_counts=True)
        timed = np.flatnonzero(~np.isnan(arrays.at))
        order = timed[np.lexsort((arrays.at[timed], place[timed]))]
        owner = place[order]
        known = np.bincount(owner, minlength=len(items))
        first = np.concatenate(([0], np.cumsum(known)))[:-1]
        # Evenly spaced, the oldest and the newest among them.
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
        for name in _FILES:
            np.save(folder / f"moments_{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> ItemTimes:
        """What was saved there, mapped from the files; RecMindError where they cannot be read."""
        try:
            items, counts, starts, days, before, after = (
                np.load(folder / f"moments_{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES
            )
        except (OSError, ValueError, EOFError) as error:
            raise RecMindError(
                f"The times of items in {folder} cannot be read ({error}). Run: recmind index"
            ) from error
        if not len(items) == len(counts) == len(starts) - 1 or not int(starts[-1]) == len(days) == len(before) == len(
            after
        ):
            raise RecMindError(
                f"The item-times index in {folder} is corrupt (array lengths differ). Run: recmind index"
            )
        return cls(items, counts, starts, days, before, after)

    def places(self, numbers: Int64s) -> Int64s:
        """The place of each of these items among ``items``, -1 where it has no interactions."""
        places, known = index_in_sorted(self.items, numbers)
        return np.where(known, places, -1)

    def interactions(self, numbers: Int64s) -> Float64s:
        """How many interactions each of these items has."""
        return self.interactions_at(self.places(numbers))

    def interactions_at(self, places: Int64s) -> Float64s:
        """The same by the items' places."""
        return np.where(places >= 0, np.asarray(self.counts)[places] if len(self.items) else 0, 0).astype(np.float64)

    def since_first(self, places: Int64s, days: Float64s) -> Float64s:
        """For each item, by its place, the days from its first interaction to a day (below 0: it came later); NaN for
        an item without times, or where the day is NaN."""
        found = np.full(len(places), np.nan)
        asked = self._timed(places, days)
        if len(asked):
            found[asked] = days[asked] - np.asarray(self.days)[np.asarray(self.starts)[places[asked]]].astype(
                np.float64
            )
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
        # Views of what is mapped from files: to index the maps themselves costs more than it reads.
        starts, of_items, day = np.asarray(self.starts), np.asarray(self.days), days[asked]
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
        """Which of these items have times and are seen from a day."""
        asked, starts = np.flatnonzero((places >= 0) & ~np.isnan(days)), np.asarray(self.starts)
        return asked[starts[places[asked] + 1] > starts[places[asked]]]


def _first_after(days: Float32s, begins: Int64s, ends: Int64s, day: Float64s) -> Int64s:
    """Of each range of days, where the first one after its day lies; the end of the range where none does."""
    day, newest = np.asarray(day, dtype=days.dtype), begins - 1
    for step in reversed(range(int((ends - begins).max()).bit_length())):
        further = newest + (1 << step)
        newest = np.where((further < ends) & (days.take(further, mode="clip") <= day), further, newest)
    return newest + 1


def _running(starts: Int64s, days: Float32s, direction: int) -> Float64s:
    """At each time the sum of exp(-days away / TREND_DAYS) over the item's times up to it (1) or from it on (-1)."""
    sums, lengths = np.ones(len(days)), np.diff(starts)
    ends = starts[:-1] if direction > 0 else starts[1:] - 1
    for step in range(1, int(lengths.max(initial=0))):
        here = ends[lengths > step] + direction * step
        away = np.abs(days[here].astype(np.float64) - days[here - direction].astype(np.float64))
        sums[here] += sums[here - direction] * np.exp(-away / TREND_DAYS)
    return sums
