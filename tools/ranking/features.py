"""The re-ranker's features: what says of an item that a user takes it next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recmind.data.arrays import Float64s, Int64s, index_in_sorted, row_dots
from recmind.tools.collaborative.model import LINKED
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.user_state import TEXT, UserState

LINK_FLOOR = 0.03
"""Floor added before the log, relative to the strongest link."""
NEW_DAYS = 180.0
"""Days in which an item's newness falls to 1/e."""
FAR_DAYS = 5_000.0

FEATURES = (*LINKED, "popularity", *TEXT, "newness", "trend", "quiet")
"""linked: logarithm of the links from the whole past; linked_newest: of those from the newest item; long_term: of
those with the whole past counting alike; popularity: of the interactions; text, text_newest: cosine with the texts of
the past and of the newest item; newness: of the item at the user's newest interaction; trend: logarithm of what was
going on with it then; quiet: of the days between that moment and the item's nearest interaction."""


@dataclass(frozen=True, slots=True)
class UserItemPairs:
    """Items, each for one of some users, user by user."""

    users: Int64s
    """Their places, ascending."""
    numbers: Int64s
    """Of the items."""
    positions: Int64s
    """Of the items in the collaborative model, -1 where it has never met one."""

    def starts(self, users: int) -> Int64s:
        """Where the items of each of ``users`` users begin; one more than there are users."""
        return np.searchsorted(self.users, np.arange(users + 1)).astype(np.int64)


class ItemColumns:
    """Where the re-ranker's parts keep each item; for many users, those of the items with links are looked up once."""

    def __init__(
        self, item_times: ItemTimes, embeddings: ItemEmbeddings | None, by_position: Int64s | None = None
    ) -> None:
        """``by_position``: the numbers of all items that the collaborative model has, in its order."""
        self.item_times = item_times
        self.embeddings = embeddings
        self._columns = None if by_position is None else self._looked_up(by_position)

    def of(self, pairs: UserItemPairs) -> tuple[Float64s, Int64s, Int64s]:
        """Of each item the logarithm of its interactions, its place among the item times and its row among the
        embeddings, -1 where it has none.
        """
        unmet = np.flatnonzero(pairs.positions < 0)
        if self._columns is None or len(unmet) == len(pairs.positions):
            return self._looked_up(pairs.numbers)
        popularity, places, rows = self._columns
        popularity, places, rows = popularity[pairs.positions], places[pairs.positions], rows[pairs.positions]
        if len(unmet):
            popularity[unmet], places[unmet], rows[unmet] = self._looked_up(pairs.numbers[unmet])
        return popularity, places, rows

    def _looked_up(self, numbers: Int64s) -> tuple[Float64s, Int64s, Int64s]:
        places, rows = self.item_times.places(numbers), np.full(len(numbers), -1)
        if self.embeddings is not None:
            found, known = index_in_sorted(self.embeddings.numbers, numbers)
            rows = np.where(known, found, -1)
        return np.log1p(self.item_times.interactions_at(places)), places, rows


def features(state: UserState, pairs: UserItemPairs, items: ItemColumns, names: Sequence[str]) -> Float64s:
    """The features of these names, float64 of shape (pairs, names).

    Args:
        state: of the users; it was made for these features at least.
        pairs: items, each for a user of the state.
        items: where the parts of the re-ranker keep each item.
        names: of ``FEATURES``, in the order of the columns.
    """
    columns = {name: np.zeros(len(pairs.users)) for name in names}
    popularity, places, rows = items.of(pairs)
    cells, met = state.seeds.neighbors.columns_of(pairs.positions)
    asks = np.diff(state.history.starts)[pairs.users] > 0
    for name in LINKED:
        if name in columns:
            totals = state.seeds.totals[name]
            led = np.where(met, totals[pairs.users, cells], 0.0) if totals.size else columns[name]
            columns[name] = np.where(asks, np.log(led / state.tops[name][pairs.users] + LINK_FLOOR), 0.0)
    if "popularity" in columns:
        columns["popularity"] = popularity
    likenesses = [name for name in TEXT if name in columns]
    if items.embeddings is not None and likenesses:
        columns |= _likeness(state, pairs, items.embeddings, rows, likenesses)
    if {"newness", "trend", "quiet"} & columns.keys():
        columns |= _times(items.item_times, places, state.day[pairs.users], columns)
    return np.column_stack([columns[name] for name in names])


def _likeness(
    state: UserState, pairs: UserItemPairs, embeddings: ItemEmbeddings, rows: Int64s, names: Sequence[str]
) -> dict[str, Float64s]:
    """Cosine of the items' texts, by their rows, with each of these directions."""
    found = {name: np.zeros(len(rows)) for name in names}
    for user, (first, last) in enumerate(pairwise(pairs.starts(state.history.users).tolist())):
        if last > first:
            vectors = embeddings.vectors.take(rows[first:last], axis=0, mode="clip")
            for name in names:
                found[name][first:last] = row_dots(vectors, state.directions[name][user])
    return {name: np.where(rows >= 0, column, 0.0) for name, column in found.items()}


def _times(item_times: ItemTimes, places: Int64s, days: Float64s, names: Collection[str]) -> dict[str, Float64s]:
    """What the times of items say, each seen from a day; 0 where that is NaN."""
    found = {}
    if "newness" in names:
        first = item_times.since_first(places, days)
        found["newness"] = np.where(first >= 0, np.exp(-np.fmax(first, 0) / NEW_DAYS), 0.0)
    if "trend" in names or "quiet" in names:
        nearest, density = item_times.around(places, days)
        of_both = {"trend": np.log(density + 0.1), "quiet": np.log1p(np.fmin(nearest, FAR_DAYS))}
        found |= {name: column for name, column in of_both.items() if name in names}
    return {name: np.where(np.isnan(days), 0.0, column) for name, column in found.items()}
