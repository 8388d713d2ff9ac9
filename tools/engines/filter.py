"""Finds the items that meet conditions, in a given order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float64s, Int64s, index_in_sorted
from recmind.data.catalogue import without
from recmind.data.conditions import Condition, resolve_attribute, resolve_condition
from recmind.data.errors import ConditionError
from recmind.data.store.store import Store
from recmind.tools.engines.attributes import attribute_weights
from recmind.tools.engines.popular import PopularItems

SORTS = ("popularity", "value", "recent")
"""Names that items can be sorted by, beside their attributes."""
_DESCENDING = ("popularity", "value", "recent", "created_at")


@dataclass(frozen=True, slots=True)
class FilterRow:
    """An item that meets the conditions."""

    item_id: str
    count: int
    """Number of its interactions."""
    mean: float | None
    """Mean of their values, or None where none has one."""
    popularity: float
    """0 to 1, as ``PopularItems.score``."""


class ItemFilter:
    """Finds items by typed conditions. Threads may share it."""

    def __init__(self, store: Store, popular: PopularItems | None = None) -> None:
        self.store = store
        self.popular = popular or PopularItems(store)

    def select(
        self,
        conditions: Sequence[Condition] = (),
        *,
        sort: str = "popularity",
        exclude: Collection[str] = frozenset(),
        n: int = 20,
    ) -> tuple[list[FilterRow], int]:
        """The first n available items that meet all conditions, and the number of all that meet them.

        Args:
            conditions: in any spelling that the catalogue understands.
            sort: ``popularity``, ``value`` (Bayesian mean), ``recent`` (when the item came, else its year), or an
                attribute; ``asc`` or ``desc`` behind it sets the direction. Items without such a value come last, ties
                by number.
            exclude: item ids that must not come.
            n: the most to return.

        Raises:
            ConditionError: a condition or ``sort`` names what the catalogue does not have.
        """
        catalogue = self.store.catalogue()
        wanted = tuple(resolve_condition(condition, catalogue) for condition in conditions)
        numbers = self.store.items.matching(wanted)
        barred = np.array(list(self.store.items.numbers_of(exclude).values()), dtype=np.int64)
        total = len(numbers) - int(index_in_sorted(numbers, barred)[1].sum())
        name, descending = self._sort(sort)
        if name == "popularity" and descending:
            chosen = self.popular.first(numbers, max(n, 0), barred)
        else:
            numbers = without(numbers, barred)
            chosen = numbers[self._order(numbers, name, descending, max(n, 0))]
        ids = self.store.items.ids_of(chosen.tolist())
        counts = self.store.counts.of_items(chosen)
        means = counts.means
        scores = self.popular.score(chosen)
        rows = [
            FilterRow(
                ids[int(number)],
                int(counts.interactions[place]),
                None if np.isnan(means[place]) else float(means[place]),
                float(scores[place]),
            )
            for place, number in enumerate(chosen)
        ]
        return rows, total

    def _sort(self, sort: str) -> tuple[str, bool]:
        """The name to sort by, and whether the largest comes first."""
        words = sort.split()
        direction = words.pop().casefold() if len(words) > 1 and words[-1].casefold() in ("asc", "desc") else None
        name = " ".join(words)
        if name not in SORTS:
            try:
                name = resolve_attribute(name, self.store.catalogue())
            except ConditionError as error:
                raise ConditionError(f"Cannot sort by {name!r}. Sort by {', '.join(SORTS)}, or: {error}") from None
        return name, direction == "desc" or (direction is None and name in _DESCENDING)

    def _order(self, numbers: Int64s, name: str, descending: bool, n: int) -> npt.NDArray[np.intp]:
        """The places of the first n numbers (sorted) in the wanted order, best first."""
        keys = self._keys(numbers, name)
        # NumPy sorts NaN last.
        keys = -keys if descending else keys
        places = np.arange(len(numbers))
        if 0 < n < len(numbers):
            last = np.partition(keys, n - 1)[n - 1]
            before = np.flatnonzero(keys < last) if not np.isnan(last) else np.flatnonzero(~np.isnan(keys))
            equal = np.flatnonzero(keys == last) if not np.isnan(last) else np.flatnonzero(np.isnan(keys))
            places = np.sort(np.concatenate((before, equal[: n - len(before)])))
        return places[np.argsort(keys[places], kind="stable")][:n]

    def _keys(self, numbers: Int64s, name: str) -> Float64s:
        """The sort key of each item, ascending, float64 of shape (numbers,); NaN where it is missing."""
        if name == "popularity":
            return self.popular.score(numbers).astype(np.float64)
        if name == "value":
            return self.popular.bayesian_means(numbers).astype(np.float64)
        if name == "recent":
            keys = self._column(numbers, "created_at")
            years = [a.name for a in attribute_weights(self.store).ordered if a.is_year]
            return self._column(numbers, years[0]) if np.isnan(keys).all() and years else keys
        if name == "created_at" or self.store.catalogue().kind_of(name) == "number":
            return self._column(numbers, name)
        if name in ("item_id", "description"):
            return np.arange(len(numbers), dtype=np.float64)
        texts = self.store.attributes.text_column(name)
        rank = {text: place for place, text in enumerate(sorted({*texts.values()}))}
        return np.array([rank[texts[n]] if n in texts else np.nan for n in numbers.tolist()], dtype=np.float64)

    def _column(self, numbers: Int64s, name: str) -> Float64s:
        known, values = self.store.attributes.number_column(name)
        places, there = index_in_sorted(known, numbers)
        if not there.any():
            return np.full(len(numbers), np.nan)
        return np.where(there, values[places], np.nan)
