"""The weight of each word of a query: words that people write in any request say little about what they mean."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from recmind.data.text import STOP_WORDS, normalize, stem
from recmind.tools.encoders.encoder import MAX_CHARACTERS
from recmind.tools.search.bm25 import Bm25Index

if TYPE_CHECKING:
    from recmind.tools.encoders.minilm import SpanWeight

LONG = 9
"""Number of different words, without stop words, from which on a query is a long request. Fewer may be a title."""
_REMEMBERED = 64
"""Number of queries that are remembered: the check of an answer asks for the same one again and again."""

_EVERYDAY: dict[float, str] = {
    0.1: "movie remember think",
    0.3: "end film get guy im like one scene something watched",
    0.45: """
        90s ago around back believe cant character comes dont early find girl go help kid kind know looking main man
        maybe much name people pretty really saw says see someone starts sure takes thanks thats thing time trying two
        woman years
        """,
    0.6: """
        80s 2000s actually again another anyone anything bad big boy called came details doesnt either else even few
        first goes going got happens hes involved ive last late later little long lot made make may memory might more
        most older part place plot point possibly probably recall seem set show sort story talking tell theres title
        tries turns tv want way whole
        """,
    0.75: """
        70s advance along appreciated away basically becomes beginning between bit both bunch certain cover day decide
        definitely didnt different during each edit eventually every everyone feel figure finally found gives good
        google guess himself hope id idea keep kinda leads least leave let mid middle near need never new open please
        post protagonist put quite reason recent right said searching seen shes side similar since small somehow
        somewhere sorry still stop stuff though thought together took type vague wasnt well went wrong
        """,
}
"""English words by their weight in a long request; every other word has 1.

The groups follow from how many of 1,493 posts by people who look for a film they cannot name hold the word: more than
half of them, a quarter, an eighth, a sixteenth, 3 %. Words that say what something is about (horror, family, car) were
removed by hand, so that the list fits any catalogue. None of these posts is among those that search is measured on.
"""


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@cache
def _everyday() -> dict[str, float]:
    """The weight of each everyday stem, below 1."""
    return {stem(word): worth for worth, words in _EVERYDAY.items() for word in words.split()}


def term_weights(text: str) -> dict[str, float]:
    """The weight of each stem of the text, above 0; stop words are left out.

    A repeated word weighs more, by the logarithm of how often it occurs.
    """
    everyday = _everyday()
    counts = Counter(stem(word) for word in normalize(text).split() if word not in STOP_WORDS)
    return {word: everyday.get(word, 1.0) * (1 + math.log(count)) for word, count in counts.items()}


def is_long(query: str) -> bool:
    """Whether the query is a long request, which describes something in more words than it needs."""
    return len(term_weights(query[:MAX_CHARACTERS])) >= LONG


class TermWeights:
    """The weight of each word of a long request in one catalogue. Threads may share it."""

    def __init__(self, index: Bm25Index) -> None:
        self._index = index
        self._known: dict[str, tuple[SpanWeight, ...]] = {}

    def of(self, query: str) -> tuple[SpanWeight, ...]:
        """The words of a long request: begin and end of each in the text, and its weight, which is high for rare words.

        Empty for a short query. A word that no item holds counts as the rarest: it may be a synonym of one.
        """
        known = self._known.get(query)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[query] = self._of(query[:MAX_CHARACTERS])
        return known

    def _of(self, query: str) -> tuple[SpanWeight, ...]:
        placed = [
            (match.start(), match.end(), stem(word))
            for match in _WORD.finditer(query)
            for word in normalize(match[0]).split()
            if word not in STOP_WORDS
        ]
        stems = {word for _, _, word in placed}
        if len(stems) < LONG:
            return ()
        idfs, largest, everyday = self._index.idfs(stems), self._index.largest_idf, _everyday()
        return tuple(
            (start, end, round(everyday.get(word, 1.0) * idfs.get(word, largest), 3)) for start, end, word in placed
        )
