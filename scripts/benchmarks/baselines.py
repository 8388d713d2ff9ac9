"""The baselines of the figures: popularity, and EASE (Steck, 2019) with and without decay in the user vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recmind.data.arrays import Float64s, index_in_sorted
from recmind.tools.index.tuning import Slice

REGULARIZATION = 300.0
"""Of EASE; with a decay of 5 interactions it did best, as 500 did, on the second-newest ratings of latest-small."""
DECAYED_REGULARIZATION = 500.0
DECAY = 5.0
"""In interactions: a past item counts exp(-age / DECAY)."""


def popularity(part: Slice) -> Float64s:
    """The rank of each target by the number of interactions of the items; float64, from 1.

    All items with interactions are ranked except those of the user's past. Half of the items that tie with the target
    count as better. Infinite for a target without interactions. The other functions of this module return the same for
    other scores.
    """
    known = _InteractionMatrix(part)
    counts = np.asarray(known.taken.sum(axis=0), dtype=np.float64)
    return known.ranks(np.tile(counts, (len(part.users), 1)))


def ease(part: Slice) -> Float64s:
    """The rank of each target by EASE."""
    known = _InteractionMatrix(part)
    return known.ranks(known.ease(known.taken, REGULARIZATION))


def ease_with_decay(part: Slice) -> Float64s:
    """The rank of each target by EASE with a user vector in which the newest items count most."""
    known = _InteractionMatrix(part)
    rest = part.rest
    return known.ranks(known.ease(known.matrix(np.exp(-rest.ages / DECAY)), DECAYED_REGULARIZATION))


class _InteractionMatrix:
    """The histories as a matrix of users and items."""

    def __init__(self, part: Slice) -> None:
        self.part = part
        self.users, self.rows = np.unique(part.rest.user_numbers, return_inverse=True)
        self.items, self.columns = np.unique(part.rest.item_numbers, return_inverse=True)
        self.taken = self.matrix(np.ones(len(part.rest)))
        self.taken.data[:] = 1.0
        self.asked = np.searchsorted(self.users, part.users)

    def matrix(self, values: Float64s) -> Any:
        """CSR of shape (users, items) with these values of the interactions."""
        from scipy.sparse import csr_array

        return csr_array((values, (self.rows, self.columns)), shape=(len(self.users), len(self.items)))

    def ease(self, vectors: Any, regularization: float) -> Float64s:
        """Scores of shape (users asked, items); the weight of an item for itself is left out.

        In the dual form, with an inverse over users in place of items: lambda (X'X + lambda)^-1 is 1 - X' (XX' +
        lambda)^-1 X.
        """
        taken = self.taken
        inverse = np.linalg.inv((taken @ taken.T).toarray() + regularization * np.eye(len(self.users)))
        projected = inverse @ taken.toarray()
        diagonal = 1 - taken.multiply(projected).sum(axis=0)
        scores: Float64s = np.asarray((vectors @ taken.T) @ projected)[self.asked] / np.asarray(diagonal)
        return scores

    def ranks(self, scores: Float64s) -> Float64s:
        """The ranks of the targets by scores of shape (users asked, items)."""
        scores[self.taken[self.asked].toarray() > 0] = -np.inf
        places, met = index_in_sorted(self.items, self.part.targets)
        of_target = scores[np.arange(len(scores)), places][:, None]
        better, tied = (scores > of_target).sum(axis=1), (scores == of_target).sum(axis=1) - 1
        return np.where(met & np.isfinite(of_target[:, 0]), 1 + better + tied / 2, np.inf)


BASELINES: Mapping[str, Callable[[Slice], Float64s]] = {
    "ease_with_decay": ease_with_decay,
    "ease": ease,
    "popularity": popularity,
}
