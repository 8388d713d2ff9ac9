"""Sparse matrices of compressed rows, and the largest entries of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Int32s, Int64s

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def csr_of_blocks(blocks: list[tuple[Int64s, Int64s, Float32s]], size: int) -> csr_array[Any, tuple[int, int]]:
    """A square CSR matrix made of blocks of entries.

    Args:
        blocks: rows, columns and values of the entries of each block.
        size: number of rows and of columns.
    """
    none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    rows, columns, values = (np.concatenate(column) for column in zip(none, *blocks, strict=True))
    return csr_of_entries(rows, columns, values, size)


def csr_of_rows(starts: Int64s, columns: Int32s, values: Float32s, size: int) -> csr_array[Any, tuple[int, int]]:
    """A square CSR matrix over these compressed rows; nothing is copied.

    Args:
        starts: int64 of shape (size + 1,): where each row begins.
        columns: int32: the column of each entry.
        values: float32: the value of each entry.
        size: number of rows and of columns.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

    return csr_array((values, columns, starts), shape=(size, size))


def csr_of_entries(
    rows: npt.NDArray[Any], columns: npt.NDArray[Any], values: npt.NDArray[Any], height: int, width: int | None = None
) -> csr_array[Any, tuple[int, int]]:
    """A CSR matrix of these entries; values of the same place are added up.

    Args:
        rows: the row of each entry.
        columns: the column of each entry.
        values: the value of each entry.
        height: number of rows.
        width: number of columns; None: as many as rows.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415  a question must not pay for SciPy

    table = coo_array((values, (rows, columns)), shape=(height, height if width is None else width))
    return cast("csr_array[Any, tuple[int, int]]", table.tocsr())


def largest_in_rows(starts: npt.NDArray[Any], values: npt.NDArray[Any], top: int) -> Bools:
    """True for each entry of compressed rows that is among the largest of its row; of equal ones the first are chosen.

    Args:
        starts: where each row begins, one more than rows.
        values: the value of each entry.
        top: number of entries to choose in a row.
    """
    kept = np.ones(len(values), dtype=np.bool_)
    for row in np.flatnonzero(np.diff(starts) > top).tolist():
        entries = values[starts[row] : starts[row + 1]]
        least = np.partition(entries, len(entries) - top)[len(entries) - top]
        among = entries > least
        among[np.flatnonzero(entries == least)[: top - np.count_nonzero(among)]] = True
        kept[starts[row] : starts[row + 1]] = among
    return kept
