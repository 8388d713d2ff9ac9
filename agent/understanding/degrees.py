"""Words for numbers ("recent", "short", "cheap"), measured against the liked item or the whole catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.vocabulary import Vocabulary
from recmind.data.catalogue import AttributeSummary
from recmind.data.conditions import Condition, Operator


@dataclass(frozen=True, slots=True)
class _DegreeScale:
    """Words for the two ends of one number."""

    attribute: str
    """The vocabulary's name for it: year, minutes or price."""
    name: str
    low: frozenset[str]
    high: frozenset[str]
    binds: bool
    """Whether the words rule items out; otherwise they only make others rank better."""
    beside_noun: bool
    """Whether the words have other uses too, and count only before a word for an item or at an end."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SCALES = (
    _DegreeScale(
        "year",
        "year",
        _words("old older oldest vintage"),
        _words("recent newer newest latest new modern contemporary"),
        binds=True,
        beside_noun=True,
    ),
    _DegreeScale(
        "minutes", "running time", _words("short shorter"), _words("long longer"), binds=False, beside_noun=True
    ),
    _DegreeScale(
        "price",
        "price",
        _words("cheap cheaper cheapest inexpensive affordable"),
        _words("expensive pricey luxury luxurious"),
        binds=False,
        beside_noun=False,
    ),
)
_COMPARATIVES = _words("older newer shorter longer cheaper")
_PATTERN = re.compile(
    r"(?<!\S)(?P<denied>(?:not|nothing|no) (?:too |very |so |that |any )?)?(?P<word>"
    + "|".join(sorted({word for scale in _SCALES for word in scale.low | scale.high}))
    + r")(?!\S)"
)
_ENDS = _words("please and but or one ones")

RECENT_YEARS = 8
OLD_YEARS = 40
"""Items this many years older than the newest one are old; if they are too few, a share of all items counts."""


def read_degrees(draft: Draft) -> None:
    """Reads words for one end of a number as bindings or wishes; notes a number that the catalogue lacks."""
    for match, i, j in list(draft.request.find(_PATTERN)):
        if draft.request.free(i, j) and draft.binds_at(i):
            _read(draft, match, i, j)


def _read(draft: Draft, match: re.Match[str], i: int, j: int) -> None:
    request, word = draft.request, match["word"]
    scale = next(scale for scale in _SCALES if word in scale.low | scale.high)
    comparative = word in _COMPARATIVES
    follower = request.tokens[j].key if j < len(request.tokens) and not request.boundary(j) else ""
    before = request.tokens[i - 1].key if i and not request.boundary(i) else ""
    attributive = draft.is_item_noun(follower)
    if scale.beside_noun and not (comparative or attributive or not follower or follower in _ENDS):
        return
    if (word == "new" and not attributive) or before in ("my", "your", "years", "year"):
        # "Something new" asks for the unknown, and "ten years old" is no wish for old items.
        return
    words = request.words(i, j)
    summary: AttributeSummary | None = getattr(draft.vocabulary, scale.attribute)
    if summary is None:
        if comparative or not scale.beside_noun or (attributive and scale.attribute == "year"):
            draft.unused.append(f"This catalogue has no {scale.name}, so “{words}” could not be used.")
            request.mark(i, j, "number")
        return
    request.mark(i, j, "number")
    is_low = word in scale.low
    measured = draft.measure(summary.name) if comparative else None
    if measured is not None:
        draft.bind(i, words, (Condition(summary.name, "<" if is_low else ">", measured),))
        return
    value = _threshold(draft.vocabulary, scale, summary, is_low=is_low)
    operators: tuple[Operator, Operator] = ("<=", ">") if is_low else (">=", "<")
    conditions = (Condition(summary.name, operators[bool(match["denied"])], value),)
    if scale.binds and not comparative and not match["denied"] and not draft.request.hedged(i):
        draft.bind(i, words, conditions)
    else:
        draft.wish(i, words, conditions)


def _threshold(vocabulary: Vocabulary, scale: _DegreeScale, summary: AttributeSummary, *, is_low: bool) -> float:
    if scale.attribute != "year":
        return vocabulary.quantile(summary, 0.3 if is_low else 0.7)
    newest = summary.maximum or 0.0
    value = newest - (OLD_YEARS if is_low else RECENT_YEARS - 1)
    inside = vocabulary.store.items.count([Condition(summary.name, "<=" if is_low else ">=", value)])
    enough = inside >= max(3, summary.items / 20)
    return value if enough else vocabulary.quantile(summary, 0.2 if is_low else 0.8)
