"""When items were taken: how new an item was to everybody, and how much was going on with it, at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.arrays import entries_of, places_of
from data.catalogue import InteractionArrays
from data.errors import RecMindError
from tools.past import DAY_S

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_TIMES = 256
"""Moments kept of an item, evenly drawn from all of its own; each stands for as many as it replaces."""

_FILES = ("items", "counts", "starts", "days")


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and times of the interactions of each item; nothing changes afterwards, so threads may share it."""

    items: Numbers
    """Sorted numbers of the items with interactions."""
    counts: Numbers
    """Interactions of each."""
    starts: Numbers
    """Where the times of each item begin; one more than there are items."""
    days: npt.NDArray[np.float32]
    """Days since 1970, ascending for each item."""

    @classmethod
    def of(cls, arrays: InteractionArrays) -> Moments:
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
        return cls(
            items.astype(np.int64),
            counts.astype(np.int64),
            starts.astype(np.int64),
            (arrays.at[order[kept]] / DAY_S).astype(np.float32),
        )

    def save(self, folder: Path) -> None:
        """Write the arrays into the folder."""
        for name in _FILES:
            np.save(folder / f"moments_{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Moments:
        """What was saved there, mapped from the files; RecMindError where they cannot be read."""
        try:
            items, counts, starts, days = (
                np.load(folder / f"moments_{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES
            )
        except (OSError, ValueError, EOFError) as error:
            raise RecMindError(
                f"The times of items in {folder} cannot be read ({error}). Run: recmind index"
            ) from error
        if not len(items) == len(counts) == len(starts) - 1 or int(starts[-1]) != len(days):
            raise RecMindError(f"The times of items in {folder} are damaged: their files disagree. Run: recmind index")
        return cls(items, counts, starts, days)

    def interactions(self, numbers: Numbers) -> Floats:
        """How many interactions each of these items has."""
        places, known = places_of(self.items, numbers)
        return np.where(known, self.counts[places] if len(self.items) else 0, 0).astype(np.float64)

    def around(self, numbers: Numbers, day: float, scale: float) -> tuple[Floats, Floats, Floats]:
        """For each item, seen from a day: the days since its first interaction (below 0: it came later), the days to
        the nearest one, and the interactions around that day, each counting exp(-days away / scale).

        NaN, NaN and 0 for an item without times.
        """
        places, known = places_of(self.items, numbers)
        first, nearest = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
        density = np.zeros(len(numbers))
        if not known.any() or np.isnan(day):
            return first, nearest, density
        asked = np.flatnonzero(known)
        asked = asked[self.starts[places[asked] + 1] > self.starts[places[asked]]]
        entries, owner = entries_of(self.starts, places[asked])
        days = self.days[entries].astype(np.float64)
        if not len(days):
            return first, nearest, density
        away = np.abs(days - day)
        lengths = np.bincount(owner)
        begins = np.cumsum(lengths) - lengths
        first[asked] = day - days[begins]
        nearest[asked] = np.minimum.reduceat(away, begins)
        stands_for = self.counts[places[asked]] / lengths
        density[asked] = np.bincount(owner, np.exp(-away / scale), minlength=len(asked)) * stands_for
        return first, nearest, density
