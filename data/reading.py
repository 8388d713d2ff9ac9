"""Reading items: one, many, by condition, by words, by title; and what the catalogue says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from recmind.data.arrays import Float64s, Int64s, index_in_sorted, intersect_sorted
from recmind.data.catalogue import AttributeSummary, Catalogue, KindSummary, without
from recmind.data.conditions import NEGATIONS, PSEUDO_ATTRIBUTES, Condition, compares, numbers_sql, where
from recmind.data.database import Database
from recmind.data.records import AttributeValue, Item
from recmind.data.text import STOP_WORDS, normalize, title_keys, words

ITEM_COLUMNS = "item_number, item_id, title, description, attributes, created_at, available"
K = TypeVar("K")
V = TypeVar("V")

COMMON_VALUES = 20
REMEMBERED = 20_000
"""Items, values and the like that are kept, of each sort."""
MOST_QUERY_WORDS = 100
# bm25's weights of title, description and attributes. A few words may well be those of a title; in a long request title
# words are there by chance (1,000 film requests of some 100 words: the film that was meant is among the first ten in
# 12.9 % of them with the second weights, in 11.1 % with the first).
_WEIGHTS_OF_FEW, _WEIGHTS_OF_MANY = (8.0, 1.0, 3.0), (1.0, 1.0, 2.0)
_FEW_WORDS = 8


def to_item(row: Sequence[Any]) -> tuple[int, Item]:
    """A row of ``ITEM_COLUMNS`` as item number and item."""
    number, item_id, title, description, attributes, created_at, available = row
    return number, Item(item_id, title, description, read_attributes(attributes), created_at, bool(available))


def read_attributes(text: str) -> Mapping[str, AttributeValue]:
    """Attributes as they are stored; lists become tuples."""
    loaded = json.loads(text)
    return MappingProxyType({name: tuple(v) if isinstance(v, list) else v for name, v in loaded.items()})


def keep(known: dict[K, V], read: Mapping[K, V], most: int = REMEMBERED) -> None:
    """Adds what was read to what is known, which starts anew where it would hold more than ``most``."""
    if len(known) + len(read) > most:
        known.clear()
    known.update(read)


def as_json(values: Iterable[Any]) -> str:
    """A list as a parameter for ``json_each``."""
    return json.dumps([int(v) if isinstance(v, np.integer) else v for v in values])


def _terms(query: str) -> list[str]:
    """The words of the query that count, each once."""
    terms = list(dict.fromkeys(words(query)))
    return [term for term in terms if term not in STOP_WORDS] or terms


def _any_of(query: str) -> str:
    """What the full text search is asked with; empty where the query has no words."""
    return " OR ".join(f'"{term}"' for term in _terms(query)[:MOST_QUERY_WORDS])


class ItemReading(Database):
    """The part of the store that reads items."""

    # -- items ---------------------------------------------------------------------------------------------------

    def item(self, item_id: str) -> Item | None:
        """The item of this id, or None."""
        return self.items([item_id]).get(item_id)

    def items(self, item_ids: Iterable[str]) -> dict[str, Item]:
        """The items of these ids, in their order; ids that the catalogue does not have are left out."""
        return {item_id: found[1] for item_id, found in self._numbered(item_ids).items()}

    def item_by_number(self, item_number: int) -> Item | None:
        """The item of this number, or None."""
        rows = self._rows(f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number = ?", [int(item_number)])  # noqa: S608
        return to_item(rows[0])[1] if rows else None

    def numbers_of(self, item_ids: Iterable[str]) -> dict[str, int]:
        """The item numbers of these ids, in their order; unknown ids are left out."""
        return {item_id: found[0] for item_id, found in self._numbered(item_ids).items()}

    def ids_of(self, item_numbers: Iterable[int]) -> dict[int, str]:
        """The ids of these item numbers, in their order; unknown numbers are left out."""
        wanted = [int(number) for number in item_numbers]
        known: dict[int, str] = self._remember("ids", self.catalogue_version, dict)
        missing = [number for number in wanted if number not in known]
        if missing:
            sql = "SELECT item_number, item_id FROM items WHERE item_number IN (SELECT value FROM json_each(?))"
            known.update(self._rows(sql, [as_json(missing)]))
        return {number: known[number] for number in wanted if number in known}

    def _numbered(self, item_ids: Iterable[str]) -> dict[str, tuple[int, Item]]:
        known: dict[str, tuple[int, Item]] = self._remember("items", self.catalogue_version, dict)
        # What is known is taken out at once: another thread may clear it meanwhile.
        found = {item_id: known.get(item_id) for item_id in item_ids}
        missing = [item_id for item_id, pair in found.items() if pair is None]
        if missing:
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_id IN (SELECT value FROM json_each(?))"  # noqa: S608
            numbered = map(to_item, self._rows(sql, [as_json(missing)]))
            read = {item.item_id: (number, item) for number, item in numbered}
            found.update(read)
            keep(known, read)
        return {item_id: pair for item_id, pair in found.items() if pair is not None}

    def iter_items(self, batch: int = 1000) -> Iterator[tuple[int, Item]]:
        """All items with their numbers, by number; read in batches, so that the store can be used in between."""
        last = 0
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number > ? ORDER BY item_number LIMIT ?"  # noqa: S608
        while rows := self._rows(sql, [last, batch]):
            yield from map(to_item, rows)
            last = rows[-1][0]

    # -- conditions ----------------------------------------------------------------------------------------------

    def matching_numbers(self, conditions: Iterable[Condition] = (), *, available_only: bool = True) -> Int64s:
        """The numbers of the items that meet all conditions, sorted; read-only, because it is shared."""
        wanted = tuple(conditions)
        version = self.catalogue_version

        def read() -> Int64s:
            numbers = self._remember(("numbers", available_only), version, lambda: self._all_numbers(available_only))
            for condition in wanted:
                meeting = self._remember(("meeting", condition), version, partial(self._meeting, condition))
                negated = condition.operator in NEGATIONS and condition.attribute not in PSEUDO_ATTRIBUTES
                numbers = without(numbers, meeting) if negated else intersect_sorted(numbers, meeting)
            numbers.flags.writeable = False
            return numbers

        return self._remember(("matching", wanted, available_only), version, read)

    def _all_numbers(self, available_only: bool) -> Int64s:
        return self._numbers("SELECT item_number FROM items WHERE available >= ?", [int(available_only)])

    def _meeting(self, condition: Condition) -> Int64s:
        """The numbers of items with a value that compares (for a negation: those that fail)."""
        if condition.attribute not in PSEUDO_ATTRIBUTES:
            if condition.operator != "~" and self.catalogue().kind_of(condition.attribute) == "number":
                # Each new limit is a comparison of the column that the first one has read.
                numbers, values = self.number_column(condition.attribute)
                return numbers[compares(condition, values)]
            return self._numbers(*numbers_sql(condition))
        sql, parameters = where([condition])
        return self._numbers(f"SELECT items.item_number FROM items WHERE {sql}", parameters)  # noqa: S608

    def _numbers(self, sql: str, parameters: Sequence[Any]) -> Int64s:
        """The first column of the rows, sorted, each number once."""
        rows = self._rows(sql, parameters)
        numbers = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        # Mostly they come in order, and seeing that costs far less than making sure of it.
        return numbers if (numbers[1:] > numbers[:-1]).all() else np.unique(numbers)

    def count_matching(self, conditions: Iterable[Condition] = (), *, exclude: Iterable[str] = ()) -> int:
        """How many available items meet all conditions, those of the excluded ids left out."""
        numbers = self.matching_numbers(conditions)
        barred = np.array(list(self.numbers_of(exclude).values()), dtype=np.int64)
        return len(numbers) - int(index_in_sorted(numbers, barred)[1].sum())

    def number_column(self, attribute: str) -> tuple[Int64s, Float64s]:
        """The item numbers, sorted, whose attribute is a number, and the numbers; ``created_at`` is one too."""

        def read() -> tuple[Int64s, Float64s]:
            if attribute == "created_at":
                rows = self._rows("SELECT item_number, created_at FROM items WHERE created_at IS NOT NULL")
            else:
                sql = """SELECT l.item_number, v.number FROM attribute_values v JOIN item_values l USING (value_number)
                    WHERE v.attribute = ? AND v.number IS NOT NULL"""
                rows = self._rows(sql, [attribute])
            numbers = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
            values = np.fromiter((row[1] for row in rows), dtype=np.float64, count=len(rows))
            order = np.argsort(numbers, kind="stable")
            return numbers[order], values[order]

        return self._remember(("number column", attribute), self.catalogue_version, read)

    # -- words ---------------------------------------------------------------------------------------------------

    def search_words(self, query: str, *, n: int | None = 50, numbers: Int64s | None = None) -> list[tuple[int, float]]:
        """Items whose title, attributes or description have words of the query: number and BM25 score, best first.

        Scores are above 0, higher is better. ``n`` is None for all. ``numbers`` restricts the search to these items;
        otherwise unavailable ones are found too. The query is words, never search syntax;
        English stop words don't count.
        """
        terms, match = _terms(query), _any_of(query)
        if not terms or (n is not None and n < 1) or (numbers is not None and not len(numbers)):
            return []
        title, description, attributes = _WEIGHTS_OF_FEW if len(terms) <= _FEW_WORDS else _WEIGHTS_OF_MANY
        rank = f"bm25(items_fts, {title}, {description}, {attributes})"
        sql = f"SELECT rowid, {rank} AS rank FROM items_fts WHERE items_fts MATCH ?"  # noqa: S608
        parameters: list[Any] = [match]
        if numbers is not None:
            # The plus keeps FTS5 from running the whole match once for each number: 100 times as slow for 1,000.
            sql += " AND +rowid IN (SELECT value FROM json_each(?))"
            parameters.append(as_json(numbers.tolist()))
        rows = self._rows(f"{sql} ORDER BY rank LIMIT ?", [*parameters, -1 if n is None else n])
        return [(number, -rank) for number, rank in rows]

    def has_words(self, query: str) -> bool:
        """Whether ``search_words`` finds anything, for less: nothing has to be ranked."""
        match = _any_of(query)
        return bool(match and self._rows("SELECT 1 FROM items_fts WHERE items_fts MATCH ? LIMIT 1", [match]))

    # -- titles --------------------------------------------------------------------------------------------------

    def titles_by_key(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """The ids of the items that each key (see ``recmind.data.text.title_keys``) names, most interactions first.

        Only the nearest names count: ``alien`` is Alien, and Alien: Resurrection only where there is no Alien. Keys
        that name nothing are left out.
        """
        sql = """
            SELECT t.key, t.distance, i.item_id FROM titles t JOIN items i USING (item_number)
            LEFT JOIN item_statistics s USING (item_number)
            WHERE t.key IN (SELECT value FROM json_each(?))
            ORDER BY t.key, t.distance, coalesce(s.interactions, 0) DESC, t.item_number"""
        found: dict[str, tuple[int, list[str]]] = {}
        for key, distance, item_id in self._rows(sql, [as_json(set(keys))]):
            nearest, ids = found.setdefault(key, (distance, []))
            if distance == nearest:
                ids.append(item_id)
        return {key: ids for key, (_, ids) in found.items()}

    def similar_titles(self, text: str, n: int = 50) -> list[tuple[str, str]]:
        """Candidates for a misspelt title, (item id, title), those that share most with it first."""
        keys = title_keys(text) or {normalize(text): 0}
        key = min((k for k, distance in keys.items() if distance < 2), key=len, default="")
        parts = dict.fromkeys(key[place : place + 3] for place in range(len(key) - 2))
        if not parts:
            return []
        match = " OR ".join(f'"{part}"' for part in list(parts)[:80])
        sql = """
            SELECT i.item_id, i.title FROM titles_fts t JOIN items i ON i.item_number = t.rowid
            WHERE titles_fts MATCH ? ORDER BY t.rank LIMIT ?"""
        return [(item_id, title) for item_id, title in self._rows(sql, [match, n])]

    # -- attributes ----------------------------------------------------------------------------------------------

    def value_meanings(self, keys: Iterable[str]) -> dict[str, list[tuple[str, str, int]]]:
        """What each normalized text is a value of: (attribute, value, number of items), commonest first.

        Numbers and hidden attributes are left out, and keys that are no value.
        """
        known: dict[str, list[tuple[str, str, int]]] = self._remember("meanings", self.catalogue_version, dict)
        found = {key: known.get(key) for key in keys}
        missing = [key for key, meanings in found.items() if meanings is None]
        if missing:
            sql = """
                SELECT key, attribute, value, items FROM attribute_values
                WHERE key IN (SELECT value FROM json_each(?)) AND number IS NULL AND items > 0
                ORDER BY items DESC, attribute, value"""
            read: dict[str, list[tuple[str, str, int]]] = {key: [] for key in missing}
            for key, attribute, value, items in self._rows(sql, [as_json(missing)]):
                if not self.settings.hidden(attribute):
                    read[key].append((attribute, value, items))
            found.update(read)
            keep(known, read)
        return {key: list(meanings) for key, meanings in found.items() if meanings}

    def values_of(self, attribute: str, n: int | None = None) -> list[tuple[str, int]]:
        """The values of an attribute with the number of items that have each, commonest first."""
        sql = """
            SELECT value, items FROM attribute_values WHERE attribute = ? AND items > 0
            ORDER BY items DESC, value LIMIT ?"""
        return [(value, items) for value, items in self._rows(sql, [attribute, -1 if n is None else n])]

    def catalogue(self) -> Catalogue:
        """The catalogue's description of itself; the same object while nothing changes."""
        return self._remember("catalogue", self.clock, self._read_catalogue)

    def _read_catalogue(self) -> Catalogue:
        attributes = []
        for name, items, lists, numbers, distinct, minimum, maximum in self._rows(
            "SELECT attribute, items, lists, numbers, distinct_values, minimum, maximum FROM attributes "
            "WHERE items > 0 ORDER BY items DESC, attribute"
        ):
            kind: Any = "list" if lists else "number" if numbers == items else "text"
            common = tuple(self.values_of(name, COMMON_VALUES))
            hidden = self.settings.hidden(name)
            attributes.append(AttributeSummary(name, kind, items, distinct, minimum, maximum, common, hidden))
        kinds = self._rows(
            "SELECT kind, interactions, value_count, value_sum, earliest, latest FROM kinds "
            "WHERE interactions > 0 ORDER BY interactions DESC, kind"
        )
        # What users do moves the clock, and these stay: counting a million items takes its time.
        items, available = self._remember(
            "item counts",
            self.catalogue_version,
            lambda: self._rows("SELECT count(*), coalesce(sum(available), 0) FROM items")[0],
        )
        # Users go only when the catalogue's version moves, and numbers are never used twice.
        counted, last = self._remember(
            "user counts",
            self.catalogue_version,
            lambda: self._rows("SELECT count(*), coalesce(max(user_number), 0) FROM users")[0],
        )
        return Catalogue(
            version=self.catalogue_version,
            items=items,
            available=available,
            users=counted + self._value("SELECT count(*) FROM users WHERE user_number > ?", [last]),
            interactions=sum(row[1] for row in kinds),
            attributes=tuple(attributes),
            kinds=tuple(
                KindSummary(kind, n, total / count if count else None) for kind, n, count, total, _, _ in kinds
            ),
            earliest=min((row[4] for row in kinds if row[4] is not None), default=None),
            latest=max((row[5] for row in kinds if row[5] is not None), default=None),
            _spelling=self._spelling,
            _near=self._near_values,
        )

    def _spelling(self, attribute: str, text: str) -> str | None:
        """The commonest value that means the text: the text itself, else the commonest of its key."""
        known: dict[tuple[str, str], str | None] = self._remember("spellings", self.catalogue_version, dict)
        asked = attribute, text
        found = known.get(asked)
        if found is None and asked not in known:
            key = normalize(text)
            sql = """
                SELECT value FROM attribute_values
                WHERE attribute = ? AND items > 0 AND (value = ? OR key = ? AND key <> '')
                ORDER BY value = ? DESC, items DESC LIMIT 1"""
            found = self._value(sql, [attribute, text, key, text])
            keep(known, {asked: found})
        return found

    def _near_values(self, attribute: str, text: str, n: int) -> list[str]:
        from rapidfuzz import fuzz, process  # noqa: PLC0415  only where a value is misspelt

        values = [value for value, _ in self.values_of(attribute, 5000)]
        near = process.extract(normalize(text), values, scorer=fuzz.WRatio, processor=normalize, limit=n)
        return [value for value, score, _ in near if score >= 60] or values[:n]
