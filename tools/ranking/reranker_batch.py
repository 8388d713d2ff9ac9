"""``Reranker.recommend`` for many users at once: for lists that are made for everybody, and for measuring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float64s, Int64s, index_in_sorted
from recmind.tools.collaborative.cold_items import cold_places, interleave
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.ranking.batch_features import UserBatch, user_batches
from recmind.tools.ranking.reranker import CANDIDATES, Reranker


@dataclass(frozen=True, slots=True)
class BatchRecommendations:
    """What each user takes likeliest, of shape (users, n), the likeliest first."""

    item_numbers: Int64s
    """-1 where a user has fewer."""
    scores: Float64s
    """As ``Reranker.recommend`` gives them; NaN where there is no item."""

    @classmethod
    def none(cls, users: int, n: int) -> BatchRecommendations:
        """Nothing yet for this many users."""
        return cls(np.full((users, n), -1, np.int64), np.full((users, n), np.nan))


def recommend_batch(
    reranker: Reranker, sequences: UserSequences, n: int, allowed: Int64s | None = None
) -> BatchRecommendations:
    """The items and scores that ``Reranker.recommend`` gives to each of these pasts, without what led to them.

    Scores may differ by rounding: several times faster, for a single thread.

    Args:
        reranker: what is asked.
        sequences: of the users, in the order of the answers.
        n: at most this many for each.
        allowed: sorted item numbers; only these may come. None allows all.
    """
    answers = BatchRecommendations.none(len(sequences), n)
    for first, batch in user_batches(reranker, sequences):
        users = slice(first, first + batch.users)
        found = _likeliest(batch, n, allowed)
        answers.item_numbers[users], answers.scores[users] = found.item_numbers, found.scores
    return answers


def _likeliest(batch: UserBatch, n: int, allowed: Int64s | None) -> BatchRecommendations:
    pairs, found = batch.candidates(max(n, CANDIDATES), allowed)
    numbers, logits = np.full(found.shape, -1, np.int64), np.full(found.shape, -np.inf)
    numbers[found], logits[found] = pairs.numbers, batch.logits(pairs)
    if cold_places(n):
        return _with_cold_items(batch, numbers, logits, n, allowed)
    best = logits.max(axis=1, initial=-np.inf, keepdims=True)
    odds = np.exp(logits - np.where(np.isinf(best), 0.0, best))
    order = np.argsort(-odds, axis=1, kind="stable")[:, :n]
    kept, answers = np.take_along_axis(found, order, axis=1), BatchRecommendations.none(batch.users, n)
    answers.item_numbers[:, : order.shape[1]][kept] = np.take_along_axis(numbers, order, axis=1)[kept]
    answers.scores[:, : order.shape[1]][kept] = np.take_along_axis(odds, order, axis=1)[kept]
    return answers


def _with_cold_items(
    batch: UserBatch, numbers: Int64s, logits: Float64s, n: int, allowed: Int64s | None
) -> BatchRecommendations:
    """The same with items that nobody took yet on the places that are theirs."""
    answers = BatchRecommendations.none(batch.users, n)
    for user in range(batch.users):
        found = numbers[user][numbers[user] >= 0]
        if not len(found):
            continue
        new = _cold_items(batch, user, cold_places(n), allowed)
        new = new[~np.isin(new, found)]
        own = batch.pairs([new if place == user else new[:0] for place in range(batch.users)])
        both = np.concatenate((logits[user, : len(found)], batch.logits(own)))
        odds = np.exp(both - both.max())
        order = np.argsort(-odds[: len(found)], kind="stable")[:n]
        earned = list(zip(found[order].tolist(), odds[order].tolist(), strict=True))
        introduced = list(zip(new.tolist(), odds[len(found) :].tolist(), strict=True))
        for place, (number, score) in enumerate(interleave(earned, introduced)[:n]):
            answers.item_numbers[user, place], answers.scores[user, place] = number, score
    return answers


def _cold_items(batch: UserBatch, user: int, n: int, allowed: Int64s | None) -> Int64s:
    past = slice(batch.sequences.starts[user], batch.sequences.starts[user + 1])
    numbers, liked = batch.sequences.item_numbers[past], batch.sequences.weights[past] > 0
    embeddings = batch.reranker.embeddings
    if embeddings is None or not index_in_sorted(embeddings.numbers, numbers[liked])[1].any():
        return np.empty(0, np.int64)
    return batch.reranker.cold_items().nearest(batch.direction("text")[user], n, numbers.tolist(), allowed)
