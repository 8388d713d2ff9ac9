"""Orders candidates by which one the user takes next: a conditional logit (McFadden, 1974) over a few features of each.

``CollaborativeModel`` finds the candidates and says what led there; this orders them. The weights are stated below, or
learned on a validation slice by ``recmind index --tune``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float64s, Int64s, index_in_sorted, row_dots
from recmind.data.errors import RecMindError
from recmind.tools.collaborative.cold_items import ColdItems, cold_places, interleave
from recmind.tools.collaborative.model import CollaborativeHit, CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.ranking.features import FEATURES, ItemColumns, UserItemPairs, features
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.user_state import UserState, UserStateCache

CANDIDATES = 200
"""Candidates that are ordered: those with the strongest links."""

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "linked": 2.0,
    "long_term": 0.6,
    "popularity": -0.3,
    "text": 3.0,
    "newness": 1.0,
}
"""For a new catalogue: between what was learned on validation slices of MovieLens latest-small and Amazon Beauty."""
DEFAULT_SET_WEIGHTS: Mapping[str, float] = {
    "linked": 0.4,
    "linked_newest": 0.3,
    "long_term": 0.5,
    "popularity": 0.1,
    "text": 4.0,
    "newness": 0.4,
    "trend": 0.5,
}
"""The same for a set of items that somebody gave."""

_FILE = "reranker.json"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What each of some users takes likeliest, the likeliest first."""

    numbers: Int64s
    """Of shape (users, at most n); -1 where a user has fewer."""
    odds: Float64s
    """exp(logit - best logit) of the user: 1 for the best, above 0 for the others."""
    cold: Int64s
    """Items that nobody took yet, of shape (users, ``cold_places`` at most); -1 where a user has fewer."""
    cold_odds: Float64s


@dataclass(frozen=True, slots=True)
class Reranker:
    """Finds a user's candidates and orders them. Made by the index; threads may share it."""

    collaborative: CollaborativeModel
    item_times: ItemTimes
    embeddings: ItemEmbeddings | None
    weights: Mapping[str, float]
    """Of the features by name, for the order of what the links found; a feature without a weight is not computed."""
    set_weights: Mapping[str, float] = field(default_factory=dict)
    """For the order of a set that somebody gave, most of which nothing may link to; where empty, ``weights``."""
    _states: UserStateCache = field(default_factory=UserStateCache, repr=False, compare=False)
    _cold: list[ColdItems] = field(default_factory=list, repr=False, compare=False)
    """Found when they are first asked for."""

    def recommend(
        self,
        history: UserSequences,
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n candidates that the user is likeliest to take, the likeliest first, each with what led to it.

        The score of a candidate is exp(logit - best logit): 1 for the best, above 0 for the others.
        Some places after the tenth are for items that nobody took yet, whatever their score: see ``ColdItems``.

        Args:
            history: the user's past, as ``UserHistory.signals`` gives it.
            n: the most to return.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        state = self.state(history)
        found = self.ordered(state, self.columns(), max(n, 0), exclude, allowed)
        there = found.numbers[0] >= 0
        hits = self.collaborative.explain(state.seeds, found.numbers[0][there], found.odds[0][there])
        return interleave(hits, self._introduced(history, found))[:n] if found.cold.size else hits

    def relative_odds(
        self, history: UserSequences, item_numbers: Sequence[int] | Int64s, *, given: bool = False
    ) -> Float64s:
        """exp(logit - best logit) of each of these items: 1 for the likeliest next one, above 0 for the others.

        Args:
            history: the user's past, as ``UserHistory.signals`` gives it.
            item_numbers: the items to compare.
            given: whether somebody chose the items, rather than the links.
        """
        numbers = np.asarray(item_numbers, dtype=np.int64)
        if not len(numbers):
            return np.zeros(0)
        logits = self._logits(self.state(history), self.columns(), self.pairs([numbers]), given=given)
        return np.asarray(np.exp(logits - logits.max()))

    def state(self, history: UserSequences) -> UserState:
        """What the past of one user comes to, whatever the candidates; the last ones are remembered."""
        known = self._states.get(history)
        if known is None:
            names = {name for weights in (self.weights, self.set_weights) for name in FEATURES if weights.get(name)}
            known = self.state_of(history, names)
            self._states.put(known)
        return known

    def state_of(self, history: UserSequences, names: Collection[str]) -> UserState:
        """What the pasts of some users come to, for the features of these names."""
        # The items that nobody took are found by the texts, whatever these weigh.
        return UserState.of(history, self.collaborative, self.embeddings, {*names, "text"})

    def columns(self, *, all_items: bool = False) -> ItemColumns:
        """Where the features find the items: all that have links are looked up at once, or each when it is asked."""
        return ItemColumns(self.item_times, self.embeddings, self.collaborative.items if all_items else None)

    def pairs(self, numbers: Sequence[Int64s]) -> UserItemPairs:
        """These items of each user."""
        joined = np.concatenate([np.empty(0, np.int64), *numbers])
        users = np.repeat(np.arange(len(numbers)), [len(own) for own in numbers])
        return UserItemPairs(users, joined, self.collaborative.positions_of(joined))

    def candidates(self, state: UserState) -> UserItemPairs:
        """The items that are ordered for each user: those that the past leads to strongest, the strongest first."""
        positions, found = self.collaborative.strongest(state.seeds, CANDIDATES)
        users, positions = np.nonzero(found)[0], positions[found]
        return UserItemPairs(users, self.collaborative.items[positions], positions)

    def ordered(
        self,
        state: UserState,
        items: ItemColumns,
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> Ordered:
        """The n candidates that each user is likeliest to take, and what is introduced after the tenth place.

        Args:
            state: of the users.
            items: where the parts of the re-ranker keep each item.
            n: the most for each user.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        positions, there = self.collaborative.strongest(state.seeds, max(n, CANDIDATES), exclude, allowed)
        numbers, width = np.where(there, self.collaborative.items[positions], -1), positions.shape[1]
        if cold_places(n) and self.embeddings is not None:
            cold = self._nearest_cold_items(state, numbers, cold_places(n), exclude, allowed)
            positions = np.hstack((positions, self.collaborative.positions_of(cold.ravel()).reshape(cold.shape)))
            numbers = np.hstack((numbers, cold))
            there = numbers >= 0
        logits = np.full(numbers.shape, -np.inf)
        pairs = UserItemPairs(np.nonzero(there)[0], numbers[there], positions[there])
        logits[there] = self._logits(state, items, pairs)
        best = logits.max(axis=1, initial=-np.inf, keepdims=True)
        odds = np.exp(logits - np.where(np.isinf(best), 0.0, best))
        order = np.argsort(-odds[:, :width], axis=1, kind="stable")[:, :n]
        best_numbers, best_odds = (np.take_along_axis(table, order, axis=1) for table in (numbers, odds))
        return Ordered(best_numbers, best_odds, numbers[:, width:], odds[:, width:])

    def features(self, state: UserState, pairs: UserItemPairs, names: Sequence[str] = FEATURES) -> Float64s:
        """The features of the items of these users, float64 of shape (pairs, names).

        Args:
            state: of the users.
            pairs: items, each for a user of the state.
            names: of ``FEATURES``, in the order of the columns.
        """
        return features(state, pairs, self.columns(), names)

    def _logits(self, state: UserState, items: ItemColumns, pairs: UserItemPairs, *, given: bool = False) -> Float64s:
        weights = self.set_weights if given and self.set_weights else self.weights
        names = tuple(name for name in FEATURES if weights.get(name))
        return np.asarray(features(state, pairs, items, names) @ np.array([weights[name] for name in names]))

    def _nearest_cold_items(
        self, state: UserState, found: Int64s, n: int, exclude: Collection[int], allowed: Int64s | None
    ) -> Int64s:
        """The n items that nobody took yet whose texts are most like those of each past, but for those that were found;
        of shape (users, n), -1 where there are fewer.
        """
        assert self.embeddings is not None
        history = state.history
        chosen = np.full((history.users, n), -1, np.int64)
        for user, (first, last) in enumerate(pairwise(history.starts.tolist())):
            past = history.item_numbers[first:last]
            liked = past[history.weights[first:last] > 0]
            if index_in_sorted(self.embeddings.numbers, liked)[1].any():
                barred = {*exclude, *past.tolist()}
                new = self._cold_items().nearest(state.directions["text"][user], n, barred, allowed)
                new = new[~(new[:, None] == found[user]).any(axis=1)]
                chosen[user, : len(new)] = new
        return chosen

    def _cold_items(self) -> ColdItems:
        assert self.embeddings is not None
        if not self._cold:
            self._cold.append(ColdItems.of(self.embeddings, self.item_times.items))
        return self._cold[0]

    def _introduced(self, history: UserSequences, found: Ordered) -> list[CollaborativeHit]:
        """The cold items of the only user as hits, each with the past item that its text is most like."""
        assert self.embeddings is not None
        new = found.cold[0][found.cold[0] >= 0]
        if not len(new):
            return []
        past, has_text = index_in_sorted(self.embeddings.numbers, history.item_numbers[history.weights > 0])
        rows, _ = index_in_sorted(self.embeddings.numbers, new)
        likeness = row_dots(self.embeddings.vectors[rows, None], self.embeddings.vectors[past[has_text]])
        nearest = self.embeddings.numbers[past[has_text]][likeness.argmax(axis=1)].tolist()
        hits = zip(new.tolist(), found.cold_odds[0].tolist(), nearest, strict=False)
        return [CollaborativeHit(number, score, 0.0, (), alike) for number, score, alike in hits]

    def save(self, folder: Path) -> None:
        """Write the weights and the times into the folder; the other engines write themselves."""
        both = {"weights": dict(self.weights), "set_weights": dict(self.set_weights)}
        (folder / _FILE).write_text(json.dumps(both, indent=1) + "\n", encoding="utf-8")
        self.item_times.save(folder)

    @classmethod
    def load(cls, folder: Path, collaborative: CollaborativeModel, embeddings: ItemEmbeddings | None) -> Reranker:
        """The re-ranker that was saved in the folder, over the engines beside it.

        Args:
            folder: of a built index.
            collaborative: finds the candidates.
            embeddings: of the items' texts; None: features of texts are 0.

        Raises:
            RecMindError: the weights or the times cannot be read.
        """
        try:
            both = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            weights, set_weights = (
                {name: float(both[of][name]) for name in FEATURES if name in both[of]}
                for of in ("weights", "set_weights")
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RecMindError(
                f"The weights in {folder / _FILE} cannot be read ({error}). Run: recmind index"
            ) from error
        return cls(collaborative, ItemTimes.load(folder), embeddings, weights, set_weights)
