"""Bounds on running times, prices and other numbers in a request, and how many items it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from recmind.agent.understanding.degrees import read_degrees
from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.tables.words import GENERIC, N, number, phrases
from recmind.agent.understanding.years import item_noun_at, read_years
from recmind.data.catalogue import AttributeSummary
from recmind.data.conditions import Condition, Operator

_BELOW = (
    r"(?P<below>(?:for )?(?:under|less than|shorter than|below|cheaper than|fewer than|no more than|not more than"
    r"|at most|up to"
    r"|no longer than|not longer than|within|max(?:imum)?(?: of)?|maximum|not over|nothing over|nothing longer than"
    r"|nothing more than|not exceeding|no over|smaller than|lower than))"
)
_ABOVE = (
    r"(?P<above>(?:over|more than|longer than|above|at least|no less than|not less than|no shorter than|not under"
    r"|nothing under"
    r"|nothing shorter than|min(?:imum)?(?: of)?|minimum|greater than|larger than|higher than|better than))"
)
_AT_MOST = phrases(
    """
    no more than | not more than | at most | up to | no longer than | not longer than | within | not over | nothing over
    nothing longer than | nothing more than | not exceeding | no over | max | max of | maximum | maximum of
    """
)
_AT_LEAST = phrases(
    """
    at least | no less than | not less than | no shorter than | not under | nothing under | nothing shorter than
    min | min of | minimum | minimum of
    """
)
_COMPARED = rf"(?:(?:{_BELOW}|{_ABOVE}|(?P<about>about|around|roughly|approximately|circa)) )?"

_TIME = (
    rf"(?:(?P<clock>\d+h\d*m?(?:in)?)\b|(?:(?P<hours>{N}|an|a)(?P<half> and a half)? ?(?:hours?|hrs?|hr"
    rf"|h)\b(?P<half2> and a half)?"
    rf"(?: (?:and )?(?P<extra>{N}) ?(?:minutes?|mins?|m)\b)?)|(?P<half_hour>half an hour)"
    rf"|(?P<minutes>{N}) ?(?:minutes?|mins?|min)\b)"
)
_DURATION = re.compile(
    rf"\b{_COMPARED}{_TIME}(?: (?P<after>or less|or shorter|max|maximum|at most|or more|or longer|long|tops))?"
)

_DURATIONS = re.compile(
    rf"(?<!\S)(?:between |from )?(?P<low>{N}) (?:and|to) (?P<high>{N}) ?(?P<unit>minutes?|mins?|hours?|hrs?)(?!\S)"
)

_MONEY = re.compile(
    rf"(?<!\S){_COMPARED}(?:between |from )?(?:(?P<sign>[$€£¥])(?P<amount>\d+(?:\.\d+)?)|(?P<amount2>{N})(?="
    rf" (?:(?:to|and) [$€£¥]?\d+(?:\.\d+)? )?"
    r"(?:dollars?|bucks|euros?|pounds?|usd|eur|gbp|quid)\b))(?: (?:to|and) [$€£¥]?(?P<amount3>\d+(?:\.\d+)?))?"
    r"(?: (?:dollars?|bucks|euros?|pounds?|usd|eur|gbp|quid))?(?: (?P<after>or less|or under|max|maximum|tops|or"
    r" more))?(?!\S)"
)
_COUNT = re.compile(
    rf"(?<!\S)(?:(?:the )?(?:top|best|first) (?P<top>{N})|(?:give me|show me|recommend|recommend me|suggest|list"
    rf"|pick|name"
    rf"|find me) (?P<told>{N})(?! ?\w*(?:hour|min|year|dollar))|(?P<many>{N}|(?:a )?couple(?: of)?|a dozen))(?!\S)"
)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number that a request can set bounds on."""

    summary: AttributeSummary | None
    """None if the catalogue does not have it."""
    name: str


def read_numbers(draft: Draft) -> None:
    """Read all bounds on numbers in the request; a number that the catalogue lacks is noted as unused."""
    _read_durations(draft)
    _read_money(draft)
    _read_named(draft)
    read_years(draft)
    _read_counts(draft)
    read_degrees(draft)


def _compared(match: re.Match[str]) -> Operator | None:
    """The operator of a comparison; None for "about"."""
    after = match.groupdict().get("after") or ""
    if match["below"]:
        return "<=" if match["below"].removeprefix("for ") in _AT_MOST else "<"
    if match["above"]:
        return ">=" if match["above"] in _AT_LEAST else ">"
    if after in ("or less", "or shorter", "max", "maximum", "at most", "tops", "or under"):
        return "<="
    return ">=" if after in ("or more", "or longer") else None


def _bounded(draft: Draft, what: _Number, i: int, j: int, *, value: float, operator: Operator | None) -> None:
    """Bind tokens ``i`` to ``j`` to a bound; without a comparison ("a 90 minute film") a tenth each way is allowed."""
    if operator is None:
        slack = max(1.0, round(value * 0.1))
        _bind(draft, what, i, j, (">=", value - slack), ("<=", value + slack))
    else:
        _bind(draft, what, i, j, (operator, value))


def _bind(draft: Draft, what: _Number, i: int, j: int, *bounds: tuple[Operator, float]) -> None:
    words = draft.request.words(i, j)
    if what.summary is None:
        draft.unused.append(f"This catalogue has no {what.name}, so “{words}” could not be used.")
    else:
        name = what.summary.name
        draft.bind(i, words, [Condition(name, operator, round(value, 2)) for operator, value in bounds])
    draft.request.mark(i, j, "number")


def _readable(draft: Draft, i: int, j: int) -> bool:
    return draft.request.free(i, j) and draft.binds_at(i)


def _read_durations(draft: Draft) -> None:
    what = _Number(draft.vocabulary.minutes, "running time")
    for match, i, j in list(draft.request.find(_DURATIONS)):
        if _readable(draft, i, j):
            unit = 60.0 if match["unit"].startswith("h") else 1.0
            low, high = sorted(draft.vocabulary.minutes_in(number(match[side]) * unit) for side in ("low", "high"))
            _bind(draft, what, i, j, (">=", low), ("<=", high))
    for match, i, j in list(draft.request.find(_DURATION)):
        if not _readable(draft, i, j):
            continue
        operator = _compared(match)
        # Not "two hours later": without a comparison, other words must show that a length is meant.
        if operator is None and not match["about"] and match["after"] != "long" and not item_noun_at(draft, j):
            continue
        _bounded(draft, what, i, j, value=draft.vocabulary.minutes_in(_minutes(match)), operator=operator)


def _minutes(match: re.Match[str]) -> float:
    if match["half_hour"]:
        return 30.0
    if match["clock"]:
        hours, _, rest = match["clock"].rstrip("min").partition("h")
        return float(hours) * 60 + float(rest or 0)
    if match["hours"]:
        half = 0.5 if match["half"] or match["half2"] else 0.0
        return (number(match["hours"]) + half) * 60 + (number(match["extra"]) if match["extra"] else 0.0)
    return number(match["minutes"])


def _read_money(draft: Draft) -> None:
    what = _Number(draft.vocabulary.price, "price")
    for match, i, j in list(draft.request.find(_MONEY)):
        if not _readable(draft, i, j):
            continue
        amount = float(match["amount"]) if match["amount"] else number(match["amount2"])
        if match["amount3"]:
            low, high = sorted((amount, float(match["amount3"])))
            _bind(draft, what, i, j, (">=", low), ("<=", high))
        else:
            operator = _compared(match) or (None if match["about"] else "<=")
            _bounded(draft, what, i, j, value=amount, operator=operator)


def _read_named(draft: Draft) -> None:
    """``under 300 pages``, ``rating above 4``: numbers next to the name of an attribute of the catalogue."""
    names = sorted(draft.vocabulary.numbers, key=len, reverse=True)
    if not names:
        return
    name = "|".join(re.escape(one) for one in names)
    pattern = re.compile(
        rf"(?<!\S)(?:{_BELOW}|{_ABOVE}) (?P<value>{N}) (?P<name>{name})(?!\S)"
        rf"|(?<!\S)(?:an? )?(?P<name2>{name}) (?:is |of )?(?P<compared>{_BELOW.replace('?P<below>', '?:')}"
        rf"|{_ABOVE.replace('?P<above>', '?:')}) (?P<value2>{N})(?!\S)"
    )
    for match, i, j in list(draft.request.find(pattern)):
        if not _readable(draft, i, j):
            continue
        summary = draft.vocabulary.numbers[match["name"] or match["name2"]]
        operator = _compared(match) or _compared_words(match["compared"])
        value = number(match["value"] or match["value2"])
        _bounded(draft, _Number(summary, summary.name), i, j, value=value, operator=operator)


def _compared_words(text: str) -> Operator:
    found = re.match(_BELOW, text)
    if found:
        return "<=" if found["below"].removeprefix("for ") in _AT_MOST else "<"
    return ">=" if text in _AT_LEAST else ">"


def _read_counts(draft: Draft) -> None:
    for match, _, _ in list(draft.request.find(_COUNT)):
        group = next(name for name in ("top", "told", "many") if match[name])
        i, end = draft.request.range(match, group)
        if draft.count is not None or not draft.request.free(i, end) or draft.request.topical[i]:
            continue
        text = match[group]
        if group == "many" and not _counts_items(draft, end, one=text == "one"):
            continue
        value = 2.0 if "couple" in text else 12.0 if "dozen" in text else number(text)
        if 1 <= value <= 100 and value == int(value):
            draft.count = int(value)
            draft.request.mark(i - 1 if group == "top" else i, end, "count")


def _counts_items(draft: Draft, j: int, *, one: bool) -> bool:
    """Whether a number before token ``j`` counts items (``three funny films``), and not ``two brothers``."""
    request = draft.request
    for k in range(j, min(j + 4, len(request.tokens))):
        key = request.tokens[k].key
        if not request.free(j, k + 1) or (k > j and request.boundary(k)) or key == "of":
            return False
        if one or key.endswith("s"):
            if key in GENERIC or draft.is_item_noun(request.key(j, k + 1)):
                return True
            if k == j + 1 and draft.is_item_noun(key):
                return True
    return False
