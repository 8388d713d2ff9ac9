"""Search by meaning and by words.

A short query asks for nearest vectors (FAISS) and full text (FTS5), fused by rank. A long request is mostly chatter:
there each word has a weight of its own, and words, meaning and the years mentioned are weighed against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float32s, row_dots
from recmind.data.conditions import Condition
from recmind.data.text import normalize, stem
from recmind.tools.search.fusion import FEATURE_WEIGHTS, FeatureWeights, by_logit, fuse
from recmind.tools.search.item_text import WordFinder
from recmind.tools.search.keyword_query import keyword_search
from recmind.tools.search.long_query import long_query_features
from recmind.tools.search.text_index import TextIndex
from recmind.tools.search.word_weights import TermWeights

DEPTH = 200
"""Number of places of each list that count for a short query."""
LONG_DEPTH = 300
"""Number of places of each list that count for a long request."""
LIKE_WEIGHT = 1.0
"""Weight of the mean of the liked items' vectors; the query's vector has 1."""
REMEMBERED_QUERIES = 256
"""Number of query vectors that are kept."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An item that the search found, and why."""

    item_id: str
    score: float
    """0 to 1. For a short query, 1 is the first place in every list; for a long request, 1 is the best item."""
    similarity: float | None
    """Cosine similarity to the query vector, or None where the item was added after the index was built."""
    words: tuple[str, ...]
    """Words of the item that the query names, as the item writes them, without stop words. For a long request, the most
    telling come first."""
    field: str
    """The field that holds most of these words: ``title``, an attribute's name or ``description``; empty without
    words."""


class ItemSearch:
    """Finds items by what they are about. Threads may share it."""

    def __init__(self, index: TextIndex) -> None:
        self.index = index
        self.store = index.store
        self.feature_weights: FeatureWeights = FEATURE_WEIGHTS
        self._finder = WordFinder(index.store.settings)
        self._term_weights = TermWeights(index.words)
        self._query_vectors: dict[tuple[str, tuple[str, ...], int], Float32s | None] = {}

    def search(
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
            like: ids of items to resemble: their own vectors are mixed in, and the items themselves do not come.
            conditions: all must hold; where few items match, these are compared exactly.
            exclude: ids of items that must not come.
            n: the most to return; fewer where fewer are near or have a word of the query. Without query and ``like``
                nothing is found.
        """
        if n < 1:
            return []
        allowed = self.index.allowed(tuple(conditions), {*exclude, *like})
        vector = self.query_vector(query, like)
        if vector is not None and self._term_weights.of(query):
            found, features = long_query_features(self.index, query, vector, allowed, max(LONG_DEPTH, n))
            return self._hits(by_logit(found, self.feature_weights.of(features))[:n], query, vector)
        depth = max(DEPTH, n)
        lists: list[list[int]] = []
        if vector is not None:
            rows, _ = self.index.vector_index.nearest(vector, depth, allowed.rows)
            lists.append(self.index.numbers[rows].tolist())
        if query.strip():
            lists.append(keyword_search(self.index, query, depth, allowed))
        return self._hits(fuse(lists)[:n], query, vector)

    def query_vector(self, query: str, like: Sequence[str] = ()) -> Float32s | None:
        """The query as a vector of length 1, float32 of shape (dimension,), mixed with the mean of the liked items'
        vectors.

        None where there is neither a query nor a liked item with a vector. The vector is shared and must not be
        changed: search, ranking and validation of a request ask for the same one.
        """
        key = query, tuple(like), self.store.catalogue_version
        if (known := self._query_vectors.get(key)) is not None:
            return known
        if len(self._query_vectors) >= REMEMBERED_QUERIES:
            self._query_vectors.clear()
        made = self._query_vectors[key] = self._query_vector(query, like)
        return made

    def _query_vector(self, query: str, like: Sequence[str]) -> Float32s | None:
        parts = [self.index.encoder.encode_query(query, self._term_weights.of(query))] if query.strip() else []
        liked = [vector for item_id in like if (vector := self.vector(item_id)) is not None]
        if liked:
            mean = np.mean(liked, axis=0)
            parts.append(LIKE_WEIGHT * mean / max(float(np.linalg.norm(mean)), 1e-12))
        if not parts:
            return None
        mixed = np.sum(parts, axis=0)
        return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), dtype=np.float32)

    def vector(self, item_id: str) -> Float32s | None:
        """The item's own vector, float32 of shape (dimension,), or None where the catalogue or index has none."""
        number = self.store.items.numbers_of([item_id]).get(item_id)
        rows = self.index.held_rows(np.array([] if number is None else [number], dtype=np.int64))
        return self.index.vectors[rows[0]] if len(rows) else None

    def similarity(self, one: str, other: str) -> float:
        """Cosine similarity of the texts of two items by id; 0 where either is unknown."""
        first, second = self.vectors_of([one, other])
        return float(first @ second)

    def vectors_of(self, item_ids: Sequence[str]) -> Float32s:
        """The items' own vectors, float32 of shape (items, dimension); rows of 0 for items without one."""
        result = np.zeros((len(item_ids), self.index.vectors.shape[1]), dtype=np.float32)
        numbers = self.store.items.numbers_of(item_ids)
        places = [place for place, item_id in enumerate(item_ids) if item_id in numbers]
        rows, known = self.index.rows_of(np.array([numbers[item_ids[place]] for place in places], dtype=np.int64))
        result[np.array(places, dtype=np.int64)[known]] = self.index.vectors[rows[known]]
        return result

    def similarities(self, vector: Float32s | None, item_ids: Sequence[str]) -> Float32s:
        """Cosine similarity of each item to the vector, float32 of shape (items,); NaN where it is not known.

        Args:
            vector: as ``query_vector`` gives it; None: nothing is known.
            item_ids: the items.
        """
        result = np.full(len(item_ids), np.nan, dtype=np.float32)
        if vector is None:
            return result
        known = self.store.items.numbers_of(item_ids)
        numbers = np.array([known.get(item_id, -1) for item_id in item_ids], dtype=np.int64)
        rows, found = self.index.rows_of(numbers)
        result[found] = row_dots(self.index.vectors[rows[found]], vector)
        return result

    def _hits(self, fused: list[tuple[int, float]], query: str, vector: Float32s | None) -> list[SearchHit]:
        weights = {stem(normalize(query[start:end])): weight for start, end, weight in self._term_weights.of(query)}
        ids = self.store.items.ids_of([number for number, _ in fused])
        items = self.store.items.get_many(ids.values())
        similarities = self.similarities(vector, list(ids.values()))
        similarity_of = dict(zip(ids.values(), similarities.tolist(), strict=True))
        hits = []
        for number, score in fused:
            item_id = ids.get(number)
            # The item was removed a moment ago.
            if item_id is None or item_id not in items:
                continue
            similarity = similarity_of[item_id]
            words, field = self._finder.find(query, items[item_id])
            if weights:
                words = tuple(sorted(words, key=lambda word: -weights.get(stem(word), 0.0)))
            hits.append(SearchHit(item_id, score, None if np.isnan(similarity) else similarity, words, field))
        return hits
