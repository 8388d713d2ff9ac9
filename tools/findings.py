"""From plain results to rows for the slate: which facts of an item are worth citing, for any catalogue."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakKeyDictionary, proxy

from recmind.data.catalogue import AttributeSummary
from recmind.data.conditions import PSEUDO_ATTRIBUTES, Condition, matches
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.data.text import format_number
from recmind.tools import phrases
from recmind.tools.context import Constraint
from recmind.tools.slate import Evidence, Finding, Findings, Role

Scalar = str | float
TasteKey = tuple[str, str]
"""Attribute and value, as ``recmind.tools.history.Taste`` names them."""

_NEGATIVE = ("!=", "not in")
_YEAR_NAME = re.compile(r"\b(year|released|published)\b")
# What people name first, and next, when they say what a thing is, in any shop or library.
_SORT_NAME = re.compile(r"genre|categor")
_SPOKEN_NAME = re.compile(r"brand|author|artist|director|maker|style|colou?r|type|theme|mood|cuisine|topic|tag")
_USUAL_VALUES = 40
"""An attribute with so many values tells most: with two it tells little, with thousands nobody knows them."""
_LONG_VALUE = 40
"""Characters; an attribute whose common values are longer is prose."""
_COMMON_SHARE = 0.35
"""A value that more of the items have ("language English") says little about one."""
_VALUES_KNOWN = 20_000
_ITEMS_KNOWN = 20_000
_SUMMARY_LENGTH = 90


@dataclass(frozen=True, slots=True)
class Focus:
    """What a request is about, so that the facts shown are those that matter to it."""

    conditions: tuple[Condition, ...] = ()
    """The values that meet them are named first."""
    constraints: tuple[Constraint, ...] = ()
    """Parts of the request whose conditions must all hold (``Brief.bindings``)."""
    wishes: tuple[Constraint, ...] = ()
    """Parts of the request of which any one condition is enough (``Brief.wishes``)."""
    tastes: Mapping[TasteKey, float] = field(default_factory=dict)
    """Lift of the values that the user likes; these are named before others."""


NO_FOCUS = Focus()


@dataclass(frozen=True, slots=True)
class Telling:
    """An attribute that tells people what an item is."""

    name: str
    weight: float
    """Above 0, higher tells more."""
    is_year: bool
    is_number: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A value of an item, and how much it tells."""

    pair: tuple[str, Scalar]
    """Attribute and value."""
    taste: TasteKey
    """The same as a taste."""
    weight: float


class Describer:
    """Knows which attributes and values of this catalogue tell something, at one version of it."""

    def __init__(self, store: Store) -> None:
        # A proxy: the table of describers must not keep a store alive.
        self.store: Store = proxy(store)
        catalogue = store.catalogue()
        self.size = max(catalogue.available, 1)
        found = [telling for a in catalogue.attributes if (telling := _telling(a, max(catalogue.items, 1))) is not None]
        self.telling: tuple[Telling, ...] = tuple(sorted(found, key=lambda t: (-t.weight, t.name)))
        """The best first."""
        self._distinct = {a.name: a.distinct_values for a in catalogue.attributes}
        self._counts: dict[str, dict[str, int]] = {}
        self._items: dict[str, tuple[Item, str, tuple[Told, ...]]] = {}
        self._metadata: dict[tuple[str, Scalar], Evidence] = {}

    def share(self, attribute: str, value: Scalar) -> float:
        """The share of the items that have this value; 0 where there are too many values to know."""
        counts = self._counts.get(attribute)
        if counts is None:
            few = self._distinct.get(attribute, 0) <= _VALUES_KNOWN
            counts = self._counts[attribute] = dict(self.store.attributes.values(attribute)) if few else {}
        return counts.get(value if isinstance(value, str) else format_number(value), 0) / self.size

    def summary(self, item: Item) -> str:
        """The item in a few values, ``1999 · Comedy, Sci-Fi``: a year first, then what tells most."""
        return self._known(item)[1]

    def _known(self, item: Item) -> tuple[Item, str, tuple[Told, ...]]:
        """The item, its summary and its telling values; worked out once."""
        known = self._items.get(item.item_id)
        if known is None or known[0] is not item:
            if len(self._items) >= _ITEMS_KNOWN:
                self._items.clear()
            known = self._items[item.item_id] = item, self._summary(item), self._all_told(item)
        return known

    def told(self, item: Item) -> tuple[Told, ...]:
        """All values of the item's telling attributes, those of the most telling attribute first."""
        return self._known(item)[2]

    def _summary(self, item: Item) -> str:
        shown: dict[str, Sequence[Scalar]] = {}
        least = 0.25 * max((telling.weight for telling in self.telling), default=0.0)
        for telling in sorted(self.telling, key=lambda t: (not t.is_year, -t.weight)):
            values = values_of(item, telling.name)
            if values and (telling.is_year or (not telling.is_number and telling.weight >= least)):
                longer = {**shown, telling.name: values[:3]}
                if len(phrases.summary(longer)) <= _SUMMARY_LENGTH:
                    shown = longer
            if len(shown) == 3:
                break
        return phrases.summary(shown)

    def _all_told(self, item: Item) -> tuple[Told, ...]:
        told = []
        for telling in self.telling:
            for value in values_of(item, telling.name):
                common = self.share(telling.name, value) > max(_COMMON_SHARE, 1.5 / self._distinct[telling.name])
                weight = telling.weight * (0.3 if common else 1.0)
                told.append(Told((telling.name, value), (telling.name, taste_value(telling.is_year, value)), weight))
        return tuple(told)

    def facts(self, item: Item, focus: Focus = NO_FOCUS, most: int = 3) -> list[Evidence]:
        """What is worth citing: the parts of the request it meets, the values that meet them, and telling values.

        ``most`` bounds the telling values alone.
        """
        met = [part for part in focus.constraints if all(matches(c, item) for c in part.conditions)]
        wished = [part for part in focus.wishes if any(matches(c, item) for c in part.conditions)]
        asked = [c for part in (*wished, *met) for c in part.conditions] + list(focus.conditions)
        named = dict.fromkeys(pair for condition in asked for pair in meeting_values(condition, item))
        facts = [_asked_for(part, " or ") for part in wished] + [_asked_for(part, " and ") for part in met]
        told = self._telling_values(item, focus.tastes)
        free = [pair for pair in told if pair not in named][: max(most, 0)]
        return facts + [self._fact(pair) for pair in (*named, *free)]

    def _fact(self, pair: tuple[str, Scalar]) -> Evidence:
        fact = self._metadata.get(pair)
        if fact is None:
            if len(self._metadata) >= _ITEMS_KNOWN:
                self._metadata.clear()
            fact = self._metadata[pair] = phrases.metadata(*pair)
        return fact

    def _telling_values(self, item: Item, tastes: Mapping[TasteKey, float]) -> list[tuple[str, Scalar]]:
        """The item's values that tell something, the best first; every attribute comes once before any comes twice."""
        scored = []
        for told in self.told(item):
            lift = tastes.get(told.taste, 0.0) if tastes else 0.0
            scored.append((told.weight * (1 + min(lift, 4.0)) if lift > 1 else told.weight, told))
        scored.sort(key=lambda pair: -pair[0])
        turns: dict[str, int] = {}
        rounds: list[tuple[int, int, tuple[str, Scalar]]] = []
        for order, (_, told) in enumerate(scored):
            attribute = told.pair[0]
            turn = turns[attribute] = turns.get(attribute, 0) + 1
            if turn <= 2:
                rounds.append((turn, order, told.pair))
        rounds.sort(key=lambda entry: entry[:2])
        return [pair for _, _, pair in rounds]


_DESCRIBERS: WeakKeyDictionary[Store, tuple[int, Describer]] = WeakKeyDictionary()


def describer(store: Store) -> Describer:
    """The describer of the store's present catalogue; made once for each version."""
    version = store.catalogue_version
    known = _DESCRIBERS.get(store)
    if known is None or known[0] != version:
        known = _DESCRIBERS[store] = version, Describer(store)
    return known[1]


def with_facts(store: Store, findings: Findings, focus: Focus = NO_FOCUS, most: int = 3) -> Findings:
    """The findings of any tool with facts and summary of the item added behind the own evidence of each row.

    Only of the rows that are shown: the others get theirs when a ranking or another look-up shows them.
    """
    items = store.items.get_many(row.item_id for row in findings.rows[: findings.shown])
    describing = describer(store)
    rows = []
    for row in findings.rows:
        item = items.get(row.item_id)
        if item is None:
            rows.append(row)
            continue
        known = {fact.text for fact in row.evidence}
        added = [fact for fact in describing.facts(item, focus, most) if fact.text not in known]
        summary = row.summary or describing.summary(item)
        rows.append(Finding(row.item_id, row.title, row.role, (*row.evidence, *added), row.scores, summary))
    return replace(findings, rows=tuple(rows))


def found(
    store: Store,
    tool: str,
    rows: Iterable[tuple[str, Sequence[Evidence], Mapping[str, float]]],
    *,
    note: str = "",
    role: Role = "candidate",
    focus: Focus = NO_FOCUS,
    most: int = 3,
    shown: int = 10,
) -> Findings:
    """Findings of rows (item id, own evidence, scores), with titles, facts and summaries, without unknown items."""
    given = list(rows)
    items = store.items.get_many(item_id for item_id, _, _ in given)
    plain = tuple(
        Finding(item_id, items[item_id].name, role, tuple(evidence), scores)
        for item_id, evidence, scores in given
        if item_id in items
    )
    return with_facts(store, Findings(tool, plain, note, shown), focus, most)


def values_of(item: Item, attribute: str) -> tuple[Scalar, ...]:
    """The item's values of an attribute as a tuple, empty where it has none."""
    if attribute in PSEUDO_ATTRIBUTES:
        value = getattr(item, attribute)
        return () if value in (None, "") else (value,)
    value = item.attributes.get(attribute)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def meeting_values(condition: Condition, item: Item) -> list[tuple[str, Scalar]]:
    """The (attribute, value) pairs of the item that meet a positive condition; none for a negative one or a text."""
    if condition.operator in _NEGATIVE or condition.attribute in PSEUDO_ATTRIBUTES:
        return []
    name = condition.attribute
    short = (v for v in values_of(item, name) if not isinstance(v, str) or len(v) <= 2 * _LONG_VALUE)
    return [(name, value) for value in short if _meets(condition, value)]


@lru_cache(maxsize=_VALUES_KNOWN)
def _meets(condition: Condition, value: Scalar) -> bool:
    """Whether an item with this value alone meets the condition."""
    alone = Item("", attributes={condition.attribute: (value,) if isinstance(value, str) else value})
    return matches(condition, alone)


def taste_value(is_year: bool, value: Scalar) -> str:
    """The value as a taste: a year counts by its decade, ``1990s``."""
    if isinstance(value, str):
        return value
    return f"{int(value) // 10 * 10}s" if is_year else format_number(value)


@lru_cache(maxsize=1024)
def _asked_for(part: Constraint, between: str) -> Evidence:
    """That an item meets this part of a request; kept, because many items do."""
    return phrases.request(part.words, between.join(map(str, part.conditions)))


def is_year(attribute: AttributeSummary) -> bool:
    """Whether the attribute is a year, by its name or its range."""
    if attribute.kind != "number" or attribute.minimum is None or attribute.maximum is None:
        return False
    named = _YEAR_NAME.search(attribute.name.casefold().replace("_", " ")) is not None
    return named and attribute.minimum > 0 and attribute.maximum < 3000


def _telling(attribute: AttributeSummary, size: int) -> Telling | None:
    """How much an attribute tells: it is known of most items, its values are neither two nor as many as items."""
    if attribute.hidden or attribute.distinct_values < 2 or not attribute.items:
        return None
    year, number = is_year(attribute), attribute.kind == "number"
    long_values = sum(len(value) > _LONG_VALUE for value, _ in attribute.common) > len(attribute.common) / 2
    # A text of which nearly every item has its own is a name, a number plate or prose.
    own = attribute.kind == "text" and attribute.distinct_values > 0.8 * attribute.items and attribute.items > 20
    if not number and (long_values or own):
        return None
    spread = math.log(attribute.distinct_values / _USUAL_VALUES) / 3.0
    commonest = max((count for _, count in attribute.common), default=0) / max(attribute.items, 1)
    weight = math.exp(-(spread**2)) * math.sqrt(attribute.items / size) * (1 - 0.7 * commonest)
    if _SORT_NAME.search(attribute.name.casefold()):
        weight *= 4.0
    elif _SPOKEN_NAME.search(attribute.name.casefold()):
        weight *= 2.0
    if number:
        weight = 0.6 if year else weight * 0.3
    return Telling(attribute.name, round(weight, 6), year, number)


def loosening(store: Store, conditions: Sequence[Condition], exclude: Collection[str] = frozenset()) -> str:
    """Which single condition to drop, and how many items that gives: ``without year>=1990 there are 12``.

    The three that give most; empty where dropping any single one gives no more than there are.
    """
    there_are = store.items.count(conditions, exclude=exclude)
    gains = []
    for place, condition in enumerate(conditions):
        more = store.items.count((*conditions[:place], *conditions[place + 1 :]), exclude=exclude)
        if more > there_are:
            gains.append((more, -place, condition))
    gains.sort(reverse=True, key=lambda gain: gain[:2])
    return "; ".join(f"without {condition} there are {more}" for more, _, condition in gains[:3])


def unmet(store: Store, conditions: Sequence[Condition], exclude: Collection[str] = frozenset()) -> str:
    """A sentence about an empty result: the cause, and what to loosen."""
    if not conditions:
        return "Nothing is left: every item is excluded." if exclude else "The catalogue has no available item."
    listed = " and ".join(str(condition) for condition in conditions)
    matching = store.items.count(conditions)
    if matching:
        cause = (
            f"All {matching} items that meet {listed} are excluded."
            if matching > 1
            else (f"The only item that meets {listed} is excluded.")
        )
    else:
        cause = f"No item meets {listed}."
    advice = loosening(store, conditions, exclude)
    return f"{cause} {advice[0].upper()}{advice[1:]}." if advice else f"{cause} Drop several conditions."
