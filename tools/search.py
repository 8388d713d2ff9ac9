"""Search by meaning and by words. A short query: nearest vectors (FAISS) and full text (FTS5), fused by rank.

A long request is mostly chatter: there each word counts by what it says, and words, meaning and the years that the
request mentions are weighed against each other.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Bools, Float32s, Int64s, dots, places_of
from recmind.data.conditions import Condition
from recmind.data.errors import RecMindError
from recmind.data.progress import Progress, quiet
from recmind.data.remembering import keep
from recmind.data.store.store import Store
from recmind.data.text import normalize
from recmind.tools.encoder import Encoder
from recmind.tools.eras import year_attribute, year_of
from recmind.tools.everyday_words import WordWorth
from recmind.tools.fusion import SIGNS, SignWeights, by_logit, fuse, spread
from recmind.tools.item_text import WordFinder, embedded_text, stem, stems_by_field
from recmind.tools.long_requests import signs
from recmind.tools.postings import Postings, PostingsBuilder
from recmind.tools.rows import Allowed, RowSet
from recmind.tools.short_requests import with_words
from recmind.tools.vectors import FLAT_UP_TO, LISTS_FILE, VectorIndex

logger = logging.getLogger(__name__)


DEPTH = 200
"""How far down each list an item still counts."""
LONG_DEPTH = 300
"""The same for a long request."""
LIKE_WEIGHT = 1.0
"""What the mean of the liked items' vectors weighs beside the query's vector."""
REMEMBERED_SETS = 64
"""Sets of allowed items that are kept: each takes a bit an item, beside what the store keeps."""
REMEMBERED_QUERIES = 256
"""Vectors of queries that are kept."""
HASH_BYTES = 16

_FILES = {
    "vectors": "search_vectors.npy",
    "numbers": "search_numbers.npy",
    "hashes": "search_hashes.npy",
    "years": "search_years.npy",
}
_FACTS = "search.json"
_FEW = 5_000
"""Up to so many item numbers are looked for one by one."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An item that search found, and why."""

    item_id: str
    score: float
    """0 to 1. Of a short query 1 is the first of every list that could be asked; of a long request the best item."""
    similarity: float | None
    """Cosine similarity to what was asked for, or None where the item was added after the index was built."""
    words: tuple[str, ...]
    """Words of the item that the query names, as the item writes them, without stop words; of a long request those
    that say most come first."""
    field: str
    """Where most of these words stand: ``title``, an attribute's name or ``description``; empty without words."""


class ItemSearch:
    """Finds items by what they are about. Threads may share it."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        vectors: Float32s,
        numbers: Int64s,
        hashes: NDArray[np.uint8],
        years: Float32s,
        words: Postings,
    ) -> None:
        """An exact search; ``fit`` and ``load`` are the ways to one.

        Args:
            store: where words, conditions and the items themselves are read.
            encoder: the one that made the vectors.
            vectors: float32 of shape (rows, dimension), each of length 1.
            numbers: the item number of each row, ascending.
            hashes: uint8 of shape (rows, 16): of the text that each vector stands for.
            years: float32, the year of each row; NaN where none is known.
            words: the words of each row.
        """
        self.store = store
        self.encoder = encoder
        self.numbers = numbers
        self.hashes = hashes
        self.years = years
        self.words = words
        self.index = VectorIndex(vectors)
        self.sign_weights: SignWeights = SIGNS
        self.spread = spread(vectors)
        self._finder = WordFinder(store.settings)
        self._worth = WordWorth(words)
        self._meeting: dict[tuple[Condition, ...], Allowed] = {}
        self._asked: dict[tuple[str, tuple[str, ...], int], Float32s | None] = {}
        self.encoded = 0
        """How many texts ``fit`` had to encode."""
        self.encoding_s = 0.0
        """How long that took."""

    @property
    def vectors(self) -> Float32s:
        """The items' vectors, float32 of shape (rows, dimension)."""
        return self.index.vectors

    # -- building ------------------------------------------------------------------------------------------------

    @classmethod
    def fit(
        cls, store: Store, encoder: Encoder, previous: ItemSearch | None = None, progress: Progress = quiet
    ) -> ItemSearch:
        """The search over all items of the store.

        A text that ``previous`` has a vector for is not encoded again, nor a text that several items share.
        """
        numbers: list[int] = []
        hashes: list[bytes] = []
        new: dict[bytes, str] = {}
        words = PostingsBuilder()
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
        # Where every text is new and no two are equal, nothing has to be copied.
        vectors = encoded
        if len(new) < len(numbers):
            vectors = np.empty((len(numbers), encoder.dimension), dtype=np.float32)
            kept = [row for row, hashed in enumerate(hashes) if hashed in known]
            if previous is not None and kept:
                vectors[kept] = previous.vectors[[known[hashes[row]] for row in kept]]
            added = [row for row, hashed in enumerate(hashes) if hashed in fresh]
            vectors[added] = encoded[[fresh[hashes[row]] for row in added]]
        flat = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), HASH_BYTES)
        search = cls(
            store,
            encoder,
            vectors,
            np.array(numbers, dtype=np.int64),
            flat,
            np.array(years, dtype=np.float32),
            words.build(),
        )
        search.encoded, search.encoding_s = len(new), encoding_s
        return search

    def of_encoder(self, encoder: Encoder) -> bool:
        """Whether the vectors are those that this encoder makes."""
        return (self.encoder.name, self.encoder.checksum) == (encoder.name, encoder.checksum)

    def _by_hash(self) -> dict[bytes, int]:
        data = self.hashes.tobytes()
        return {data[row * HASH_BYTES : (row + 1) * HASH_BYTES]: row for row in range(len(self.hashes))}

    def save(self, folder: Path, flat_up_to: int = FLAT_UP_TO, progress: Progress = quiet) -> None:
        """Write the vectors and what belongs to them into the folder, with inverted lists where there are many."""
        for name, file in _FILES.items():
            np.save(folder / file, getattr(self, name), allow_pickle=False)
        self.words.save(folder)
        index = VectorIndex.build(self.vectors, folder, flat_up_to, progress)
        facts = {"encoder": self.encoder.name, "checksum": self.encoder.checksum, "index": index.kind}
        (folder / _FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, store: Store, encoder: Encoder) -> ItemSearch:
        """The saved search, its vectors mapped from the file rather than read.

        Raises RecMindError where a file is missing or damaged, or where the vectors are another encoder's.
        """
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            arrays: dict[str, Any] = {
                name: np.asarray(np.load(folder / file, mmap_mode="r", allow_pickle=False))
                for name, file in _FILES.items()
            }
            arrays["words"] = Postings.load(folder)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise RecMindError(f"The search index in {str(folder)!r} cannot be read ({error}). {REBUILD}") from None
        search = cls(store, encoder, **arrays)
        rows = len(search.vectors)
        shapes = search.vectors.ndim, len(search.numbers), search.hashes.shape, search.years.shape, search.words.count
        if shapes != (2, rows, (rows, HASH_BYTES), (rows,), rows):
            raise RecMindError(f"The search index in {str(folder)!r} is damaged: its files disagree. {REBUILD}")
        if (facts.get("encoder"), facts.get("checksum")) != (encoder.name, encoder.checksum):
            raise RecMindError(
                f"The index was built with the encoder {facts.get('encoder')!r}, and the settings name "
                f"{encoder.name!r} (or its files have changed). {REBUILD}"
            )
        if facts.get("index") == "lists":
            search.index = VectorIndex(search.vectors, folder / LISTS_FILE)
        return search

    # -- asking --------------------------------------------------------------------------------------------------

    def ask(
        self,
        query: str,
        *,
        like: Sequence[str] = (),
        conditions: Iterable[Condition] = (),
        exclude: Collection[str] = frozenset(),
        n: int = 50,
    ) -> list[SearchHit]:
        """The n items that fit best, best first, ties by item number; available ones only.

        Args:
            query: what to look for, of any length; words, never a search syntax.
            like: ids of items to resemble: their own vectors are mixed in, and they themselves do not come.
            conditions: all must hold; few matching items are filtered first and compared exactly.
            exclude: ids of items that must not come.
            n: at most so many; fewer where fewer are near or have a word of the query. Without query and ``like``
                nothing is found.
        """
        if n < 1:
            return []
        allowed = self.allowed(tuple(conditions), {*exclude, *like})
        asked = self.query_vector(query, like)
        if asked is not None and self._worth.of(query):
            found, signed = signs(self, query, asked, allowed, max(LONG_DEPTH, n))
            return self._hits(by_logit(found, self.sign_weights.of(signed))[:n], query, asked)
        depth = max(DEPTH, n)
        lists: list[list[int]] = []
        if asked is not None:
            rows, _ = self.index.nearest(asked, depth, allowed.rows)
            lists.append(self.numbers[rows].tolist())
        if query.strip():
            lists.append(with_words(self, query, depth, allowed))
        return self._hits(fuse(lists)[:n], query, asked)

    def query_vector(self, query: str, like: Sequence[str] = ()) -> Float32s | None:
        """What is asked for as a vector of length 1: the query's, mixed with the mean of the liked items' own.

        None where there is neither a query nor a liked item that has a vector. Not to be changed: it is kept, because
        search, ranking and validation of a request all ask for the same.
        """
        key = query, tuple(like), self.store.catalogue_version
        if (known := self._asked.get(key)) is not None:
            return known
        if len(self._asked) >= REMEMBERED_QUERIES:
            self._asked.clear()
        made = self._asked[key] = self._query_vector(query, like)
        return made

    def _query_vector(self, query: str, like: Sequence[str]) -> Float32s | None:
        parts = [self.encoder.encode_query(query, self._worth.of(query))] if query.strip() else []
        liked = [vector for item_id in like if (vector := self.vector(item_id)) is not None]
        if liked:
            mean = np.mean(liked, axis=0)
            parts.append(LIKE_WEIGHT * mean / max(float(np.linalg.norm(mean)), 1e-12))
        if not parts:
            return None
        mixed = np.sum(parts, axis=0)
        return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), dtype=np.float32)

    def vector(self, item_id: str) -> Float32s | None:
        """The item's own vector, or None where the catalogue or the index does not have it."""
        number = self.store.items.numbers_of([item_id]).get(item_id)
        rows = self._rows(np.array([] if number is None else [number], dtype=np.int64))
        return self.vectors[rows[0]] if len(rows) else None

    def similarity(self, one: str, other: str) -> float:
        """Cosine similarity of the texts of two items by id; 0 where either is not known."""
        first, second = self.vectors_of([one, other])
        return float(first @ second)

    def vectors_of(self, item_ids: Sequence[str]) -> Float32s:
        """The items' own vectors, of shape (items, dimension); 0 where the catalogue or the index does not have one."""
        result = np.zeros((len(item_ids), self.vectors.shape[1]), dtype=np.float32)
        numbers = self.store.items.numbers_of(item_ids)
        places = [place for place, item_id in enumerate(item_ids) if item_id in numbers]
        rows, known = self.rows_of(np.array([numbers[item_ids[place]] for place in places], dtype=np.int64))
        result[np.array(places, dtype=np.int64)[known]] = self.vectors[rows[known]]
        return result

    def similarities(self, asked: Float32s | None, item_ids: Sequence[str]) -> Float32s:
        """Cosine similarity of each item to the vector (see ``query_vector``), float32; NaN where it is not known."""
        result = np.full(len(item_ids), np.nan, dtype=np.float32)
        if asked is None:
            return result
        known = self.store.items.numbers_of(item_ids)
        numbers = np.array([known.get(item_id, -1) for item_id in item_ids], dtype=np.int64)
        rows, found = self.rows_of(numbers)
        result[found] = dots(self.vectors[rows[found]], asked)
        return result

    def rows_of(self, numbers: Int64s) -> tuple[Int64s, Bools]:
        """The row of each item number, and whether it has one."""
        if len(numbers) <= _FEW or not len(self.numbers):
            return places_of(self.numbers, numbers)
        rows = self._row_of[np.minimum(numbers, len(self._row_of) - 1)]
        return rows, rows >= 0

    @cached_property
    def _row_of(self) -> Int64s:
        """The row of every item number up to the largest, and one more: -1 where there is none."""
        rows = np.full(int(self.numbers[-1]) + 2, -1, dtype=np.int64)
        rows[self.numbers] = np.arange(len(self.numbers))
        return rows

    def _rows(self, numbers: Int64s) -> Int64s:
        """The rows of those item numbers that have one, in their order."""
        rows, found = self.rows_of(numbers)
        return rows[found]

    def allowed(self, conditions: tuple[Condition, ...] = (), excluded: Collection[str] = frozenset()) -> Allowed:
        """The items that may be found; what is the same for all requests with these conditions is kept."""
        numbers = self.store.items.matching(conditions)
        known = self._meeting.get(conditions)
        if known is None or known.numbers is not numbers:
            rows, indexed = self.rows_of(numbers)
            none = numbers[:0]
            known = Allowed(numbers, none, RowSet.of(rows[indexed], len(self.numbers)), numbers[~indexed])
            keep(self._meeting, {conditions: known}, most=REMEMBERED_SETS)
        barred = np.array(list(self.store.items.numbers_of(excluded).values()), dtype=np.int64)
        return known.barring(barred, self._rows(barred)) if len(barred) else known

    def _hits(self, fused: list[tuple[int, float]], query: str, asked: Float32s | None) -> list[SearchHit]:
        worth = {stem(normalize(query[start:end])): weight for start, end, weight in self._worth.of(query)}
        ids = self.store.items.ids_of([number for number, _ in fused])
        items = self.store.items.get_many(ids.values())
        similarities = self.similarities(asked, list(ids.values()))
        similarity_of = dict(zip(ids.values(), similarities.tolist(), strict=True))
        hits = []
        for number, score in fused:
            item_id = ids.get(number)
            # Removed since it was looked up a moment ago.
            if item_id is None or item_id not in items:
                continue
            similarity = similarity_of[item_id]
            words, field = self._finder.find(query, items[item_id])
            if worth:
                words = tuple(sorted(words, key=lambda word: -worth.get(stem(word), 0.0)))
            hits.append(SearchHit(item_id, score, None if np.isnan(similarity) else similarity, words, field))
        return hits


REBUILD = "Run: recmind index"
