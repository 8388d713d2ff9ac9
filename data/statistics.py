"""What is counted of each item over all times: whole counts, and those that have changed since they were whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recmind.data.arrays import Int64s, index_in_sorted
from recmind.data.catalogue import ItemStatistics

WHOLE_UP_TO = 20_000
"""Up to so many items the counts are made whole again after every change: that takes a millisecond."""
MOST_CHANGED = 0.01
"""The same where a larger share of the items has changed since they were whole."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of all items at one moment."""

    clock: int
    catalogue_version: int
    whole: ItemStatistics
    """Of every item, by number, as they were some time ago."""
    changed: ItemStatistics
    """Of some items, by number: all whose counts may have changed since then."""

    @classmethod
    def anew(cls, clock: int, catalogue_version: int, whole: ItemStatistics) -> Counted:
        """The whole counts, of which none has changed."""
        return cls(clock, catalogue_version, whole, _rows(whole, slice(0)))

    def after(self, clock: int, changed: ItemStatistics) -> Counted:
        """The counts at a later clock, when those of these items may have changed."""
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
    """The counts in these rows, to be shared."""
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
    """The whole counts, those that have changed as they are now."""
    if not len(changed):
        return whole
    places, known = index_in_sorted(whole.item_numbers, changed.item_numbers)
    columns = [column.copy() for column in whole.columns[1:]]
    for column, new in zip(columns, changed.columns[1:], strict=True):
        column[places[known]] = new[known]
    return _shared(whole.item_numbers, *columns)


def _joined(newer: ItemStatistics, older: ItemStatistics) -> ItemStatistics:
    """All of both by number, of an item that both have the newer counts."""
    both = [np.concatenate(pair) for pair in zip(newer.columns, older.columns, strict=True)]
    _, first = np.unique(both[0], return_index=True)
    return _shared(*(column[first] for column in both))
