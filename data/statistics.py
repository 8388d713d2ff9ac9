"""The counts of each item over all times: full counts of some time ago, and those that have changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recmind.data.arrays import Int64s, index_in_sorted
from recmind.data.catalogue import ItemStatistics

WHOLE_UP_TO = 20_000
"""Up to this many items, all counts are merged after every change, which takes a millisecond."""
MOST_CHANGED = 0.01
"""Counts are also merged when a larger share of the items has changed."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of all items at one moment."""

    clock: int
    catalogue_version: int
    whole: ItemStatistics
    """The counts of every item, by number, as they were some time ago."""
    changed: ItemStatistics
    """The present counts of all items whose counts may have changed since then, by number."""

    @classmethod
    def anew(cls, clock: int, catalogue_version: int, whole: ItemStatistics) -> Counted:
        """Full counts, of which none has changed.

        Args:
            clock: the store's clock at which they were read.
            catalogue_version: the store's catalogue version then.
            whole: counts of every item, by number.
        """
        return cls(clock, catalogue_version, whole, _rows(whole, slice(0)))

    def after(self, clock: int, changed: ItemStatistics) -> Counted:
        """The counts at a later clock.

        Args:
            clock: the store's clock then.
            changed: the counts then of all items whose counts may have changed.
        """
        whole, changed = self.whole, _joined(changed, self.changed)
        if len(whole) <= WHOLE_UP_TO or len(changed) > len(whole) * MOST_CHANGED:
            whole, changed = _overlaid(whole, changed), _rows(changed, slice(0))
        return Counted(clock, self.catalogue_version, whole, changed)

    def of(self, wanted: Int64s) -> ItemStatistics:
        """The counts of these items, in their order; zeros where an item is not known."""
        old, new = self.whole.of(wanted), self.changed.of(wanted)
        _, changed = index_in_sorted(self.changed.item_numbers, wanted)
        if not changed.any():
            return old
        pairs = zip(old.columns[1:], new.columns[1:], strict=True)
        return ItemStatistics(wanted, *(np.where(changed, later, earlier) for earlier, later in pairs))

    def all(self) -> ItemStatistics:
        """The counts of every item, by number."""
        return _overlaid(self.whole, self.changed)


def counts_of(rows: Sequence[Sequence[Any]]) -> ItemStatistics:
    """Counts made of rows (item number, interactions, positives, value count, value sum); read-only, to be shared."""
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 5).T
    columns = [np.ascontiguousarray(column, dtype=np.int64) for column in table[:4]]
    return _shared(*columns, np.ascontiguousarray(table[4]))


def _shared(*columns: Any) -> ItemStatistics:
    for column in columns:
        column.flags.writeable = False
    return ItemStatistics(*columns)


def _rows(counts: ItemStatistics, chosen: Any) -> ItemStatistics:
    return _shared(*(column[chosen] for column in counts.columns))


def _overlaid(whole: ItemStatistics, changed: ItemStatistics) -> ItemStatistics:
    """The full counts with the changed ones in place of the old."""
    if not len(changed):
        return whole
    places, known = index_in_sorted(whole.item_numbers, changed.item_numbers)
    columns = [column.copy() for column in whole.columns[1:]]
    for column, new in zip(columns, changed.columns[1:], strict=True):
        column[places[known]] = new[known]
    return _shared(whole.item_numbers, *columns)


def _joined(newer: ItemStatistics, older: ItemStatistics) -> ItemStatistics:
    """The counts of all items in either, by number; the newer ones where both have an item."""
    both = [np.concatenate(pair) for pair in zip(newer.columns, older.columns, strict=True)]
    _, first = np.unique(both[0], return_index=True)
    return _shared(*(column[first] for column in both))
