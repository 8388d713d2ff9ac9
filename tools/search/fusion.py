"""Combines several features of relevance into one order: by rank for short queries, by learned weights for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Float32s, Float64s, Int64s

RANK_OFFSET = 60
"""The k of reciprocal rank fusion (Cormack et al., 2009): an item at rank r of a list gains 1 / (k + r)."""


@dataclass(frozen=True, slots=True)
class FeatureWeights:
    """What one unit of each feature adds to the logit of "this is the item that the person means".

    Learned on 1,391 posts by people who look for a film they cannot name, over 9,742 films
    (``scripts/benchmarks/requests.py`` learns them anew on four fifths of the posts, and measures on the last fifth).
    No feature is particular to films. Where a catalogue has no years or no descriptions, that feature decides nothing.
    """

    words: float = 2.1
    """Weight of the words' score, divided by the root of the largest score that the request's words could have."""
    meaning: float = 2.0
    """Weight of the cosine similarity, in units of ``similarity_std``."""
    years: float = 2.9
    """Weight of ``recmind.tools.search.year_mentions.year_nearness``."""

    def of(self, features: Float64s) -> Float64s:
        """The logit of each item, float64 of shape (items,).

        Args:
            features: float64 of shape (items, 3): words, meaning, years.
        """
        return np.asarray(features @ np.array(astuple(self)), dtype=np.float64)


FEATURE_WEIGHTS = FeatureWeights()

USUAL_STD = 0.15
"""Value for all-MiniLM-L6-v2 over a large catalogue; used where there are too few vectors to measure it."""
_FEW_VECTORS = 100
_SAMPLE = 256


def similarity_std(vectors: Float32s) -> float:
    """The standard deviation of the cosine similarities between items, which differs between encoders."""
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)][:_SAMPLE]
    if len(sample) < _FEW_VECTORS:
        return USUAL_STD
    between = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return max(float(between.std()), 1e-3)


def fuse(lists: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Item numbers with scores by reciprocal rank over several lists, best first, ties by number.

    Scores are above 0, at most 1; 1 is the first place in every list.
    """
    best = len(lists) / (RANK_OFFSET + 1)
    scores: dict[int, float] = {}
    for ranked in lists:
        for rank, number in enumerate(ranked, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (RANK_OFFSET + rank) / best
    # A stable sort: numbers in order first, then the scores.
    return sorted(sorted(scores.items()), key=itemgetter(1), reverse=True)


def by_logit(numbers: Int64s, logits: Float64s) -> list[tuple[int, float]]:
    """Item numbers with scores by their logit, best first, ties by number.

    The score is 1 / (1 + d), where d is the distance of the logit from the best one: above 0, at most 1.
    """
    if not len(numbers):
        return []
    scores = 1 / (1 + logits.max() - logits)
    order = np.lexsort((numbers, -logits))
    return list(zip(numbers[order].tolist(), scores[order].tolist(), strict=True))


def highest(scores: Float32s, n: int) -> NDArray[np.intp]:
    """The places of the n highest scores, in no order; of equal ones the first."""
    if len(scores) <= n:
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - n)[len(scores) - n]
    above = np.flatnonzero(scores > least)
    return np.concatenate((above, np.flatnonzero(scores == least)[: n - len(above)]))
