"""Short requests by their words: which items have them, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recmind.data.catalogue import without
from recmind.tools.everyday_words import word_weights
from recmind.tools.fusion import highest
from recmind.tools.rows import Allowed

if TYPE_CHECKING:
    from recmind.tools.search import ItemSearch

MOST_ALLOWED = 0.5
"""With a larger share of items allowed, the first that have a word of the query are most likely enough."""
FEW_ALLOWED = 5_000
"""Up to so many allowed items the full text search scores these alone."""
COMMON = 5_000
"""Above so many mentions of a short query's words in the catalogue its words are looked up in the postings, which are
read in milliseconds; the full text search takes longer with every item that it has to score (270 ms for a word that
100,000 items have)."""


def with_words(search: ItemSearch, query: str, n: int, allowed: Allowed) -> list[int]:
    """The n best of these items by the words of the query."""
    weights = word_weights(query)
    if search.words.mentions(weights) > COMMON:
        return _with_common_words(search, query, weights, n, allowed)
    if allowed.rows.size + len(allowed.late) <= FEW_ALLOWED:
        few = without(allowed.numbers, allowed.barred)
        return [number for number, _ in search.store.full_text.search(query, n=n, numbers=few)]
    kept: list[int] = []
    # Where nearly all are allowed, a few more make up for those that are not; else all that have such a word.
    for most in (2 * n, None) if allowed.rows.share > MOST_ALLOWED else (None,):
        found = search.store.full_text.search(query, n=most)
        ranked = np.array([number for number, _ in found], dtype=np.int64)
        kept = ranked[allowed.holds(ranked)].tolist()
        if len(kept) >= n or (most is not None and len(found) < most):
            break
    return kept[:n]


def _with_common_words(
    search: ItemSearch, query: str, weights: dict[str, float], n: int, allowed: Allowed
) -> list[int]:
    """The same by the postings; of items that they do not have, by the full text search."""
    holding, scores, _ = search.words.scores(weights)
    open_to = np.flatnonzero(allowed.rows.holds(holding))
    best = open_to[highest(scores[open_to], n)]
    ranked = sorted(zip((-scores[best]).tolist(), search.numbers[holding[best]].tolist(), strict=True))
    late = allowed.late
    fresh = search.store.full_text.search(query, n=n, numbers=late) if len(late) else []
    return ([number for _, number in ranked] + [number for number, _ in fresh])[:n]
