"""The candidate filter: which rows of an index may be found. A bit for each: a million are copied in microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Int64s, index_in_sorted
from recmind.data.catalogue import without


@dataclass(frozen=True, slots=True)
class RowSet:
    """A subset of an index's rows; nothing changes it, so threads may share it."""

    bits: npt.NDArray[np.uint8]
    """Eight rows each, the first in the lowest bit, as FAISS reads them."""
    count: int
    """How many rows there are, in the set or not."""
    size: int
    """How many are in the set."""

    @classmethod
    def of(cls, rows: Int64s, count: int) -> RowSet:
        """Just these rows; each is named once."""
        chosen = np.zeros(count, dtype=np.bool_)
        chosen[rows] = True
        return cls(np.packbits(chosen, bitorder="little"), count, len(rows))

    @property
    def share(self) -> float:
        """How much of all rows is in the set, 0 to 1."""
        return self.size / self.count if self.count else 0.0

    @property
    def rows(self) -> Int64s:
        """Those in the set, ascending."""
        return np.flatnonzero(np.unpackbits(self.bits, count=self.count, bitorder="little")).astype(np.int64)

    def holds(self, rows: npt.NDArray[np.integer]) -> Bools:
        """Of each of these rows whether it is in the set."""
        bits = self.bits[rows >> 3] >> (rows & 7).astype(np.uint8)
        return np.asarray(bits & 1, dtype=np.bool_)

    def without(self, rows: Int64s) -> RowSet:
        """The set without these rows, each named once."""
        leaving = rows[self.holds(rows)]
        if not len(leaving):
            return self
        bits = self.bits.copy()
        np.bitwise_and.at(bits, leaving >> 3, ~(np.uint8(1) << (leaving & 7).astype(np.uint8)))
        return RowSet(bits, self.count, self.size - len(leaving))


@dataclass(frozen=True, slots=True)
class Allowed:
    """The items that a search may find."""

    numbers: Int64s
    """Sorted item numbers; those that are barred may be among them."""
    barred: Int64s
    """Sorted."""
    rows: RowSet
    """The rows of those that have one, without what is barred."""
    unindexed: Int64s
    """The numbers of those that have none, because they came after the index was built; without what is barred."""

    def barring(self, numbers: Iterable[int], rows: Int64s) -> Allowed:
        """The same without these item numbers, whose rows are given as far as they have some."""
        barred = np.unique(np.fromiter(numbers, dtype=np.int64))
        return Allowed(self.numbers, barred, self.rows.without(rows), without(self.unindexed, barred))

    def holds(self, numbers: Int64s) -> Bools:
        """Of each of these item numbers whether it is allowed."""
        return index_in_sorted(self.numbers, numbers)[1] & ~index_in_sorted(self.barred, numbers)[1]
