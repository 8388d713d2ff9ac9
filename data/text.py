"""How texts are compared.

``fold`` for conditions, ``normalize`` for look-ups, ``title_keys`` for finding titles, ``stem`` for forms of a word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_STOP_WORDS = (
    "a about after all also am an and any are as at be because been before being but by can could d did do does doing "
    "don down for from had has have having he her here him his how i if in into is it its just ll m me my no nor not "
    "now of off on once only or other our out over own re s same she should so some such t than that the their them "
    "then there these they this those through to too under until up ve very was we were what when where which while "
    "who whom why will with would you your"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing about an item. English only: other languages lose little by keeping theirs."""

_ARTICLES = "the a an le la les l un une el los las lo il gli i der die das den det de het en ett ein eine o os as"
_LEADING = frozenset({"the", "a", "an", "le", "la", "les", "l", "el", "los", "las", "il", "der", "die", "das"})
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10"}
_YEAR = re.compile(r"\s*\(\d{4}(?:\s*[-–]\s*(?:\d{4})?)?\)\s*$")
_TRAILING_ARTICLE = re.compile(rf"^(?P<title>.+),\s+(?P<article>{_ARTICLES.replace(' ', '|')}|l')$", re.IGNORECASE)
_SUBTITLE = re.compile(r"(?::\s|\s[-–—]\s|\s\()")
_APOSTROPHES = re.compile(r"['’‘ʼ`´]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LOGY_OR_BLY = re.compile(r"(?P<start>.*(?:[aeiou]|(?<=[^aeiouy])y)[^aeiouy].*?)(?P<end>log|bl)(?:y|i|ies)")
"""A word such as "psychology" or "incredibly", with a vowel and a consonant before."""
_NO_WORD = re.compile("[^a-z0-9]+")
"""Characters between words, in a casefolded ASCII text."""


def encodable(text: str) -> str:
    """The text with a question mark for every unpaired surrogate, which no file and no server accepts."""
    return text.encode("utf-8", "replace").decode()


def clean(text: str) -> str:
    """The text without space at its ends; what cannot be stored (unpaired surrogates, NUL) is replaced or removed."""
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    return text.replace("\0", "").strip()


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """The text as conditions compare it: NFKC, casefolded, single spaces; punctuation and accents still count."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _SURROGATES.sub("\ufffd", text))
    return " ".join(text.casefold().split())


def normalize(text: str) -> str:
    """The key of a text for forgiving look-ups: like ``fold``, and accents and punctuation don't count.

    Apostrophes vanish (``ocean's`` becomes ``oceans``), ``&`` becomes ``and``, other punctuation becomes a space.
    """
    return _normalized_short(text) if len(text) <= _SHORT else _normalized(text)


def _normalized(text: str) -> str:
    text = _APOSTROPHES.sub("", text).replace("&", " and ")
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _SURROGATES.sub(" ", text).casefold())
        # Marks of combining classes from 200 are accents; the others (vowel signs, dakuten) are letters of their
        # script.
        kept = (c for c in text if unicodedata.combining(c) < 200)
        text = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in kept)
        return " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return _NO_WORD.sub(" ", text.casefold()).strip()


_SHORT = 80
"""In characters: shorter texts (values, titles, words) recur, so their keys are cached; longer ones do not."""
_normalized_short = lru_cache(maxsize=32768)(_normalized)


def words(text: str) -> list[str]:
    """The words of a text as the full-text index splits them: folded, in order, repeats included."""
    folded = unicodedata.normalize("NFKC", _SURROGATES.sub(" ", text)).casefold()
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded).split()


@lru_cache(maxsize=131_072)
def stem(word: str) -> str:
    """The word without its English endings, so that its forms compare equal; the word is one of ``normalize``.

    It is what the full-text index makes of the word: SQLite's "porter" is Porter's own program, which leaves words of
    two letters and has two rules beyond his paper (1980) and Snowball's "porter".
    """
    # It has no types. A stemmer keeps its word in itself, so that threads must not share one.
    from snowballstemmer import stemmer  # type: ignore[import-untyped]  # noqa: PLC0415  takes 0.01 s to import

    if len(word) < 3:
        return word
    found = _LOGY_OR_BLY.fullmatch(word)
    if found:
        word = found["start"] + ("log" if found["end"] == "log" else "ble")
    return str(stemmer("porter").stemWord(word))


def put_article_first(title: str) -> str:
    """The title with its article in front: ``Net, The`` becomes ``The Net``; any other title stays as it is."""
    found = _TRAILING_ARTICLE.match(title.strip())
    if not found:
        return title.strip()
    article = found["article"]
    return f"{article}{'' if article.endswith(chr(39)) else ' '}{found['title']}"


@lru_cache(maxsize=65536)
def title_keys(title: str) -> dict[str, int]:
    """Every key by which a title may be looked up, with its distance from the whole title.

    0: the title itself. 1: without its article or a year in brackets, or with numerals written in another way. 2:
    without its subtitle. Empty for an empty title. The result is shared: don't change it.
    """
    keys: dict[str, int] = {}

    def add(text: str, distance: int) -> None:
        key = normalize(text)
        if key:
            keys.setdefault(key, distance)

    add(title, 0)
    plain = put_article_first(_YEAR.sub("", title))
    for distance, form in ((1, plain), (2, _SUBTITLE.split(plain, maxsplit=1)[0])):
        add(put_article_first(form), distance)
        for key in [normalize(put_article_first(form))]:
            parts = key.split()
            if len(parts) > 1 and parts[0] in _LEADING:
                add(" ".join(parts[1:]), distance)
                parts = parts[1:]
            if len(parts) > 1 and any(part in _ROMAN for part in parts[1:]):
                add(" ".join([parts[0], *(_ROMAN.get(part, part) for part in parts[1:])]), distance)
    return keys


@lru_cache(maxsize=16384)
def shortened(text: str, most: int) -> str:
    """The text, cut behind a word and with an ellipsis, if it has more than ``most`` letters."""
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def to_number(text: str) -> float | None:
    """The finite number that a text is, or None; ``007``, ``1_000`` and ``nan`` count as no numbers."""
    if not re.fullmatch(r"[+-]?(?:0|[1-9]\d*|(?=\.\d))(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", text.strip(), re.ASCII):
        return None
    number = float(text.strip())
    return number if abs(number) < float("inf") else None


def format_number(number: float) -> str:
    """A number as a person writes it: ``1999``, not ``1999.0``."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))
