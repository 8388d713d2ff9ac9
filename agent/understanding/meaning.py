"""What a request means, as values, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass

from recmind.data.conditions import Condition, value_text
from recmind.data.wording import series


@dataclass(frozen=True, slots=True)
class TitleMention:
    """An item that the request names."""

    item_id: str
    title: str
    """The catalogue's title."""
    words: str
    """How the request wrote it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A part of the request that every recommendation must meet."""

    label: str
    """``q1``, ``q2``, ... in the order of the request."""
    words: str
    """The request's words: ``no horror``."""
    conditions: tuple[Condition, ...]
    """All must hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A part of the request that makes items rank better, and rules none out."""

    words: str
    conditions: tuple[Condition, ...]
    """An item meets the wish if any of these holds."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a request means for one catalogue."""

    query: str
    likes: tuple[TitleMention, ...] = ()
    """"Something like X": starting points, never answers."""
    unlikes: tuple[TitleMention, ...] = ()
    """"Not X": never answers, and what resembles them counts less."""
    bindings: tuple[Binding, ...] = ()
    wishes: tuple[Wish, ...] = ()
    text: str = ""
    """The words left to search for by meaning; empty if none are."""
    again: bool = False
    """Whether items already consumed are welcome."""
    unseen: bool = False
    """Whether the request says that it wants nothing already consumed (which is also the default)."""
    surprise: bool = False
    empty: bool = False
    """Whether the request says nothing about what is wanted: "", or "what should I watch tonight"."""
    count: int | None = None
    """How many items are asked for; None if the request does not say."""
    unused: tuple[str, ...] = ()
    """Sentences for the person about what could not be used."""

    def meaning(self) -> str:
        """One or two sentences that say how the request was understood."""
        parts = []
        if self.likes:
            parts.append(f"like {series([mention.title for mention in self.likes], 'and')}")
        if self.unlikes:
            parts.append(f"not like {series([mention.title for mention in self.unlikes], 'or')}")
        parts += [_said(binding.words, binding.conditions, "and") for binding in self.bindings]
        parts += [f"if possible {_said(wish.words, wish.conditions, 'or')}" for wish in self.wishes[:6]]
        if self.text and not self._said_already():
            parts.append(f"close to “{_cut(self.text)}”")
        if self.surprise:
            parts.append("something surprising")
        if self.again:
            parts.append("things you know already are welcome")
        elif self.unseen:
            parts.append("nothing you know already")
        if not parts:
            parts.append("no particular wish")
        sentence = "; ".join(parts)
        return f"{sentence[:1].upper()}{sentence[1:]}."

    def _said_already(self) -> bool:
        """Whether the wishes name every word of the text."""
        said = " ".join(wish.words for wish in self.wishes).casefold().split()
        return all(word in said for word in self.text.casefold().split())


_SIGNS = {
    "=": "",
    "!=": "not ",
    "<": "below ",
    "<=": "at most ",
    ">": "above ",
    ">=": "at least ",
    "~": "with ",
    "in": "",
}


def _said(words: str, conditions: tuple[Condition, ...], link: str) -> str:
    """``funny (genres Comedy or moods funny)``; the words alone if the conditions add nothing to them."""
    spoken = " ".join(words.casefold().split())
    if all(c.operator in ("!=", "not in") for c in conditions):
        values = [value_text(value) for c in conditions for value in c.values]
        if all(value.casefold() in spoken for value in values):
            return _cut(words)
        distinct = list(dict.fromkeys(values))
        if len(distinct) > 4 and not isinstance(conditions[0].values[0], str):
            return f"{_cut(words)} ({conditions[0].attribute} not {distinct[0]} to {distinct[-1]})"
        return f"{_cut(words)} (not {series(distinct[:4], 'or')})"
    if all(c.operator in ("=", "in") and all(value_text(v).casefold() in spoken for v in c.values) for c in conditions):
        return _cut(words)
    return f"{_cut(words)} ({series(_ranges(conditions)[:4], link)})"


def _ranges(conditions: tuple[Condition, ...]) -> list[str]:
    """The conditions in words; a lower and an upper bound on one attribute read as one range."""
    lower = {c.attribute: c for c in conditions if c.operator == ">="}
    upper = {c.attribute: c for c in conditions if c.operator == "<="}
    texts = []
    for c in conditions:
        if c.attribute in lower and c.attribute in upper and c.operator in (">=", "<="):
            if c.operator == ">=":
                high = value_text(upper[c.attribute].values[0])
                texts.append(f"{c.attribute} {value_text(c.values[0])} to {high}")
            continue
        texts.append(_in_words(c))
    return texts


def _in_words(condition: Condition) -> str:
    values = list({value.casefold(): value for value in map(value_text, reversed(condition.values))}.values())[::-1]
    if condition.operator == "not in":
        return f"{condition.attribute} not {series(values[:4], 'or')}"
    if len(values) > 4 and all(isinstance(value, float | int) for value in condition.values):
        return f"{condition.attribute} {values[0]} to {values[-1]}"
    return f"{condition.attribute} {_SIGNS[condition.operator]}{series(values[:3], 'or')}"


def _cut(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"
