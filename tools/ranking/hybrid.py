"""The hybrid ranker: one score from collaborative filtering, meaning, attributes, popularity and novelty."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from recmind.data.arrays import Float64s, Int64s, index_in_sorted
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.brief import Constraint
from recmind.tools.collaborative.user_sequence import SequenceItem
from recmind.tools.engines.attributes import Scalar, TasteKey, attribute_weights, values_of
from recmind.tools.engines.popular import PopularItems
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.search.item_search import ItemSearch
from recmind.tools.search.word_weights import is_long


@dataclass(frozen=True, slots=True)
class RankWeights:
    """The weight of each part of the score. Only ratios count; the weight of an unknown part goes to the others.

    Set by hand, so that the collaborative part, whose own weights are learned, decides where nothing was asked.
    """

    collaborative: float = 0.94
    """The odds that the user takes the item next (``Reranker``), and its links to the items of "like X"."""
    semantic: float = 0.02
    """Similarity of the text to the request and to the items of "like X"."""
    metadata: float = 0.02
    """Share of the wishes met, attribute values shared with "like X", attribute values the user likes."""
    popularity: float = 0.015
    """As ``PopularItems.score``."""
    novelty: float = 0.005
    """1 for items without interactions, 0 for the most popular one."""
    known: float = 0.0
    """1 for items that the user took and liked; counts only where the request asks for something again."""


PLAIN_WEIGHTS = RankWeights()
"""For a request without wishes and without words to search for."""
QUERY_WEIGHTS = RankWeights(collaborative=0.22, semantic=0.47, metadata=0.13, popularity=0.13, novelty=0.05)
"""For a request with words to search for ("a heist in space"): the words outweigh the user's usual taste."""
SIMILAR_TO_WEIGHTS = RankWeights(collaborative=0.20, semantic=0.35, metadata=0.32, popularity=0.08, novelty=0.05)
"""For "like X" alone: what the item is counts as much as who else took it."""
WISH_WEIGHTS = RankWeights(collaborative=0.10, semantic=0.14, metadata=0.68, popularity=0.05, novelty=0.03)
"""For wishes ("funnier"): meeting them outweighs the sequels of "like X", which are nearest in everything else."""
LONG_QUERY_WEIGHTS = RankWeights(collaborative=0.10, semantic=0.75, metadata=0.10, popularity=0.05, novelty=0.0)
"""For a long request: it describes one particular thing, so the search decides."""
SURPRISE = (0.30, 0.0)
""""Surprise me" adds the first to novelty and multiplies popularity by the second."""
AGAIN = 1.0
"""Added by "again" to the weight of ``known``: as much as everything else together."""
UNLIKE = 0.35
"""The most that similarity to "not X" takes off a score."""
SEED_SHARE = 0.75
"""Share of "like X" in the collaborative part where the user has a past too; the past gets the rest."""
WISH_SHARE, LIKENESS_SHARE, TASTE_SHARE = 0.65, 0.35, 0.10
"""Shares of wishes met, of likeness to "like X" and of the user's tastes in the metadata part; unknown ones drop
out."""
ANY_WAY = 0.75
"""What a wish counts that is met in one of its ways ("funny": genre Comedy or mood funny); met in all ways it counts
1."""
FEW = 5
"""With fewer candidates than this, similarities are scaled from 0, otherwise from the least similar candidate."""
_HIGH_LIFT = 4.0


@dataclass(frozen=True, slots=True)
class RankInput:
    """A candidate to be ranked."""

    item_id: str
    scores: Mapping[str, float] = field(default_factory=dict)
    """Scores of the look-ups; ``search`` (0 to 1) counts beside the similarity, because it also compares words."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score."""

    item_id: str
    score: float
    """0 to 1, comparable within one ranking only."""
    parts: Mapping[str, float]
    """Each known part before weighing, 0 to 1; ``unlike`` is the deduction for "not X"."""


class HybridRanker:
    """Ranks candidates. The same input always gives the same ranking; threads may share it."""

    def __init__(self, store: Store, search: ItemSearch, reranker: Reranker, popular: PopularItems) -> None:
        self.store = store
        self.search = search
        self.reranker = reranker
        self.popular = popular

    def rank(
        self,
        candidates: Sequence[RankInput],
        *,
        history: Sequence[SequenceItem] = (),
        like: Sequence[str] = (),
        unlike: Sequence[str] = (),
        query: str = "",
        wishes: Sequence[Constraint] = (),
        tastes: Mapping[TasteKey, float] | None = None,
        surprise: bool = False,
        again: bool = False,
        given: bool = False,
        weights: RankWeights | None = None,
    ) -> list[Ranked]:
        """The candidates by score, best first, ties by item number; unknown items are left out.

        Args:
            candidates: the items to rank, each once.
            history: the user's past, as ``UserHistory.signals`` gives it.
            like: ids of the items to resemble.
            unlike: ids of the items not to resemble.
            query: the words of the request that say what it is about.
            wishes: parts of the request; any one of its conditions meets a wish, more count more.
            tastes: ``Profile.lifts``; None for none.
            surprise: novelty counts more, popularity less.
            again: what the user liked before counts more than all else.
            given: the caller chose the candidates, so that most may have nothing to do with the user.
            weights: replace those that the request calls for; None keeps them.
        """
        known = self.store.items.numbers_of(dict.fromkeys(candidate.item_id for candidate in candidates))
        by_id = {candidate.item_id: candidate for candidate in candidates}
        ids = sorted(known, key=known.__getitem__)
        if not ids:
            return []
        numbers = np.array([known[item_id] for item_id in ids], dtype=np.int64)
        items = self.store.items.get_many([*ids, *like])
        parts = {
            "collaborative": self._collaborative(numbers, history, like, given),
            "semantic": self._semantic([by_id[item_id] for item_id in ids], query, like),
            "metadata": self._metadata(
                numbers,
                [items[item_id] for item_id in ids],
                liked=[items[item_id] for item_id in like if item_id in items],
                wishes=wishes,
                tastes=tastes or {},
            ),
            **self._popularity(numbers),
            "known": _known(numbers, history) if again else None,
        }
        present = {name: part for name, part in parts.items() if part is not None}
        told = not like and is_long(query)
        chosen = weights or (
            LONG_QUERY_WEIGHTS
            if told
            else WISH_WEIGHTS
            if wishes
            else QUERY_WEIGHTS
            if query.strip()
            else SIMILAR_TO_WEIGHTS
            if like
            else PLAIN_WEIGHTS
        )
        if surprise:
            more, factor = SURPRISE
            chosen = replace(chosen, novelty=chosen.novelty + more, popularity=chosen.popularity * factor)
        if again:
            chosen = replace(chosen, known=chosen.known + AGAIN)
        shares = asdict(chosen)
        whole = sum(shares[name] for name in present)
        score = np.zeros(len(ids))
        for name, part in present.items():
            score += (shares[name] / whole if whole > 0 else 0.0) * part
        penalty = self._unlikeness(ids, unlike)
        if penalty is not None:
            present["unlike"] = UNLIKE * penalty
            score = np.maximum(score - UNLIKE * penalty, 0.0)
        # Rounded, so that the order does not depend on the last bit of a sum.
        score = np.round(score, 6)
        order = np.lexsort((numbers, -score)).tolist()
        names = list(present)
        rows = np.round(np.column_stack([present[name] for name in names]), 4).tolist() if names else [[]] * len(ids)
        scores = score.tolist()
        return [Ranked(ids[i], scores[i], dict(zip(names, rows[i], strict=True))) for i in order]

    def _collaborative(
        self, numbers: Int64s, history: Sequence[SequenceItem], like: Sequence[str], given: bool
    ) -> Float64s | None:
        seeds = list(self.store.items.numbers_of(like).values())
        found_parts = []
        if seeds:
            # The root, because the scores of one item's row fall steeply: the tenth is still close to the item.
            found_parts.append((SEED_SHARE, np.sqrt(self.reranker.collaborative.seed_scores(seeds, numbers))))
        if history:
            found_parts.append((1 - SEED_SHARE, self.reranker.relative_odds(history, numbers, given=given)))
        linked = [(share, np.nan_to_num(scores.astype(np.float64))) for share, scores in found_parts]
        linked = [(share, scores) for share, scores in linked if scores.any()]
        if not linked:
            return None
        whole = sum(share for share, _ in linked)
        return sum((share / whole * scores for share, scores in linked), np.zeros(len(numbers)))

    def _semantic(self, candidates: Sequence[RankInput], query: str, like: Sequence[str]) -> Float64s | None:
        if not query.strip() and not like:
            return None
        near = _min_max(self._similarities([c.item_id for c in candidates], query, like))
        searched = np.array([candidate.scores.get("search", 0.0) for candidate in candidates])
        # Search has weighed the words, years and meaning of a long request; a similarity knows less.
        if near is None or (searched.any() and not like and is_long(query)):
            return searched if searched.any() else None
        return np.maximum(near, 0.75 * near + 0.25 * searched) if searched.any() else near

    def _similarities(self, item_ids: Sequence[str], query: str, like: Sequence[str]) -> Float64s:
        return self.search.similarities(self.search.query_vector(query, like), item_ids).astype(np.float64)

    def _unlikeness(self, item_ids: Sequence[str], unlike: Sequence[str]) -> Float64s | None:
        return _min_max(self._similarities(item_ids, "", unlike)) if unlike else None

    def _popularity(self, numbers: Int64s) -> dict[str, Float64s | None]:
        counts = self.store.counts.of_items(numbers).interactions.astype(np.float64)
        if not counts.any():
            return {"popularity": None, "novelty": None}
        taken = np.log1p(counts)
        return {"popularity": self.popular.score(numbers).astype(np.float64), "novelty": 1 - taken / taken.max()}

    def _metadata(
        self,
        numbers: Int64s,
        items: Sequence[Item],
        *,
        liked: Sequence[Item],
        wishes: Sequence[Constraint],
        tastes: Mapping[TasteKey, float],
    ) -> Float64s | None:
        parts: list[tuple[float, Float64s]] = []
        if wishes:
            parts.append((WISH_SHARE, self._wishes_met(numbers, wishes)))
        if liked:
            parts.append((LIKENESS_SHARE, self._likeness(items, liked)))
        if tastes:
            parts.append((TASTE_SHARE, self._taste(items, tastes)))
        if not parts:
            return None
        whole = sum(share for share, _ in parts)
        return sum((share / whole * part for share, part in parts), np.zeros(len(items)))

    def _wishes_met(self, numbers: Int64s, wishes: Sequence[Constraint]) -> Float64s:
        """The share of the wishes that each item meets, 0 to 1; a wish counts whole if all its conditions are met."""
        total = np.zeros(len(numbers))
        for wish in wishes:
            ways = np.zeros(len(numbers))
            for condition in wish.conditions:
                # The same result as ``recmind.data.conditions.matches``, but remembered by the store.
                matching = self.store.items.matching((condition,), available_only=False)
                ways += index_in_sorted(matching, numbers)[1]
            total += np.where(ways > 0, ANY_WAY + (1 - ANY_WAY) * ways / max(len(wish.conditions), 1), 0.0)
        return total / len(wishes)

    def _likeness(self, items: Sequence[Item], liked: Sequence[Item]) -> Float64s:
        """The share of the liked items' values that each item has too, 0 to 1, scaled so that the best item has 1.

        Rare values count more than common ones, and attributes by how much they say, however many values they have.
        """
        weights = attribute_weights(self.store)
        wanted: dict[tuple[str, Scalar], float] = {}
        for attribute in weights.ordered:
            for item in () if attribute.is_number else liked:
                rarity = {
                    (attribute.name, value): -math.log(min(max(weights.share(attribute.name, value), 1e-4), 0.99))
                    for value in values_of(item, attribute.name)
                }
                whole = sum(rarity.values())
                for pair, rare in rarity.items():
                    wanted[pair] = wanted.get(pair, 0.0) + attribute.weight * rare / whole
        total = np.zeros(len(items))
        for place, item in enumerate(items):
            for value in weights.item_values(item):
                total[place] += wanted.get(value.pair, 0.0)
        best = float(total.max(initial=0.0))
        return total / best if best > 0 else total

    def _taste(self, items: Sequence[Item], tastes: Mapping[TasteKey, float]) -> Float64s:
        """How much the user likes the item's values, 0 to 1: the mean logarithm of their three highest lifts."""
        weights = attribute_weights(self.store)
        gains = {
            key: math.log(min(lift, _HIGH_LIFT)) / math.log(_HIGH_LIFT) for key, lift in tastes.items() if lift > 1
        }
        result = np.zeros(len(items))
        for place, item in enumerate(items):
            found_gains = [gains[value.taste] for value in weights.item_values(item) if value.taste in gains]
            result[place] = sum(sorted(found_gains, reverse=True)[:3]) / 3
        return result


def _known(numbers: Int64s, history: Sequence[SequenceItem]) -> Float64s:
    """How much the user liked each item when they took it, 0 to 1; 0 for other items. The newest interaction counts."""
    worth = {number: (1 + float(np.clip(weight, -1, 1))) / 2 for number, weight, *_ in reversed(history)}
    return np.array([worth.get(number, 0.0) for number in numbers.tolist()])


def _min_max(similarities: Float64s) -> Float64s | None:
    """Similarities scaled to 0 to 1 among the candidates; unknown ones get 0. None where none is known."""
    known = ~np.isnan(similarities)
    if not known.any():
        return None
    low = float(np.nanmin(similarities)) if known.sum() >= FEW else 0.0
    high = float(np.nanmax(similarities))
    if high <= low:
        return np.where(known, 1.0, 0.0)
    return np.clip(np.where(known, (np.where(known, similarities, low) - low) / (high - low), 0.0), 0.0, 1.0)
