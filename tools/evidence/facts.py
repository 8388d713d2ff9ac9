"""Chooses the facts of an item that are worth citing, for any catalogue, and turns results into rows for the slate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from recmind.data import wording
from recmind.data.conditions import PSEUDO_ATTRIBUTES, Condition, matches
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.brief import Constraint
from recmind.tools.engines.attributes import (
    LONG_VALUE,
    AttributeWeights,
    Scalar,
    TasteKey,
    attribute_weights,
    values_of,
)
from recmind.tools.evidence import phrases
from recmind.tools.evidence.slate import Evidence, Finding, Findings, Role

_NEGATIVE = ("!=", "not in")
_SUMMARY_LENGTH = 90
_VALUES_KEPT = 20_000
_ITEMS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Focus:
    """What a request is about: it decides which facts are shown."""

    conditions: tuple[Condition, ...] = ()
    """Conditions; the values that meet them are named first."""
    constraints: tuple[Constraint, ...] = ()
    """Parts of the request whose conditions must all hold (``Brief.bindings``)."""
    wishes: tuple[Constraint, ...] = ()
    """Parts of the request that any one of their conditions meets (``Brief.wishes``)."""
    tastes: Mapping[TasteKey, float] = field(default_factory=dict)
    """Lift of the values that the user likes, above 1; these are named before others."""


NO_FOCUS = Focus()


class ItemFacts:
    """Chooses the facts of items and puts them into words, at one version of the catalogue."""

    def __init__(self, weights: AttributeWeights) -> None:
        self.weights = weights
        self._summaries: dict[str, tuple[Item, str]] = {}
        self._metadata: dict[tuple[str, Scalar], Evidence] = {}

    def summary(self, item: Item) -> str:
        """The item in a few values, ``1999 · Comedy, Sci-Fi``: a year first, then the most informative values."""
        known = self._summaries.get(item.item_id)
        if known is None or known[0] is not item:
            if len(self._summaries) >= _ITEMS_KEPT:
                self._summaries.clear()
            known = self._summaries[item.item_id] = item, self._summary(item)
        return known[1]

    def _summary(self, item: Item) -> str:
        shown: dict[str, Sequence[Scalar]] = {}
        attributes = self.weights.ordered
        least = 0.25 * max((attribute.weight for attribute in attributes), default=0.0)
        for attribute in sorted(attributes, key=lambda a: (not a.is_year, -a.weight)):
            values = values_of(item, attribute.name)
            if values and (attribute.is_year or (not attribute.is_number and attribute.weight >= least)):
                longer = {**shown, attribute.name: values[:3]}
                if len(wording.values_line(longer)) <= _SUMMARY_LENGTH:
                    shown = longer
            if len(shown) == 3:
                break
        return wording.values_line(shown)

    def facts(self, item: Item, focus: Focus = NO_FOCUS, most: int = 3) -> list[Evidence]:
        """The facts worth citing: the parts of the request that the item meets, the values that meet them, informative
        values.

        Args:
            item: the item.
            focus: what the request is about.
            most: the most informative values to name; the other facts are not limited.
        """
        met = [part for part in focus.constraints if all(matches(c, item) for c in part.conditions)]
        wished = [part for part in focus.wishes if any(matches(c, item) for c in part.conditions)]
        asked = [c for part in (*wished, *met) for c in part.conditions] + list(focus.conditions)
        named = dict.fromkeys(pair for condition in asked for pair in meeting_values(condition, item))
        facts = [_asked_for(part, " or ") for part in wished] + [_asked_for(part, " and ") for part in met]
        free = [pair for pair in self._informative(item, focus.tastes) if pair not in named][: max(most, 0)]
        return facts + [self._fact(pair) for pair in (*named, *free)]

    def _fact(self, pair: tuple[str, Scalar]) -> Evidence:
        fact = self._metadata.get(pair)
        if fact is None:
            if len(self._metadata) >= _VALUES_KEPT:
                self._metadata.clear()
            fact = self._metadata[pair] = phrases.metadata(*pair)
        return fact

    def _informative(self, item: Item, tastes: Mapping[TasteKey, float]) -> list[tuple[str, Scalar]]:
        """The item's values, the most informative first; every attribute comes once before any comes twice."""
        values = self.weights.item_values(item)
        scored = []
        for place, value in enumerate(values):
            lift = tastes.get(value.taste, 0.0) if tastes else 0.0
            scored.append((-value.weight * (1 + min(lift, 4.0)) if lift > 1 else -value.weight, place))
        turns: dict[str, int] = {}
        rounds: dict[int, list[tuple[str, Scalar]]] = {1: [], 2: []}
        for _, place in sorted(scored):
            pair = values[place].pair
            turn = turns[pair[0]] = turns.get(pair[0], 0) + 1
            if turn in rounds:
                rounds[turn].append(pair)
        return rounds[1] + rounds[2]


_KNOWN: WeakKeyDictionary[Store, ItemFacts] = WeakKeyDictionary()


def item_facts(store: Store) -> ItemFacts:
    """The facts of the store's present catalogue; made once for each version."""
    weights = attribute_weights(store)
    known = _KNOWN.get(store)
    if known is None or known.weights is not weights:
        known = _KNOWN[store] = ItemFacts(weights)
    return known


def with_facts(store: Store, findings: Findings, focus: Focus = NO_FOCUS, most: int = 3) -> Findings:
    """The findings with facts and a summary of the item added behind each row's own evidence.

    Only the rows that are shown get them; the others get theirs when a ranking or another look-up shows them.

    Args:
        store: where titles and attributes are read.
        findings: the findings of any tool.
        focus: what the request is about.
        most: the most informative values to name for an item.
    """
    items = store.items.get_many(row.item_id for row in findings.rows[: findings.shown])
    chosen = item_facts(store)
    rows = []
    for row in findings.rows:
        item = items.get(row.item_id)
        if item is None:
            rows.append(row)
            continue
        known = {fact.text for fact in row.evidence}
        added = [fact for fact in chosen.facts(item, focus, most) if fact.text not in known]
        summary = row.summary or chosen.summary(item)
        rows.append(Finding(row.item_id, row.title, row.role, (*row.evidence, *added), row.scores, summary))
    return replace(findings, rows=tuple(rows))


def build_findings(
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
    """Findings with titles, facts and summaries; items that the catalogue does not have are left out.

    Args:
        store: where titles and attributes are read.
        tool: name of the tool that found them.
        rows: item id, own evidence and scores of each row, best first.
        note: a sentence about the whole result, for the model.
        role: whether the items may be recommended.
        focus: what the request is about.
        most: the most informative values to name for an item.
        shown: how many rows the model reads.
    """
    given = list(rows)
    items = store.items.get_many(item_id for item_id, _, _ in given)
    plain = tuple(
        Finding(item_id, items[item_id].name, role, tuple(evidence), scores)
        for item_id, evidence, scores in given
        if item_id in items
    )
    return with_facts(store, Findings(tool, plain, note, shown), focus, most)


def meeting_values(condition: Condition, item: Item) -> list[tuple[str, Scalar]]:
    """The (attribute, value) pairs of the item that meet the condition.

    Empty for a negative condition, and for a condition on title, description, id or time.
    """
    if condition.operator in _NEGATIVE or condition.attribute in PSEUDO_ATTRIBUTES:
        return []
    name = condition.attribute
    short = (v for v in values_of(item, name) if not isinstance(v, str) or len(v) <= 2 * LONG_VALUE)
    return [(name, value) for value in short if _meets(condition, value)]


@lru_cache(maxsize=_VALUES_KEPT)
def _meets(condition: Condition, value: Scalar) -> bool:
    """Whether an item with this value alone meets the condition."""
    alone = Item("", attributes={condition.attribute: (value,) if isinstance(value, str) else value})
    return matches(condition, alone)


@lru_cache(maxsize=1024)
def _asked_for(part: Constraint, between: str) -> Evidence:
    """Evidence that an item meets this part of a request; kept, because many items share it."""
    return phrases.request(part.words, between.join(map(str, part.conditions)))
