"""The types of arrays, look-ups in sorted arrays, and products of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
"""Like the other types, of any shape: the docstrings say which."""
Int32s = npt.NDArray[np.int32]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def index_in_sorted(ordered: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[Int64s, Bools]:
    """The place of each wanted number in a sorted array, and whether it is there; both have the shape of ``wanted``.

    Where a number is missing, its place is any valid one (0 in an empty array).

    Args:
        ordered: numbers, sorted.
        wanted: numbers in any order.
    """
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return places, np.asarray(ordered[places] == wanted)


def row_dots(rows: Float32s, vector: Float32s) -> Float32s:
    """The dot product of each row with the vector, float32 of shape (rows,), computed on the calling thread.

    ``rows @ vector`` splits the work among the threads of BLAS from about a thousand rows on, and waits for all of
    them. On a machine with other work to do, that takes ten times as long as it saves.

    Args:
        rows: float32 of shape (rows, dimension).
        vector: float32 of shape (dimension,).
    """
    return np.asarray(np.vecdot(rows, vector), dtype=np.float32)


def intersect_sorted(one: Int64s, other: Int64s) -> Int64s:
    """The numbers that both arrays have, sorted. Each array is sorted and has every number once."""
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return few[index_in_sorted(many, few)[1]]
