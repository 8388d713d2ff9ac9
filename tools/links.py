"""Links from item to item that need no meeting in a history: texts that are alike, and EASE.

``tools.collaborative`` blends them with co-occurrence into one sparse matrix, so that a question costs the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Int32s, Int64s
from recmind.data.progress import Progress, quiet
from recmind.tools.cooccurrence import strongest

if TYPE_CHECKING:
    from scipy.sparse import csr_array


NEIGHBORS = 50
"""Items that a text is linked to, those nearest to it."""
EXACT_UP_TO = 50_000
"""Up to so many vectors all pairs are compared; above, the lists nearest to a vector are read."""
PROBES = 8
COMPARED = 1_000
"""Of the lists nearest to a vector PROBES are read, or fewer that hold about so many vectors: lists grow with the
items, and what one item costs must not."""
SECOND_HAND_UP_TO = 50_000
"""Up to so many items, what goes with an item whose text is alike is linked, too: the product grows with the links of
both."""
SECOND_HAND = 100
"""Such links that a row keeps."""
EASE_ITEMS, EASE_USERS = 12_500, 4_000
"""EASE is fitted with at most so many items (their square is inverted: 3 x 600 MB), or so many users (theirs is)."""
EASE_KEPT = 200

_BLOCK = 2_048


@dataclass(frozen=True, slots=True)
class Texts:
    """What items say of themselves, for links between items that nobody took together."""

    numbers: Int64s
    """Sorted item numbers."""
    vectors: Float32s
    """Of shape (items, dimension), each of length 1."""
    lists: Path | None = None
    """FAISS's inverted lists of the vectors, where they have been written."""
    _alike: list[csr_array[Any, tuple[int, int]]] = field(default_factory=list, repr=False, compare=False)

    def alike(self, progress: Progress = quiet) -> csr_array[Any, tuple[int, int]]:
        """What ``alike`` finds of the vectors; found once, however many models are fitted."""
        if not self._alike:
            self._alike.append(alike(self.vectors, progress, self.lists))
        return self._alike[0]


def alike(vectors: Float32s, progress: Progress = quiet, lists: Path | None = None) -> csr_array[Any, tuple[int, int]]:
    """CSR of shape (rows, rows): the cosine to the third power of each vector's nearest ones, itself left out.

    Args:
        vectors: float32 of shape (rows, dimension), each of length 1.
        progress: told of the rows.
        lists: the file of their inverted lists, where they have been made already.
    """
    count = len(vectors)
    n = min(NEIGHBORS + 1, count)
    index = _nearest(vectors, lists)
    lengths = np.zeros(count, dtype=np.int64)
    # Memory that is never written is never taken.
    columns, values = np.empty(count * n, np.int32), np.empty(count * n, np.float32)
    end = 0
    for start in range(0, count, _BLOCK):
        similarities, places = index.search(np.ascontiguousarray(vectors[start : start + _BLOCK]), n)
        order = np.argsort(places, axis=1)
        similarities, places = (np.take_along_axis(table, order, axis=1) for table in (similarities, places))
        kept = (places >= 0) & (places != np.arange(start, start + len(places))[:, None]) & (similarities > 0)
        lengths[start : start + len(kept)] = kept.sum(axis=1)
        begin, end = end, end + int(kept.sum())
        columns[begin:end], values[begin:end] = places[kept], similarities[kept] ** 3
        progress("texts that are alike", min(start + _BLOCK, count), count)
    return of_rows(np.concatenate(([0], np.cumsum(lengths))), columns[:end], values[:end], count)


def _nearest(vectors: Float32s, lists: Path | None) -> Any:
    """A FAISS index of the vectors."""
    import faiss  # noqa: PLC0415  takes 0.1 s to import

    count, dimension = vectors.shape
    index: Any
    if count <= EXACT_UP_TO:
        index = faiss.IndexFlatIP(dimension)
    elif lists is not None:
        index = faiss.read_index(str(lists), faiss.IO_FLAG_MMAP)
        index.nprobe = _probes(index.nlist, count)
        return index
    else:
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(dimension), dimension, int(4 * np.sqrt(count)), faiss.METRIC_INNER_PRODUCT
        )
        index.nprobe = _probes(index.nlist, count)
        sample = np.random.default_rng(0).permutation(count)[: 64 * index.nlist]
        index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
    for start in range(0, count, _BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
    return index


def _probes(lists: int, count: int) -> int:
    return max(1, min(PROBES, round(COMPARED * lists / count)))


def ease(
    users: npt.NDArray[Any], positions: npt.NDArray[Any], size: int, regularization: float = 300.0
) -> csr_array[Any, tuple[int, int]] | None:
    """CSR of shape (items, items): EASE (Steck, 2019), of each row the largest entries above 0.

    Args:
        users: any numbers that say whose an interaction is.
        positions: the item of each interaction, below ``size``.
        size: how many items there are.
        regularization: lambda of the paper.

    Returns:
        None where there are too many items and too many users.
    """
    names, place = np.unique(users, return_inverse=True)
    taken = csr(place, positions, np.ones(len(place), np.float32), len(names), size)
    taken.data[:] = 1.0
    if len(names) <= EASE_USERS:
        return _ease_by_users(taken, regularization)
    return _ease_by_items(taken, regularization) if size <= EASE_ITEMS else None


def _ease_by_users(taken: Any, regularization: float) -> csr_array[Any, tuple[int, int]]:
    """With the inverse over users: lambda (X'X + lambda)^-1 = 1 - X' (XX' + lambda)^-1 X."""
    users, size = taken.shape
    dense = taken.toarray()
    inverse = np.linalg.inv((taken @ taken.T).toarray() + regularization * np.eye(users, dtype=np.float32))
    projected = (inverse @ dense).astype(np.float32)
    diagonal = 1 - (dense * projected).sum(axis=0)
    turned = taken.T.tocsr()
    blocks = []
    for start in range(0, size, _BLOCK):
        block = (turned[start : start + _BLOCK] @ projected) / diagonal
        blocks.append(_largest(np.asarray(block, dtype=np.float32), start))
    return _stacked(blocks, size)


def _ease_by_items(taken: Any, regularization: float) -> csr_array[Any, tuple[int, int]]:
    from scipy.linalg import cho_factor, lapack  # noqa: PLC0415  a question must not pay for SciPy

    size = taken.shape[1]
    gram = (taken.T @ taken).toarray().astype(np.float32)
    gram[np.diag_indices(size)] += np.float32(regularization)
    factor, _ = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    diagonal = np.diag(inverse).copy()
    blocks = [_largest(-inverse[start : start + _BLOCK] / diagonal[None, :], start) for start in range(0, size, _BLOCK)]
    return _stacked(blocks, size)


def _largest(block: Float32s, start: int) -> tuple[Int64s, Int64s, Float32s]:
    """Rows, columns and values of the largest entries above 0 in each row of a block that starts at that row."""
    block[np.arange(len(block)), np.arange(start, start + len(block))] = 0
    n = min(EASE_KEPT, block.shape[1])
    columns = np.argpartition(-block, n - 1, axis=1)[:, :n]
    values = np.take_along_axis(block, columns, axis=1)
    rows = np.repeat(np.arange(start, start + len(block)), n)
    above = values.reshape(-1) > 0
    return rows[above], columns.reshape(-1)[above], values.reshape(-1)[above]


def _stacked(blocks: list[tuple[Int64s, Int64s, Float32s]], size: int) -> csr_array[Any, tuple[int, int]]:
    none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    rows, columns, values = (np.concatenate(column) for column in zip(none, *blocks, strict=True))
    return csr(rows, columns, values, size)


def second_hand(
    texts: csr_array[Any, tuple[int, int]], together: csr_array[Any, tuple[int, int]]
) -> csr_array[Any, tuple[int, int]]:
    """What goes with the items whose texts are alike: the product, the largest entries of each row, itself left out.

    Of what goes with an item, too, only so many of the largest count.
    """
    size = texts.shape[0]
    few = _strongest_of(together)
    blocks = []
    for start in range(0, size, _BLOCK):
        product = texts[start : start + _BLOCK] @ few
        product.sort_indices()
        rows = np.repeat(np.arange(start, start + product.shape[0]), np.diff(product.indptr))
        # No row links to itself; what is 0 is no largest.
        product.data[rows == product.indices] = 0
        kept = strongest(product.indptr, product.data, SECOND_HAND) & (product.data > 0)
        blocks.append((rows[kept], product.indices[kept], product.data[kept]))
    return _stacked(blocks, size)


def _strongest_of(table: csr_array[Any, tuple[int, int]]) -> csr_array[Any, tuple[int, int]]:
    """The table with the largest entries of each row alone."""
    kept = strongest(table.indptr, table.data, SECOND_HAND)
    starts = np.concatenate(([0], np.cumsum(kept)))[table.indptr]
    return of_rows(starts, table.indices[kept], table.data[kept], table.shape[0])


def of_rows(starts: Int64s, columns: Int32s, values: Float32s, size: int) -> csr_array[Any, tuple[int, int]]:
    """A square matrix of these compressed rows, nothing copied."""
    from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

    return csr_array((values, columns, starts), shape=(size, size))


def csr(
    rows: npt.NDArray[Any], columns: npt.NDArray[Any], values: npt.NDArray[Any], height: int, width: int | None = None
) -> csr_array[Any, tuple[int, int]]:
    """A matrix of these entries, square where no width is given."""
    from scipy.sparse import coo_array  # noqa: PLC0415  a question must not pay for SciPy

    table = coo_array((values, (rows, columns)), shape=(height, height if width is None else width))
    return cast("csr_array[Any, tuple[int, int]]", table.tocsr())
