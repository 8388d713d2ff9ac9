"""People and brands: "by Nolan", "with Tom Hanks", "Hitchcock's thrillers"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.tables.thesaurus import TRIGGERS
from recmind.agent.understanding.tables.words import ARTICLES, COMMON, JOINERS, MAKER_CUES, PLAYER_CUES, STOP, table
from recmind.agent.understanding.vocabulary import AttributeRole, Meaning, any_of, none_of

_CUE = re.compile(rf"(?<!\S)(?:(?P<maker>{MAKER_CUES})|(?P<player>{PLAYER_CUES})|(?P<source>from|brand))(?!\S)")
_NEGATED = re.compile(
    r"(?:^|\s)(?:not|no|nothing|without|never|except|avoid|isnt|excluding)(?: (?:anything|any|films?|movies?"
    r"|ones?|products?|items?|made|directed|more|too|much))*$"
)
_DENIAL = re.compile(r"(?<!\S)(?:without|no)(?!\S)")
_DENYING = table("not no nothing never avoid anything any films movies products items more without except excluding")
_LONGEST_NAME = 5
_FAMILY = ("brothers", "bros", "sisters")
_POSSESSIVE = ("'s", "’s", "s'", "s’")


@dataclass(frozen=True, slots=True)
class _Cue:
    """Words that a name follows."""

    i: int
    j: int
    """The token where the name starts."""
    first: tuple[AttributeRole, ...]
    """The roles that the cue asks for; other roles count only if nobody has these."""
    second: tuple[AttributeRole, ...]
    negated: bool
    quiet: bool = False
    """Whether the cue has other uses: then single words in lower case are no names, and unknown names are not noted."""


def read_names(draft: Draft) -> None:
    """Bind the names that a preposition or a possessive marks; note names that the catalogue lacks."""
    for match, i, j in list(draft.request.find(_CUE)):
        negated = bool(_NEGATED.search(match.string[: match.start()].rstrip()))
        if match["maker"]:
            _read_list(draft, _Cue(i, j, ("maker",), ("player",), negated))
        elif match["player"]:
            _read_list(draft, _Cue(i, j, ("player",), ("maker",), negated))
        else:
            _read_list(draft, _Cue(i, j, ("maker",), (), negated, quiet=True))
    for _, i, j in list(draft.request.find(_DENIAL)):
        _read_list(draft, _Cue(i, j, ("player",), ("maker",), negated=True, quiet=True))
    _read_bare_surnames(draft)


def _read_list(draft: Draft, cue: _Cue) -> None:
    """Read ``X``, ``X and Y`` or ``X or Y`` after a cue."""
    request = draft.request
    token = request.tokens[cue.i]
    if not request.free(cue.i, cue.j) or not request.asking[token.sentence]:
        return
    groups, end = _names(draft, cue)
    if not groups and (not cue.quiet or (token.key == "from" and draft.vocabulary.has_role("country"))):
        _note_unknown(draft, cue, strong=cue.first == ("maker",) and not request.topical[cue.i])
    if not groups or (request.topical[cue.i] and not cue.negated and token.key not in ("starring", "directed", "by")):
        return
    start = _start_of_negation(draft, cue.i) if cue.negated else cue.i
    opening = request.words(start, cue.j)
    for (i, j), meanings in groups:
        words = f"{opening} {request.words(i, j)}"
        if cue.negated:
            draft.bind(i, words, none_of(meanings))
        elif all(meaning.role == "soft" for meaning in meanings):
            draft.wish(i, words, any_of(meanings))
            draft.unused.append(f"This catalogue does not list people; “{words}” is a wish for what is tagged so.")
            request.mark(i, j, "keep")
        else:
            draft.bind(i, words, any_of(meanings)[:1], named=True)
    for token in request.tokens[start:end]:
        token.mark = token.mark or "name"
    request.mark(start, cue.j, "name")


def _names(draft: Draft, cue: _Cue) -> tuple[list[tuple[tuple[int, int], list[Meaning]]], int]:
    """The names after the cue with their tokens, in groups linked by "or", and one past their last token."""
    request = draft.request
    groups: list[tuple[tuple[int, int], list[Meaning]]] = []
    at, link, end = cue.j, "and", cue.j
    while at < len(request.tokens) and request.free(at, at + 1):
        found = _name_at(draft, at, cue)
        if found is None:
            break
        end, meanings = found
        if link == "or" and groups:
            (first, _), others = groups.pop()
            groups.append(((first, end), [*others, *meanings]))
        else:
            groups.append(((at, end), meanings))
        if end == len(request.tokens) or request.tokens[end].key not in JOINERS:
            break
        link, at = request.tokens[end].key, end + 1
    return groups, end


def _start_of_negation(draft: Draft, i: int) -> int:
    while i > 0 and draft.request.tokens[i - 1].key in _DENYING:
        i -= 1
    return i


def _name_at(draft: Draft, i: int, cue: _Cue) -> tuple[int, list[Meaning]] | None:
    """The name that starts at token ``i``, a whole name or a surname, and one past its last token."""
    request = draft.request
    tokens = request.tokens
    if tokens[i].key in ARTICLES and i + 1 < len(tokens):
        i += 1
    for j in range(min(len(tokens), i + _LONGEST_NAME), i, -1):
        key = request.key(i, j)
        if not request.free(i, j) or not key or key in STOP or key in TRIGGERS:
            continue
        if any(request.boundary(k) == "." for k in range(i + 1, j)):
            continue
        capital = request.cased and all(token.capital or token.key in STOP for token in tokens[i:j])
        if cue.quiet and not capital and j == i + 1:
            continue
        chosen = _whole_name(draft, i, j, cue) or (
            _by_surname(draft, key, cue, capital=capital) if len(key) > 2 else []
        )
        if chosen:
            return j, chosen
    return None


def _whole_name(draft: Draft, i: int, j: int, cue: _Cue) -> list[Meaning]:
    key = draft.request.key(i, j)
    possessive = draft.request.tokens[j - 1].raw.casefold().endswith(_POSSESSIVE)
    meanings = draft.exact(key) or (draft.exact(key.removesuffix("s")) if possessive else [])
    for roles in (cue.first, cue.second):
        chosen = [meaning for meaning in meanings if meaning.role in roles]
        if chosen:
            return chosen
    return [m for m in meanings if m.role == "soft"] if not cue.quiet and _is_person(draft, i, j) else []


def _is_person(draft: Draft, i: int, j: int) -> bool:
    """Whether several words are all written as a name, in a catalogue without people: a tag may be a person."""
    words = draft.request.tokens[i:j]
    return 1 < len(words) < 4 and not draft.vocabulary.has_role("player") and all(token.capital for token in words)


def _by_surname(draft: Draft, key: str, cue: _Cue, *, capital: bool) -> list[Meaning]:
    """The people of a surname (``nolan``, ``coen brothers``), of one attribute."""
    parts = key.split()
    if len(parts) > 1 and (len(parts) != 2 or parts[1] not in _FAMILY):
        return []
    surname = parts[0]
    if surname in STOP or (not capital and (surname in COMMON or cue.quiet or cue.first != ("maker",))):
        return []
    for roles in (cue.first, cue.second):
        found = draft.vocabulary.surnames(surname, *roles)
        if not found and surname.endswith("s") and len(surname) > 4:
            found = draft.vocabulary.surnames(surname.removesuffix("s"), *roles)
        if found:
            return [meaning for meaning in found if meaning.attribute == found[0].attribute][:6]
    return []


def _note_unknown(draft: Draft, cue: _Cue, *, strong: bool) -> None:
    """Note a name, written as one, that the catalogue has nothing for; the search may still find it."""
    request = draft.request
    start = end = cue.j
    while end < len(request.tokens) and end - start < 4 and request.tokens[end].capital and request.free(end, end + 1):
        if end > start and request.boundary(end):
            break
        end += 1
    if end - start < (1 if strong else 2) or not request.cased:
        return
    if any(draft.exact(request.key(start, k)) for k in range(end, start, -1)):
        return
    words = request.words(start, end)
    draft.unused.append(f"I could not find “{words}” in this catalogue.")
    request.mark(start, end, "gone" if cue.negated else "keep")
    if cue.negated:
        request.mark(_start_of_negation(draft, cue.i), start, "gone")


def _read_bare_surnames(draft: Draft) -> None:
    """``Nolan films``, ``Tarantino's best``, ``a Hitchcock thriller``."""
    for i, token in enumerate(draft.request.tokens):
        if not token.mark and token.key not in COMMON and len(token.key) >= 4 and draft.binds_at(i):
            found = _bare_surname(draft, i)
            if found:
                draft.bind(i, draft.request.words(i, i + 1), any_of(found), named=True)
                draft.request.mark(i, i + 1, "name")


def _bare_surname(draft: Draft, i: int) -> list[Meaning]:
    """The makers with this surname, if it precedes a word for an item or is a possessive."""
    request = draft.request
    tokens, token = request.tokens, request.tokens[i]
    possessive = token.raw.casefold().endswith(("'s", "’s"))
    noun = i + 1 < len(tokens) and not request.boundary(i + 1) and draft.is_item_noun(tokens[i + 1].key)
    key = token.key.removesuffix("s") if possessive else token.key
    alone = token.capital and request.cased and len(tokens) <= 3
    if (
        not (noun or alone or (possessive and token.capital))
        or draft.values(key)
        or key in TRIGGERS
        or draft.alias(key)
    ):
        return []
    if i and tokens[i - 1].capital and not tokens[i - 1].mark and tokens[i - 1].key not in STOP:
        # "Christopher Nolan films": the whole name is read with the other values.
        return []
    found = draft.vocabulary.surnames(key, "maker")
    known = sum(meaning.items for meaning in found) >= 3
    if not found or len({meaning.value for meaning in found}) > 6:
        return []
    if not token.capital and not (known and draft.vocabulary.distinctive(key, found[0])):
        return []
    return [meaning for meaning in found if meaning.attribute == found[0].attribute]
