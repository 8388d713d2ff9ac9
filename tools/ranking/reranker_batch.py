"""``Reranker.recommend`` for many users at once: for lists that are made for everybody, and for measuring."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Float64s, Int64s
from recmind.tools.collaborative.cold_items import interleave
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.ranking.features import FEATURES
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.ranking.user_state import UserState

PLACES, LINKS = 200_000, 400_000
"""Users of a batch times the items they may reach, and its links: what is summed at a time stays near the processor."""
MOST_USERS = 1_000
"""Of a batch."""


@dataclass(frozen=True, slots=True)
class BatchRecommendations:
    """What each user takes likeliest, of shape (users, n), the likeliest first."""

    item_numbers: Int64s
    """-1 where a user has fewer."""
    scores: Float64s
    """As ``Reranker.recommend`` gives them; NaN where there is no item."""


def recommend_batch(
    reranker: Reranker, sequences: UserSequences, n: int, allowed: Int64s | None = None
) -> BatchRecommendations:
    """The items and scores that ``Reranker.recommend`` gives to each of these pasts, without what led to them.

    Args:
        reranker: what is asked.
        sequences: of the users, in the order of the answers.
        n: at most this many for each.
        allowed: sorted item numbers; only these may come. None allows all.
    """
    numbers, scores = np.full((sequences.users, n), -1, np.int64), np.full((sequences.users, n), np.nan)
    items = reranker.columns(all_items=True)
    for first, state in user_states(reranker, sequences, [name for name in FEATURES if reranker.weights.get(name)]):
        found = reranker.ordered(state, items, n, allowed=allowed)
        rows, width = slice(first, first + state.history.users), found.numbers.shape[1]
        numbers[rows, :width] = found.numbers
        scores[rows, :width] = np.where(found.numbers >= 0, found.odds, np.nan)
        for user in np.flatnonzero((found.cold >= 0).any(axis=1)).tolist():
            earned, new = (
                [pair for pair in zip(of.tolist(), odds.tolist(), strict=True) if pair[0] >= 0]
                for of, odds in ((found.numbers[user], found.odds[user]), (found.cold[user], found.cold_odds[user]))
            )
            for place, pair in enumerate(interleave(earned, new)[:n]):
                numbers[first + user, place], scores[first + user, place] = pair
    return BatchRecommendations(numbers, scores)


def user_states(
    reranker: Reranker, sequences: UserSequences, names: Collection[str]
) -> Iterator[tuple[int, UserState]]:
    """All users in batches.

    Args:
        reranker: whose parts the states are made from.
        sequences: the pasts of the users.
        names: of the features that the states are for.

    Yields:
        Where the batch begins among the users, and its state.
    """
    model = reranker.collaborative
    lengths = np.append(np.diff(model.starts), 0)
    links = np.concatenate(([0], np.cumsum(lengths[model.positions_of(sequences.item_numbers)])))[sequences.starts]
    first = 0
    while first < sequences.users:
        # As many of the next users as stay within both limits, one at least.
        ahead = links[first + 1 : first + 1 + MOST_USERS] - links[first]
        places = np.minimum(ahead, len(model.items)) * np.arange(1, len(ahead) + 1)
        last = first + max(1, int(np.count_nonzero((places <= PLACES) & (ahead <= LINKS))))
        yield first, reranker.state_of(sequences.rows(first, last), names)
        first = last
