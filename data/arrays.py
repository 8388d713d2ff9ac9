"""The types of arrays, look-ups in sorted arrays, and products of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
"""Whole numbers; of any shape, as are the others: docstrings say which."""
Int32s = npt.NDArray[np.int32]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def index_in_sorted(ordered: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[Int64s, Bools]:
    """The place of each wanted number among the sorted ones, and whether it is there; where it is not, the place is
    any that can be read (0 where there are none at all)."""
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return places, np.asarray(ordered[places] == wanted)


def row_dots(rows: Float32s, vector: Float32s) -> Float32s:
    """The product of each row with the vector, on the calling thread.

    ``rows @ vector`` shares out the work among BLAS's threads from about a thousand rows on, and waits for all of them:
    on a machine with other work to do that takes ten times as long as it saves.
    """
    return np.asarray(np.vecdot(rows, vector), dtype=np.float32)


def intersect_sorted(one: Int64s, other: Int64s) -> Int64s:
    """The numbers that both have, sorted; each is sorted and has a number once."""
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return few[index_in_sorted(many, few)[1]]
