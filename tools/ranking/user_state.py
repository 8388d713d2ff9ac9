"""Per-user scoring state, and an LRU cache of it for the pasts that were asked with last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s
from recmind.tools.collaborative.model import SeedVector
from recmind.tools.collaborative.user_sequence import SequenceItem

LARGEST_BYTES = 64 * 2**20
"""What the cached states may hold; the longest unused go first."""


@dataclass(frozen=True, slots=True)
class UserState:
    """What scoring needs of a user's past: all that does not depend on the candidates."""

    table: Float64s
    """The past items, as ``recmind.tools.collaborative.model.sequence_table`` gives them."""
    seeds: SeedVector
    """Weighted by recency."""
    totals: Mapping[str, Float64s]
    """By name of ``recmind.tools.ranking.reranker.LINKED``: the total
    score of each column of the neighbors, relative to the largest."""
    directions: Mapping[str, Float32s]
    """By name of ``text`` and ``text_newest``: the direction of the past's texts."""
    day: float
    """Of the newest interaction, since 1970; NaN where no time is known."""

    @property
    def size(self) -> int:
        """Bytes of the arrays that grow with the past and with what it leads to."""
        seeds = self.seeds
        arrays: list[npt.NDArray[Any]] = [self.table, seeds.totals, seeds.neighbors.columns, seeds.neighbors.values]
        arrays += [*self.totals.values(), *self.directions.values()]
        return sum(array.nbytes for array in arrays)


class UserStateCache:
    """What the last pasts lead to: a request asks several times with the same one, and beside it others do with theirs.

    Only for pasts that cannot change, which are known by their identity. For all threads.
    """

    def __init__(self, largest_bytes: int = LARGEST_BYTES) -> None:
        self._largest = largest_bytes
        self._found: OrderedDict[int, tuple[Sequence[SequenceItem], frozenset[str], UserState]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, history: Sequence[SequenceItem], wanted: frozenset[str]) -> UserState | None:
        """The state of this past with at least the features that are wanted, or None where there is none."""
        with self._lock:
            known = self._found.get(id(history))
            if known is None or known[0] is not history or not known[1] >= wanted:
                return None
            self._found.move_to_end(id(history))
            return known[2]

    def put(self, history: tuple[SequenceItem, ...], wanted: frozenset[str], state: UserState) -> None:
        """Remember it; the past is held, so that its identity stays its own."""
        with self._lock:
            self._drop(id(history))
            self._found[id(history)] = history, wanted, state
            self._bytes += state.size
            while self._bytes > self._largest:
                self._drop(next(iter(self._found)))

    def _drop(self, key: int) -> None:
        if key in self._found:
            self._bytes -= self._found.pop(key)[2].size
