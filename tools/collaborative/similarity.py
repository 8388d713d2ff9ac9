"""Links between items that need no shared history: similar texts, and what goes with items of similar text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recmind.data.arrays import Float32s, Int64s
from recmind.data.progress import Progress, quiet
from recmind.tools.collaborative.sparse import csr_of_blocks, csr_of_rows, largest_in_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array


NEIGHBORS = 50
"""Number of nearest items that each item is linked to."""
EXACT_UP_TO = 50_000
"""Exact search up to this many vectors; IVF lists above."""
PROBES = 8
COMPARED = 1_000
"""For each vector PROBES IVF lists are read, or as many as hold about COMPARED vectors if that is fewer: lists grow
with the catalogue, and the cost of one item must not."""
TWO_HOP_UP_TO = 50_000
"""Largest number of items for which two-hop links are made: the product grows with the links of both matrices."""
TWO_HOP_LINKS = 100
"""Two-hop links that a row keeps, the largest."""

_BLOCK = 2_048


@dataclass(frozen=True, slots=True)
class ItemEmbeddings:
    """Vectors of the items' texts, to link items that share no history."""

    numbers: Int64s
    """Sorted item numbers."""
    vectors: Float32s
    """Shape (items, dimension); each row has length 1."""
    lists: Path | None = None
    """The file of FAISS's inverted lists of the vectors, or None where none has been written."""
    _neighbors: list[csr_array[Any, tuple[int, int]]] = field(default_factory=list, repr=False, compare=False)

    def neighbors(self, progress: Progress = quiet) -> csr_array[Any, tuple[int, int]]:
        """The result of ``cosine_neighbors`` for these vectors; computed once, however many models are fitted."""
        if not self._neighbors:
            self._neighbors.append(cosine_neighbors(self.vectors, progress, self.lists))
        return self._neighbors[0]


def cosine_neighbors(
    vectors: Float32s, progress: Progress = quiet, lists: Path | None = None
) -> csr_array[Any, tuple[int, int]]:
    """CSR of shape (rows, rows): the third power of the cosine to the nearest vectors of each, itself left out.

    Args:
        vectors: float32 of shape (rows, dimension), each row of length 1.
        progress: is called with the rows done.
        lists: the file of their inverted lists, or None where none has been written.
    """
    count = len(vectors)
    n = min(NEIGHBORS + 1, count)
    index = _nearest(vectors, lists)
    lengths = np.zeros(count, dtype=np.int64)
    # The system takes memory for a page only when it is written, so a generous size costs nothing.
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
    return csr_of_rows(np.concatenate(([0], np.cumsum(lengths))), columns[:end], values[:end], count)


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


def two_hop(
    similar: csr_array[Any, tuple[int, int]], together: csr_array[Any, tuple[int, int]]
) -> csr_array[Any, tuple[int, int]]:
    """CSR of shape (items, items): links to what goes with the items of similar text, the largest of each row.

    This is the product of both matrices, without links of an item to itself.

    Args:
        similar: CSR of shape (items, items): similarity of texts.
        together: CSR of shape (items, items): co-occurrence; of each row only the ``TWO_HOP_LINKS`` largest entries
            count.
    """
    size = similar.shape[0]
    few = _pruned(together)
    blocks = []
    for start in range(0, size, _BLOCK):
        product = similar[start : start + _BLOCK] @ few
        product.sort_indices()
        rows = np.repeat(np.arange(start, start + product.shape[0]), np.diff(product.indptr))
        # No row links to itself; entries of 0 are dropped below.
        product.data[rows == product.indices] = 0
        kept = largest_in_rows(product.indptr, product.data, TWO_HOP_LINKS) & (product.data > 0)
        blocks.append((rows[kept], product.indices[kept], product.data[kept]))
    return csr_of_blocks(blocks, size)


def _pruned(table: csr_array[Any, tuple[int, int]]) -> csr_array[Any, tuple[int, int]]:
    """The table with only the ``TWO_HOP_LINKS`` largest entries of each row."""
    kept = largest_in_rows(table.indptr, table.data, TWO_HOP_LINKS)
    starts = np.concatenate(([0], np.cumsum(kept)))[table.indptr]
    return csr_of_rows(starts, table.indices[kept], table.data[kept], table.shape[0])
