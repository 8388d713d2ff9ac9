"""The index that search reads: vectors, words and years of all items, row by row, built once and mapped from files."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Bools, Float32s, Int64s, corrupt_index, index_in_sorted, load_arrays, save_arrays
from recmind.data.conditions import Condition
from recmind.data.errors import RecMindError
from recmind.data.progress import Progress, quiet
from recmind.data.remembering import keep
from recmind.data.store.store import Store
from recmind.tools.encoders.encoder import Encoder
from recmind.tools.search.bm25 import Bm25Builder, Bm25Index
from recmind.tools.search.fusion import similarity_std
from recmind.tools.search.item_text import embedded_text, stems_by_field
from recmind.tools.search.row_filter import Allowed, RowSet
from recmind.tools.search.vector_index import FLAT_UP_TO, LISTS_FILE, VectorIndex
from recmind.tools.search.year_mentions import year_attribute, year_of

REMEMBERED_SETS = 64
"""Number of sets of allowed items that are kept; each takes one bit for each item."""
HASH_BYTES = 16
REBUILD = "Run: recmind index"

_PREFIX = "search"
_ARRAYS = ("vectors", "numbers", "hashes", "years")
_FACTS = "search.json"
_FEW = 5_000
"""Below this size binary search is used instead of the lookup table."""


class TextIndex:
    """The texts of all items as rows of vectors and words. Threads may share it."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        vectors: Float32s,
        numbers: Int64s,
        hashes: NDArray[np.uint8],
        years: Float32s,
        words: Bm25Index,
    ) -> None:
        """Make an exact index; ``fit`` and ``load`` are the usual ways to one.

        Args:
            store: where words, conditions and the items themselves are read.
            encoder: the encoder that made the vectors.
            vectors: float32 of shape (rows, dimension), each row of length 1.
            numbers: int64: the item number of each row, ascending.
            hashes: uint8 of shape (rows, 16): hash of the text of each row.
            years: float32: the year of each row; NaN where none is known.
            words: the words of each row.
        """
        self.store = store
        self.encoder = encoder
        self.numbers = numbers
        self.hashes = hashes
        self.years = years
        self.words = words
        self.vector_index = VectorIndex(vectors)
        self.similarity_std = similarity_std(vectors)
        self._meeting: dict[tuple[Condition, ...], Allowed] = {}
        self.encoded = 0
        """Number of texts that ``fit`` had to encode."""
        self.encoding_s = 0.0
        """Seconds that the encoding took."""

    @property
    def vectors(self) -> Float32s:
        """The items' vectors, float32 of shape (rows, dimension)."""
        return self.vector_index.vectors

    @classmethod
    def fit(
        cls, store: Store, encoder: Encoder, previous: TextIndex | None = None, progress: Progress = quiet
    ) -> TextIndex:
        """The index of all items of the store.

        Args:
            store: the items.
            encoder: makes the vectors. A text that several items share is encoded once.
            previous: an earlier index; texts that have a vector there are not encoded again. None for none.
            progress: is called with the texts encoded.
        """
        numbers: list[int] = []
        hashes: list[bytes] = []
        new: dict[bytes, str] = {}
        words = Bm25Builder()
        years: list[float] = []
        year_name = year_attribute(store.catalogue())
        known = previous._by_hash() if previous is not None and previous.of_encoder(encoder) else {}
        for number, item in store.items.all():
            text = embedded_text(item, store.settings)
            hashed = hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).digest()
            numbers.append(number)
            hashes.append(hashed)
            years.append(year_of(item, year_name))
            words.add(stems_by_field(item, store.settings))
            if hashed not in known:
                new[hashed] = text
        begun = time.perf_counter()
        encoded = encoder.encode(list(new.values()), progress)
        encoding_s = time.perf_counter() - begun
        fresh = {hashed: row for row, hashed in enumerate(new)}
        # If every text is new and no two are equal, nothing has to be copied.
        vectors = encoded
        if len(new) < len(numbers):
            vectors = np.empty((len(numbers), encoder.dimension), dtype=np.float32)
            kept = [row for row, hashed in enumerate(hashes) if hashed in known]
            if previous is not None and kept:
                vectors[kept] = previous.vectors[[known[hashes[row]] for row in kept]]
            added = [row for row, hashed in enumerate(hashes) if hashed in fresh]
            vectors[added] = encoded[[fresh[hashes[row]] for row in added]]
        flat = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), HASH_BYTES)
        made = cls(
            store,
            encoder,
            vectors,
            np.array(numbers, dtype=np.int64),
            flat,
            np.array(years, dtype=np.float32),
            words.build(),
        )
        made.encoded, made.encoding_s = len(new), encoding_s
        return made

    def of_encoder(self, encoder: Encoder) -> bool:
        """Whether this encoder made the vectors."""
        return (self.encoder.name, self.encoder.checksum) == (encoder.name, encoder.checksum)

    def _by_hash(self) -> dict[bytes, int]:
        data = self.hashes.tobytes()
        return {data[row * HASH_BYTES : (row + 1) * HASH_BYTES]: row for row in range(len(self.hashes))}

    def save(self, folder: Path, flat_up_to: int = FLAT_UP_TO, progress: Progress = quiet) -> None:
        """Write the vectors and what belongs to them into the folder, with inverted lists where there are many."""
        save_arrays(folder, _PREFIX, {name: getattr(self, name) for name in _ARRAYS})
        self.words.save(folder)
        built = VectorIndex.build(self.vectors, folder, flat_up_to, progress)
        facts = {"encoder": self.encoder.name, "checksum": self.encoder.checksum, "index": built.kind}
        (folder / _FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, store: Store, encoder: Encoder) -> TextIndex:
        """The saved index; its arrays are mapped from the files.

        Args:
            folder: the folder of the index.
            store: where words, conditions and the items themselves are read.
            encoder: the encoder that made the vectors.

        Raises:
            RecMindError: a file is missing or damaged, or another encoder made the vectors.
        """
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            words = Bm25Index.load(folder)
        except (OSError, ValueError, KeyError) as error:
            raise RecMindError(f"The search index in {str(folder)!r} cannot be read ({error}). {REBUILD}") from None
        made = cls(store, encoder, **load_arrays(folder, _PREFIX, _ARRAYS), words=words)
        rows = len(made.vectors)
        for file, found, expected in (
            ("search_vectors.npy", made.vectors.ndim, 2),
            ("search_hashes.npy", made.hashes.shape, (rows, HASH_BYTES)),
            ("bm25.json", made.words.count, rows),
        ):
            if found != expected:
                raise corrupt_index(folder / file)
        if (facts.get("encoder"), facts.get("checksum")) != (encoder.name, encoder.checksum):
            raise RecMindError(
                f"The index was built with the encoder {facts.get('encoder')!r}, and the settings name "
                f"{encoder.name!r} (or its files have changed). {REBUILD}"
            )
        if facts.get("index") == "lists":
            made.vector_index = VectorIndex(made.vectors, folder / LISTS_FILE)
        return made

    def rows_of(self, numbers: Int64s) -> tuple[Int64s, Bools]:
        """The row of each item number (int64), and whether the index has it (bool)."""
        if len(numbers) <= _FEW or not len(self.numbers):
            return index_in_sorted(self.numbers, numbers)
        rows = self._row_of[np.minimum(numbers, len(self._row_of) - 1)]
        return rows, rows >= 0

    @cached_property
    def _row_of(self) -> Int64s:
        """The row of every item number from 0 to one above the largest: -1 where there is none."""
        rows = np.full(int(self.numbers[-1]) + 2, -1, dtype=np.int64)
        rows[self.numbers] = np.arange(len(self.numbers))
        return rows

    def held_rows(self, numbers: Int64s) -> Int64s:
        """The rows of those item numbers that the index has, in their order."""
        rows, found = self.rows_of(numbers)
        return rows[found]

    def allowed(self, conditions: tuple[Condition, ...] = (), excluded: Collection[str] = frozenset()) -> Allowed:
        """The items that may be found; the part that depends only on the conditions is kept.

        Args:
            conditions: all must hold.
            excluded: ids of items that must not come.
        """
        numbers = self.store.items.matching(conditions)
        known = self._meeting.get(conditions)
        if known is None or known.numbers is not numbers:
            rows, indexed = self.rows_of(numbers)
            none = numbers[:0]
            known = Allowed(numbers, none, RowSet.of(rows[indexed], len(self.numbers)), numbers[~indexed])
            keep(self._meeting, {conditions: known}, most=REMEMBERED_SETS)
        barred = np.array(list(self.store.items.numbers_of(excluded).values()), dtype=np.int64)
        return known.barring(barred, self.held_rows(barred)) if len(barred) else known
