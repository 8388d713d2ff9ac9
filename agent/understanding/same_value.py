"""Reads values that a message names by an item that has them: "not that director", "the same brand as the second"."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recmind.agent.understanding.meaning import Binding
from recmind.agent.understanding.references import ONE, OutOfRange, Talked, referred
from recmind.agent.understanding.vocabulary import Vocabulary
from recmind.data.conditions import Condition, Scalar
from recmind.data.text import normalize
from recmind.data.wording import attribute_label

if TYPE_CHECKING:
    from recmind.data.store.store import Store

MOST_VALUES = 8


@dataclass(frozen=True, slots=True)
class SameValues:
    """What was read, and what is left of the message."""

    bindings: tuple[Binding, ...]
    rest: str


def read_same_values(message: str, talked: Talked, store: Store) -> SameValues | None:
    """The conditions that the message makes from values of shown items, or None if it makes none.

    Args:
        message: the person's words.
        talked: the items that they may refer to.
        store: the catalogue.
    """
    vocabulary = Vocabulary(store)
    attributes = _names(vocabulary)
    if not attributes:
        return None
    one = re.sub(r"\(\?P<\w+>", "(?:", ONE)
    pattern = re.compile(
        r"\b(?P<not>(?:(?:but |and )?(?:not|no more|nothing|without|other than|except|anything but|avoid) )"
        r"(?:(?:another|any more|anything|something|more) )?(?:(?:film|one|item|thing)s? )?)?"
        r"(?:(?:something|anything|more|another|others?|films?|items?|ones?|products?|things?)"
        r"(?: (?:one|film|item|product))? )?(?:(?:made )?(?:by|from|with|of|in) )?"
        rf"(?P<which>that|this|the same|same|these|those|a different|different|another|an other|other) "
        rf"(?P<attribute>{'|'.join(sorted(map(re.escape, attributes), key=len, reverse=True))})"
        rf"(?: (?:as|of|from|than|in) (?P<item>{one}))?(?: again| instead| please)?(?=$|[ .,;!?])"
    )
    bindings: list[Binding] = []
    while found := pattern.search(message.casefold()):
        attribute = attributes[found["attribute"]]
        denied = bool(found["not"]) or found["which"] in ("a different", "different", "another", "an other", "other")
        values = _values(attribute, found["item"], talked, store)
        if values:
            bindings.append(Binding("q0", _words(values, denied=denied), (_condition(attribute, values, denied),)))
        message = " ".join(f"{message[: found.start()]} {message[found.end() :]}".split()).strip(" ,;")
    return SameValues(tuple(bindings), message) if bindings else None


def _names(vocabulary: Vocabulary) -> dict[str, str]:
    """The attributes that can be named in this way, by the words for them."""
    names: dict[str, str] = {}
    number = [summary.name for summary in (vocabulary.year,) if summary is not None]
    for attribute in (*vocabulary.roles, *number):
        for name in (normalize(attribute_label(attribute)), normalize(attribute)):
            names.setdefault(name, attribute)
    return names


def _values(attribute: str, item: str | None, talked: Talked, store: Store) -> tuple[Scalar, ...]:
    """The values of the item referred to; without one, the value that most of the list share, else the first item's."""
    try:
        meant = referred(item, talked) if item else []
    except OutOfRange:
        return ()
    if not meant and talked.focus is not None:
        meant = [mention for mention in talked.shown if mention.item_id == talked.focus]
    items = store.items.get_many(mention.item_id for mention in (meant or talked.shown))
    having = [_as_tuple(found.attributes.get(attribute)) for found in items.values()]
    if meant:
        return having[0][:MOST_VALUES] if having else ()
    counts = Counter(value for values in having for value in values)
    if counts and counts.most_common(1)[0][1] > 1:
        return (counts.most_common(1)[0][0],)
    return next((values[:MOST_VALUES] for values in having if values), ())


def _as_tuple(value: object) -> tuple[Scalar, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str | int | float) else ()


def _condition(attribute: str, values: tuple[Scalar, ...], denied: bool) -> Condition:
    if len(values) == 1:
        return Condition(attribute, "!=" if denied else "=", values[0])
    return Condition(attribute, "not in" if denied else "in", values)


def _words(values: tuple[Scalar, ...], *, denied: bool) -> str:
    named = " or ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values[:3])
    return f"not {named}" if denied else named
