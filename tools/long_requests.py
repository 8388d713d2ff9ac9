"""What speaks for an item of a long request: its words, each by its worth, its meaning, and the years it mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, dots, places_of
from recmind.tools.eras import Era, mentioned, nearness, year_attribute, year_of
from recmind.tools.everyday_words import word_weights
from recmind.tools.fusion import highest
from recmind.tools.item_text import stems_by_field
from recmind.tools.rows import Allowed

if TYPE_CHECKING:
    from recmind.tools.search import ItemSearch


def signs(search: ItemSearch, query: str, asked: Float32s, allowed: Allowed, depth: int) -> tuple[Int64s, Float64s]:
    """What speaks for each of the items that a long request may mean.

    Args:
        search: whose items they are.
        query: the request.
        asked: its vector, of length 1.
        allowed: the items to choose from.
        depth: how many of the best by words, and by meaning, are looked at.

    Returns:
        Their item numbers, and float64 of shape (items, 3): the signs that ``SignWeights`` weighs.
    """
    weights, eras = word_weights(query), mentioned(query)
    holding, scores, mass = search.words.scores(weights)
    whole = max(mass, 1e-9) ** 0.5
    near, _ = search.index.nearest(asked, depth, allowed.rows)
    open_to = np.flatnonzero(allowed.rows.holds(holding))
    found = np.union1d(near, holding[open_to[highest(scores[open_to], depth)]])
    places, has_words = places_of(holding, found)
    by_words = np.where(has_words, scores[places], 0) if len(scores) else np.zeros(len(found), np.float32)
    similarities = dots(search.vectors[found], asked)
    parts = [by_words / whole, similarities / search.spread, nearness(search.years[found], eras)]
    known = np.stack(parts, axis=1).astype(np.float64)
    if not len(allowed.late):
        return search.numbers[found], known
    # Items that have come since the index was built have words and a year, but no vector: they get a usual one.
    usual = float(known[:, 1].mean()) if len(known) else 0.0
    late = [number for number, _ in search.store.full_text.search(query, n=depth, numbers=allowed.late)]
    fresh = _late(search, late, weights, whole, eras)
    return np.concatenate([search.numbers[found], fresh[0]]), np.concatenate([known, fresh[1] + [0.0, usual, 0.0]])


def _late(
    search: ItemSearch, numbers: Sequence[int], weights: Mapping[str, float], whole: float, eras: Sequence[Era]
) -> tuple[Int64s, Float64s]:
    """The same for items that the index does not have, with 0 for their meaning."""
    year_name = year_attribute(search.store.catalogue())
    ids = search.store.items.ids_of(numbers)
    items = search.store.items.get_many(ids.values())
    kept = [(number, items[item_id]) for number, item_id in ids.items() if item_id in items]
    words = [search.words.score_of(stems_by_field(item, search.store.settings), weights) / whole for _, item in kept]
    years = np.array([year_of(item, year_name) for _, item in kept], dtype=np.float32)
    parts = np.stack([np.array(words), np.zeros(len(kept)), nearness(years, eras)], axis=1)
    return np.array([number for number, _ in kept], dtype=np.int64), parts.astype(np.float64)
