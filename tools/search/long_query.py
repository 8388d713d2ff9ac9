"""The features of items for a long request: weighted words, meaning, and the years that it mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted, row_dots
from recmind.tools.search.fusion import highest
from recmind.tools.search.item_text import stems_by_field
from recmind.tools.search.row_filter import Allowed
from recmind.tools.search.text_index import TextIndex
from recmind.tools.search.word_weights import term_weights
from recmind.tools.search.year_mentions import YearRange, mentioned_years, year_attribute, year_nearness, year_of


def long_query_features(
    index: TextIndex, query: str, vector: Float32s, allowed: Allowed, depth: int
) -> tuple[Int64s, Float64s]:
    """The features of the items that a long request may mean.

    Args:
        index: the items.
        query: the request.
        vector: float32 of shape (dimension,): the request's vector, of length 1.
        allowed: the items to choose from.
        depth: number of the best items by words, and of the best by meaning, that are looked at.

    Returns:
        Item numbers (int64), and float64 of shape (items, 3): the features that ``FeatureWeights`` weighs.
    """
    weights, years = term_weights(query), mentioned_years(query)
    holding, scores, idf_sum = index.words.scores(weights)
    whole = max(idf_sum, 1e-9) ** 0.5
    near, _ = index.vector_index.nearest(vector, depth, allowed.rows)
    open_to = np.flatnonzero(allowed.rows.holds(holding))
    found = np.union1d(near, holding[open_to[highest(scores[open_to], depth)]])
    places, has_words = index_in_sorted(holding, found)
    by_words = np.where(has_words, scores[places], 0) if len(scores) else np.zeros(len(found), np.float32)
    similarities = row_dots(index.vectors[found], vector)
    parts = [by_words / whole, similarities / index.similarity_std, year_nearness(index.years[found], years)]
    known = np.stack(parts, axis=1).astype(np.float64)
    if not len(allowed.unindexed):
        return index.numbers[found], known
    # Items added after the index was built have words and a year, but no vector: they get the mean similarity.
    usual = float(known[:, 1].mean()) if len(known) else 0.0
    unindexed = [number for number, _ in index.store.full_text.search(query, n=depth, numbers=allowed.unindexed)]
    fresh = _unindexed_features(index, unindexed, weights, whole, years)
    return np.concatenate([index.numbers[found], fresh[0]]), np.concatenate([known, fresh[1] + [0.0, usual, 0.0]])


def _unindexed_features(
    index: TextIndex, numbers: Sequence[int], weights: Mapping[str, float], whole: float, years: Sequence[YearRange]
) -> tuple[Int64s, Float64s]:
    """The same for items that the index does not have, with 0 for their meaning."""
    year_name = year_attribute(index.store.catalogue())
    ids = index.store.items.ids_of(numbers)
    items = index.store.items.get_many(ids.values())
    kept = [(number, items[item_id]) for number, item_id in ids.items() if item_id in items]
    words = [index.words.score_of(stems_by_field(item, index.store.settings), weights) / whole for _, item in kept]
    own_years = np.array([year_of(item, year_name) for _, item in kept], dtype=np.float32)
    parts = np.stack([np.array(words), np.zeros(len(kept)), year_nearness(own_years, years)], axis=1)
    return np.array([number for number, _ in kept], dtype=np.int64), parts.astype(np.float64)
