"""The scoring state of some users, and an LRU cache of it for the single pasts that were asked with last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s, index_in_sorted
from recmind.tools.collaborative.model import CollaborativeModel, Seeds
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import UserSequences

TEXT = ("text", "text_newest")
"""Directions: that of the texts of the past, and of those of its newest items."""
LARGEST_BYTES = 64 * 2**20
"""What the cached states may hold; the longest unused go first."""


@dataclass(frozen=True, slots=True)
class UserState:
    """What scoring needs of the pasts of some users: all that does not depend on the candidates."""

    history: UserSequences
    seeds: Seeds
    """The past items and what they lead to."""
    tops: Mapping[str, Float64s]
    """By name of ``LINKED`` the largest total of each user, 1 where nothing is given."""
    directions: Mapping[str, Float32s]
    """By name of ``TEXT`` where the texts of each user point, of shape (users, dimension) and length 1; 0 where there
    are none."""
    day: Float64s
    """Of each user's newest interaction, since 1970; NaN where no time is known."""

    @classmethod
    def of(
        cls,
        history: UserSequences,
        collaborative: CollaborativeModel,
        embeddings: ItemEmbeddings | None,
        names: Collection[str],
    ) -> UserState:
        """The scoring state of the users with these pasts.

        Args:
            history: the pasts of one user or many.
            collaborative: what the past items lead to.
            embeddings: of the items' texts; None: the pasts have no direction.
            names: of the features that the state is for.
        """
        weighed = collaborative.weighed(history)
        seeds = collaborative.seeds(history, names, weighed)
        tops = {name: total.max(axis=1, initial=0.0) for name, total in seeds.totals.items()}
        return cls(
            history,
            seeds,
            {name: np.where(top > 0, top, 1.0) for name, top in tops.items()},
            {} if embeddings is None else _directions(history, weighed, embeddings, names),
            history.newest_day(),
        )

    @property
    def size(self) -> int:
        """Bytes of the arrays that grow with the past and with what it leads to."""
        neighbors, history = self.seeds.neighbors, self.history
        arrays: list[npt.NDArray[Any]] = [neighbors.cells, neighbors.values]
        arrays += [history.item_numbers, history.weights, history.ages, history.at]
        arrays += [*self.seeds.totals.values(), *self.directions.values()]
        return sum(array.nbytes for array in arrays)


def _directions(
    history: UserSequences, weighed: Float64s, embeddings: ItemEmbeddings, names: Collection[str]
) -> dict[str, Float32s]:
    rows, has_text = index_in_sorted(embeddings.numbers, history.item_numbers)
    leads = has_text & (weighed > 0)
    found = {}
    for name in TEXT:
        if name not in names:
            continue
        chosen = leads
        if name == "text_newest":
            chosen = leads & (history.ages == history.least(np.where(leads, history.ages, np.inf)))
        bounds = np.concatenate(([0], np.cumsum(chosen)))[history.starts].tolist()
        of_chosen, weights = rows[chosen], weighed[chosen].astype(np.float32)
        found[name] = np.zeros((history.users, embeddings.vectors.shape[1]), np.float32)
        for user, (first, last) in enumerate(pairwise(bounds)):
            if last > first:
                mean = np.einsum("i,ij->j", weights[first:last], embeddings.vectors[of_chosen[first:last]])
                found[name][user] = mean / (float(np.linalg.norm(mean)) or 1.0)
    return found


class UserStateCache:
    """What the last pasts lead to: a request asks several times with the same one, and beside it others do with theirs.

    Pasts are known by their identity; they cannot change. For all threads.
    """

    def __init__(self, largest_bytes: int = LARGEST_BYTES) -> None:
        self._largest = largest_bytes
        self._found: OrderedDict[int, UserState] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, history: UserSequences) -> UserState | None:
        """The state of this past, or None where there is none."""
        with self._lock:
            known = self._found.get(id(history))
            if known is None or known.history is not history:
                return None
            self._found.move_to_end(id(history))
            return known

    def put(self, state: UserState) -> None:
        """Remember it; it holds the past, so that the identity of that stays its own."""
        with self._lock:
            self._drop(id(state.history))
            self._found[id(state.history)] = state
            self._bytes += state.size
            while self._bytes > self._largest:
                self._drop(next(iter(self._found)))

    def _drop(self, key: int) -> None:
        if key in self._found:
            self._bytes -= self._found.pop(key).size
