"""The training set of ``Confidence``: the newest interactions of each user, held out, and the past before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Bools, Float32s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.tools.collaborative.user_sequence import SequenceItem, sequences_of

SHARE = 0.2
"""The share of a user's interactions that is held out, the newest; at least one."""
MOST = 10
"""Largest number held out of one user. Otherwise users with long histories would outweigh all others, and what somebody
takes much later is another question than what they take next."""
LEAST_PAST = 3
"""Least number of interactions that stay with a user of whom some are held out."""
MOST_USERS = 5_000
"""Largest number of users, drawn at random, to learn a handful of weights from."""


@dataclass(frozen=True, slots=True)
class HeldOutUser:
    """One user: the past that may be known, and what came true afterwards."""

    user_number: int
    past: tuple[SequenceItem, ...]
    values: Float32s
    """The value of each past item, NaN where it has none of the graded kind."""
    item_numbers: Int64s
    labels: Bools


@dataclass(frozen=True, slots=True)
class HeldOutUsers:
    """All users of whom interactions are held out."""

    arrays: InteractionArrays
    rest: InteractionArrays
    weight: Float32s
    """The weight of all interactions, held out or not: labels are judged by all that the user ever did."""
    held: Bools
    kind: str | None
    catalogue: Int64s
    settings: Settings

    @property
    def count(self) -> int:
        """The number of users to learn from."""
        return min(len(np.unique(self.arrays.user_numbers[self.held])), MOST_USERS)

    def each(self, rng: np.random.Generator) -> Iterator[HeldOutUser]:
        """The users with labels.

        Args:
            rng: draws the users and the items that were not taken.

        Yields:
            One user after the other; an item that is in the past as well has no label.
        """
        rows = np.flatnonzero(self.held)
        users = np.unique(self.arrays.user_numbers[rows])
        if len(users) > MOST_USERS:
            users = np.sort(rng.choice(users, size=MOST_USERS, replace=False))
        bounds = [
            np.column_stack([np.searchsorted(numbers, users, side=side) for side in ("left", "right")]).tolist()
            for numbers in (self.arrays.user_numbers, self.arrays.user_numbers[rows])
        ]
        pasts = sequences_of(self.rest, users, self.settings, self.kind)
        for user, (past, values), touched, held in zip(users.tolist(), pasts, *bounds, strict=True):
            taken = self.arrays.item_numbers[rows[slice(*held)]]
            new = ~np.isin(taken, [known.item_number for known in past])
            numbers = taken[new].astype(np.int64)
            labels = self.weight[rows[slice(*held)]][new] > 0
            if self.kind is None:
                others = self._not_taken(len(numbers), self.arrays.item_numbers[slice(*touched)], rng)
                labels = np.concatenate((np.ones(len(numbers), np.bool_), np.zeros(len(others), np.bool_)))
                numbers = np.concatenate((numbers, others))
            if len(numbers):
                yield HeldOutUser(user, past, values, numbers, labels)

    def _not_taken(self, n: int, taken: npt.NDArray[Any], rng: np.random.Generator) -> Int64s:
        """The numbers of n items drawn uniformly from those not taken; fewer where the user took nearly everything."""
        drawn = self.catalogue[rng.integers(0, len(self.catalogue), n + 20)]
        return drawn[~np.isin(drawn, taken)][:n]


def graded_kind(arrays: InteractionArrays, settings: Settings) -> str | None:
    """The graded kind with the most values, or None where no graded kind has values."""
    known = np.bincount(arrays.kinds[~np.isnan(arrays.values)], minlength=len(arrays.kind_names))
    graded = [n for n, name in enumerate(arrays.kind_names) if settings.graded(name) and known[n]]
    return arrays.kind_names[max(graded, key=lambda n: known[n])] if graded else None


def label_mask(arrays: InteractionArrays, weight: Float32s, kind: str | None) -> Bools:
    """True for each interaction that has a label, in the order of the arrays.

    Args:
        arrays: the interactions.
        weight: float32: what each interaction says, as ``recmind.data.signals.weights`` gives it.
        kind: the graded kind, whose values are the labels; None: interactions that show that the item was taken.
    """
    if kind is None:
        return np.asarray(weight > 0)
    return np.asarray((arrays.kinds == arrays.kind_names.index(kind)) & ~np.isnan(arrays.values))


def held_out(arrays: InteractionArrays, labels: Bools) -> Bools:
    """True for the newest of each user's interactions that have a label, in the order of the arrays.

    Args:
        arrays: the interactions, sorted by user, time and position.
        labels: True for each interaction that has a label.
    """
    rows = np.flatnonzero(labels)
    _, owner, count = np.unique(arrays.user_numbers[rows], return_inverse=True, return_counts=True)
    taken = np.clip((count * SHARE).astype(np.int64), 1, MOST)
    taken[count <= LEAST_PAST] = 0
    place = np.arange(len(rows)) - (np.cumsum(count) - count)[owner]
    held = np.zeros(len(arrays), dtype=np.bool_)
    held[rows[place >= (count - taken)[owner]]] = True
    return held
