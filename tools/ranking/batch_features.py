"""The re-ranker's features for many users, a batch at a time: their links are summed in one sparse product.

It needs SciPy, so it is not for a single request; what comes out is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from recmind.data.arrays import Bools, Float32s, Float64s, Int64s, index_in_sorted
from recmind.tools.collaborative.model import heaviest
from recmind.tools.collaborative.user_sequence import DAY_S, UserSequences, days_before
from recmind.tools.ranking.reranker import FEATURES, LINK_FLOOR, LINKED, TEXT, Reranker

PLACES, LINKS = 200_000, 400_000
"""Users of a batch times the items they may reach, and its links: what is summed at a time stays near the processor."""
MOST_USERS = 1_000
"""Of a batch."""
DENSE = 3
"""Where more than one column in this many is reached, the strongest are sought among all columns."""


def user_batches(reranker: Reranker, sequences: UserSequences) -> Iterator[tuple[int, UserBatch]]:
    """All users in batches: where each batch begins among them, and the batch."""
    model, items = reranker.collaborative, _ItemColumns(reranker)
    lengths = np.append(np.diff(model.starts), 0)
    links = np.concatenate(([0], np.cumsum(lengths[model.positions_of(sequences.item_numbers)])))[sequences.starts]
    first = 0
    while first < len(sequences):
        # As many of the next users as stay within both limits, one at least.
        ahead = links[first + 1 : first + 1 + MOST_USERS] - links[first]
        places = np.minimum(ahead, len(model.items)) * np.arange(1, len(ahead) + 1)
        last = first + max(1, int(np.count_nonzero((places <= PLACES) & (ahead <= LINKS))))
        yield first, UserBatch(reranker, items, sequences.rows(first, last))
        first = last


@dataclass(frozen=True, slots=True)
class UserItemPairs:
    """Items, each for a user of a batch, user by user."""

    users: Int64s
    """Their places in the batch, ascending."""
    numbers: Int64s
    """Of the items."""
    positions: Int64s
    """Of the items in the collaborative model, -1 where it has never met one."""

    def starts(self, users: int) -> Int64s:
        """Where the items of each of ``users`` users begin; one more than there are users."""
        return np.searchsorted(self.users, np.arange(users + 1)).astype(np.int64)


class UserBatch:
    """Some users, and what their pasts lead to: what ``UserState`` is for one."""

    def __init__(self, reranker: Reranker, items: _ItemColumns, sequences: UserSequences) -> None:
        self.reranker = reranker
        self.sequences = sequences
        self.users = len(sequences)
        self._items = items
        self._directions: dict[str, Float32s] = {}
        lengths = np.diff(sequences.starts)
        self._owner = np.repeat(np.arange(self.users), lengths)
        parameters = reranker.collaborative.parameters
        self._positions = reranker.collaborative.positions_of(sequences.item_numbers)
        days = days_before(sequences.at, sequences.starts[:-1][lengths > 0])
        self._weighed = parameters.recency(sequences.weights, sequences.ages, days)
        known = self._positions >= 0
        leads = np.where(known, np.maximum(self._weighed, 0.0), 0.0)
        given = {"linked": self._heaviest(leads)}
        if self._wants("linked_newest"):
            given["linked_newest"] = np.where(sequences.ages == self._least(sequences.ages), leads, 0.0)
        if self._wants("long_term"):
            alike = np.maximum(np.where(sequences.weights == 0, parameters.ask_neutral, sequences.weights), 0.0)
            given["long_term"] = self._heaviest(np.where(known, alike, 0.0))
        self._given: Mapping[str, Float64s] = given
        self._sources = np.flatnonzero(np.max(list(given.values()), axis=0) > 0)
        self._links, self._reached = self._links_by_user(items.matrix[self._positions[self._sources]])

    # -- candidates ----------------------------------------------------------------------------------------------

    def candidates(self, n: int, allowed: Int64s | None = None) -> tuple[UserItemPairs, Bools]:
        """As ``Reranker.candidates`` of each user, and the table of shape (users, at most n) that says of each user how
        many there are: its first entries are set."""
        places, found = self._strongest(n, allowed)
        positions = self._positions_of(places[found])
        users = np.nonzero(found)[0]
        return UserItemPairs(users, self.reranker.collaborative.items[positions], positions), found

    def pairs(self, numbers: Sequence[Int64s]) -> UserItemPairs:
        """These items of each user, as one."""
        joined = np.concatenate([np.empty(0, np.int64), *numbers])
        users = np.repeat(np.arange(self.users), [len(own) for own in numbers])
        return UserItemPairs(users, joined, self.reranker.collaborative.positions_of(joined))

    def _strongest(self, n: int, allowed: Int64s | None) -> tuple[Int64s, Bools]:
        """Of each user the n places that the past leads to strongest, and which of them there are: (users, n)."""
        totals = self._totals["linked"].copy()
        width, linked = totals.shape[1], self._given["linked"]
        positive = (self.sequences.weights > 0) & (linked > 0)
        if not (positive | (linked == 0)).all():
            totals[self._total(positive.astype(np.float64)) == 0] = 0.0
        places, met = self._places_of(self._positions)
        totals[self._owner[met], places[met]] = 0.0
        if allowed is not None:
            numbers = self.reranker.collaborative.items[self._positions_of(np.arange(width))]
            totals[:, ~index_in_sorted(allowed, numbers)[1]] = 0.0
        led = totals > 0
        if DENSE * np.count_nonzero(led) < totals.size:
            places, strength = _filled(totals, led)
        else:
            places, strength = np.broadcast_to(np.arange(width), totals.shape), totals
        if strength.shape[1] > n > 0:
            least = np.partition(strength, -n, axis=1)[:, -n, None]
            # More than n where several are as strong as the last of them.
            slots, strength = _filled(strength, (strength >= least) & (strength > 0))
            places = np.take_along_axis(places, slots, axis=1)
        order = np.argsort(-strength, axis=1, kind="stable")[:, :n]
        return np.take_along_axis(places, order, axis=1), np.take_along_axis(strength, order, axis=1) > 0

    # -- the order of candidates -------------------------------------------------------------------------------------

    def logits(self, pairs: UserItemPairs, *, given: bool = False) -> Float64s:
        """Of each pair the logit whose exp ``Reranker.relative_odds`` gives relative to the best one."""
        weights = self.reranker.weights_of(given=given)
        names = tuple(name for name in FEATURES if weights.get(name))
        return np.asarray(self.features(pairs, names) @ np.array([weights[name] for name in names]))

    def features(self, pairs: UserItemPairs, names: Sequence[str] = FEATURES) -> Float64s:
        """As ``Reranker.features``, of shape (pairs, names)."""
        columns = {name: np.zeros(len(pairs.users)) for name in names}
        popularity, times, rows = self._items.of(pairs)
        places, met = self._places_of(pairs.positions)
        asks = np.diff(self.sequences.starts)[pairs.users] > 0
        for name in columns.keys() & set(LINKED):
            totals, tops = self._totals[name], self._tops[name]
            led = np.where(met, totals[pairs.users, places], 0.0) if totals.size else columns[name]
            columns[name] = np.where(asks, np.log(led / tops[pairs.users] + LINK_FLOOR), 0.0)
        if "popularity" in columns:
            columns["popularity"] = popularity
        columns |= self._likeness(pairs, rows, [name for name in TEXT if name in columns])
        if {"newness", "trend", "quiet"} & columns.keys():
            self.reranker.fill_times(columns, times, self._day[pairs.users])
        return np.column_stack([columns[name] for name in names])

    def _likeness(self, pairs: UserItemPairs, rows: Int64s, names: Sequence[str]) -> dict[str, Float64s]:
        """Cosine of the items' texts, by their rows, with each of these directions."""
        embeddings = self.reranker.embeddings
        if embeddings is None or not names:
            return {}
        found = np.zeros((len(rows), len(names)), np.float32)
        directions = np.stack([self.direction(name) for name in names], axis=2)
        for user, (first, last) in enumerate(pairwise(pairs.starts(self.users).tolist())):
            if last > first:
                found[first:last] = embeddings.vectors.take(rows[first:last], axis=0, mode="clip") @ directions[user]
        found[rows < 0] = 0.0
        return {name: found[:, column].astype(np.float64) for column, name in enumerate(names)}

    def direction(self, name: str) -> Float32s:
        """Where the texts of each past point (``text``), or those of its newest items (``text_newest``); the re-ranker
        has embeddings. Of shape (users, dimension), 0 for a past without any."""
        from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

        if name not in self._directions:
            assert self.reranker.embeddings is not None
            numbers, vectors = self.reranker.embeddings.numbers, self.reranker.embeddings.vectors
            rows, has_text = index_in_sorted(numbers, self.sequences.item_numbers)
            leads = has_text & (self._weighed > 0)
            if name == "text_newest":
                leads &= self.sequences.ages == self._least(np.where(leads, self.sequences.ages, np.inf))
            starts = np.concatenate(([0], np.cumsum(leads)))[self.sequences.starts]
            shape = (self.users, len(numbers))
            mean = csr_array((self._weighed[leads].astype(np.float32), rows[leads], starts), shape=shape) @ vectors
            length = np.linalg.norm(mean, axis=1, keepdims=True)
            self._directions[name] = np.asarray(mean / np.where(length > 0, length, 1), dtype=np.float32)
        return self._directions[name]

    # -- what the links lead to ----------------------------------------------------------------------------------

    def _links_by_user(self, rows: Any) -> tuple[Any, Int64s | None]:
        """The links of the sources in one matrix whose columns are the places of one user after those of another; and
        the position of each place, or None where all positions have one."""
        from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

        columns, reached, width = rows.indices, None, len(self.reranker.collaborative.items)
        if len(columns) < width:
            reached, columns = np.unique(columns, return_inverse=True)
            columns, width = columns.astype(np.int32), len(reached)
        columns += np.repeat((self._owner[self._sources] * width).astype(np.int32), np.diff(rows.indptr))
        values, shape = rows.data.astype(np.float64), (len(self._sources), self.users * width)
        return csr_array((values, columns, rows.indptr), shape=shape), reached

    def _total(self, given: Float64s) -> Float64s:
        """What each place of each user is given in all by weights of the items asked with: (users, places)."""
        links, given = self._links, given[self._sources]
        weighty = np.flatnonzero(given)
        if 2 * len(weighty) < len(given):
            links, given = links[weighty], given[weighty]
        return np.asarray(links.T @ given).reshape(self.users, links.shape[1] // self.users)

    @cached_property
    def _totals(self) -> Mapping[str, Float64s]:
        """By name of ``LINKED``."""
        return {name: self._total(given) for name, given in self._given.items()}

    @cached_property
    def _tops(self) -> Mapping[str, Float64s]:
        """By name of ``LINKED`` the largest total of each user, 1 where nothing is given."""
        tops = {name: total.max(axis=1, initial=0.0) for name, total in self._totals.items()}
        return {name: np.where(top > 0, top, 1.0) for name, top in tops.items()}

    def _places_of(self, positions: Int64s) -> tuple[Int64s, Bools]:
        """The place of each of these positions, and whether it has one; where not, the place is any."""
        if self._reached is None:
            return np.maximum(positions, 0), positions >= 0
        return index_in_sorted(self._reached, positions)

    def _positions_of(self, places: Int64s) -> Int64s:
        return places if self._reached is None else self._reached[places]

    # -- the pasts -----------------------------------------------------------------------------------------------

    def _wants(self, name: str) -> bool:
        return bool(self.reranker.weights.get(name) or self.reranker.set_weights.get(name))

    def _least(self, values: Float64s) -> Float64s:
        """Beside each item of a past the least value of that past."""
        lengths = np.diff(self.sequences.starts)
        least = np.minimum.reduceat(values, self.sequences.starts[:-1][lengths > 0]) if len(values) else values
        return np.repeat(least, lengths[lengths > 0])

    def _heaviest(self, weights: Float64s) -> Float64s:
        """The weights with all but the largest of each past set to 0, as many as a question looks at."""
        most = self.reranker.collaborative.parameters.past
        starts, kept = self.sequences.starts, weights.copy()
        counts = np.diff(np.concatenate(([0], np.cumsum(weights > 0)))[starts])
        for user in np.flatnonzero(counts > most).tolist():
            past = slice(starts[user], starts[user + 1])
            kept[past] = heaviest(weights[past], most)
        return kept

    @cached_property
    def _day(self) -> Float64s:
        """Of the newest interaction of each user, since 1970; NaN where no time is known."""
        newest = np.full(self.users, -np.inf)
        np.maximum.at(newest, self._owner, np.where(np.isnan(self.sequences.at), -np.inf, self.sequences.at))
        return np.where(np.isinf(newest), np.nan, newest) / DAY_S


class _ItemColumns:
    """Where the re-ranker's parts keep each item that its links know: looked up once, not for each user."""

    def __init__(self, reranker: Reranker) -> None:
        self.reranker = reranker
        self.matrix = reranker.collaborative.matrix()
        self.columns = self._looked_up(reranker.collaborative.items)

    def of(self, pairs: UserItemPairs) -> tuple[Float64s, Int64s, Int64s]:
        """Of each item the logarithm of its interactions, its place among the item times and its row among
        the embeddings, -1 where it has none."""
        unmet = np.flatnonzero(pairs.positions < 0)
        if len(unmet) == len(pairs.positions):
            return self._looked_up(pairs.numbers)
        popularity, times, rows = self.columns
        popularity, times, rows = popularity[pairs.positions], times[pairs.positions], rows[pairs.positions]
        if len(unmet):
            popularity[unmet], times[unmet], rows[unmet] = self._looked_up(pairs.numbers[unmet])
        return popularity, times, rows

    def _looked_up(self, numbers: Int64s) -> tuple[Float64s, Int64s, Int64s]:
        times, embeddings = self.reranker.item_times, self.reranker.embeddings
        rows, known = index_in_sorted(numbers[:0] if embeddings is None else embeddings.numbers, numbers)
        return np.log1p(times.interactions(numbers)), times.places(numbers), np.where(known, rows, -1)


def _filled(table: Float64s, chosen: Bools) -> tuple[Int64s, Float64s]:
    """The columns and values of the chosen entries of each row, moved to its beginning in their order; then 0."""
    entries = np.flatnonzero(chosen)
    counts = np.count_nonzero(chosen, axis=1)
    starts, width = np.cumsum(counts) - counts, int(counts.max(initial=0))
    rows = np.arange(len(table))
    slots = np.arange(len(entries)) + np.repeat(rows * width - starts, counts)
    places, values = np.zeros(len(table) * width, np.int64), np.zeros(len(table) * width)
    places[slots], values[slots] = entries - np.repeat(rows * table.shape[1], counts), table.reshape(-1)[entries]
    return places.reshape(len(table), width), values.reshape(len(table), width)
