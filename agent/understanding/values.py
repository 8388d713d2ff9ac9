"""Reads kinds, moods, origins and themes in a request, and what it rules out."""

from __future__ import annotations

import re

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.parts import Part, part_at
from recmind.agent.understanding.tables.thesaurus import AMBIGUOUS_KINDS
from recmind.agent.understanding.tables.words import (
    ARTICLES,
    ASKING,
    BEFORE_SUBJECT,
    COMMON,
    DEGREE,
    FILLERS,
    GENERIC,
    JOINERS,
    POSSESSIVE,
    STOP,
)
from recmind.agent.understanding.vocabulary import Meaning, any_of, none_of
from recmind.agent.understanding.years import item_noun_at

_NEGATION = re.compile(
    r"(?<!\S)(?:anything but|anything except|other than|apart from|except for|instead of|rather than|as long as"
    r" it(?: i)?s not"
    r"|(?:do not|dont|didnt|doesnt|does not|cant) (?:really |particularly )?(?:want|like|enjoy|need|stand|care"
    r" for|do|have|contain|include|involve)"
    r"|not into|not a fan of|not in the mood for|not interested in|free of|tired of|sick of"
    r"|no|not|nothing|without|non|except|excluding|exclude|avoid|avoiding|hates?|dislikes?|isnt|arent|never|minus"
    r"|skip|neither|nor)(?!\S)"
)
_PLAIN = ("no", "without", "any", "other", "apart", "except", "instead", "rather", "as long", "free")
"""Negations beginning with these words can be repeated in our sentences, before what they deny; verbs cannot."""
_HARDLY = frozenset({"less", "fewer"})
_FREE = re.compile(r"(?<!\S)(?P<what>\w+) free(?!\S)")


def read_values(draft: Draft) -> None:
    """Read what is ruled out first, then what is asked for, from left to right."""
    for match, i, j in list(draft.request.find(_NEGATION)):
        if draft.request.free(i, j):
            _read_denied(draft, i, j, match[0])
    for _, i, j in list(draft.request.find(_FREE)):
        _read_free_of(draft, i, j)
    _read_asked(draft)


# What is ruled out


def _read_denied(draft: Draft, cue: int, start: int, cue_words: str) -> None:
    """``no A``, ``not too A``, ``nothing A or B``, ``no A, B or C``."""
    request = draft.request
    if not draft.binds_at(cue):
        return
    plain = cue_words.startswith(_PLAIN)
    opening = request.words(cue, start) if plain else "no"
    at: int | None = start
    soft, end = False, start
    while at is not None:
        at, degree = _skip_fillers(draft, at)
        soft = soft or degree
        part = part_at(draft, at) if at < len(request.tokens) and not request.tokens[at].mark else None
        if part is None:
            if end == start:
                _note_unknown_denial(draft, cue, at, cue_words)
            break
        words = request.words(cue, part.j) if plain and end == start else f"{opening} {_denied_words(draft, part)}"
        _deny(draft, part, words, place=cue if end == start else part.i, soft=soft)
        request.mark(at, part.j, "denied")
        end = at = part.j
        while at < len(request.tokens) and request.tokens[at].key in GENERIC and not request.tokens[at].mark:
            at += 1
        at = _next_in_list(draft, at, cue_words)
    if end > start:
        for token in request.tokens[cue:end]:
            token.mark = token.mark or "denied"
        request.mark(cue, start, "denied")


def _denied_words(draft: Draft, part: Part) -> str:
    """The denied words, with a following word for an item: ``horror``, ``scary films``."""
    return draft.request.words(part.i, part.j + 1 if item_noun_at(draft, part.j) else part.j)


def _skip_fillers(draft: Draft, at: int) -> tuple[int, bool]:
    """The token where the denied part starts, and whether a word of degree ("too") precedes it."""
    request = draft.request
    start, degree = at, False
    while at < len(request.tokens) and (at == start or request.boundary(at) != "."):
        token = request.tokens[at]
        part = part_at(draft, at) if token.key in FILLERS else None
        if token.key not in FILLERS or token.mark or (part is not None and part.kind in ("sense", "kind")):
            return at, degree
        degree = degree or token.key in DEGREE
        at += 1
    return len(request.tokens), degree


def _next_in_list(draft: Draft, at: int, cue_words: str) -> int | None:
    """The token where the next denied part of a list starts, or None.

    "No A, B please" denies A alone; "no A, B or C" denies three.
    """
    request = draft.request
    tokens = request.tokens
    if at >= len(tokens) or request.boundary(at) == ".":
        return None
    if tokens[at].key in ("or", "nor"):
        return at + 1
    if tokens[at].key == "and":
        part = part_at(draft, at + 1) if at + 1 < len(tokens) else None
        denied = part is not None and not part.base and (part.kind != "sense" or cue_words != "not")
        return at + 1 if denied and _names_no_item(draft, at + 1) else None
    return at if request.boundary(at) == "," and _goes_on(draft, at) else None


def _goes_on(draft: Draft, at: int) -> bool:
    """Whether the values from token ``at`` on, separated by commas, end in "or C" or "and C"."""
    request = draft.request
    tokens = request.tokens
    while (part := part_at(draft, at) if at < len(tokens) else None) is not None:
        at = part.j
        if at >= len(tokens) or tokens[at].key in JOINERS:
            return at < len(tokens) and (tokens[at].key != "and" or _names_no_item(draft, at + 1))
        if request.boundary(at) != ",":
            return False
    return False


def _names_no_item(draft: Draft, at: int) -> bool:
    part = part_at(draft, at) if at < len(draft.request.tokens) else None
    return part is not None and not (
        part.j < len(draft.request.tokens) and draft.is_item_noun(draft.request.tokens[part.j].key)
    )


def _deny(draft: Draft, part: Part, words: str, *, place: int, soft: bool) -> None:
    if not part.core:
        named = draft.request.words(part.i, part.j)
        draft.unused.append(f"Nothing in this catalogue says “{named}”, so “{words}” could not be used.")
    elif soft and part.kind == "sense":
        for condition in none_of(part.core):
            draft.wish(place, words, (condition,))
    else:
        draft.bind(place, words, none_of(part.core))


def _note_unknown_denial(draft: Draft, cue: int, at: int, cue_words: str) -> None:
    """Note a clear "no X" if the catalogue has no X; the words must not be searched for either."""
    request = draft.request
    tokens = request.tokens
    if cue_words not in (
        "no",
        "without",
        "avoid",
        "nothing",
        "except",
        "excluding",
        "non",
        "hate",
        "anything but",
        "rather than",
        "instead of",
        "not",
    ):
        return
    end = at
    while (
        end < len(tokens)
        and end - at < 3
        and not tokens[end].mark
        and tokens[end].key not in STOP
        and not (end > at and request.boundary(end))
    ):
        end += 1
    while end > at and tokens[end - 1].key in GENERIC:
        end -= 1
    if end == at or all(token.key in COMMON or token.key in ASKING for token in tokens[at:end]):
        return
    words = request.words(at, end)
    draft.unused.append(f"I could not find “{words}” in this catalogue, so nothing is left out for it.")
    request.mark(cue, end, "denied")


def _read_free_of(draft: Draft, i: int, j: int) -> None:
    """``paraben free``; if the catalogue has the value "paraben free" itself, that value is asked for."""
    request = draft.request
    if not request.free(i, j) or draft.exact(request.key(i, j)) or not draft.binds_at(i):
        return
    meanings = [meaning for meaning in draft.values(request.tokens[i].key) if meaning.role in ("kind", "soft", "other")]
    if meanings:
        draft.bind(i, request.words(i, j), none_of(meanings))
        request.mark(i, j, "denied")


# What is asked for


def _read_asked(draft: Draft) -> None:
    request = draft.request
    n = len(request.tokens)
    i = 0
    previous: Part | None = None
    while i < n:
        part = part_at(draft, i) if not request.tokens[i].mark else None
        if part is None:
            i += 1
            continue
        linked = previous is not None and _linked_by_or(draft, previous, part)
        if _ask(draft, part, previous if linked else None):
            previous = part
        i = part.j


def _linked_by_or(draft: Draft, first: Part, second: Part) -> bool:
    """``comedies or thrillers``, ``comedies and thrillers``: either is enough; two plurals say so even with "and"."""
    tokens = draft.request.tokens
    between = [
        token.key for token in tokens[first.j : second.i] if token.key not in GENERIC and token.key not in ARTICLES
    ]
    plurals = all(tokens[part.j - 1].key.endswith("s") for part in (first, second))
    return between == ["or"] or (between == ["and"] and plurals)


def _ask(draft: Draft, part: Part, other: Part | None) -> bool:
    """Note one part that is asked for; returns whether it binds."""
    request = draft.request
    words = request.words(part.i, part.j)
    before = request.tokens[part.i - 1].key if part.i else ""
    if part.kind == "sense":
        _ask_sense(draft, part, words, before)
        return False
    binding = _bound_values(draft, part) if not request.hedged(part.i) else []
    if binding and other is not None and not part.also and _join(draft, part, other, binding):
        return True
    if binding:
        draft.bind(part.i, words, (*any_of(binding)[:1], *any_of(part.also)[:1]), named=True)
        request.mark(part.i, part.j, "value")
        if part.i and before in ("in", "from") and part.kind == "origin":
            request.mark(part.i - 1, part.i, "cue")
        return True
    if not all(token.key in COMMON for token in request.tokens[part.i : part.j]):
        draft.wish(part.i, words, any_of(part.core[:4]))
        request.mark(part.i, part.j, "keep")
    return False


def _ask_sense(draft: Draft, part: Part, words: str, before: str) -> None:
    request = draft.request
    if not part.all:
        return
    if before in _HARDLY or (before == "too" and draft.binds_at(part.i)):
        for condition in none_of(part.core):
            draft.wish(part.i - 1, request.words(part.i - 1, part.j), (condition,))
        request.mark(part.i - 1, part.j, "wish")
        return
    draft.wish(part.i, part.base or words, any_of(part.all))
    comparative = bool(part.base) or before in ("more", "most")
    if comparative and before in ("more", "most", "bit", "little", "much"):
        request.mark(part.i - 1, part.i, "wish")
    # "A funny film about a sad clown": "funny" is a wish, but "sad" describes the story and is searched for.
    request.mark(part.i, part.j, "keep" if request.topical[part.i] and not comparative else "wish")


def _bound_values(draft: Draft, part: Part) -> list[Meaning]:
    """The values that bind if the part is what is asked for; none if it only describes."""
    if not draft.binds_at(part.i):
        return []
    request = draft.request
    tokens = request.tokens
    k = part.i - 1
    while k >= 0 and not request.boundary(k + 1) and tokens[k].key in ARTICLES:
        k -= 1
    before = tokens[k].key if k >= 0 and not request.boundary(k + 1) and tokens[k].mark != "flag" else ""
    if before == "of" and k > 0 and tokens[k - 1].key in ("kind", "sort", "type", "bit", "lot", "piece"):
        before = ""
    if part.kind == "origin":
        described = before in BEFORE_SUBJECT - {"in", "like"} or (before == "in" and part.core[0].role == "country")
        return list(part.core) if not described and _ends_phrase(draft, part.j) else []
    if part.kind == "name":
        return [] if before in BEFORE_SUBJECT - {"like", "with", "of", "for"} else _one_attribute(part.core)
    described = before in BEFORE_SUBJECT - {"like"} or before in POSSESSIVE
    if part.kind != "kind" or described or not _ends_phrase(draft, part.j):
        return []
    if request.key(part.i, part.j) in AMBIGUOUS_KINDS and not _clearly_meant(draft, part, before):
        return []
    return _one_attribute([meaning for meaning in part.core if meaning.role == "kind"])


def _ends_phrase(draft: Draft, j: int) -> bool:
    """Whether the word before token ``j`` is the head of its phrase: "horror films", but not "horror express"."""
    request = draft.request
    if j == len(request.tokens) or request.boundary(j):
        return True
    follower = request.tokens[j]
    known = bool(follower.mark) or follower.key in STOP or follower.key in ("please", "set")
    return known or draft.is_item_noun(follower.key) or _starts_part(draft, j)


def _clearly_meant(draft: Draft, part: Part, before: str) -> bool:
    """Whether a value that is an everyday noun precedes a word for an item, or is all that is asked for."""
    request = draft.request
    if part.j < len(request.tokens) and not request.boundary(part.j):
        return request.tokens[part.j].key in GENERIC
    return not before or before in ASKING or before in ("some", "more")


def _starts_part(draft: Draft, j: int) -> bool:
    part = part_at(draft, j) if j < len(draft.request.tokens) and not draft.request.tokens[j].mark else None
    return part is not None and part.kind in ("kind", "origin", "name")


def _one_attribute(meanings: list[Meaning] | tuple[Meaning, ...]) -> list[Meaning]:
    return [meaning for meaning in meanings if meaning.attribute == meanings[0].attribute] if meanings else []


def _join(draft: Draft, part: Part, other: Part, binding: list[Meaning]) -> bool:
    """Widen the binding of ``other`` by these values if both belong to one attribute."""
    for n, (place, _, conditions) in enumerate(draft.bound):
        if (
            place in draft.named
            and place <= other.i
            and conditions[0].attribute == binding[0].attribute
            and other.i - place < 6
        ):
            values = tuple(dict.fromkeys((*conditions[0].values, *(m.value for m in binding))))
            joined = any_of(Meaning(binding[0].attribute, str(value), 1, "kind") for value in values)
            draft.bound[n] = (place, draft.request.words(place, part.j), joined)
            draft.request.mark(other.j, part.j, "value")
            return True
    return False
