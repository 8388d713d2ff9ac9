"""Which attributes and values of a catalogue say what an item is, and how much each of them says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from weakref import WeakKeyDictionary, proxy

from recmind.data.catalogue import AttributeSummary
from recmind.data.conditions import PSEUDO_ATTRIBUTES
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.data.text import format_number

Scalar = str | float


TasteKey = tuple[str, str]
"""Attribute and value, as ``recmind.tools.engines.profile.ValueTaste`` names them."""
_YEAR_NAME = re.compile(r"\b(year|released|published)\b")
# Names of attributes that people mention first, and next, when they say what a thing is, in any shop or library.
_SORT_NAME = re.compile(r"genre|categor")
_SPOKEN_NAME = re.compile(r"brand|author|artist|director|maker|style|colou?r|type|theme|mood|cuisine|topic|tag")
_USUAL_VALUES = 40
"""Number of distinct values at which an attribute is most informative: two say little, and nobody knows thousands."""
LONG_VALUE = 40
"""In characters: an attribute whose common values are longer is prose."""
_COMMON_SHARE = 0.35
"""A value that a larger share of the items has ("language English") says little about one of them."""
_VALUES_KNOWN = 20_000


_ITEMS_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class AttributeWeight:
    """How much an attribute says about what an item is."""

    name: str
    weight: float
    """Above 0; higher says more."""
    is_year: bool
    is_number: bool


@dataclass(frozen=True, slots=True)
class ItemValue:
    """A value of an item, and how much it says."""

    pair: tuple[str, Scalar]
    """Attribute and value."""
    taste: TasteKey
    """Attribute and value as a taste: a year stands for its decade."""
    weight: float


class AttributeWeights:
    """How much the attributes and values of a catalogue say, at one version of it."""

    def __init__(self, store: Store) -> None:
        # A proxy: the table of weights must not keep a store alive.
        self.store: Store = proxy(store)
        catalogue = store.catalogue()
        self.size = max(catalogue.available, 1)
        size = max(catalogue.items, 1)
        found = [weight for a in catalogue.attributes if (weight := _weight(a, size)) is not None]
        self.ordered: tuple[AttributeWeight, ...] = tuple(sorted(found, key=lambda a: (-a.weight, a.name)))
        """The most informative first; attributes that say nothing are left out."""
        self._distinct = {a.name: a.distinct_values for a in catalogue.attributes}
        self._counts: dict[str, dict[str, int]] = {}
        self._values: dict[str, dict[Scalar, ItemValue]] = {attribute.name: {} for attribute in self.ordered}
        """Each value that was weighed, by attribute: items share most of theirs."""
        self._items: dict[str, tuple[Item, tuple[ItemValue, ...]]] = {}

    def share(self, attribute: str, value: Scalar) -> float:
        """The share of the items that have this value, 0 to 1; 0 where the attribute has too many values to count."""
        counts = self._counts.get(attribute)
        if counts is None:
            few = self._distinct.get(attribute, 0) <= _VALUES_KNOWN
            counts = self._counts[attribute] = dict(self.store.attributes.values(attribute)) if few else {}
        return counts.get(value if isinstance(value, str) else format_number(value), 0) / self.size

    def item_values(self, item: Item) -> tuple[ItemValue, ...]:
        """All values of the item that say something, those of the most informative attribute first."""
        known = self._items.get(item.item_id)
        if known is None or known[0] is not item:
            if len(self._items) >= _ITEMS_KNOWN:
                self._items.clear()
                self._values = {name: {} for name in self._values}
            known = self._items[item.item_id] = item, self._weighed(item)
        return known[1]

    def _weighed(self, item: Item) -> tuple[ItemValue, ...]:
        found: list[ItemValue] = []
        for attribute in self.ordered:
            known = self._values[attribute.name]
            for value in values_of(item, attribute.name):
                weighed = known.get(value)
                if weighed is None:
                    weighed = known[value] = self._value(attribute, value)
                found.append(weighed)
        return tuple(found)

    def _value(self, attribute: AttributeWeight, value: Scalar) -> ItemValue:
        name = attribute.name
        common = self.share(name, value) > max(_COMMON_SHARE, 1.5 / self._distinct[name])
        taste = value if isinstance(value, str) else taste_value(attribute.is_year, value)
        return ItemValue((name, value), (name, taste), attribute.weight * (0.3 if common else 1.0))


_KNOWN: WeakKeyDictionary[Store, tuple[int, AttributeWeights]] = WeakKeyDictionary()


def attribute_weights(store: Store) -> AttributeWeights:
    """The weights for the store's present catalogue; computed once for each version."""
    version = store.catalogue_version
    known = _KNOWN.get(store)
    if known is None or known[0] != version:
        known = _KNOWN[store] = version, AttributeWeights(store)
    return known[1]


def values_of(item: Item, attribute: str) -> tuple[Scalar, ...]:
    """The item's values of an attribute as a tuple, empty where it has none."""
    if attribute in PSEUDO_ATTRIBUTES:
        value = getattr(item, attribute)
        return () if value in (None, "") else (value,)
    value = item.attributes.get(attribute)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def taste_value(is_year: bool, value: Scalar) -> str:
    """The value as a taste: a year counts by its decade, ``1990s``."""
    if isinstance(value, str):
        return value
    return f"{int(value) // 10 * 10}s" if is_year else format_number(value)


def is_year(attribute: AttributeSummary) -> bool:
    """Whether the attribute is a year, by its name or its range."""
    if attribute.kind != "number" or attribute.minimum is None or attribute.maximum is None:
        return False
    named = _YEAR_NAME.search(attribute.name.casefold().replace("_", " ")) is not None
    return named and attribute.minimum > 0 and attribute.maximum < 3000


def _weight(attribute: AttributeSummary, size: int) -> AttributeWeight | None:
    """How much an attribute says, or None where it says nothing.

    Most informative is an attribute that most items have, with neither two values nor as many values as items.
    """
    if attribute.hidden or attribute.distinct_values < 2 or not attribute.items:
        return None
    year, number = is_year(attribute), attribute.kind == "number"
    long_values = len([value for value, _ in attribute.common if len(value) > LONG_VALUE]) > len(attribute.common) / 2
    # A text of which nearly every item has its own is a name, a number plate or prose.
    own = attribute.kind == "text" and attribute.distinct_values > 0.8 * attribute.items and attribute.items > 20
    if not number and (long_values or own):
        return None
    distance = math.log(attribute.distinct_values / _USUAL_VALUES) / 3.0
    commonest = max((count for _, count in attribute.common), default=0) / max(attribute.items, 1)
    weight = math.exp(-(distance**2)) * math.sqrt(attribute.items / size) * (1 - 0.7 * commonest)
    if _SORT_NAME.search(attribute.name.casefold()):
        weight *= 4.0
    elif _SPOKEN_NAME.search(attribute.name.casefold()):
        weight *= 2.0
    if number:
        weight = 0.6 if year else weight * 0.3
    return AttributeWeight(attribute.name, round(weight, 6), year, number)


def only_kind(store: Store) -> str | None:
    """The kind of all interactions, or None where there are several, so that 215 ratings are called ratings."""
    kinds = store.catalogue().kinds
    return kinds[0].name if len(kinds) == 1 else None
