"""What past items lead to: their rows of links laid one after the other once, and added up in as many ways as needed.

Plain NumPy, so that a question needs no SciPy; what a question costs is passing over these links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Float64s, Int32s, Int64s, index_in_sorted

SPARSE = 20
"""Fewer links than one for so many items are sorted, rather than added up item by item."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The links of some sources; nothing changes afterwards, so threads may share it."""

    sources: Int64s
    """Those of the items asked with that are known, by their place among all asked with."""
    begins: Int64s
    """Where the links of each source begin in the model's arrays."""
    lengths: Int64s
    """How many links each source has."""
    ends: Int64s
    """How many links come with a source and those before it."""
    positions: Int64s | None
    """Sorted positions of the items that are linked at all; None: all that there are."""
    places: Int64s
    """Of each link the place of the item it leads to: among ``positions``."""
    values: Float64s
    """Of each link."""
    size: int
    """How many places there are."""

    @classmethod
    def of(
        cls,
        starts: Int64s,
        columns: Int32s,
        values: Float32s,
        asked: Int64s,
    ) -> Reach:
        """The links of these positions (-1: unknown, has none) in compressed rows."""
        sources = np.flatnonzero(asked >= 0)
        begins, stops = starts[asked[sources]], starts[asked[sources] + 1]
        rows = [slice(*row) for row in zip(begins.tolist(), stops.tolist(), strict=True)]
        found = _laid(columns, rows)
        size, positions, places = len(starts) - 1, None, found.astype(np.int64)
        if len(found) * SPARSE <= size:
            positions, places = np.unique(places, return_inverse=True)
            size = len(positions)
        lengths = stops - begins
        laid = _laid(values, rows).astype(np.float64)
        return cls(sources, begins, lengths, np.cumsum(lengths), positions, places, laid, size)

    def totals(self, weights: npt.NDArray[Any]) -> Float64s:
        """What each place is given in all, by weights of the items asked with."""
        given = np.asarray(weights, dtype=np.float64)[self.sources]
        weighty = np.flatnonzero(given)
        places, values, lengths = self.places, self.values, self.lengths
        if 2 * len(weighty) < len(given):
            rows = self._rows(weighty)
            places, values = _laid(places, rows), _laid(values, rows)
            given, lengths = given[weighty], lengths[weighty]
        total = np.bincount(places, values * np.repeat(given, lengths), minlength=self.size)
        return np.asarray(total, dtype=np.float64)

    def led_by(self, chosen: Bools) -> Bools:
        """Of each place whether one of the chosen items asked with leads there."""
        led = np.zeros(self.size, dtype=np.bool_)
        led[_laid(self.places, self._rows(np.flatnonzero(chosen[self.sources])))] = True
        return led

    def at(self, positions: Int64s) -> tuple[Int64s, Bools]:
        """The place of each of these positions, and whether it has one; where not, the place is any."""
        if self.positions is None:
            return np.maximum(positions, 0), positions >= 0
        return index_in_sorted(self.positions, positions)

    def positions_of(self, places: Int64s) -> Int64s:
        """The position of each of these places."""
        return places if self.positions is None else self.positions[places]

    def links_to(self, places: Int64s) -> tuple[Int64s, Int64s, Int64s, Float64s]:
        """The links to some places: of each, which of the places it leads to, its source's place among the items asked
        with, where it lies in the model's arrays, and its value."""
        slots = np.full(self.size, -1, dtype=np.int32)
        slots[places] = np.arange(len(places), dtype=np.int32)
        slot = slots[self.places]
        kept = np.flatnonzero(slot >= 0)
        row = np.searchsorted(self.ends, kept, side="right")
        within = kept - (self.ends - self.lengths)[row]
        return slot[kept].astype(np.int64), self.sources[row], self.begins[row] + within, self.values[kept]

    def _rows(self, chosen: Int64s) -> list[slice]:
        """Where the links of the chosen sources lie among these."""
        ends = self.ends[chosen]
        return [slice(*row) for row in zip((ends - self.lengths[chosen]).tolist(), ends.tolist(), strict=True)]


def _laid(column: npt.NDArray[Any], rows: list[slice]) -> npt.NDArray[Any]:
    return np.concatenate([column[row] for row in rows]) if rows else column[:0]
