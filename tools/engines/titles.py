"""Finds an item by a title as people write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Int64s
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.data.text import STOP_WORDS, title_keys
from recmind.tools.engines.attributes import attribute_weights, values_of

LEAST_SCORE = 0.72
"""Least similarity, 0 to 1, of a title that may be meant: "Zzyzx" must find nothing."""
LEAST_SCORE_SHORT = 0.79
"""Least similarity for texts of up to five letters, where one wrong letter in four makes another word."""
KEYS_SCANNED = 200_000
"""With up to this many title keys all are compared; beyond, only titles that share three letters in a row."""
POPULARITY_SHARE = 0.06
"""Added to the score of the most popular match; the others get less."""
_Found = dict[int, tuple[float, bool]]
"""By item number: the score, and whether the match is exact."""
_DISTANCE_SCORES = {0: 1.0, 1: 0.99, 2: 0.95}
_YEAR = re.compile(r"[\s,]*[(\[]?\b((?:18|19|20)\d\d)\b[)\]]?\s*$")
_UNSAID = STOP_WORDS | {"part", "episode", "chapter", "vol", "volume"}
"""Words of a title that people may leave out."""


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """An item that a text may mean."""

    item_id: str
    title: str
    score: float
    """0 to 1; 1 is the title itself."""
    exact: bool
    """Whether the text is a name of the item, apart from case, accents, articles, year or subtitle."""


class TitleFinder:
    """Finds items by their titles. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def find(self, text: str, n: int = 5) -> list[TitleMatch]:
        """The items whose title the text may mean, best first, n at most; empty where no title is near.

        Case, accents, punctuation, articles ("Matrix, The"), the year ("matrix 1999") and a few wrong letters don't
        count. An exact name comes before a similar one; among equals the more popular item comes first.
        """
        text = " ".join(text.split())
        if not text or n < 1:
            return []
        found_here: _Found = {}
        self._add_named(text, found_here)
        written_year = _YEAR.search(text)
        if written_year and written_year.start() > 0:
            self._add_with_year(text[: written_year.start()], int(written_year[1]), found_here)
        if not any(exact for _, exact in found_here.values()):
            self._add_similar(text, found_here)
        return self._ordered(found_here, n)

    def _add_named(self, text: str, found_here: _Found) -> None:
        """Add the items that the text names: one of its keys is a key of their title, with or without the subtitle."""
        keys = [key for key, distance in title_keys(text).items() if distance < 2]
        for _, number, distance in self.store.titles.matches(keys):
            _better(found_here, number, _DISTANCE_SCORES[distance], exact=True)

    def _add_with_year(self, text: str, year: int, found_here: _Found) -> None:
        """Add the items that the text names without its year: those of that year before all others."""
        without: _Found = {}
        self._add_named(text, without)
        if not any(exact for _, exact in without.values()):
            self._add_similar(text, without)
        for number, (score, exact) in without.items():
            item = self.store.items.by_number(number)
            if item is not None:
                same = year in self._years(item)
                # A year that is one or two off is a slip; a year further off most likely means another item.
                near = any(abs(known - year) <= 2 for known in self._years(item))
                _better(
                    found_here, number, score - (0.0 if same else 0.06 if near else 0.2), exact=exact and (same or near)
                )

    def _years(self, item: Item) -> set[int]:
        years = [a.name for a in attribute_weights(self.store).ordered if a.is_year]
        found_years = {int(value) for name in years for value in values_of(item, name) if not isinstance(value, str)}
        in_title = re.search(r"\((\d{4})\)", item.title)
        return found_years | ({int(in_title[1])} if in_title else set())

    def _add_similar(self, text: str, found_here: _Found) -> None:
        """Add the items whose title is similar in spelling, holds all the words, or begins similarly."""
        from rapidfuzz import process  # noqa: PLC0415  most titles are spelt right
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        forms = [key for key, distance in title_keys(text).items() if distance < 2]
        wanted = min((form for form in forms if form), key=len, default="")
        if len(wanted) < 3:
            return
        least = LEAST_SCORE_SHORT if len(wanted) <= 5 else LEAST_SCORE
        keys, numbers = self._candidate_keys(text)
        similar = OSA.normalized_similarity
        for _, near, place in process.extract(wanted, keys, scorer=similar, score_cutoff=least, limit=40):
            _better(found_here, int(numbers[place]), 0.97 * float(near), exact=False)
        self._add_holding(wanted, keys, numbers, found_here)
        if not found_here and len(wanted) >= 8 and " " in wanted:
            starts = [key[: len(wanted)] for key in keys]
            for _, near, place in process.extract(wanted, starts, scorer=similar, score_cutoff=0.8, limit=20):
                _better(found_here, int(numbers[place]), 0.85 * float(near), exact=False)

    def _candidate_keys(self, text: str) -> tuple[Sequence[str], Sequence[int] | Int64s]:
        """Title keys to compare with, and the item number of each."""
        if self.store.catalogue().items <= KEYS_SCANNED // 2:
            return self.store.titles.keys()
        similar = self.store.titles.similar(text, 200)
        known = self.store.items.numbers_of(item_id for item_id, _ in similar)
        pairs = [(key, known[item_id]) for item_id, title in similar for key in title_keys(title)]
        return [key for key, _ in pairs], [number for _, number in pairs]

    @staticmethod
    def _add_holding(wanted: str, keys: Sequence[str], numbers: Sequence[int] | Int64s, found_here: _Found) -> None:
        """Add the items whose title holds every word of the text: "fellowship of the ring", "godfather 2"."""
        needed = {word for word in wanted.split() if word not in _UNSAID}
        # One short word of a long title does not name it.
        if not needed or (len(needed) == 1 and len(wanted) < 5):
            return
        longest = max(sorted(needed), key=len)
        for key, number in ((key, int(numbers[i])) for i, key in enumerate(keys) if longest in key):
            here = {word for word in key.split() if word not in _UNSAID}
            if needed <= here:
                _better(found_here, number, 0.72 + 0.2 * len(needed) / len(here), exact=False)

    def _ordered(self, found_here: _Found, n: int) -> list[TitleMatch]:
        numbers = list(found_here)
        counts = self.store.counts.of_items(numbers).interactions.astype(np.float64)
        most = max(float(counts.max(initial=0.0)), 1.0)
        scores = {
            number: found_here[number][0] + POPULARITY_SHARE * float(count) / most
            for number, count in zip(numbers, counts, strict=True)
        }
        # An exact match stays before a similar one, however popular that is.
        order = sorted(numbers, key=lambda m: (not found_here[m][1], -scores[m], m))[:n]
        ids = self.store.items.ids_of(order)
        items = self.store.items.get_many(ids.values())
        matches = []
        for number in order:
            if number in ids:
                exact = found_here[number][1]
                score = min(scores[number], 1.0 if exact else 0.96)
                matches.append(TitleMatch(ids[number], items[ids[number]].name, round(score, 4), exact))
        return matches


def _better(found_here: _Found, number: int, score: float, *, exact: bool) -> None:
    known = found_here.get(number)
    if known is None or (exact, score) > (known[1], known[0]):
        found_here[number] = score, exact
