"""Orders candidates by which one the user takes next: a conditional logit (McFadden, 1974) over a few features of each.

``CollaborativeModel`` finds the candidates and says what led there; this orders them. The weights are stated below, or
learned on a validation slice by ``recmind index --tune``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted, row_dots
from recmind.data.errors import RecMindError
from recmind.tools.collaborative.cold_items import ColdItems, cold_places, interleave
from recmind.tools.collaborative.model import CollaborativeHit, CollaborativeModel, SeedVector, heaviest, sequence_table
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import DAY_S, SequenceItem, days_before
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.user_state import UserState, UserStateCache

CANDIDATES = 200
"""Candidates that are ordered: those with the strongest links."""
LINK_FLOOR = 0.03
"""Floor added before the log, relative to the strongest link."""
NEW_DAYS = 180.0
"""Days in which an item's newness falls to 1/e."""
FAR_DAYS = 5_000.0

FEATURES = ("linked", "linked_newest", "long_term", "popularity", "text", "text_newest", "newness", "trend", "quiet")
"""linked: logarithm of the links from the whole past; linked_newest: of those from the newest item; long_term: of
those with the whole past counting alike; popularity: of the interactions; text, text_newest: cosine with the texts of
the past and of the newest item; newness: of the item at the user's newest interaction; trend: logarithm of what was
going on with it then; quiet: of the days between that moment and the item's nearest interaction."""

LINKED = ("linked", "linked_newest", "long_term")
TEXT = ("text", "text_newest")

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
        history: Sequence[SequenceItem],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n candidates the user takes likeliest, the likeliest first, each with what led to it.

        The score of a candidate is exp(logit - best logit): 1 for the best, above 0 for the others.
        Some places after the tenth are for items that nobody took yet, whatever their score: see ``ColdItems``.
        """
        found = self.candidates(history, max(n, CANDIDATES), exclude, allowed)
        new = self._nearest_cold_items(history, cold_places(n), exclude, allowed)
        if len(new):
            new = new[~np.isin(new, found)] if len(found) else new[:0]
        odds = self.relative_odds(history, np.concatenate((found, new)))
        order = np.lexsort((np.arange(len(found)), -odds[: len(found)]))[:n]
        hits = self.collaborative.explain(self.user_state(history).seeds, found[order])
        scored = [replace(hit, score=score) for hit, score in zip(hits, odds[order].tolist(), strict=True)]
        return interleave(scored, self._introduced(history, new, odds[len(found) :]))[:n] if len(new) else scored

    def candidates(
        self,
        history: Sequence[SequenceItem],
        n: int = CANDIDATES,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> Int64s:
        """The n item numbers that the past leads to strongest, as ``CollaborativeModel.recommend`` orders them."""
        return self.collaborative.strongest(self.user_state(history).seeds, n, exclude, allowed)

    def relative_odds(
        self, history: Sequence[SequenceItem], item_numbers: Sequence[int] | Int64s, *, given: bool = False
    ) -> Float64s:
        """exp(logit - best logit) of each of these items: 1 for the likeliest next one, above 0 for the others.

        ``given`` says that somebody chose the items, not the links.
        """
        numbers = np.asarray(item_numbers, dtype=np.int64)
        if not len(numbers):
            return np.zeros(0)
        weights = self.weights_of(given=given)
        names = tuple(name for name in FEATURES if weights.get(name))
        logits = self.features(history, numbers, names) @ np.array([weights[name] for name in names])
        return np.asarray(np.exp(logits - logits.max()))

    def weights_of(self, *, given: bool) -> Mapping[str, float]:
        """Those for a set that somebody gave, or for what the links found."""
        return self.set_weights if given and self.set_weights else self.weights

    def features(self, history: Sequence[SequenceItem], numbers: Int64s, names: Sequence[str] = FEATURES) -> Float64s:
        """The features of these items for this user, of shape (items, names)."""
        state = self.user_state(history, names)
        columns = {name: np.zeros(len(numbers)) for name in names}
        reached, met = state.seeds.neighbors.columns_of(self.collaborative.positions_of(numbers))
        for name in columns.keys() & state.totals.keys():
            totals = state.totals[name]
            columns[name] = np.log(np.where(met, totals[reached] if len(totals) else 0.0, 0.0) + LINK_FLOOR)
        if "popularity" in columns:
            columns["popularity"] = np.log1p(self.item_times.interactions(numbers))
        directions = columns.keys() & state.directions.keys()
        if directions and self.embeddings is not None:
            rows, known = index_in_sorted(self.embeddings.numbers, numbers)
            vectors = self.embeddings.vectors[rows]
            for name in directions:
                columns[name] = np.where(known, row_dots(vectors, state.directions[name]), 0.0)
        if {"newness", "trend", "quiet"} & columns.keys():
            self.fill_times(columns, self.item_times.places(numbers), state.day)
        return np.column_stack([columns[name] for name in names])

    def fill_times(self, columns: dict[str, Float64s], places: Int64s, day: float | Float64s) -> None:
        """Fill those of the columns that come of the times of items, seen from a day, or from one for each item; where
        it is NaN they are 0. ``places`` are those of ``ItemTimes.places``."""
        first, nearest, density = self.item_times.around(places, day)
        found = {}
        if "newness" in columns:
            found["newness"] = np.where(first >= 0, np.exp(-np.maximum(np.nan_to_num(first), 0) / NEW_DAYS), 0.0)
        if "trend" in columns:
            found["trend"] = np.log(density + 0.1)
        if "quiet" in columns:
            found["quiet"] = np.log1p(np.minimum(np.nan_to_num(nearest, nan=FAR_DAYS), FAR_DAYS))
        columns.update({name: np.where(np.isnan(day), 0.0, column) for name, column in found.items()})

    def user_state(self, history: Sequence[SequenceItem], names: Collection[str] = ()) -> UserState:
        """What the past comes to for these features, whatever the candidates."""
        wanted = frozenset(names).union(
            name for name in FEATURES if self.weights.get(name) or self.set_weights.get(name)
        )
        known = self._states.get(history, wanted)
        if known is not None:
            return known
        table = sequence_table(history)
        weighed = self.collaborative.parameters.recency(table[:, 1], table[:, 2], days_before(table[:, 3]))
        times = table[:, 3][~np.isnan(table[:, 3])]
        seeds, totals = self._link_totals(table, weighed, wanted)
        directions = self._directions(table, weighed, wanted) if self.embeddings is not None and len(table) else {}
        found = UserState(table, seeds, totals, directions, float(times.max()) / DAY_S if len(times) else np.nan)
        if isinstance(history, tuple):
            # A list could have changed when it comes again.
            self._states.put(history, wanted, found)
        return found

    def _link_totals(
        self, table: Float64s, weighed: Float64s, wanted: Collection[str]
    ) -> tuple[SeedVector, dict[str, Float64s]]:
        """What the past leads to by links, in each of the ways that are wanted."""
        model = self.collaborative
        positions = model.positions_of(table[:, 0].astype(np.int64))
        leads = np.where(positions >= 0, np.maximum(weighed, 0.0), 0.0)
        weights = {"linked": heaviest(leads, model.parameters.past)}
        if "linked_newest" in wanted and len(table):
            weights["linked_newest"] = np.where(table[:, 2] == table[:, 2].min(), leads, 0.0)
        if "long_term" in wanted:
            alike = np.maximum(np.where(table[:, 1] == 0, model.parameters.ask_neutral, table[:, 1]), 0.0)
            weights["long_term"] = heaviest(np.where(positions >= 0, alike, 0.0), model.parameters.past)
        counts = np.max(list(weights.values()), axis=0) > 0
        neighbors = model.neighbors(np.where(counts, positions, -1))
        totals = {name: neighbors.totals(given) for name, given in weights.items()}
        linked = weights["linked"]
        seeds = SeedVector(positions, linked, (table[:, 1] > 0) & (linked > 0), neighbors, totals["linked"])
        relative = {name: total / (float(total.max(initial=0.0)) or 1.0) for name, total in totals.items()}
        return seeds, relative if len(table) else {}

    def _directions(self, table: Float64s, weighed: Float64s, wanted: Collection[str]) -> dict[str, Float32s]:
        """Where the texts of the past point, and those of its newest items."""
        assert self.embeddings is not None
        past, has_text = index_in_sorted(self.embeddings.numbers, table[:, 0].astype(np.int64))
        leads = has_text & (weighed > 0)
        newest = leads & (table[:, 2] == table[leads, 2].min(initial=np.inf))
        found = {}
        for name, chosen in (("text", leads), ("text_newest", newest)):
            if name in wanted and chosen.any():
                mean = np.einsum("i,ij->j", weighed[chosen].astype(np.float32), self.embeddings.vectors[past[chosen]])
                found[name] = np.asarray(mean / (float(np.linalg.norm(mean)) or 1.0), dtype=np.float32)
        return found

    def _nearest_cold_items(
        self, history: Sequence[SequenceItem], n: int, exclude: Collection[int], allowed: Int64s | None
    ) -> Int64s:
        """The n items that nobody took yet whose texts are most like those of the past."""
        wanted = n > 0 and self.embeddings is not None
        direction = self.user_state(history, ("text",)).directions.get("text") if wanted else None
        if direction is None:
            return np.empty(0, np.int64)
        return self.cold_items().nearest(direction, n, {*exclude, *(past.item_number for past in history)}, allowed)

    def cold_items(self) -> ColdItems:
        """The items that nobody took yet, for a re-ranker that has embeddings; found once."""
        assert self.embeddings is not None
        if not self._cold:
            self._cold.append(ColdItems.of(self.embeddings, self.item_times.items))
        return self._cold[0]

    def _introduced(self, history: Sequence[SequenceItem], new: Int64s, odds: Float64s) -> list[CollaborativeHit]:
        """These items as hits, each with the past item that its text is most like."""
        assert self.embeddings is not None
        table = self.user_state(history).table
        past, has_text = index_in_sorted(self.embeddings.numbers, table[table[:, 1] > 0, 0].astype(np.int64))
        if not has_text.any():
            return []
        rows, _ = index_in_sorted(self.embeddings.numbers, new)
        likeness = row_dots(self.embeddings.vectors[rows, None], self.embeddings.vectors[past[has_text]])
        nearest = self.embeddings.numbers[past[has_text]][likeness.argmax(axis=1)].tolist()
        hits = zip(new.tolist(), odds.tolist(), nearest, strict=True)
        return [CollaborativeHit(number, score, 0.0, (), alike) for number, score, alike in hits]

    def save(self, folder: Path) -> None:
        """Write the weights and the times into the folder; the other engines write themselves."""
        both = {"weights": dict(self.weights), "set_weights": dict(self.set_weights)}
        (folder / _FILE).write_text(json.dumps(both, indent=1) + "\n", encoding="utf-8")
        self.item_times.save(folder)

    @classmethod
    def load(cls, folder: Path, collaborative: CollaborativeModel, embeddings: ItemEmbeddings | None) -> Reranker:
        """What was saved there, over the engines beside it; RecMindError where it cannot be read."""
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
