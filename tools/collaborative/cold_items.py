"""Cold-start items, which have no interactions: found by their texts, placed on every fourth place after the tenth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from recmind.data.arrays import Float32s, Int64s, index_in_sorted, row_dots
from recmind.tools.collaborative.similarity import ItemEmbeddings

T = TypeVar("T")

BEFORE, EVERY = 10, 4
"""The first BEFORE places go to ranked items; after them, every EVERY-th place goes to a cold item."""
MOST = 10_000
"""Largest number of cold items that are compared: those added to the catalogue last."""


@dataclass(frozen=True, slots=True)
class ColdItems:
    """The items with a text and no interactions; threads may share it."""

    numbers: Int64s
    """Item numbers, sorted."""
    vectors: Float32s
    """Shape (numbers, dimension); each row has length 1."""

    @classmethod
    def of(cls, embeddings: ItemEmbeddings, taken: Int64s) -> ColdItems:
        """The embedded items that have no interactions, the last ``MOST`` of them.

        Args:
            embeddings: the items with a text.
            taken: int64, sorted: numbers of the items with interactions.
        """
        rows = np.flatnonzero(~index_in_sorted(taken, embeddings.numbers)[1])[-MOST:]
        return cls(np.asarray(embeddings.numbers[rows]), np.asarray(embeddings.vectors[rows]))

    def nearest(
        self, direction: Float32s, n: int, exclude: Collection[int] = (), allowed: Int64s | None = None
    ) -> Int64s:
        """The numbers of the n cold items whose texts are nearest to a direction, nearest first, ties by number.

        Args:
            direction: float32 of shape (dimension,).
            n: largest number of items to return.
            exclude: item numbers that must not come.
            allowed: int64, sorted: only these item numbers may come. None allows all.
        """
        may_come = ~np.isin(self.numbers, np.fromiter(exclude, np.int64, len(exclude)))
        if allowed is not None:
            may_come &= index_in_sorted(allowed, self.numbers)[1]
        # All are compared: gathering the allowed ones first would copy them.
        likeness = np.where(may_come, row_dots(self.vectors, direction), -np.inf)
        best = np.lexsort((np.arange(len(likeness)), -likeness))[: min(n, int(may_come.sum()))]
        return self.numbers[best]


def cold_places(n: int) -> int:
    """The number of the first n places that are kept for cold items."""
    return max(0, n - BEFORE) // EVERY


def interleave(earned: Sequence[T], cold: Sequence[T]) -> list[T]:
    """One list of both, each in its own order.

    Args:
        earned: the ranked items, best first.
        cold: the cold items, best first; they get the places that are kept for them, and those left over come last.
    """
    result, waiting = list(earned[:BEFORE]), list(cold)
    step = EVERY - 1
    for start in range(BEFORE, max(len(earned), BEFORE), step):
        block = earned[start : start + step]
        result += block
        if waiting and len(block) == step:
            result.append(waiting.pop(0))
    return result + waiting
