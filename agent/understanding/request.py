"""A request as tokens: cleaned, cut to a bounded length, each token marked once it is understood."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from recmind.agent.understanding.tables.words import ASKS, COPULAS, HEDGES, RECALLS, TOPIC
from recmind.data.text import normalize

MAX_CHARACTERS = 4_000
"""Only this much of a request is read, so that reading takes a bounded time; sensible requests are much shorter."""

LONG_REQUEST = 45
"""A request of more tokens than this tells a story; only sentences that ask for something can bind."""

_TOKEN = re.compile(r"[$€£¥]?\d+(?:[.,]\d+)*(?:[^\W_]+)?|[^\W_]+(?:['’][^\W_]+)*|&")
_SENTENCE_END = re.compile(r"[.!?;\n\r…。！？]|\s[-–—]+\s|:\s")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{1,120})[\"”»]|(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w)")


@dataclass(slots=True)
class Token:
    """One word of the request."""

    raw: str
    key: str
    """The word, normalized; empty for a token without letters or digits."""
    start: int
    """Offset into the request's text; ``end`` is one past its last character."""
    end: int
    capital: bool
    gap: str
    """The text between the token before and this one."""
    sentence: int
    mark: str = ""
    """What it was understood as; empty as long as no stage has used it."""


@dataclass
class RequestText:
    """The request's text and tokens; stages mark the tokens that they have used."""

    text: str
    tokens: list[Token]
    cut: bool
    """Whether the request was longer than what is read."""
    asking: list[bool] = field(default_factory=list)
    """By sentence: whether it asks for something, rather than telling a story."""
    topical: list[bool] = field(default_factory=list)
    """By token: whether it says what an item is about ("a comedy *about war*")."""
    quotes: list[tuple[int, int]] = field(default_factory=list)
    """Token ranges in quotation marks."""
    recalls: bool = False
    """Whether the request describes one thing that its writer once knew."""
    story: bool = False
    """Whether the request describes something at length, rather than asks for it."""
    cased: bool = True
    """Whether capital letters mean something: the request is not all in capitals."""
    _boundaries: list[str] = field(default_factory=list)
    _line: tuple[str, list[int]] | None = None

    def words(self, i: int, j: int) -> str:
        """The request's own words from token ``i`` up to ``j``."""
        return " ".join(self.text[self.tokens[i].start : self.tokens[j - 1].end].split())

    def key(self, i: int, j: int) -> str:
        """The same words normalized."""
        return " ".join(token.key for token in self.tokens[i:j] if token.key)

    def free(self, i: int, j: int) -> bool:
        """Whether no stage has used these tokens."""
        return all(not token.mark for token in self.tokens[i:j])

    def hedged(self, i: int) -> bool:
        """Whether the words before token ``i`` make its meaning a guess ("maybe a comedy", "around 1990")."""
        before = self.tokens[max(0, i - 4) : i + 1]
        return any(token.key in HEDGES and token.sentence == self.tokens[i].sentence for token in before)

    def mark(self, i: int, j: int, what: str) -> None:
        """Note that tokens ``i`` to ``j`` are understood.

        Args:
            i: the first token.
            j: one past the last token.
            what: what they were understood as.
        """
        for token in self.tokens[i:j]:
            token.mark = what
        self._line = None

    def boundary(self, i: int) -> str:
        """``.`` if a sentence ends before token ``i``, ``,`` at a smaller pause, else nothing."""
        if not self._boundaries:
            self._boundaries = [self._boundary(k) for k in range(len(self.tokens))]
        return self._boundaries[i] if 0 < i < len(self.tokens) else "."

    def _boundary(self, i: int) -> str:
        if i == 0 or self.tokens[i].sentence != self.tokens[i - 1].sentence:
            return "."
        return "," if any(c in self.tokens[i].gap for c in ",()[]、，") else ""

    def line(self) -> tuple[str, list[int]]:
        """The keys of all tokens in one text for patterns, and the offset of each token in it.

        A used token is written ``_``, a pause ``,``, the end of a sentence ``.``, a dash between figures ``to``.
        """
        if self._line is None:
            parts: list[str] = []
            offsets: list[int] = []
            length = 0
            for i, token in enumerate(self.tokens):
                boundary = self.boundary(i) if i else ""
                if not boundary and i and token.gap.strip() in "-–—" and token.gap.strip():
                    boundary = "to" if token.key[:1].isdigit() and self.tokens[i - 1].key[:1].isdigit() else ""
                if boundary:
                    parts.append(boundary)
                    length += len(boundary) + 1
                offsets.append(length)
                shown = "_" if token.mark or not token.key else _shown(token)
                parts.append(shown)
                length += len(shown) + 1
            self._line = (" ".join(parts), offsets)
        return self._line

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int, int]]:
        """Every match of the pattern in the line, with the range of tokens it covers."""
        line, offsets = self.line()
        for match in pattern.finditer(line):
            i, j = self.range(match, offsets=offsets)
            if i < j:
                yield match, i, j

    def range(
        self, match: re.Match[str], group: int | str = 0, offsets: Sequence[int] | None = None
    ) -> tuple[int, int]:
        """The tokens that a group of a match covers, the last one excluded; ``(0, 0)`` if the group did not match.

        Args:
            match: a match of a pattern in the line.
            group: the group; 0 is the whole match.
            offsets: the offset of each token in the line; None makes the line again.
        """
        if match.start(group) < 0:
            return 0, 0
        offsets = self.line()[1] if offsets is None else offsets
        first = bisect_right(offsets, match.start(group))
        i = first - 1 if first and offsets[first - 1] == match.start(group) else first
        return i, bisect_right(offsets, match.end(group) - 1)


def _shown(token: Token) -> str:
    """The token as patterns see it: its key, with a currency sign and a decimal point kept."""
    raw = token.raw
    if raw[0] in "$€£¥" or (raw[0].isdigit() and ("." in raw or "," in raw)):
        return raw.casefold().replace(",", "" if re.fullmatch(r"\D?\d{1,3}(,\d{3})+", raw) else ".")
    return token.key.replace(" ", "") or "_"


def read_request(query: str) -> RequestText:
    """The request, cleaned and in tokens. Bounded: only the first ``MAX_CHARACTERS`` are read."""
    text = unicodedata.normalize("NFKC", query[: MAX_CHARACTERS * 4])
    # Control, format and private characters (zero width, direction overrides, lone surrogates) carry no words.
    text = "".join(
        c if c in "\n\t" or unicodedata.category(c)[0] != "C" else ("" if unicodedata.category(c) == "Cf" else " ")
        for c in text
    )
    cut = len(text) > MAX_CHARACTERS or len(query) > MAX_CHARACTERS * 4
    text = text[:MAX_CHARACTERS]
    tokens: list[Token] = []
    sentence = end = 0
    for match in _TOKEN.finditer(text):
        raw, gap = match[0], text[end : match.start()]
        if tokens and _ends_sentence(gap, tokens[-1].raw):
            sentence += 1
        key = "and" if raw == "&" else normalize(raw)
        tokens.append(Token(raw, key, match.start(), match.end(), raw[:1].isupper(), gap, sentence))
        end = match.end()
    request = RequestText(text, tokens, cut)
    request.cased = any(c.islower() for c in text)
    if not request.cased:
        for token in tokens:
            token.capital = False
    for match in _QUOTED.finditer(text):
        inside = [n for n, token in enumerate(tokens) if match.start() < token.start and token.end <= match.end()]
        if inside:
            request.quotes.append((inside[0], inside[-1] + 1))
    _note_regions(request)
    return request


def _ends_sentence(gap: str, before: str) -> bool:
    found = _SENTENCE_END.search(gap)
    if found is None:
        return False
    # "Dr. Strangelove", "Mr. Fox", "E.T. the": a stop after a short capitalised word ends nothing.
    return not (
        gap.startswith(". ")
        and before[:1].isupper()
        and (len(before) == 1 or before in ("Mr", "Mrs", "Ms", "Dr", "St", "Jr"))
    )


def _note_regions(request: RequestText) -> None:
    """Fill ``asking`` and ``topical``."""
    tokens = request.tokens
    count = tokens[-1].sentence + 1 if tokens else 0
    sizes = [0] * count
    asks = [False] * count
    for token in tokens:
        sizes[token.sentence] += 1
        asks[token.sentence] = asks[token.sentence] or token.key in ASKS
    long = len(tokens) > LONG_REQUEST
    recalls = len(tokens) > LONG_REQUEST // 2 and any(token.key in RECALLS for token in tokens)
    request.recalls, request.story = recalls, long or recalls
    request.asking = [
        not recalls and (not long or size <= 6 or (ask and size <= 30)) for size, ask in zip(sizes, asks, strict=True)
    ]
    inside = False
    for i, token in enumerate(tokens):
        boundary = request.boundary(i)
        if boundary == "." or (boundary == "," and not long) or token.key in ("but", "please", "without"):
            inside = False
        request.topical.append(inside)
        follower = tokens[i + 1].key if i + 1 < len(tokens) else ""
        said_of_item = token.key in ("that", "which") and follower in COPULAS
        if (
            token.key in TOPIC
            and not said_of_item
            and not (i and tokens[i - 1].key in ("that", "which") and token.key in COPULAS)
        ):
            inside = True
