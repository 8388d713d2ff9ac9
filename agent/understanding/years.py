"""Years, decades and periods that a request asks for."""

from __future__ import annotations

import re

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.tables.words import DECADE_WORDS, N, number
from recmind.data.catalogue import AttributeSummary
from recmind.data.conditions import Condition

_YEAR = r"(?:18[89]\d|19\d\d|20\d\d)"
_DECADE = rf"(?:(?:early|mid|late) )?(?:(?:18|19|20)?\d0s|{'|'.join(DECADE_WORDS)})"
_WHEN = rf"(?:{_YEAR}|(?:the )?{_DECADE})"
_LINK = r"(?:to|and|through|until|till|up to|or)"
_YEARS = re.compile(
    r"(?<!\S)(?P<denied>(?:(?:not|nothing|no|never|none|isnt|except|without)(?: (?:anything|any|films?|movies?"
    r"|ones?|items?|made|released|to be|thats|that is|that was|from(?= (?:before|earlier|older|prior|pre|after|later"
    r"|newer|post|since|until) )))* ))?"
    r"(?:(?:made|released|published|produced|came out|that came out|shot|set) )?"
    rf"(?:(?:between|from) (?P<low>{_WHEN}) {_LINK} (?P<high>{_WHEN})(?! \w* or)"
    rf"|(?P<range_low>{_WHEN}) to (?P<range_high>{_WHEN})"
    rf"|(?P<before>before|earlier than|older than|prior to|pre) (?P<before_when>{_WHEN})"
    rf"|(?P<until>until|up to|by|no later than|not after|nothing after|not later than|no newer than|not newer"
    rf" than) (?P<until_when>{_WHEN})"
    rf"|(?P<after>after|later than|newer than|more recent than|post) (?P<after_when>{_WHEN})"
    rf"|(?P<since>since|from(?= \S+ (?:on|onwards?|forward)\b)|no earlier than|not before|nothing before|no older"
    rf" than|not older than"
    rf"|starting (?:in|from)) (?P<since_when>{_WHEN})(?: (?:on|onwards?|forward))?"
    rf"|(?:from |in |of |during |circa )?(?:the )?(?P<last>last|past) (?P<n>{N}|few|couple of)? ?(?P<span>years?"
    rf"|decades?)"
    rf"|(?:(?:from|in|of|during) )?(?P<open_when>{_WHEN}) (?P<open>"
    r"or later|or newer|and later|onwards?|and newer|and after|or after|or"
    rf" earlier|or older|and earlier|and before|or before)"
    rf"|(?P<cue>(?:from|in|of|during|circa|around|year) )?(?P<when>{_WHEN})(?: (?:or|and) (?P<when2>(?:the"
    rf" )?{_DECADE}))?)(?!\S)"
)
_SETTING = re.compile(r"\b(?:set|takes? place|happens?|happening) (?:in|during|around) (?:the )?$")


def read_years(draft: Draft) -> None:
    """Bind the release years that the request asks for; the period of a story is not a release year."""
    for match, i, j in list(draft.request.find(_YEARS)):
        request = draft.request
        if not request.free(i, j) or not _asks_for_year(draft, match, i, j):
            continue
        words = request.words(i, j)
        year = draft.vocabulary.year
        if year is None:
            draft.unused.append(f"This catalogue has no year, so “{words}” could not be used.")
        elif request.asking[request.tokens[i].sentence] and not request.hedged(i):
            draft.bind(i, words, _conditions(match, year))
        else:
            draft.wish(i, words, _as_wish(_conditions(match, year), spread=2 if request.hedged(i) else 0))
        if i and request.tokens[i - 1].key in ("from", "in", "of", "the"):
            request.mark(i - 1, i, "cue")
        request.mark(i, j, "number")


def item_noun_at(draft: Draft, j: int) -> bool:
    """Whether token ``j`` is a word for an item, without a pause before it."""
    tokens = draft.request.tokens
    return j < len(tokens) and not draft.request.boundary(j) and draft.is_item_noun(tokens[j].key)


def _asks_for_year(draft: Draft, match: re.Match[str], i: int, j: int) -> bool:
    request = draft.request
    if request.topical[i] and not (match["before"] or match["after"] or match["cue"] == "from "):
        return False
    if not match["when"]:
        return True
    ends = j == len(request.tokens) or bool(request.boundary(j))
    lone = re.fullmatch(_YEAR, match["when"]) and not match["cue"] and not item_noun_at(draft, j) and not ends
    return not lone and not _SETTING.search(match.string[: match.start("when")])


def _conditions(match: re.Match[str], year: AttributeSummary) -> tuple[Condition, ...]:
    name, (low, high) = year.name, _range(match, int(year.maximum or 0))
    lower = [] if low is None else [Condition(name, ">=", low)]
    upper = [] if high is None else [Condition(name, "<=", high)]
    if match["denied"] and low is not None and high is not None:
        return (Condition(name, "not in", tuple(float(value) for value in range(low, high + 1))),)
    if match["denied"]:
        return (Condition(name, "<=", low - 1) if low is not None else Condition(name, ">=", (high or 0) + 1),)
    if match["before"] and high is not None:
        upper = [Condition(name, "<", high + 1)]
    if match["after"] and low is not None:
        lower = [Condition(name, ">", low - 1)]
    return (Condition(name, "=", low),) if low is not None and low == high else (*lower, *upper)


def _as_wish(conditions: tuple[Condition, ...], *, spread: int) -> tuple[Condition, ...]:
    """The same in one condition, because any condition meets a wish; a guess is ``spread`` years wide."""
    low, high = (int(float(c.values[0])) for c in (conditions[0], conditions[-1]))
    between = len(conditions) == 2 or conditions[0].operator == "="
    if not between:
        return conditions
    years = range(low - spread, high + spread + 1) if conditions[0].operator == "=" else range(low, high + 1)
    return (Condition(conditions[0].attribute, "in", tuple(float(year) for year in years)),)


def _range(match: re.Match[str], newest: int) -> tuple[int | None, int | None]:
    """First and last year that the words mean; None for a side that they leave open."""
    for low, high in (("low", "high"), ("range_low", "range_high"), ("when", "when2")):
        if match[low]:
            spans = [_span(match[low]), _span(match[high] or match[low])]
            return min(first for first, _ in spans), max(last for _, last in spans)
    if match["last"]:
        many = match["n"] or "one"
        years = 3.0 if many == "few" else 2.0 if many == "couple of" else number(many)
        return newest - int(years * (10 if match["span"].startswith("decade") else 1)) + 1, None
    if match["open_when"]:
        first, last = _span(match["open_when"])
        upwards = match["open"].split()[-1] in ("later", "newer", "onward", "onwards", "after")
        return (first, None) if upwards else (None, last)
    upper = [_span(match["before_when"])[0] - 1] if match["before_when"] else []
    upper += [_span(match["until_when"])[1]] if match["until_when"] else []
    lower = [_span(match["after_when"])[1] + 1] if match["after_when"] else []
    lower += [_span(match["since_when"])[0]] if match["since_when"] else []
    return (lower[0] if lower else None), (upper[0] if upper else None)


def _span(text: str) -> tuple[int, int]:
    """First and last year of a year or decade: ``the late 80s`` is 1987 to 1989."""
    part, _, rest = text.removeprefix("the ").rpartition(" ")
    if re.fullmatch(_YEAR, rest):
        return int(rest), int(rest)
    figures = rest.removesuffix("s")
    century = 0 if len(figures) == 4 else 2000 if figures in ("00", "10") else 1900
    start = DECADE_WORDS[rest] if rest in DECADE_WORDS else century + int(figures)
    first, last = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}.get(part, (0, 9))
    return start + first, start + last
