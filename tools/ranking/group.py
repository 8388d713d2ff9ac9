"""Recommendations for several people: how well each candidate fits every member, and one order for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from recmind.data.choices import Aggregation
from recmind.tools.ranking.hybrid import Ranked

T = TypeVar("T")

FIT = "fit "
"""Beginning of the names of members' fits among the parts of a score: ``fit 1`` is the first member's."""


def together(rankings: Sequence[Sequence[Ranked]], aggregation: Aggregation) -> list[Ranked]:
    """One ranking of the same candidates, best first, made of each member's own ranking.

    The fit of a candidate for a member is the share of the other candidates that the member's own ranking puts below it
    (half of those it ties with). 1 is the member's best, 0 the worst, so that no member's scale outweighs another's.
    Ties of the score are decided by the average fit.

    Args:
        rankings: each member's ranking of the candidates.
        aggregation: the score is the ``average`` of the fits, the lowest (``least-misery``) or the highest
            (``most-pleasure``).
    """
    ids = [ranked.item_id for ranked in rankings[0]]
    fits = np.column_stack([_fits(ranking, ids) for ranking in rankings])
    mean = fits.mean(axis=1)
    score = {"average": mean, "least-misery": fits.min(axis=1), "most-pleasure": fits.max(axis=1)}[aggregation]
    order = np.lexsort((np.arange(len(ids)), -mean, -np.round(score, 6)))
    return [
        Ranked(
            ids[place],
            round(float(score[place]), 6),
            {f"{FIT}{n}": round(float(fit), 4) for n, fit in enumerate(fits[place], 1)},
        )
        for place in order.tolist()
    ]


def _fits(ranking: Sequence[Ranked], ids: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The fit of each of these items, 0 to 1, of shape (items,)."""
    scores = {ranked.item_id: ranked.score for ranked in ranking}
    values = np.array([scores[item_id] for item_id in ids])
    if len(values) < 2:
        return np.ones(len(values))
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    ties = np.searchsorted(ordered, values, "right") - below - 1
    return np.asarray((below + ties / 2) / (len(values) - 1))


def in_turns(lists: Sequence[Sequence[T]]) -> list[T]:
    """The first value of each list, then the second of each, and so on."""
    longest = max(map(len, lists), default=0)
    return [values[place] for place in range(longest) for values in lists if place < len(values)]
