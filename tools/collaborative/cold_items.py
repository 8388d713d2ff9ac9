"""Cold-start items, which nobody took yet: found by their texts, and put on every fourth place after the tenth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from recmind.data.arrays import Float32s, Int64s, index_in_sorted, row_dots
from recmind.tools.collaborative.similarity import ItemEmbeddings

T = TypeVar("T")

BEFORE, EVERY = 10, 4
"""The first ten places are earned; of those after them, every fourth goes to an item that could not earn one yet."""
MOST = 10_000
"""At most this many are compared, those that came to the catalogue last."""


@dataclass(frozen=True, slots=True)
class ColdItems:
    """The items with a text and no interactions; threads may share it."""

    numbers: Int64s
    """Sorted."""
    vectors: Float32s
    """Of shape (numbers, dimension), each of length 1."""

    @classmethod
    def of(cls, embeddings: ItemEmbeddings, taken: Int64s) -> ColdItems:
        """Those of the embedded items whose numbers are not among the sorted ones that were taken."""
        rows = np.flatnonzero(~index_in_sorted(taken, embeddings.numbers)[1])[-MOST:]
        return cls(np.asarray(embeddings.numbers[rows]), np.asarray(embeddings.vectors[rows]))

    def nearest(
        self, direction: Float32s, n: int, exclude: Collection[int] = (), allowed: Int64s | None = None
    ) -> Int64s:
        """The n item numbers whose texts point in this direction most, ties by number.

        Args:
            direction: as long as a vector.
            n: at most this many.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        places, known = index_in_sorted(self.numbers, np.fromiter(exclude, np.int64, len(exclude)))
        may_come = np.ones(len(self.numbers), dtype=np.bool_)
        may_come[places[known]] = False
        if allowed is not None:
            may_come &= index_in_sorted(allowed, self.numbers)[1]
        # All are compared: to gather those that may come would copy them.
        likeness = np.where(may_come, row_dots(self.vectors, direction), -np.inf)
        best = np.lexsort((np.arange(len(likeness)), -likeness))[: min(n, int(may_come.sum()))]
        return self.numbers[best]


def cold_places(n: int) -> int:
    """How many of the first n places are for cold items."""
    return max(0, n - BEFORE) // EVERY


def interleave(earned: Sequence[T], cold: Sequence[T]) -> list[T]:
    """Both as one list, each in its order, the cold ones on their places; what is left over of them comes last."""
    result, waiting = list(earned[:BEFORE]), list(cold)
    step = EVERY - 1
    for start in range(BEFORE, max(len(earned), BEFORE), step):
        block = earned[start : start + step]
        result += block
        if waiting and len(block) == step:
            result.append(waiting.pop(0))
    return result + waiting
