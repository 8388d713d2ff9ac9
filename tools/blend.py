"""Blends the links of ``tools.cooccurrence`` and ``tools.links`` into the one matrix that questions are put to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.progress import Progress
from tools import links
from tools.cooccurrence import CollaborativeParameters

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from tools.collaborative import Texts

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Rows = tuple[Numbers, npt.NDArray[np.int32], Floats]
"""Starts, columns and values of compressed rows."""


def blend(
    cooccurring: Rows,
    taken: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    items: Numbers,
    texts: Texts | None,
    parameters: CollaborativeParameters,
    progress: Progress,
) -> tuple[Numbers, npt.NDArray[np.int32], Floats, npt.NDArray[np.bool_]]:
    """Starts, columns and values of the blended rows, and of each entry whether histories link the two items.

    Args:
        cooccurring: pruned and scaled co-occurrence.
        taken: users and item positions of the interactions, for EASE.
        items: the item number of each position.
        texts: of some of these items, or None.
        parameters: the weight of each part; a part of weight 0 is not made.
        progress: told of the slow parts.
    """
    size = len(items)
    parts: list[tuple[csr_array[Any, tuple[int, int]], bool]] = []
    base = _matrix(cooccurring, size)
    strongest = float(base.data.max(initial=0.0)) or 1.0
    if parameters.ease > 0 and (found := links.ease(*taken, size)) is not None:
        parts.append((_weighted(found, parameters.ease * strongest), True))
    if texts is not None and (parameters.alike > 0 or parameters.alike_then_together > 0):
        near = _spread(links.alike(texts.vectors, progress), np.searchsorted(items, texts.numbers), size)
        if parameters.alike > 0:
            parts.append((_weighted(near, parameters.alike * strongest), False))
        if parameters.alike_then_together > 0 and size <= links.SECOND_HAND_UP_TO:
            parts.append((_weighted(links.second_hand(near, base), parameters.alike_then_together * strongest), False))
    if not parts:
        starts, columns, values = cooccurring
        return starts, columns, values, np.ones(len(values), np.bool_)
    total: Any = base
    for part, _ in parts:
        total = total + part
    total.sort_indices()
    # Where a link comes from: the same sum over the histories' parts alone, on the same entries.
    shared: Any = base
    for part, by_history in parts:
        shared = shared + part if by_history else shared
    return (
        total.indptr.astype(np.int64),
        total.indices.astype(np.int32),
        total.data.astype(np.float32),
        _present(shared, total),
    )


def _matrix(rows: Rows, size: int) -> csr_array[Any, tuple[int, int]]:
    from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

    starts, columns, values = rows
    return csr_array((values, columns, starts), shape=(size, size))


def _weighted(part: Any, weight: float) -> Any:
    """The part, its largest entry as large as the weight."""
    largest = float(part.data.max(initial=0.0))
    return part * np.float32(weight / largest) if largest > 0 else part


def _spread(part: Any, positions: Numbers, size: int) -> csr_array[Any, tuple[int, int]]:
    """The part among all items, given the position of each of its rows."""
    table = part.tocoo()
    rows, columns = table.coords
    return links.csr(positions[rows], positions[columns], table.data, size)


def _present(part: Any, whole: Any) -> npt.NDArray[np.bool_]:
    """Of each entry of the whole whether the part has it, too; the part's entries are among the whole's."""
    part.sort_indices()
    keys = [
        np.repeat(np.arange(len(table.indptr) - 1, dtype=np.int64), np.diff(table.indptr)) * table.shape[1]
        + table.indices
        for table in (whole, part)
    ]
    present = np.zeros(len(whole.data), dtype=np.bool_)
    present[np.searchsorted(*keys)] = True
    return present
