"""Answers a short query by its words: the items that hold them, best first."""

from __future__ import annotations

import numpy as np

from recmind.data.catalogue import without
from recmind.tools.search.fusion import highest
from recmind.tools.search.row_filter import Allowed
from recmind.tools.search.text_index import TextIndex
from recmind.tools.search.word_weights import term_weights

MOST_ALLOWED = 0.5
"""If a larger share of the items is allowed, the first hits most likely hold enough of them."""
FEW_ALLOWED = 5_000
"""Up to this many allowed items, the full-text search scores only these."""
COMMON = 5_000
"""If the words of a short query have more postings than this, they are looked up in the BM25 index, which takes
milliseconds. The full-text search takes longer with every item that it has to score (270 ms for a word that 100,000
items have)."""


def keyword_search(index: TextIndex, query: str, n: int, allowed: Allowed) -> list[int]:
    """The numbers of the n best allowed items by the words of the query, best first.

    Args:
        index: the items.
        query: the words to look for.
        n: the most to return.
        allowed: the items to choose from.
    """
    weights = term_weights(query)
    if index.words.mentions(weights) > COMMON:
        return _with_common_words(index, query, weights, n, allowed)
    if allowed.rows.size + len(allowed.unindexed) <= FEW_ALLOWED:
        few = without(allowed.numbers, allowed.barred)
        return [number for number, _ in index.store.full_text.search(query, n=n, numbers=few)]
    kept: list[int] = []
    # If most items are allowed, twice as many hits mostly hold n of them; otherwise all hits are read.
    for most in (2 * n, None) if allowed.rows.share > MOST_ALLOWED else (None,):
        found = index.store.full_text.search(query, n=most)
        ranked = np.array([number for number, _ in found], dtype=np.int64)
        kept = ranked[allowed.holds(ranked)].tolist()
        if len(kept) >= n or (most is not None and len(found) < most):
            break
    return kept[:n]


def _with_common_words(index: TextIndex, query: str, weights: dict[str, float], n: int, allowed: Allowed) -> list[int]:
    """The same by the BM25 index; items that it does not have come from the full-text search, last."""
    holding, scores, _ = index.words.scores(weights)
    open_to = np.flatnonzero(allowed.rows.holds(holding))
    best = open_to[highest(scores[open_to], n)]
    ranked = sorted(zip((-scores[best]).tolist(), index.numbers[holding[best]].tolist(), strict=True))
    unindexed = allowed.unindexed
    fresh = index.store.full_text.search(query, n=n, numbers=unindexed) if len(unindexed) else []
    return ([number for _, number in ranked] + [number for number, _ in fresh])[:n]
