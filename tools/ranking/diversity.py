"""Diversity by maximal marginal relevance (Carbonell and Goldstein, 1998) over a ranking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recmind.data.arrays import Float32s, row_dots

POOL = 5
"""Candidate pool size as a multiple of n."""


def diversified(scores: Sequence[float], vectors: Float32s, n: int, diversity: float) -> list[int]:
    """Places of the ranking in their new order: the first n chosen for score and difference, then the others as before.

    Each next place is the one with the largest (1 - diversity) * score - diversity * (largest cosine with those
    chosen).

    Args:
        scores: 0 to 1, best first.
        vectors: float32 of shape (scores, dimension), each row of length 1, or 0 where an item has no text; such an
            item counts as different from all others.
        n: how many places the person sees.
        diversity: 0 to 1: 0 keeps the ranking, 1 looks only at differences.
    """
    if diversity <= 0 or len(scores) < 2:
        return list(range(len(scores)))
    pool = min(len(scores), POOL * n)
    worth = (1 - diversity) * np.asarray(scores[:pool], dtype=np.float64)
    nearest = np.zeros(pool)
    left = np.ones(pool, dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(n, pool)):
        # Ties go to the better rank: argmax takes the first.
        place = int(np.argmax(np.where(left, worth - diversity * nearest, -np.inf)))
        chosen.append(place)
        left[place] = False
        nearest = np.maximum(nearest, row_dots(vectors[:pool], vectors[place]))
    return [*chosen, *(place for place in range(len(scores)) if place >= pool or left[place])]
