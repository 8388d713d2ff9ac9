"""Finds the titles in a request: items to start from, and items to avoid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recmind.agent.understanding.meaning import TitleMention
from recmind.agent.understanding.request import RequestText, Token
from recmind.agent.understanding.tables.thesaurus import KINDS, TRIGGERS, base_of, singular_forms
from recmind.agent.understanding.tables.title_cues import (  # fmt: skip
    BARE_NEGATION,
    COMPARED,
    HATED,
    LIKE_IS_A_VERB,
    LIST_LINKS,
    NEGATION,
    STRONG,
    WEAK,
)
from recmind.agent.understanding.tables.words import (
    ARTICLES,
    COMMON,
    GENERIC,
    JOINERS,
    POLITE,
    PRONOUNS,
    STOP,
    STOPPERS,
    TOPIC,
)
from recmind.agent.understanding.vocabulary import Vocabulary
from recmind.data.text import normalize, title_keys

if TYPE_CHECKING:
    from recmind.tools.engines.titles import TitleFinder

LONGEST_TITLE = 10
"""Tokens; longer titles are named by their beginning or between quotation marks."""

CLOSE_ENOUGH = 0.72
"""A misspelt title counts as meant from this score of the title finder on."""

SURELY = 0.8
"""The same if nothing else in the request suggests a title."""


class TitleReader:
    """Finds the titles in one request: ``likes``, ``unlikes``, and ``unknown`` for those that are not there."""

    def __init__(self, request: RequestText, vocabulary: Vocabulary, finder: TitleFinder) -> None:
        self.request = request
        self.vocabulary = vocabulary
        self.store = vocabulary.store
        self.finder = finder
        self.likes: list[TitleMention] = []
        self.unlikes: list[TitleMention] = []
        self.unknown: list[str] = []
        self._ids: dict[str, list[str]] = {}
        self._asked: set[str] = set()

    def read(self) -> None:
        """Find and mark all titles."""
        if not self.request.tokens:
            return
        self._read_quotes()
        for _, i, j in list(self.request.find(HATED)):
            self._read_list(j, unlike=True, strong=False, cue=(i, j), noted=True)
        for match, i, j in list(self.request.find(STRONG)):
            before = self._line_before(match)
            if match[0] == "like" and before.rpartition(" ")[2] in LIKE_IS_A_VERB:
                continue
            negated = match[0] == "unlike" or bool(NEGATION.search(before))
            self._read_list(j, unlike=negated, strong=True, cue=(i, j), noted=True)
        for _, _, j in list(self.request.find(COMPARED)):
            self._read_list(j, unlike=False, strong=False, cue=(j - 1, j), noted=True)
        for _, i, j in list(self.request.find(WEAK)):
            self._read_list(j, unlike=False, strong=False, cue=(i, j), noted=False)
        for _, i, j in list(self.request.find(BARE_NEGATION)):
            self._read_list(j, unlike=True, strong=False, cue=(i, j), noted=False, bare=True)
        # People who describe a thing they once knew name places, people and scenes, and many of these are titles too.
        if not self.request.recalls:
            self._read_bare()
        if (
            not self.likes
            and not self.unlikes
            and len(self.request.tokens) <= 5
            and self.request.free(0, len(self.request.tokens))
        ):
            self._read_misspelt_request()

    def _read_misspelt_request(self) -> None:
        """Reads a request that is nothing but a misspelt title: one of its words is unknown to the catalogue."""
        request = self.request
        n = len(request.tokens)
        if not self._all_words(request.tokens) and not any(request.boundary(i) for i in range(1, n)):
            matches = self.finder.find(request.words(0, n), n=1)
            if matches and matches[0].score >= SURELY and self._as_long(request.words(0, n), matches[0].title):
                request.mark(0, n, "like")
                self._add(matches[0].item_id, request.words(0, n), unlike=False)

    # Reading

    def _line_before(self, match: re.Match[str]) -> str:
        return match.string[max(0, match.start() - 60) : match.start()].rstrip()

    def _read_quotes(self) -> None:
        for i, j in self.request.quotes:
            ids = self._lookup(i, j)
            if not ids:
                continue
            before = self.request.line()[0][: self.request.line()[1][i]].rstrip(' "')
            negated = bool(NEGATION.search(before.removesuffix(" like"))) or bool(
                re.search(HATED.pattern + "$", before)
            )
            self._take(i, j, ids, unlike=negated)

    def _read_list(
        self, start: int, *, unlike: bool, strong: bool, cue: tuple[int, int], noted: bool, bare: bool = False
    ) -> None:
        """Read titles from token ``start``: ``X``, ``X and Y``, ``X, Y or Z``, each perhaps with its year."""
        request, n = self.request, len(self.request.tokens)
        at, found = start, False
        while at < n:
            if found and request.boundary(at) == ".":
                break
            if request.tokens[at].mark in ("like", "unlike"):
                # A quoted title, already taken; the cue says whether it is wanted.
                end = next((j for j in range(at, n) if request.tokens[j].mark not in ("like", "unlike")), n)
                self._turn(at, end, unlike)
            else:
                span = self._title_at(at, strong=strong or found, listed=found or bare)
                if span is None and strong and not found and self._misspelt(at, unlike=unlike):
                    found, at = True, self._end_of_mark(at)
                    continue
                if span is None:
                    break
                end, ids = span
                self._take(at, end, ids, unlike=unlike)
                end = self._end_of_mark(at)
            found, at = True, end
            if at < n and request.tokens[at].key in LIST_LINKS:
                at += 1
            elif at >= n or request.boundary(at) != ",":
                break
        if found:
            for token in request.tokens[cue[0] : cue[1]]:
                token.mark = token.mark or "cue"
            self._mark_negation_before(cue[0], unlike)
        elif noted and self._note_unknown(cue[0], start, unlike):
            self._mark_negation_before(cue[0], unlike)

    def _mark_negation_before(self, i: int, unlike: bool) -> None:
        while (
            unlike
            and i > 0
            and self.request.tokens[i - 1].key in ("not", "nothing", "but", "no", "never", "another", "too", "anything")
        ):
            i -= 1
            self.request.mark(i, i + 1, "cue")

    def _end_of_mark(self, at: int) -> int:
        tokens = self.request.tokens
        while at < len(tokens) and tokens[at].mark in ("like", "unlike"):
            at += 1
        return at

    def _read_bare(self) -> None:
        """Titles without a cue: a whole request, the words before "but" or "meets", and words written as titles."""
        request = self.request
        tokens = request.tokens
        n = len(tokens)
        i = 0
        while i < n:
            if tokens[i].mark or (i and not tokens[i].capital):
                i += 1
                continue
            found = False
            for j in range(min(n, i + LONGEST_TITLE), i, -1):
                if not request.free(i, j):
                    continue
                followed = (
                    j == n
                    or request.boundary(j) == "."
                    or tokens[j].key in ("but", "meets", "though", "except", "only")
                )
                alone = i == 0 and followed
                if not (alone or self._written_as_title(i, j)):
                    continue
                ids = self._by_whole_title(i, j)
                if ids and not self._is_value(i, j, alone=alone):
                    self._take(i, j, ids, unlike=False)
                    found = True
                    i = j
                    break
            if found and i < n and tokens[i].key == "meets":
                self._read_list(i + 1, unlike=False, strong=True, cue=(i, i + 1), noted=True)
            i += 0 if found else 1

    def _written_as_title(self, i: int, j: int) -> bool:
        """Several words in capitals, not after a preposition that makes them a place or a topic."""
        request = self.request
        words = request.tokens[i:j]
        content = [token for token in words if token.key not in STOP]
        if (
            len(content) < 2
            or not words[0].capital
            or not all(token.capital or token.key[:1].isdigit() for token in content)
        ):
            return False
        before = request.tokens[i - 1].key if i and not request.boundary(i) else ""
        return (
            before not in ("in", "from", "of", "at", "by", "with", "set", "a", "an", "some", "any")
            and before not in TOPIC
        )

    # Deciding

    def _title_at(self, i: int, *, strong: bool, listed: bool) -> tuple[int, list[str]] | None:
        """The longest title that starts at token ``i`` and that the context allows."""
        n = len(self.request.tokens)
        for j in range(min(n, i + LONGEST_TITLE), i, -1):
            if not self.request.free(i, j):
                continue
            ids = self._lookup(i, j)
            if ids and self._allowed(i, j, strong=strong, listed=listed):
                return j, ids
        return None

    def _allowed(self, i: int, j: int, *, strong: bool, listed: bool) -> bool:
        request = self.request
        words = request.tokens[i:j]
        plain = words[1:] if len(words) > 1 and words[0].key in ARTICLES else words
        capital = request.cased and all(
            token.capital or token.key in STOP or token.key[:1].isdigit() for token in plain
        )
        capital = capital and any(token.capital for token in words)
        after = request.tokens[j] if j < len(request.tokens) and not request.boundary(j) else None
        ends = (
            after is None
            or after.key in STOPPERS
            or after.key in LIST_LINKS
            or bool(after.mark)
            or self._mood(after.key)
        )
        if after is not None and after.capital and not ends and capital:
            # "like Tom Cruise": the film "Tom" is not meant.
            return False
        if capital:
            return True
        if self._is_value(i, j, alone=False):
            return False
        if len(plain) > 1 and not all(token.key in COMMON for token in plain):
            return strong or ends
        key = plain[0].key
        if not ends or key in PRONOUNS - {"her"} or (not strong and (key in COMMON or listed)):
            return False
        return strong or len(plain) > 1 or key not in COMMON

    def _mood(self, key: str) -> bool:
        return base_of(key) is not None

    def _is_value(self, i: int, j: int, *, alone: bool) -> bool:
        """Whether the same words name a kind of thing, or a mood; a title written in capitals then needs a cue."""
        key = self.request.key(i, j)
        if key in TRIGGERS or key in KINDS or key in GENERIC:
            return True
        found = self.vocabulary.meanings((key, *singular_forms(key)))
        roles = {meaning.role for meanings in found.values() for meaning in meanings}
        return bool(roles & {"kind", "language"}) or (alone and bool(roles & {"maker", "country", "player"}))

    def _lookup(self, i: int, j: int) -> list[str]:
        key = self.request.key(i, j)
        if not key or key in ARTICLES:
            return []
        if key not in self._asked:
            # One query for every title that can start here.
            n = len(self.request.tokens)
            keys = [self.request.key(i, end) for end in range(i + 1, min(n, i + LONGEST_TITLE) + 1)] + [key]
            fresh = [candidate for candidate in dict.fromkeys(keys) if candidate and candidate not in self._asked]
            self._asked.update(fresh)
            self._ids.update(self.store.titles.by_key(fresh))
        return self._ids.get(key, [])

    def _by_whole_title(self, i: int, j: int) -> list[str]:
        """The items with this very title, apart from article and year: without a cue, half a title does not count."""
        items = self.store.items.get_many(self._lookup(i, j))
        key = self.request.key(i, j)
        return [item_id for item_id, item in items.items() if title_keys(item.title).get(key, 2) < 2]

    def _take(self, i: int, j: int, ids: list[str], *, unlike: bool) -> None:
        words = self.request.words(i, j)
        year = self._year_after(j)
        item_id, end = self._choose(ids, year), j + (year[1] if year else 0)
        if year and not self._has_year(item_id, year[0]):
            end = j
        self.request.mark(i, end, "unlike" if unlike else "like")
        self._add(item_id, words, unlike)

    def _add(self, item_id: str, words: str, unlike: bool) -> None:
        item = self.store.items.get(item_id)
        title = item.name if item else words
        side = self.unlikes if unlike else self.likes
        if all(mention.item_id != item_id for mention in (*self.likes, *self.unlikes)):
            side.append(TitleMention(item_id, title, words))

    def _turn(self, i: int, j: int, unlike: bool) -> None:
        """Put a title that was already taken on the side that its cue says."""
        words = self.request.words(i, j)
        source, target = (self.likes, self.unlikes) if unlike else (self.unlikes, self.likes)
        for mention in [m for m in source if m.words in words]:
            source.remove(mention)
            target.append(mention)

    def _year_after(self, j: int) -> tuple[int, int] | None:
        """A year written after a title, ``(1982)``, ``1982`` or ``from 1982``, and how many tokens it takes."""
        tokens = self.request.tokens
        for skip in (0, 1):
            year = tokens[j + skip].key if j + skip < len(tokens) else ""
            if re.fullmatch(r"(18|19|20)\d\d", year) and (skip == 0 or tokens[j].key in ("from", "of")):
                return int(year), skip + 1
        return None

    def _has_year(self, item_id: str, year: int) -> bool:
        item = self.store.items.get(item_id)
        attribute = self.vocabulary.year
        return bool(item and attribute and item.attributes.get(attribute.name) == year)

    def _choose(self, ids: list[str], year: tuple[int, int] | None) -> str:
        """Of several items with this title, the one of the year, else the best known, which comes first."""
        return next((item_id for item_id in ids if year and self._has_year(item_id, year[0])), ids[0])

    # Titles that the catalogue does not have

    def _span_after_cue(self, start: int) -> int:
        """One past the last token that could belong to a title that starts at ``start``."""
        request = self.request
        n = len(request.tokens)
        end = start
        while end < n and end - start < 8 and not request.tokens[end].mark:
            if end > start and (
                request.boundary(end)
                or request.tokens[end].key in ("but", "with", "without", "except", "only", "please")
            ):
                break
            end += 1
        return end

    def _misspelt(self, start: int, *, unlike: bool) -> bool:
        """Take the longest misspelt title after a cue; words that the catalogue itself uses are not misspelt titles."""
        request = self.request
        end = self._span_after_cue(start)
        if start >= end or request.tokens[start].key in ("a", "an") or self._is_value(start, end, alone=False):
            return False
        for j in range(end, start, -1):
            words = request.words(start, j)
            tokens = request.tokens[start:j]
            if all(token.key in STOP for token in tokens) or tokens[-1].key in (STOP - ARTICLES) or len(words) < 4:
                continue
            if (
                not request.quotes
                and all(token.key in COMMON or not token.capital for token in tokens)
                and self._all_words(tokens)
            ):
                continue
            matches = self.finder.find(words, n=1)
            if matches and matches[0].score >= CLOSE_ENOUGH and self._as_long(words, matches[0].title):
                request.mark(start, j, "unlike" if unlike else "like")
                self._add(matches[0].item_id, words, unlike)
                return True
        return False

    def _as_long(self, words: str, title: str) -> bool:
        """Whether the two have about the same length, so that part of a sentence does not pass for a title."""
        written, whole = normalize(words), normalize(title)
        beginning = normalize(re.split(r"[:(]", title)[0])
        return any(
            abs(len(written) - len(other)) <= max(2, len(other) // 4)
            for other in (whole, beginning, whole.removeprefix("the "))
        )

    def _all_words(self, tokens: list[Token]) -> bool:
        keys = [token.key for token in tokens if token.key not in STOP]
        return bool(keys) and all(self.vocabulary.is_word(key) for key in keys)

    def _note_unknown(self, cue: int, start: int, unlike: bool) -> bool:
        """Note a title that is clearly meant (in capitals, quoted, or of unknown words) but not in the catalogue."""
        request = self.request
        end = self._span_after_cue(start)
        if start >= end or request.tokens[start].key in ("a", "an", "this", "that", "it", "to"):
            return False
        while end > start + 1 and request.tokens[end - 1].key in STOP | JOINERS | POLITE:
            end -= 1
        tokens = [token for token in request.tokens[start:end] if token.key not in STOP]
        if not tokens or self._is_value(start, end, alone=True) or not request.asking[request.tokens[start].sentence]:
            return False
        quoted = any(start >= i and end <= j for i, j in request.quotes)
        capital = request.cased and all(token.capital for token in tokens)
        invented = len(tokens) == 1 and len(tokens[0].key) > 3 and not self.vocabulary.is_word(tokens[0].key)
        if not (quoted or capital or invented):
            return False
        self.unknown.append(request.words(start, end))
        if unlike:
            # Words that are not wanted must not be searched for.
            request.mark(start, end, "gone")
            request.mark(cue, start, "cue")
        return True
