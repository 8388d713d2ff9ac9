"""Neighbor lists of users' past items, concatenated once and summed under several weightings.

Plain NumPy, so that a question needs no SciPy; what a question costs is passing over these links.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Float64s, Int32s, Int64s, index_in_sorted

SPARSE = 20
"""With fewer links than one for this many items, only the items that are reached get a column."""


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The links of the past items of some users, by the items they reach; nothing changes afterwards, so threads may
    share it.
    """

    sources: Int64s
    """Those of the items asked with that are known, by their place among all asked with."""
    begins: Int64s
    """Where the links of each source begin in the model's arrays."""
    lengths: Int64s
    """How many links each source has."""
    ends: Int64s
    """How many links come with a source and those before it."""
    positions: Int64s | None
    """Sorted positions of the items that are reached, one for each column; None: every item of the model has one."""
    cells: Int64s
    """Of each link the column of the item it leads to, plus ``width`` for each user before the source's."""
    values: Float64s
    """Of each link."""
    users: int
    width: int
    """How many columns there are."""

    @classmethod
    def of(
        cls,
        starts: Int64s,
        columns: Int32s,
        values: Float32s,
        wanted: Int64s,
        owners: Int64s | None = None,
        users: int = 1,
    ) -> Neighbors:
        """The links of these positions (-1: unknown, has none) in compressed rows.

        Args:
            starts: of the rows.
            columns: of their entries.
            values: likewise.
            wanted: positions of rows.
            owners: of each of them its user, ascending; where not given, all are one user's.
            users: how many there are.
        """
        sources = np.flatnonzero(wanted >= 0)
        begins, stops = starts[wanted[sources]], starts[wanted[sources] + 1]
        rows = [slice(*row) for row in zip(begins.tolist(), stops.tolist(), strict=True)]
        cells, lengths = _concatenated(columns, rows, np.int64), stops - begins
        ends, width, positions = np.cumsum(lengths), len(starts) - 1, None
        if len(cells) * SPARSE <= users * width:
            positions, cells = np.unique(cells, return_inverse=True)
            width = len(positions)
        if owners is not None:
            # A user's links are one slice: to add to them in place is faster than to repeat what is added.
            bounds = np.concatenate(([0], ends))[np.searchsorted(owners[sources], np.arange(users + 1))].tolist()
            for user, (first, last) in enumerate(pairwise(bounds)):
                cells[first:last] += user * width
        weights = _concatenated(values, rows, np.float64)
        return cls(sources, begins, lengths, ends, positions, cells, weights, users, width)

    def totals(self, weights: npt.NDArray[Any]) -> Float64s:
        """Total score per user and reached item, of shape (users, width), for these weights of the items asked with."""
        given = np.asarray(weights, dtype=np.float64)[self.sources]
        weighty = np.flatnonzero(given)
        cells, values, lengths = self.cells, self.values, self.lengths
        if 2 * len(weighty) < len(given):
            rows = self._rows(weighty)
            cells, values = _concatenated(cells, rows), _concatenated(values, rows)
            given, lengths = given[weighty], lengths[weighty]
        given = np.repeat(given, lengths)
        given *= values
        total = np.bincount(cells, given, minlength=self.users * self.width)
        return np.asarray(total, dtype=np.float64).reshape(self.users, self.width)

    def reached_from(self, chosen: Bools) -> Bools:
        """Of each user and column whether one of the chosen items asked with leads there."""
        reached = np.zeros(self.users * self.width, dtype=np.bool_)
        reached[_concatenated(self.cells, self._rows(np.flatnonzero(chosen[self.sources])))] = True
        return reached.reshape(self.users, self.width)

    def columns_of(self, positions: Int64s) -> tuple[Int64s, Bools]:
        """The column of each of these positions, and whether it has one; where not, the column is any."""
        if self.positions is None:
            return np.maximum(positions, 0), positions >= 0
        return index_in_sorted(self.positions, positions)

    def positions_of(self, columns: Int64s) -> Int64s:
        """The position of each of these columns."""
        return columns if self.positions is None else self.positions[columns]

    def links_to(self, columns: Int64s) -> tuple[Int64s, Int64s, Int64s, Float64s]:
        """The links to some columns of the only user: of each, which of the columns it leads to, its source's place
        among the items asked with, where it lies in the model's arrays, and its value.
        """
        slots = np.full(self.width, -1, dtype=np.int32)
        slots[columns] = np.arange(len(columns), dtype=np.int32)
        slot = slots[self.cells]
        kept = np.flatnonzero(slot >= 0)
        row = np.searchsorted(self.ends, kept, side="right")
        within = kept - (self.ends - self.lengths)[row]
        return slot[kept].astype(np.int64), self.sources[row], self.begins[row] + within, self.values[kept]

    def _rows(self, chosen: Int64s) -> list[slice]:
        """Where the links of the chosen sources lie among these."""
        ends = self.ends[chosen]
        return [slice(*row) for row in zip((ends - self.lengths[chosen]).tolist(), ends.tolist(), strict=True)]


def _concatenated(column: npt.NDArray[Any], rows: list[slice], dtype: Any = None) -> npt.NDArray[Any]:
    if not rows:
        return column[:0].astype(dtype or column.dtype)
    return np.concatenate([column[row] for row in rows], dtype=dtype)
