"""Finds items by words of their titles, attributes and descriptions."""

from __future__ import annotations

from typing import Any

from recmind.data.arrays import Int64s
from recmind.data.remembering import keep
from recmind.data.store.database import Database
from recmind.data.store.rows import as_json
from recmind.data.text import STOP_WORDS, words

MOST_QUERY_WORDS = 100
MOST_SEARCHES = 500
"""Searches of all items that are remembered, of some fifty items each."""
# Weights of title, description and attributes in bm25. A few words may well be those of a title; in a long request
# title words are there by chance (1,000 film requests of some 100 words: the film that was meant is among the first ten
# in 12.9 % of them with the second weights, in 11.1 % with the first).
_WEIGHTS_OF_FEW, _WEIGHTS_OF_MANY = (8.0, 1.0, 3.0), (1.0, 1.0, 2.0)
_FEW_WORDS = 8


class FullText:
    """The full-text index of the items. A query is words, never search syntax; English stop words don't count."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, query: str, *, n: int | None = 50, numbers: Int64s | None = None) -> list[tuple[int, float]]:
        """Items that hold words of the query in title, attributes or description: item numbers and BM25 scores, best
        first.

        Scores are above 0; higher is better.

        Args:
            query: words, never search syntax.
            n: the most to return; None for all.
            numbers: int64: search only these items; None: all, unavailable ones included.
        """
        terms, match = _terms(query), _any_of(query)
        if not terms or (n is not None and n < 1) or (numbers is not None and not len(numbers)):
            return []
        if numbers is not None or n is None:
            return self._search(terms, match, n, numbers)
        # What all items have to say does not depend on who asks.
        database = self._database
        known: dict[tuple[str, int], list[tuple[int, float]]]
        known = database.remember("searches", database.catalogue_version, dict)
        found = known.get((match, n))
        if found is None:
            found = self._search(terms, match, n, None)
            keep(known, {(match, n): found}, MOST_SEARCHES)
        return list(found)

    def _search(self, terms: list[str], match: str, n: int | None, numbers: Int64s | None) -> list[tuple[int, float]]:
        """The same, read from the index; ``terms`` are what ``match`` asks for."""
        title, description, attributes = _WEIGHTS_OF_FEW if len(terms) <= _FEW_WORDS else _WEIGHTS_OF_MANY
        rank = f"bm25(items_fts, {title}, {description}, {attributes})"
        sql = f"SELECT rowid, {rank} AS rank FROM items_fts WHERE items_fts MATCH ?"  # noqa: S608
        parameters: list[Any] = [match]
        if numbers is not None:
            # Without the plus FTS5 runs the whole match once for each number, which is 100 times as slow for 1,000.
            sql += " AND +rowid IN (SELECT value FROM json_each(?))"
            parameters.append(as_json(numbers.tolist()))
        rows = self._database.rows(f"{sql} ORDER BY rank LIMIT ?", [*parameters, -1 if n is None else n])
        return [(number, -rank) for number, rank in rows]

    def finds(self, query: str) -> bool:
        """Whether ``search`` would find anything; it is cheaper, because nothing is ranked."""
        match, database = _any_of(query), self._database
        known: dict[str, bool] = database.remember("words found", database.catalogue_version, dict)
        found = known.get(match)
        if found is None:
            sql = "SELECT 1 FROM items_fts WHERE items_fts MATCH ? LIMIT 1"
            found = bool(match and database.rows(sql, [match]))
            keep(known, {match: found})
        return found


def _terms(query: str) -> list[str]:
    """The words of the query that count, each once: without stop words, unless there are only stop words."""
    terms = list(dict.fromkeys(words(query)))
    return [term for term in terms if term not in STOP_WORDS] or terms


def _any_of(query: str) -> str:
    """The query in FTS5's syntax, for items with any of its words; empty where the query has no words."""
    return " OR ".join(f'"{term}"' for term in _terms(query)[:MOST_QUERY_WORDS])
