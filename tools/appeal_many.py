"""``Appeal.ask`` for many users at once: for lists that are made for everybody, and for measuring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float64s, Int64s, places_of
from recmind.tools.appeal import CANDIDATES, Appeal
from recmind.tools.blocks import Block, blocks
from recmind.tools.collaborative.cold_items import cold_places, interleave
from recmind.tools.collaborative.user_sequence import UserSequences


@dataclass(frozen=True, slots=True)
class Answers:
    """What each user takes likeliest, of shape (users, n), the likeliest first."""

    item_numbers: Int64s
    """-1 where a user has fewer."""
    scores: Float64s
    """As ``Appeal.ask`` gives them; NaN where there is no item."""

    @classmethod
    def none(cls, users: int, n: int) -> Answers:
        """Nothing yet for so many users."""
        return cls(np.full((users, n), -1, np.int64), np.full((users, n), np.nan))


def ask_many(appeal: Appeal, pasts: UserSequences, n: int, allowed: Int64s | None = None) -> Answers:
    """The items and scores that ``Appeal.ask`` gives to each of these pasts, without what led to them.

    Scores may differ by rounding: several times faster, for a single thread.

    Args:
        appeal: what is asked.
        pasts: of the users, in the order of the answers.
        n: at most so many for each.
        allowed: sorted item numbers; only these may come. None allows all.
    """
    answers = Answers.none(len(pasts), n)
    for first, block in blocks(appeal, pasts):
        users = slice(first, first + block.users)
        found = _likeliest(block, n, allowed)
        answers.item_numbers[users], answers.scores[users] = found.item_numbers, found.scores
    return answers


def _likeliest(block: Block, n: int, allowed: Int64s | None) -> Answers:
    pairs, found = block.candidates(max(n, CANDIDATES), allowed)
    numbers, logits = np.full(found.shape, -1, np.int64), np.full(found.shape, -np.inf)
    numbers[found], logits[found] = pairs.numbers, block.logits(pairs)
    if cold_places(n):
        return _with_newcomers(block, numbers, logits, n, allowed)
    best = logits.max(axis=1, initial=-np.inf, keepdims=True)
    odds = np.exp(logits - np.where(np.isinf(best), 0.0, best))
    order = np.argsort(-odds, axis=1, kind="stable")[:, :n]
    kept, answers = np.take_along_axis(found, order, axis=1), Answers.none(block.users, n)
    answers.item_numbers[:, : order.shape[1]][kept] = np.take_along_axis(numbers, order, axis=1)[kept]
    answers.scores[:, : order.shape[1]][kept] = np.take_along_axis(odds, order, axis=1)[kept]
    return answers


def _with_newcomers(block: Block, numbers: Int64s, logits: Float64s, n: int, allowed: Int64s | None) -> Answers:
    """The same with items that nobody took yet on the places that are theirs."""
    answers = Answers.none(block.users, n)
    for user in range(block.users):
        found = numbers[user][numbers[user] >= 0]
        if not len(found):
            continue
        new = _newcomers(block, user, cold_places(n), allowed)
        new = new[~np.isin(new, found)]
        own = block.pairs([new if place == user else new[:0] for place in range(block.users)])
        both = np.concatenate((logits[user, : len(found)], block.logits(own)))
        odds = np.exp(both - both.max())
        order = np.argsort(-odds[: len(found)], kind="stable")[:n]
        earned = list(zip(found[order].tolist(), odds[order].tolist(), strict=True))
        introduced = list(zip(new.tolist(), odds[len(found) :].tolist(), strict=True))
        for place, (number, score) in enumerate(interleave(earned, introduced)[:n]):
            answers.item_numbers[user, place], answers.scores[user, place] = number, score
    return answers


def _newcomers(block: Block, user: int, n: int, allowed: Int64s | None) -> Int64s:
    past = slice(block.pasts.starts[user], block.pasts.starts[user + 1])
    numbers, liked = block.pasts.item_numbers[past], block.pasts.weights[past] > 0
    texts = block.appeal.texts
    if texts is None or not places_of(texts.numbers, numbers[liked])[1].any():
        return np.empty(0, np.int64)
    return block.appeal.newcomers().nearest(block.direction("text")[user], n, numbers.tolist(), allowed)
