"""What the words of a request can mean in one catalogue: its attributes by their role, and its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from recmind.agent.understanding.tables.thesaurus import singular_forms
from recmind.agent.understanding.tables.words import COMMON, table
from recmind.data.arrays import index_in_sorted
from recmind.data.conditions import Condition
from recmind.data.text import normalize

if TYPE_CHECKING:
    from recmind.data.catalogue import AttributeSummary
    from recmind.data.store.store import Store

AttributeRole = Literal["kind", "maker", "player", "language", "country", "soft", "other"]
"""kind: what the thing is (genre, category); maker: who made it; player: who takes part; soft: what people say of it
(moods, tags); other: any text attribute whose name says nothing."""

_ROLE_NAMES: dict[AttributeRole, frozenset[str]] = {
    "language": table("language languages lang"),
    "country": table("country countries origin nationality"),
    "maker": table(
        """
        director directors author authors writer writers artist artists brand brands maker makers manufacturer creator
        creators designer designers developer developers publisher publishers studio studios composer composers producer
        producers band bands vendor
        """
    ),
    "player": table("cast actor actors actress actresses starring star stars performer performers singer singers"),
    "soft": table(
        """
        mood moods theme themes tag tags keyword keywords topic topics tone tones note notes occasion occasions
        subject subjects feature features ingredient ingredients
        """
    ),
    "kind": table(
        """
        genre genres category categories type types kind kinds department departments section style styles class format
        formats group subcategory subcategories subgenre platform platforms
        """
    ),
}
_YEAR_NAMES = table("year years released release published publication vintage")
_MINUTES_NAMES = table("minutes runtime duration length running playtime min mins seconds hours")
_PRICE_NAMES = table("price prices cost costs prize")

FEW_VALUES = 60
"""If an attribute's name says nothing, and it has at most this many values, each on several items, it is a kind."""

_remembered: WeakKeyDictionary[Store, tuple[int, dict[object, Any]]] = WeakKeyDictionary()
"""Results that are costly to compute, by store; dropped when its catalogue changes."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One value of the catalogue that words of the request name."""

    attribute: str
    value: str
    items: int
    """The number of items that have it."""
    role: AttributeRole


class Vocabulary:
    """The catalogue's words as the understanding needs them. Cheap to make: make one for each request."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.catalogue = store.catalogue()
        self.roles: dict[str, AttributeRole] = {}
        self.numbers: dict[str, AttributeSummary] = {}
        """Number attributes by each word that names them, singular and plural."""
        self.year: AttributeSummary | None = None
        self.minutes: AttributeSummary | None = None
        self.price: AttributeSummary | None = None
        for summary in self.catalogue.attributes:
            if summary.kind == "number":
                self._note_number(summary)
            elif not summary.hidden and not _is_identity(summary, self.catalogue.items):
                self.roles[summary.name] = _role_of(summary)

    def _note_number(self, summary: AttributeSummary) -> None:
        key = normalize(summary.name)
        words = set(key.split())
        low, high = summary.minimum or 0.0, summary.maximum or 0.0
        if words & _YEAR_NAMES and (self.year is None or key == "year") and low >= 1000 and high <= 2200:
            self.year = summary
        elif words & _PRICE_NAMES and (self.price is None or key == "price"):
            self.price = summary
        elif words & _MINUTES_NAMES and self.minutes is None:
            self.minutes = summary
        for name in (key, *singular_forms(key), f"{key}s"):
            self.numbers.setdefault(name, summary)

    def minutes_in(self, minutes: float) -> float:
        """A running time in the unit of the catalogue's attribute, which its name tells, or else its range."""
        summary = self.minutes
        if summary is None:
            return minutes
        key = normalize(summary.name)
        longest = summary.maximum or 0.0
        if "second" in key or (longest > 2000 and "minute" not in key):
            return minutes * 60
        if "hour" in key or (0 < longest <= 12 and "min" not in key):
            return minutes / 60
        return minutes

    def meanings(self, keys: Iterable[str]) -> dict[str, list[Meaning]]:
        """The catalogue values that each normalized key names, the most common first; keys without any are absent."""
        found: dict[str, list[Meaning]] = {}
        for key, rows in self.store.attributes.meanings(keys).items():
            meanings = [
                Meaning(attribute, value, items, self.role(attribute, items))
                for attribute, value, items in rows
                if attribute in self.roles and items > 0
            ]
            if meanings:
                found[key] = sorted(meanings, key=lambda meaning: -meaning.items)
        return found

    def role(self, attribute: str, items: int = 0) -> AttributeRole:
        """The role of a value; if the attribute's name says nothing, a value of many items is a kind."""
        role = self.roles.get(attribute, "other")
        if role == "other" and items >= max(10, self.catalogue.items / 100):
            return "kind"
        return role

    def has_role(self, *roles: AttributeRole) -> bool:
        """Whether the catalogue has an attribute of one of these roles."""
        return any(role in roles for role in self.roles.values())

    def surnames(self, word: str, *roles: AttributeRole) -> list[Meaning]:
        """The people (or brands) whose name ends with ``word``, the most common first."""
        found: list[Meaning] = []
        for attribute, role in self.roles.items():
            if role in roles:
                index = self._remember(("surnames", attribute), lambda name=attribute: self._index_surnames(name))  # type: ignore[misc]
                found += [Meaning(attribute, value, items, role) for value, items in index.get(word, ())]
        return sorted(found, key=lambda meaning: (-meaning.items, meaning.value))

    def _index_surnames(self, attribute: str) -> dict[str, list[tuple[str, int]]]:
        index: dict[str, list[tuple[str, int]]] = {}
        for value, items in self.store.attributes.values(attribute):
            parts = normalize(value).split()
            if len(parts) > 1:
                index.setdefault(parts[-1], []).append((value, items))
        return index

    def _remember(self, key: object, make: Callable[[], Any]) -> Any:
        version, known = _remembered.get(self.store, (-1, {}))
        if version != self.catalogue.version:
            known = {}
            _remembered[self.store] = (self.catalogue.version, known)
        if key not in known:
            known[key] = make()
        return known[key]

    def is_word(self, text: str) -> bool:
        """Whether the catalogue's texts use these words: then they are probably not misspelt."""
        return self.store.full_text.finds(text)

    def distinctive(self, word: str, meaning: Meaning) -> bool:
        """Whether the word, wherever the catalogue's texts use it, means this value (``opi``, and not ``nature``).

        Cached by version: ranking the many items with a common word takes longer than all other reading.
        """
        if word in COMMON or len(word) < 3:
            return False
        return bool(self._remember((word, meaning), lambda: self._distinctive(word, meaning)))

    def _distinctive(self, word: str, meaning: Meaning) -> bool:
        hits = [number for number, _ in self.store.full_text.search(word, n=40, numbers=None)]
        if not hits:
            return False
        having = self.store.items.matching([equal(meaning)], available_only=False)
        return bool(index_in_sorted(having, np.array(hits))[1].sum() >= 0.7 * len(hits))

    def quantile(self, summary: AttributeSummary, share: float) -> float:
        """A round value that about ``share`` of the items with the attribute do not exceed; cached by version."""

        def search() -> float:
            return _search_quantile(
                lambda v: self.store.items.count([Condition(summary.name, "<=", v)]), summary, share
            )

        return float(self._remember((summary.name, share), search))


def equal(meaning: Meaning) -> Condition:
    """The condition that an item has this value."""
    return Condition(meaning.attribute, "=", meaning.value)


def any_of(meanings: Iterable[Meaning]) -> tuple[Condition, ...]:
    """One condition for each attribute, met by any of its values; in the order given."""
    values: dict[str, list[str]] = {}
    for meaning in meanings:
        known = values.setdefault(meaning.attribute, [])
        if meaning.value not in known:
            known.append(meaning.value)
    return tuple(
        Condition(attribute, "=", having[0]) if len(having) == 1 else Condition(attribute, "in", tuple(having))
        for attribute, having in values.items()
    )


def none_of(meanings: Iterable[Meaning]) -> tuple[Condition, ...]:
    """One condition for each attribute, met by an item that has none of its values."""
    return tuple(
        Condition(c.attribute, "!=", c.value) if c.operator == "=" else Condition(c.attribute, "not in", c.value)
        for c in any_of(meanings)
    )


def _is_identity(summary: AttributeSummary, items: int) -> bool:
    """Whether nearly every item has its own value: codes and links are nothing that people ask for."""
    return (
        summary.kind == "text"
        and items >= 20
        and summary.distinct_values >= 0.9 * summary.items
        and _named(summary) is None
    )


def _named(summary: AttributeSummary) -> AttributeRole | None:
    words = set(normalize(summary.name).split())
    return next((role for role, names in _ROLE_NAMES.items() if words & names), None)


def _role_of(summary: AttributeSummary) -> AttributeRole:
    named = _named(summary)
    if named is not None:
        return named
    few = summary.distinct_values <= FEW_VALUES and summary.items >= 3 * summary.distinct_values
    return "kind" if few else "other"


def _search_quantile(count: Callable[[float], int], summary: AttributeSummary, share: float) -> float:
    low, high = summary.minimum or 0.0, summary.maximum or 0.0
    wanted = share * summary.items
    for _ in range(12):
        middle = (low + high) / 2
        if count(middle) < wanted:
            low = middle
        else:
            high = middle
    return float(round(high)) if high >= 5 else round(high, 2)
