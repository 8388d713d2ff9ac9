"""Nearest vectors with FAISS: exact up to ``FLAT_UP_TO``, by inverted lists above; filters come first where that pays.

FAISS searches the vectors in place, memory-mapped from the file, so that nothing has to be loaded before a query.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np

from recmind.data.arrays import Float32s, Int64s, row_dots
from recmind.data.progress import Progress, quiet
from recmind.tools.search.row_filter import RowSet

FLAT_UP_TO = 50_000
"""Measured on one core of two, 384 dimensions: a comparison with all of 50,000 vectors takes 4 to 8 ms, of 100,000 7 to
15 ms, depending on other work of the machine. Reading memory takes most of that time."""
PROBES = 64
"""Inverted lists read for a query: with 1,000,000 vectors in 4,096 lists, 32 of them found all of the ten nearest.
Where a filter allows only a share of the rows, more lists are read, so that as many vectors are compared: skipping a
row costs much less than comparing it."""
GATHER_UP_TO = 5_000
"""Up to this many allowed rows are gathered and multiplied: no index is faster, and the result is exact."""
GATHERED = 2
"""Allowed rows are also gathered up to this factor times the rows that an IVF probe compares: skipping the other rows
would take longer."""
TRAINING_PER_LIST = 64

LISTS_FILE = "lists.faiss"


class VectorIndex:
    """Vectors of length 1 by row number, and the rows nearest to another vector; threads may share it."""

    def __init__(self, vectors: Float32s, lists: Path | None = None) -> None:
        """Search these vectors.

        Args:
            vectors: float32 of shape (rows, dimension), each row of length 1.
            lists: the file of inverted lists; None for exact search.
        """
        self.vectors = vectors
        self._lists_file = lists
        self._lists: Any = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def kind(self) -> str:
        """``flat`` or ``lists``."""
        return "flat" if self._lists_file is None else "lists"

    @classmethod
    def build(
        cls, vectors: Float32s, folder: Path, flat_up_to: int = FLAT_UP_TO, progress: Progress = quiet
    ) -> VectorIndex:
        """The index of these vectors.

        Args:
            vectors: float32 of shape (rows, dimension), each row of length 1.
            folder: where inverted lists are written, if there are enough vectors.
            flat_up_to: up to this many vectors the search is exact.
            progress: is called with the vectors done.
        """
        if len(vectors) <= flat_up_to:
            return cls(vectors)
        import faiss  # noqa: PLC0415  takes 0.1 s to import

        count, dimension = vectors.shape
        lists = _lists_for(count)
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT)
        sample = np.random.default_rng(0).permutation(count)[: lists * TRAINING_PER_LIST]
        progress("finding lists for the vectors", 0, None)
        index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
        for start in range(0, count, 65_536):
            index.add(np.ascontiguousarray(vectors[start : start + 65_536]))
            progress("sorting vectors into lists", min(start + 65_536, count), count)
        faiss.write_index(index, str(folder / LISTS_FILE))
        return cls(vectors, folder / LISTS_FILE)

    def nearest(self, vector: Float32s, n: int, allowed: RowSet | None = None) -> tuple[Int64s, Float32s]:
        """The n rows nearest to the vector with their cosine similarities, nearest first, equal ones by row.

        Args:
            vector: float32 of shape (dimension,), of length 1.
            n: the most to return; fewer come where fewer rows are allowed.
            allowed: the rows to choose from; None allows all.

        Returns:
            Rows (int64) and similarities (float32), two arrays of one length.
        """
        if allowed is not None and allowed.size == len(self):
            allowed = None
        n = min(n, len(self) if allowed is None else allowed.size)
        if n < 1:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        query = np.ascontiguousarray(vector, dtype=np.float32)
        if allowed is not None and allowed.size <= self._gather_up_to:
            among = allowed.rows
            similarities = row_dots(self.vectors[among], query)
            kept = np.argpartition(-similarities, n - 1)[:n]
            rows, similarities = among[kept], similarities[kept]
        elif self._lists_file is None:
            rows, similarities = self._flat(query, n, allowed)
        else:
            rows, similarities = self._probed(query, n, allowed)
        order = np.lexsort((rows, -similarities))
        return rows[order], similarities[order]

    @property
    def _gather_up_to(self) -> int:
        compared = 0 if self._lists_file is None else PROBES * len(self) // _lists_for(len(self))
        return max(GATHER_UP_TO, GATHERED * compared)

    def _flat(self, query: Float32s, n: int, allowed: RowSet | None) -> tuple[Int64s, Float32s]:
        import faiss  # noqa: PLC0415  takes 0.1 s to import

        rows = np.empty(n, dtype=np.int64)
        similarities = np.empty(n, dtype=np.float32)
        faiss.knn_inner_product(
            faiss.swig_ptr(query),
            faiss.swig_ptr(self.vectors),
            len(query),
            1,
            len(self),
            n,
            faiss.swig_ptr(similarities),
            faiss.swig_ptr(rows),
            _selector(allowed),
        )
        return rows, similarities

    def _probed(self, query: Float32s, n: int, allowed: RowSet | None) -> tuple[Int64s, Float32s]:
        import faiss  # noqa: PLC0415  takes 0.1 s to import

        with self._lock:
            if self._lists is None:
                self._lists = faiss.read_index(str(self._lists_file), faiss.IO_FLAG_MMAP)
        probes = math.ceil(PROBES / (1.0 if allowed is None else allowed.share))
        parameters = faiss.SearchParametersIVF(nprobe=probes, sel=_selector(allowed))  # type: ignore[call-arg]
        similarities, rows = self._lists.search(query[None], n, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], similarities[0][found]


def _lists_for(count: int) -> int:
    return max(1, min(int(4 * np.sqrt(count)), count // 39))


def _selector(allowed: RowSet | None) -> Any:
    """FAISS's filter for these rows; it reads their bits, which must live as long as the filter."""
    if allowed is None:
        return None
    import faiss  # noqa: PLC0415  takes 0.1 s to import

    return faiss.IDSelectorBitmap(len(allowed.bits), faiss.swig_ptr(allowed.bits))
