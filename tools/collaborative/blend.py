"""Blends co-occurrence, content similarity, two-hop links and EASE into the one item-to-item matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Int32s, Int64s
from recmind.data.progress import Progress
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters, CompressedRows
from recmind.tools.collaborative.ease import ease
from recmind.tools.collaborative.similarity import TWO_HOP_UP_TO, ItemEmbeddings, two_hop
from recmind.tools.collaborative.sparse import csr_of_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array


_BLOCK = 32_768
"""Number of rows that are blended at a time."""


def blend(
    cooccurring: CompressedRows,
    taken: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    items: Int64s,
    embeddings: ItemEmbeddings | None,
    parameters: CollaborativeParameters,
    progress: Progress,
) -> tuple[Int64s, Int32s, Float32s, Bools]:
    """The one item-to-item matrix: the weighted sum of all parts, as compressed rows.

    Args:
        cooccurring: pruned and scaled co-occurrence: starts, columns and values of compressed rows.
        taken: users and item positions of the interactions, two arrays of one length, for EASE.
        items: int64 of shape (items,): the item number of each position, ascending.
        embeddings: vectors of the texts of some of these items, or None.
        parameters: the weight of each part; a part of weight 0 is not made.
        progress: is called during the slow parts.

    Returns:
        Starts (int64), columns (int32, ascending within a row) and values (float32, above 0) of the rows, and a bool of
            each entry: True where histories link the two items, False where their texts alone do.
    """
    size = len(items)
    parts: list[tuple[Any, np.float32, bool]] = []
    base = csr_of_rows(*cooccurring, size)
    strongest = float(base.data.max(initial=0.0)) or 1.0
    if parameters.ease > 0 and (found := ease(*taken, size)) is not None:
        parts.append((found, _factor(found, parameters.ease * strongest), True))
    if embeddings is not None and (parameters.alike > 0 or parameters.alike_then_together > 0):
        near = _reindexed(embeddings.neighbors(progress), np.searchsorted(items, embeddings.numbers), size)
        if parameters.alike > 0:
            parts.append((near, _factor(near, parameters.alike * strongest), False))
        if parameters.alike_then_together > 0 and size <= TWO_HOP_UP_TO:
            found = two_hop(near, base)
            parts.append((found, _factor(found, parameters.alike_then_together * strongest), False))
    if not parts:
        starts, columns, values = cooccurring
        return starts, columns, values, np.ones(len(values), np.bool_)
    most = base.nnz + sum(part.nnz for part, _, _ in parts)
    starts = np.zeros(size + 1, dtype=np.int64)
    # The system takes memory for a page only when it is written, so a generous size costs nothing.
    columns, values = np.empty(most, np.int32), np.empty(most, np.float32)
    together = np.empty(most, np.bool_)
    for first in range(0, size, _BLOCK):
        rows = slice(first, first + _BLOCK)
        total: Any = base[rows]
        # To tell where a link comes from: the same sum over those parts alone that histories make.
        shared = total
        for part, factor, by_history in parts:
            more = part[rows] * factor
            total = total + more
            shared = shared + more if by_history else shared
        total.sort_indices()
        starts[first + 1 : first + 1 + total.shape[0]] = starts[first] + total.indptr[1:]
        entries = slice(starts[first], starts[first] + total.nnz)
        columns[entries], values[entries], together[entries] = total.indices, total.data, _present(shared, total)
    end = starts[-1]
    return starts, columns[:end], values[:end], together[:end]


def _factor(part: Any, weight: float) -> np.float32:
    """The factor that makes the part's largest entry as large as the weight."""
    largest = float(part.data.max(initial=0.0))
    return np.float32(weight / largest if largest > 0 else 1.0)


def _reindexed(part: Any, positions: Int64s, size: int) -> csr_array[Any, tuple[int, int]]:
    """The part as a matrix over all items.

    Args:
        part: CSR over some of the items.
        positions: int64, ascending: the position of each of its items among all.
        size: number of all items.
    """
    lengths = np.zeros(size, dtype=np.int64)
    lengths[positions] = np.diff(part.indptr)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    return csr_of_rows(starts, positions.astype(np.int32)[part.indices], part.data, size)


def _present(part: Any, whole: Any) -> Bools:
    """True for each entry of the whole that the part has too; the part's entries are among the whole's."""
    part.sort_indices()
    keys = [
        np.repeat(np.arange(len(table.indptr) - 1, dtype=np.int64), np.diff(table.indptr)) * table.shape[1]
        + table.indices
        for table in (whole, part)
    ]
    present = np.zeros(len(whole.data), dtype=np.bool_)
    present[np.searchsorted(*keys)] = True
    return present
