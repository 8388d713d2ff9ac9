"""Checks what a reason says: facts in slots, filled from evidence and catalogue, joined by connective words.

It guarantees only this: the free text holds no digits, no quotation, no capitalized name and no attribute value of the
catalogue outside what it cites. A false claim in plain lower-case prose ("won many awards") cannot be caught this way,
nor can a single unknown name that opens a sentence, where any word has a capital. What the person rated low may only
be named as a contrast ("unlike ...").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from recmind.data.records import AttributeValue, Item
from recmind.data.text import normalize
from recmind.data.wording import attribute_label
from recmind.tools.evidence.slate import Entry, Slate

MOST_UNPROVED = 3
"""This many words of a reason need no evidence: "it comes well recommended" claims little."""
SAME_WORD = 4
"""Two forms of a word begin with at least this many equal letters."""
MOST_LETTERS = 400
"""The longest reason, in letters, with its slots filled."""

SLOT = re.compile(r"\{([^{}]*)\}")
WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
QUOTES = set('"“”„‟‘‚‛«»‹›「」『』〝〞＂`')
CONTRAST = re.compile(
    r"\b(?:unlike|than|despite|instead of|nothing like|not like|far from|(?:different|apart|away) from)"
    r"\s+(?:[\w’']+\s+)?$",
    re.IGNORECASE,
)
"""Words before a slot that turn what it says into a contrast."""
LONGEST_VALUE = 5
"""Attribute values of up to this many words are looked for in free text."""

_CONNECTIVE = (
    "a about above after again all also although an and another any are around as asked at be because been "
    "before best both but by can choice close closer combines could did do does each enjoy enjoyed even every "
    "fan fans favorite find fine fit fits fitting for from fresh further gave give given gives go goes good "
    "great had has have having here how i if in into is it item items its just kind keeps know like liked "
    "likely likes look looking looks made make makes many match matches meets mix more most much near next no "
    "not now of offers on once one only or other others our out over own paired people pick picks rated rating "
    "ratings recommended request right same see seen sense share shares should similar since so some something "
    "still strong such suggest suits sure take taste tastes than that the their them then there these they "
    "thing things this those though to together too touch try up us user users very want wanted was way we "
    "well were what when where which while who why will wish with without would you your yours"
)
CONNECTIVE = frozenset(_CONNECTIVE.split())
"""Words that join facts and claim none, even if a catalogue uses one as a tag."""


@dataclass(frozen=True, slots=True)
class ReasonText:
    """A reason read and checked."""

    text: str
    """The reason with its slots filled."""
    cites: tuple[int, ...]
    """Evidence numbers in order of appearance, including those in slots."""
    problems: tuple[str, ...]
    """Why the reason cannot be used, written to the model; empty if it can."""


def read_reason(
    reason: str,
    cites: Iterable[int],
    entry: Entry,
    slate: Slate,
    item_of: Callable[[str], Item | None],
    known_values: Callable[[Iterable[str]], Mapping[str, object]],
    granted: str = "",
    *,
    strict: bool = True,
    against: Callable[[int], bool] = lambda _: False,
) -> ReasonText:
    """The reason with its slots filled, and what is wrong with it.

    Args:
        reason: the model's text.
        cites: the evidence numbers the model gave beside it.
        entry: the item it speaks for.
        slate: what handles and evidence numbers refer to.
        item_of: gives the catalogue's item with this id, or None.
        known_values: gives those of some normalized texts that are attribute values of the catalogue.
        granted: text whose attribute values need no citation.
        strict: whether the words themselves must say something about what is cited.
        against: whether the evidence with this number speaks against the item, so that it may only be a contrast.
    """
    problems: list[str] = []
    cited = list(dict.fromkeys(cites))
    shown: list[str] = [entry.title]
    contrasts: set[int] = set()

    def fill(match: re.Match[str]) -> str:
        name = match[1].strip()
        filled, number = _slot(name, entry, slate, item_of)
        if filled is None:
            problems.append(f"{{{name}}} is no slot; use {{e5}}, {{title}}, {{title:r1}} or an attribute of the item")
            return ""
        if number is not None and number not in cited:
            cited.append(number)
        brought = [number] if number is not None else _deeds(name, slate)
        if CONTRAST.search(clean[: match.start()]):
            contrasts.update(brought)
        elif number is None and brought and all(map(against, brought)):
            problems.append(f"{{{name}}} is no reason for {entry.handle}: they rated it low; {_instead(name)}")
        shown.append(filled)
        return filled

    clean = _printable(reason)
    text = SLOT.sub(fill, clean)
    problems += _citations(cited, entry, slate)
    problems += _reversed(cited, contrasts, entry, slate, against)
    facts = [(n, fact.text) for n in cited if (fact := slate.fact(n))]
    shown += [fact for _, fact in facts]
    if not cited:
        own = ", ".join(f"e{n}" for n in entry.evidence[:4]) or "none"
        problems.append(f"the reason for {entry.handle} cites no evidence (its own: {own})")
    own_facts = [(n, slate.evidence[n - 1].text) for n in entry.evidence]
    # Each text separately: most of them are in the cache of normalized texts.
    told = " ".join(filter(None, map(normalize, shown)))
    problems += _free_text(clean, told, f"{told} {normalize(granted)}", known_values, own_facts)
    if not WORD.search(text):
        problems.append("the reason is empty")
    elif strict and facts and not problems and not SLOT.search(clean) and _claims(clean, told):
        problems.append(f"the reason for {entry.handle} says nothing of what it cites: put {{e{facts[0][0]}}} into it")
    if len(text) > MOST_LETTERS:
        problems.append(f"the reason has {len(text)} letters, at most {MOST_LETTERS} are read")
    return ReasonText(_sentence(text, clean), tuple(cited), tuple(dict.fromkeys(problems)))


def _claims(reason: str, shown: str) -> bool:
    """Whether a reason without slots says much, but nothing of what is shown (normalized): nobody can prove that."""
    said, told = (
        {word[:SAME_WORD] for word in text.split() if word not in CONNECTIVE} for text in (normalize(reason), shown)
    )
    return len(said) > MOST_UNPROVED and said.isdisjoint(told)


def _sentence(text: str, written: str) -> str:
    """The filled text as a sentence: with a full stop and a capital, except for a title at its beginning."""
    line = " ".join(text.split())
    if line and not written.lstrip().startswith("{title"):
        line = line[0].upper() + line[1:]
    return f"{line}." if line and line[-1].isalnum() else line


def _slot(
    name: str, entry: Entry, slate: Slate, item_of: Callable[[str], Item | None]
) -> tuple[str | None, int | None]:
    """What fills a slot, and the evidence number it cites; (None, None) if the slot refers to nothing."""
    if match := re.fullmatch(r"e(\d{1,6})", name):
        number = int(match[1])
        fact = slate.fact(number)
        return (fact.text, number) if fact else (None, None)
    what, _, handle = name.partition(":")
    about = slate.entries.get(handle.strip()) if handle else entry
    if about is None or (about is not entry and about.role != "reference"):
        return None, None
    if what.strip() == "title":
        return about.title, None
    item = item_of(about.item_id)
    if item is None:
        return None, None
    wanted = attribute_label(what.strip().casefold())
    for attribute, value in item.attributes.items():
        if attribute_label(attribute.casefold()) == wanted:
            return _shown(value), _of_attribute(attribute, entry, slate) if about is entry else None
    return None, None


def _of_attribute(attribute: str, entry: Entry, slate: Slate) -> int | None:
    """The item's first evidence for a value of the attribute, or None."""
    facts = ((n, slate.evidence[n - 1]) for n in entry.evidence)
    return next((n for n, fact in facts if fact.kind == "metadata" and fact.data.get("attribute") == attribute), None)


def _shown(value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _citations(cited: Iterable[int], entry: Entry, slate: Slate) -> list[str]:
    """What is wrong with the evidence numbers: each must belong to the item, or say what the user did with a reference.

    Other facts about a reference (its genre, the wishes it meets) would read as facts about the item.
    """
    borrowed = [n for n in cited if n not in entry.evidence]
    past = {n for other in slate.entries.values() if borrowed and other.role == "reference" for n in other.evidence}
    wrong = [n for n in borrowed if n not in past or slate.evidence[n - 1].kind != "history"]
    if not wrong:
        return []
    named = ", ".join(f"e{n}" for n in wrong[:3])
    own = ", ".join(f"e{n}" for n in entry.evidence[:8]) or "none"
    return [f"{named} is not evidence for {entry.handle} (its own: {own})"]


def _reversed(
    cited: Iterable[int], contrasts: Collection[int], entry: Entry, slate: Slate, against: Callable[[int], bool]
) -> list[str]:
    """What is wrong if evidence that speaks against the item is cited in favor, or alone."""
    low = [n for n in cited if slate.fact(n) is not None and against(n)]
    wrong = [n for n in low if n not in contrasts]
    problems = [f"e{n} ({slate.told(n)}) is no reason for {entry.handle}; {_instead(f'e{n}')}" for n in wrong[:3]]
    if low and not wrong and not set(cited) - set(low):
        own = ", ".join(f"e{n}" for n in entry.evidence if n not in low) or "none"
        problems.append(f"the reason for {entry.handle} cites nothing in its favor (its own: {own})")
    return problems


def _instead(slot: str) -> str:
    return f"leave it out, or write: unlike {{{slot}}}"


def _deeds(name: str, slate: Slate) -> list[int]:
    """The evidence of what the person did with the reference that this slot names."""
    about = slate.entries.get(name.partition(":")[2].strip())
    return [n for n in about.evidence if slate.evidence[n - 1].kind == "history"] if about else []


def _free_text(
    reason: str,
    shown: str,
    granted: str,
    known_values: Callable[[Iterable[str]], Mapping[str, object]],
    own: Sequence[tuple[int, str]],
) -> list[str]:
    """What the words outside the slots claim beyond ``shown`` (normalized), and attribute values beyond ``granted``.

    ``own`` holds number and text of the item's evidence, to suggest what could be cited instead.
    """
    free = _read_free(SLOT.sub(" \0 ", reason))
    problems = list(free.problems)
    words_shown = set(shown.split())
    names = [w for w in free.names if not set(normalize(w).split()) <= words_shown]
    if names:
        problems.append(f"the name {names[0]!r} is in no cited evidence: {_advice(normalize(names[0]), own)}")
    values = [v for v in _values(free.phrases, known_values) if f" {v} " not in f" {granted} "]
    if values and not names:
        problems.append(f"{values[0]!r} is in no cited evidence: {_advice(values[0], own)}")
    return problems


@dataclass(frozen=True, slots=True)
class _FreeText:
    """What the words outside the slots say, whatever the slots hold."""

    problems: tuple[str, ...]
    names: tuple[str, ...]
    phrases: frozenset[str]
    """Normalized runs of words that may be attribute values."""


@lru_cache(maxsize=1024)
def _read_free(bare: str) -> _FreeText:
    """The words outside the slots, read; kept, because reasons are much alike when their slots are empty."""
    problems: list[str] = []
    if any(map(str.isnumeric, bare)):
        problems.append("digits outside a slot: cite the evidence that holds the number")
    if QUOTES & set(bare) or re.search(r"(?<!\w)'[^']+'(?!\w)", bare):
        problems.append("a quotation outside a slot: leave the quotes out")
    if "://" in bare or "www." in bare.casefold():
        problems.append("an address: leave it out")
    return _FreeText(tuple(problems), tuple(_names(bare)), frozenset(_phrases(bare)))


def _advice(claim: str, own: Sequence[tuple[int, str]]) -> str:
    number = next((n for n, text in own if f" {claim} " in f" {normalize(text)} "), None)
    return f"cite e{number}, which holds it" if number else "leave it out"


def _names(bare: str) -> list[str]:
    """Capitalized words that do not merely begin a sentence; those that do only if another one follows."""
    found: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", bare):
        words = list(WORD.finditer(sentence))
        for i, match in enumerate(words):
            word = match[0]
            if not word[0].isupper() or word in ("I", "I'm"):
                continue
            opens = i == 0 and not sentence[: match.start()].strip()
            if opens and (normalize(word) in CONNECTIVE or not _capitalized_next(words, sentence)):
                continue
            found.append(word)
    return found


def _capitalized_next(words: list[re.Match[str]], sentence: str) -> bool:
    return len(words) > 1 and words[1][0][0].isupper() and "\0" not in sentence[words[0].end() : words[1].start()]


def _values(phrases: frozenset[str], known_values: Callable[[Iterable[str]], Mapping[str, object]]) -> list[str]:
    """Those of the phrases that are attribute values of the catalogue, longest first."""
    known = known_values(phrases) if phrases else {}
    return sorted(phrases & known.keys(), key=lambda phrase: (-len(phrase), phrase))


def _phrases(bare: str) -> set[str]:
    """Runs of words of the free text, also with the last word in its singular."""
    phrases: set[str] = set()
    for stretch in bare.split("\0"):
        words = normalize(stretch).split()
        for size in range(1, LONGEST_VALUE + 1):
            for start in range(len(words) - size + 1):
                gram = words[start : start + size]
                if all(word in CONNECTIVE for word in gram):
                    continue
                phrases |= {" ".join(gram), " ".join([*gram[:-1], attribute_label(gram[-1])])}
    return phrases


def _printable(text: str) -> str:
    """The text without control characters: a reason must not move a terminal's cursor or hide letters."""
    return text if text.isprintable() else "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
