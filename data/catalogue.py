"""What a catalogue says about itself, and the arrays that the engines read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s, Int32s, Int64s, index_in_sorted

AttributeKind = Literal["text", "number", "list"]


@dataclass(frozen=True, slots=True)
class AttributeSummary:
    """One attribute, over all items."""

    name: str
    kind: AttributeKind
    """number: every value is a number; list: at least one item has several values; otherwise text."""
    items: int
    """How many items have it."""
    distinct_values: int
    minimum: float | None = None
    maximum: float | None = None
    common: tuple[tuple[str, int], ...] = ()
    """At most 20 values with the number of items that have them, commonest first."""
    hidden: bool = False
    """Whether its values (ids, links, pictures) are usable in conditions, but neither searched nor learned from."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an attribute, over all items."""

    attribute: str
    text: str
    number: float | None
    """None where the value is a text."""
    items: int
    """How many items have it."""


@dataclass(frozen=True, slots=True)
class KindSummary:
    """One kind of interaction, over all users."""

    name: str
    interactions: int
    mean: float | None
    """Mean of the values, or None where no interaction has one."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The catalogue's description of itself, at one version."""

    version: int
    items: int
    available: int
    users: int
    interactions: int
    attributes: tuple[AttributeSummary, ...]
    """Commonest first."""
    kinds: tuple[KindSummary, ...]
    """Commonest first."""
    earliest: float | None
    """Unix seconds of the first interaction, or None where no time is known."""
    latest: float | None
    _spelling: Callable[[str, str], str | None] = field(repr=False, compare=False)
    _near: Callable[[str, str, int], Sequence[str]] = field(repr=False, compare=False)

    def attribute(self, name: str) -> AttributeSummary | None:
        """The attribute of exactly this name, or None."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def attribute_names(self) -> tuple[str, ...]:
        """The names of all attributes, commonest first."""
        return tuple(attribute.name for attribute in self.attributes)

    def kind_of(self, attribute: str) -> str:
        """text, number or list; text where there is no such attribute."""
        found = self.attribute(attribute)
        return found.kind if found else "text"

    def spelling(self, attribute: str, text: str) -> str | None:
        """The commonest value of the attribute that equals the text but for case, accents and punctuation, if any."""
        return self._spelling(attribute, text)

    def near_values(self, attribute: str, text: str, n: int = 5) -> Sequence[str]:
        """The n values of the attribute that are nearest to the text, best first.

        Args:
            attribute: name of the attribute.
            text: the text to compare with.
            n: the most to return.
        """
        return self._near(attribute, text, n)

    @property
    def means(self) -> Mapping[str, float]:
        """The mean value of each kind whose interactions have values."""
        return {kind.name: kind.mean for kind in self.kinds if kind.mean is not None}


@dataclass(frozen=True, slots=True)
class InteractionArrays:
    """Interactions as columns of one length, sorted by user and, within a user, from the oldest to the newest."""

    user_numbers: Int32s
    item_numbers: Int64s
    kinds: npt.NDArray[np.int16]
    """The place of each interaction's kind in ``kind_names``."""
    kind_names: tuple[str, ...]
    values: Float32s
    """The value of each interaction, NaN where it has none."""
    at: Float64s
    """Unix seconds, NaN where not known."""
    positions: Int32s

    def __len__(self) -> int:
        return len(self.user_numbers)

    def rows(self, chosen: npt.NDArray[Any] | slice) -> InteractionArrays:
        """Only these interactions, in this order.

        Args:
            chosen: places, a mask of shape (interactions,), or a slice.
        """
        columns = (field.name for field in fields(self) if field.name != "kind_names")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})

    @property
    def ages(self) -> Int64s:
        """The number of newer interactions of the same user, int64 of shape (interactions,); 0 for the newest."""
        ends = np.searchsorted(self.user_numbers, self.user_numbers, side="right") - 1
        return ends - np.arange(len(self))


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """Counts for items, as columns of one length; zeros for an item without interactions."""

    item_numbers: Int64s
    interactions: Int64s
    positives: Int64s
    """Interactions that speak for the item (``recmind.data.signals``)."""
    value_count: Int64s
    value_sum: Float64s

    def __len__(self) -> int:
        return len(self.item_numbers)

    @property
    def means(self) -> Float64s:
        """The mean value of each item, float64; NaN where it has none."""
        known = self.value_count > 0
        return np.where(known, self.value_sum / np.maximum(self.value_count, 1), np.nan)

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """The item numbers and the counts, in the order of the fields."""
        return self.item_numbers, self.interactions, self.positives, self.value_count, self.value_sum

    def of(self, wanted: Int64s) -> ItemStatistics:
        """The counts of these items, in their order; zeros for unknown ones. The item numbers here must be sorted."""
        places, known = index_in_sorted(self.item_numbers, wanted)
        if not len(self):
            return ItemStatistics(wanted, *(np.zeros(len(wanted), column.dtype) for column in self.columns[1:]))
        return ItemStatistics(wanted, *(column[places] * known for column in self.columns[1:]))


def without(numbers: Int64s, barred: Iterable[int] | Int64s) -> Int64s:
    """Sorted, distinct numbers without some of them.

    Args:
        numbers: int64, sorted, each once.
        barred: numbers to leave out, in any order; ``numbers`` need not hold them.
    """
    wanted = np.unique(barred if isinstance(barred, np.ndarray) else np.fromiter(barred, dtype=np.int64))
    places = np.searchsorted(numbers, wanted)
    known = places < len(numbers)
    places, wanted = places[known], wanted[known]
    return np.delete(numbers, places[numbers[places] == wanted])


def chronological(
    user_numbers: Int32s,
    kinds: npt.NDArray[np.int16],
    at: Float64s,
    positions: Int32s,
) -> Int64s:
    """The places of interactions, sorted by user and then from oldest to newest; int64 of shape (interactions,).

    A missing time is taken from the interaction of the same user and kind before it by position, so that an order
    column carries a history whose last rows have no time. An interaction without a time before it counts as the oldest.

    Args:
        user_numbers: the user of each interaction.
        kinds: the kind of each interaction, as a number.
        at: Unix seconds of each interaction; NaN where not known.
        positions: order of each interaction within its user's history.
    """
    if not np.isnan(at).any():
        return np.lexsort((positions, at, user_numbers))
    order = np.lexsort((np.nan_to_num(at, nan=-np.inf), positions, kinds, user_numbers))
    known = np.maximum.accumulate(np.where(np.isnan(at[order]), -1, np.arange(len(order))))
    source = np.maximum(known, 0)
    users, of_kind = user_numbers[order], kinds[order]
    usable = (known >= 0) & (users[source] == users) & (of_kind[source] == of_kind)
    filled = np.where(usable, at[order][source], -np.inf)
    return order[np.lexsort((positions[order], filled, users))]
