"""What ``Confidence`` learns from: the newest interactions of each user, held out, and the past before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.tools.collaborative.user_sequence import UserSequences

SHARE = 0.2
"""Of a user's interactions, the newest; at least one."""
MOST = 10
"""But no more of one user: else people with long histories would be all that is learned from, and what is taken far
ahead is another question than what is taken next."""
LEAST_PAST = 3
"""Interactions that must be left to a user that some are held out of."""
MOST_USERS = 5_000
"""Users, drawn at random, that are enough to learn a handful of weights from."""


@dataclass(frozen=True, slots=True)
class HeldOutUser:
    """One user: what may be known, and what came true."""

    user_number: int
    past: UserSequences
    values: Float32s
    """Of the past items, NaN where they have none of the graded kind."""
    item_numbers: Int64s
    labels: Bools


@dataclass(frozen=True, slots=True)
class HeldOutUsers:
    """All users that something was held out of."""

    arrays: InteractionArrays
    rest: InteractionArrays
    weight: Float32s
    """Of all interactions: what came true is judged by all that the user ever did."""
    held: Bools
    kind: str | None
    catalogue: Int64s
    settings: Settings

    @property
    def count(self) -> int:
        """How many users are asked about."""
        return min(len(np.unique(self.arrays.user_numbers[self.held])), MOST_USERS)

    def each(self, rng: np.random.Generator) -> Iterator[HeldOutUser]:
        """Each user with labels; an item that is in the past as well says nothing. ``rng`` draws what was not taken."""
        rows = np.flatnonzero(self.held)
        users = np.unique(self.arrays.user_numbers[rows])
        if len(users) > MOST_USERS:
            users = np.sort(rng.choice(users, size=MOST_USERS, replace=False))
        bounds = [
            np.column_stack([np.searchsorted(numbers, users, side=side) for side in ("left", "right")]).tolist()
            for numbers in (self.arrays.user_numbers, self.arrays.user_numbers[rows])
        ]
        pasts, values = UserSequences.with_values(self.rest, users, self.settings, self.kind)
        for place, (user, touched, held) in enumerate(zip(users.tolist(), *bounds, strict=True)):
            past, of_past = pasts.rows(place, place + 1), values[pasts.starts[place] : pasts.starts[place + 1]]
            taken = self.arrays.item_numbers[rows[slice(*held)]]
            new = ~np.isin(taken, past.item_numbers)
            numbers = taken[new].astype(np.int64)
            labels = self.weight[rows[slice(*held)]][new] > 0
            if self.kind is None:
                others = self._not_taken(len(numbers), self.arrays.item_numbers[slice(*touched)], rng)
                labels = np.concatenate((np.ones(len(numbers), np.bool_), np.zeros(len(others), np.bool_)))
                numbers = np.concatenate((numbers, others))
            if len(numbers):
                yield HeldOutUser(user, past, of_past, numbers, labels)

    def _not_taken(self, n: int, taken: npt.NDArray[Any], rng: np.random.Generator) -> Int64s:
        """n items drawn uniformly; fewer where the user took nearly everything."""
        drawn = self.catalogue[rng.integers(0, len(self.catalogue), n + 20)]
        return drawn[~np.isin(drawn, taken)][:n]


def graded_kind(arrays: InteractionArrays, settings: Settings) -> str | None:
    """The graded kind with the most values, or None."""
    known = np.bincount(arrays.kinds[~np.isnan(arrays.values)], minlength=len(arrays.kind_names))
    graded = [n for n, name in enumerate(arrays.kind_names) if settings.graded(name) and known[n]]
    return arrays.kind_names[max(graded, key=lambda n: known[n])] if graded else None


def label_mask(arrays: InteractionArrays, weight: Float32s, kind: str | None) -> Bools:
    """Which interactions have a label: the values of the graded kind, or else what shows a taking."""
    if kind is None:
        return np.asarray(weight > 0)
    return np.asarray((arrays.kinds == arrays.kind_names.index(kind)) & ~np.isnan(arrays.values))


def held_out(arrays: InteractionArrays, labels: Bools) -> Bools:
    """The newest of each user's interactions in the mask ``labels``."""
    rows = np.flatnonzero(labels)
    _, owner, count = np.unique(arrays.user_numbers[rows], return_inverse=True, return_counts=True)
    taken = np.clip((count * SHARE).astype(np.int64), 1, MOST)
    taken[count <= LEAST_PAST] = 0
    place = np.arange(len(rows)) - (np.cumsum(count) - count)[owner]
    held = np.zeros(len(arrays), dtype=np.bool_)
    held[rows[place >= (count - taken)[owner]]] = True
    return held
