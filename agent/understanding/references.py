"""Finds the items of the last answer that a message refers to: "the second", "that", "those", or a title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recmind.agent.understanding.meaning import TitleMention
from recmind.agent.understanding.tables.words import GENERIC, NUMBER_WORDS
from recmind.data.text import normalize, title_keys

if TYPE_CHECKING:
    from recmind.data.store.store import Store

_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "1st": 1, "2nd": 2, "3rd": 3, "last": -1, "bottom": -1, "top": 1,
}  # fmt: skip
_NOUN = rf"(?: (?:{'|'.join(sorted(GENERIC))}))?"
_PLACE = rf"(?:{'|'.join(_ORDINALS)}|\d{{1,3}}th)"
MANY = rf"(?:\d{{1,2}}|{'|'.join(word for word in NUMBER_WORDS if word not in ('a', 'an', 'couple', 'dozen'))})"
ONE = (
    rf"(?:(?:the |your |my )?(?P<place>{_PLACE})(?! (?:{MANY})\b){_NOUN}|(?:the )?(?:number|no|nr|item) "
    rf"(?P<number>\d{{1,3}}|{'|'.join(word for word in NUMBER_WORDS if len(word) > 2)})"
    rf"|(?:that|this) one|(?:that|this){_NOUN}|it)"
)
SEVERAL = (
    rf"(?:the )?(?P<end>first|last|top) (?P<many>{MANY}){_NOUN}|(?:all of |both of |any of |none of )?"
    rf"(?:those|these|them)(?: (?:two|three|all))?{_NOUN}|(?:all|both)(?: of them)?|the whole list"
)
_ONE, _SEVERAL = re.compile(rf"(?:{ONE})$"), re.compile(rf"(?:{SEVERAL})$")
_LINK = re.compile(r",? and |, ?| & | or ")


@dataclass(frozen=True, slots=True)
class Talked:
    """The items that a message may refer to."""

    shown: tuple[TitleMention, ...] = ()
    """The last list of recommendations, best first."""
    focus: str | None = None
    """The id of the item that was mentioned last."""

    def about(self) -> TitleMention | None:
        """The item that "that" refers to: the one mentioned last, else the first of the list."""
        spoken = next((mention for mention in self.shown if mention.item_id == self.focus), None)
        return spoken or (self.shown[0] if self.shown else None)


def as_number(text: str) -> int:
    """A small number in figures or words."""
    return NUMBER_WORDS.get(text) or int(text)


class OutOfRange(Exception):  # noqa: N818  says what is the case
    """The message refers to a place that the last list does not have."""


def referred(words: str, talked: Talked, store: Store | None = None) -> list[TitleMention]:
    """The items that these words refer to, in their order; empty if they refer to none.

    Args:
        words: ``the second and the third``, ``that``, ``those``, or titles.
        talked: the items that they may refer to.
        store: where titles outside the last list are looked up; None if only that list is meant.

    Raises:
        OutOfRange: the list has no such place.
    """
    text = " ".join(words.casefold().replace("#", "number ").split()).strip(" .!?,;")
    if found := _SEVERAL.match(text):
        return list(_some(found, talked.shown))
    whole = _one(text, talked, store)
    if whole is not None:
        return [whole]
    parts = [_one(part, talked, store) for part in _LINK.split(text) if part]
    return [part for part in parts if part] if len(parts) > 1 and all(parts) else []


def _some(found: re.Match[str], shown: Sequence[TitleMention]) -> Sequence[TitleMention]:
    if not found["end"]:
        return shown
    many = as_number(found["many"])
    return shown[-many:] if found["end"] == "last" else shown[:many]


def _one(text: str, talked: Talked, store: Store | None) -> TitleMention | None:
    found = _ONE.match(text)
    if found is None:
        return _titled(text, talked, store)
    written = found["place"] or found["number"]
    if written is None:
        return talked.about()
    place = _ORDINALS.get(written) or as_number(written.removesuffix("th"))
    if not talked.shown:
        return None
    if abs(place) > len(talked.shown):
        raise OutOfRange(f"The last list has {len(talked.shown)}, so there is no “{text}” in it.")
    return talked.shown[place - 1 if place > 0 else place]


def _titled(text: str, talked: Talked, store: Store | None) -> TitleMention | None:
    key = normalize(text.strip("\"'“”"))
    if not key:
        return None
    for mention in talked.shown:
        if title_keys(mention.title).get(key, 2) < 2:
            return mention
    ids = store.titles.by_key([key]).get(key, []) if store is not None else []
    items = store.items.get_many(ids[:1]) if store is not None else {}
    for item_id, item in items.items():
        if title_keys(item.title).get(key, 2) < 2:
            return TitleMention(item_id, item.name, text)
    return None
