"""The candidate filter: which rows of an index may be found. One bit for each: copying a million takes microseconds."""

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
    """Shape (count / 8 rounded up,): eight rows in each byte, the first in the lowest bit, as FAISS reads them."""
    count: int
    """Number of rows, in the set or not."""
    size: int
    """Number of rows in the set."""

    @classmethod
    def of(cls, rows: Int64s, count: int) -> RowSet:
        """The set of just these rows.

        Args:
            rows: int64: row numbers, each once.
            count: number of rows, in the set or not.
        """
        chosen = np.zeros(count, dtype=np.bool_)
        chosen[rows] = True
        return cls(np.packbits(chosen, bitorder="little"), count, len(rows))

    @property
    def share(self) -> float:
        """The share of all rows that are in the set, 0 to 1."""
        return self.size / self.count if self.count else 0.0

    @property
    def rows(self) -> Int64s:
        """The rows in the set, ascending."""
        return np.flatnonzero(np.unpackbits(self.bits, count=self.count, bitorder="little")).astype(np.int64)

    def holds(self, rows: npt.NDArray[np.integer]) -> Bools:
        """True for each of these rows that is in the set."""
        bits = self.bits[rows >> 3] >> (rows & 7).astype(np.uint8)
        return np.asarray(bits & 1, dtype=np.bool_)

    def without(self, rows: Int64s) -> RowSet:
        """The set without these rows; each is given once."""
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
    """Numbers of the items that meet the conditions, sorted; barred ones may be among them."""
    barred: Int64s
    """Numbers of the items that must not come, sorted."""
    rows: RowSet
    """The rows of the allowed items that the index has."""
    unindexed: Int64s
    """The numbers of the allowed items that the index does not have, because they were added after it was built."""

    def barring(self, numbers: Iterable[int], rows: Int64s) -> Allowed:
        """The same items without some.

        Args:
            numbers: item numbers that must not come.
            rows: int64: the rows of those that the index has.
        """
        barred = np.unique(np.fromiter(numbers, dtype=np.int64))
        return Allowed(self.numbers, barred, self.rows.without(rows), without(self.unindexed, barred))

    def holds(self, numbers: Int64s) -> Bools:
        """True for each of these item numbers that is allowed."""
        return index_in_sorted(self.numbers, numbers)[1] & ~index_in_sorted(self.barred, numbers)[1]
