"""The words of a request that name a value of the catalogue: a kind, a mood, an origin, a name, a theme."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from recmind.agent.understanding.draft import Draft
from recmind.agent.understanding.tables.places import COUNTRY_NAMES, ORIGINS
from recmind.agent.understanding.tables.thesaurus import COMPOUNDS, TRIGGERS, base_of, plural_forms, singular_forms
from recmind.agent.understanding.tables.words import COMMON, NUMBER_WORDS, STOP
from recmind.agent.understanding.vocabulary import Meaning
from recmind.data.text import normalize

LONGEST_VALUE = 6
"""The largest number of tokens of a value."""

_CHILD = re.compile(
    rf"(?:for|with) (?:a|an|my|our|the) (?:1[0-2]|[1-9]|{'|'.join(NUMBER_WORDS)}) (?:year|yr)s? olds?"
    r"(?: (?:daughter|son|kid|child|boy|girl|niece|nephew))?"
)

PartKind = Literal["kind", "origin", "sense", "name", "soft"]


@dataclass(frozen=True, slots=True)
class Part:
    """A range of tokens that names something in the catalogue."""

    i: int
    j: int
    kind: PartKind
    core: tuple[Meaning, ...]
    """The values it means; empty for a mood that this catalogue does not have."""
    near: tuple[Meaning, ...] = ()
    """Related values that also suit a person who wishes for it."""
    also: tuple[Meaning, ...] = ()
    """A second kind that must hold too: the romance of a romantic comedy."""
    base: str = ""
    """The plain adjective if the words are a comparative: ``funny`` for ``funnier``."""

    @property
    def all(self) -> tuple[Meaning, ...]:
        """Core and near."""
        return (*self.core, *self.near)


def load_values(draft: Draft) -> None:
    """Look up, in one query, every value that the request's words may name."""
    request = draft.request
    keys: list[str] = []
    n = len(request.tokens)
    for i in range(n):
        for j in range(i + 1, min(n, i + LONGEST_VALUE) + 1):
            if _edges_fit(draft, i, j):
                key = request.key(i, j)
                keys += (key, *singular_forms(key), *plural_forms(key))
    draft.load(keys)


def _edges_fit(draft: Draft, i: int, j: int) -> bool:
    tokens = draft.request.tokens
    return bool(tokens[i].key) and tokens[i].key not in STOP and tokens[j - 1].key not in STOP


def part_at(draft: Draft, i: int) -> Part | None:
    """The longest part of the request that starts at token ``i``, or None."""
    request = draft.request
    if request.tokens[i].mark:
        return None
    end = i + 1
    while end < min(len(request.tokens), i + LONGEST_VALUE) and not (request.boundary(end) or request.tokens[end].mark):
        end += 1
    for j in range(end, i, -1):
        part = _part(draft, i, j)
        if part is not None:
            return part
    return None


def _part(draft: Draft, i: int, j: int) -> Part | None:
    key = draft.request.key(i, j)
    sense = TRIGGERS.get(key)
    if sense is None and _CHILD.fullmatch(key):
        return _sense_part(draft, i, j, "for kids")
    if sense is None and j == i + 1 and (base := base_of(key)) is not None:
        return _sense_part(draft, i, j, base, comparative=True)
    if not _edges_fit(draft, i, j):
        return _sense_part(draft, i, j, key) if sense is not None else _origin_part(draft, i, j, key)
    kind = _kind_part(draft, i, j, key)
    if kind is not None:
        return kind
    if sense is not None:
        return _sense_part(draft, i, j, key)
    return _origin_part(draft, i, j, key) or _name_part(draft, i, j, key) or _soft_part(draft, i, j, key)


def _kind_part(draft: Draft, i: int, j: int, key: str) -> Part | None:
    """What an item is: a word of the catalogue, two kinds at once, or another name for a kind."""
    exact = draft.values(key)
    if any(meaning.role == "kind" for meaning in exact):
        spelled = [meaning for meaning in exact if meaning.role in ("kind", "soft", "other")]
        return Part(i, j, "kind", tuple(sorted(spelled, key=lambda meaning: meaning.role != "kind")))
    compound = _compound_part(draft, i, j, key)
    alias = draft.alias(key)
    if compound is None and key not in TRIGGERS and any(meaning.role == "kind" for meaning in alias):
        return Part(i, j, "kind", tuple(alias))
    return compound


def _name_part(draft: Draft, i: int, j: int, key: str) -> Part | None:
    named = [m for m in draft.values(key) if m.role in ("maker", "player") or _looks_like_name(draft, i, j, m)]
    if not named or (j == i + 1 and not _single_name(draft, i, named[0])):
        return None
    return Part(i, j, "name", tuple(named))


def _soft_part(draft: Draft, i: int, j: int, key: str) -> Part | None:
    """Themes and tags, except words that people write in passing."""
    soft = [meaning for meaning in (*draft.values(key), *draft.alias(key)) if meaning.role in ("soft", "other")]
    if not soft or all(token.key in COMMON for token in draft.request.tokens[i:j]):
        return None
    return Part(i, j, "soft", tuple(dict.fromkeys(soft)))


def _compound_part(draft: Draft, i: int, j: int, key: str) -> Part | None:
    for form in (key, *singular_forms(key)):
        if form in COMPOUNDS and not draft.alias(key):
            first, second = ([m for m in draft.values(one) if m.role == "kind"] for one in COMPOUNDS[form])
            if first and second:
                return Part(i, j, "kind", tuple(first), also=tuple(second))
    return None


def _sense_part(draft: Draft, i: int, j: int, key: str, *, comparative: bool = False) -> Part | None:
    sense = TRIGGERS[key]
    core, near = draft.all_of((key, *sense.core)), draft.all_of(sense.near)
    return Part(i, j, "sense", tuple(core), tuple(m for m in near if m not in core), base=key if comparative else "")


def _origin_part(draft: Draft, i: int, j: int, key: str) -> Part | None:
    """A language or a country. After "in" only a language is meant; after "from" a country comes first."""
    tokens = draft.request.tokens
    before = tokens[i - 1].key if i else ""
    origin = ORIGINS.get(key)
    if origin is not None:
        languages = [m for word in origin.languages for m in draft.exact(word) if m.role == "language"]
        countries = [m for word in origin.countries for m in draft.exact(word) if m.role == "country"]
        chosen = languages or ([] if before == "in" else countries)
        return Part(i, j, "origin", tuple(chosen)) if chosen else None
    if key not in COUNTRY_NAMES and not _edges_fit(draft, i, j):
        return None
    found = [
        m for word in COUNTRY_NAMES.get(key, (key,)) for m in draft.exact(word) if m.role in ("country", "language")
    ]
    best = [m for m in found if m.role == "country"] or found
    return Part(i, j, "origin", tuple(best)) if best else None


def _looks_like_name(draft: Draft, i: int, j: int, meaning: Meaning) -> bool:
    """Whether a value is a name, if its attribute does not say: catalogue and request both write it with capitals."""
    tokens = draft.request.tokens[i:j]
    return (
        meaning.role == "other"
        and meaning.value[:1].isupper()
        and all(token.capital for token in tokens)
        and (i > 0 or tokens[0].raw.isupper())
    )


def _single_name(draft: Draft, i: int, meaning: Meaning) -> bool:
    """Whether one word is meant as a name: written as one, or used by the catalogue for nothing else."""
    token = draft.request.tokens[i]
    if normalize(meaning.value) != token.key or len(token.key) < 2 or token.key in STOP:
        return False
    if token.capital and ((i > 0 and draft.request.boundary(i) != ".") or (len(token.raw) > 1 and token.raw.isupper())):
        return True
    return draft.vocabulary.distinctive(token.key, meaning)
