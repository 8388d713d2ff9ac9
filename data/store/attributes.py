"""The attributes of the items by column: their names, their values, and which item has which value."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import numpy as np

from recmind.data.arrays import Float64s, Int64s
from recmind.data.catalogue import AttributeSummary, Value
from recmind.data.remembering import keep
from recmind.data.store.database import Database
from recmind.data.store.rows import as_json
from recmind.data.text import normalize

COMMON_VALUES = 20


class Attributes:
    """Reads attributes over all items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summaries(self) -> tuple[AttributeSummary, ...]:
        """A summary of every attribute that any item has, commonest first."""
        return self._database.remember("attributes", self._database.catalogue_version, self._read_summaries)

    def kind_of(self, attribute: str) -> str:
        """text, number or list; text where there is no such attribute."""
        return next((summary.kind for summary in self.summaries() if summary.name == attribute), "text")

    def _read_summaries(self) -> tuple[AttributeSummary, ...]:
        found = []
        for name, items, lists, numbers, distinct, minimum, maximum in self._database.rows(
            "SELECT attribute, items, lists, numbers, distinct_values, minimum, maximum FROM attributes "
            "WHERE items > 0 ORDER BY items DESC, attribute"
        ):
            kind: Any = "list" if lists else "number" if numbers == items else "text"
            common = tuple(self.values(name, COMMON_VALUES))
            hidden = self._database.settings.hidden(name)
            found.append(AttributeSummary(name, kind, items, distinct, minimum, maximum, common, hidden))
        return tuple(found)

    # -- values --------------------------------------------------------------------------------------------------

    def values(self, attribute: str, n: int | None = None) -> list[tuple[str, int]]:
        """The values of an attribute with the number of items that have each, commonest first; ``n`` at most, None for
        all.
        """
        sql = """
            SELECT value, items FROM attribute_values WHERE attribute = ? AND items > 0
            ORDER BY items DESC, value LIMIT ?"""
        return [(value, items) for value, items in self._database.rows(sql, [attribute, -1 if n is None else n])]

    def meanings(self, keys: Iterable[str]) -> dict[str, list[tuple[str, str, int]]]:
        """The attributes and values that each normalized text may mean: (attribute, value, number of items), commonest
        first.

        Numbers and hidden attributes are left out, as are keys that are no value.
        """
        database = self._database
        known: dict[str, list[tuple[str, str, int]]] = database.remember("meanings", database.catalogue_version, dict)
        found = {key: known.get(key) for key in keys}
        if None in found.values():
            missing = [key for key, meanings in found.items() if meanings is None]
            sql = """
                SELECT key, attribute, value, items FROM attribute_values
                WHERE key IN (SELECT value FROM json_each(?)) AND number IS NULL AND items > 0
                ORDER BY items DESC, attribute, value"""
            read: dict[str, list[tuple[str, str, int]]] = {key: [] for key in missing}
            for key, attribute, value, items in database.rows(sql, [as_json(missing)]):
                if not database.settings.hidden(attribute):
                    read[key].append((attribute, value, items))
            found.update(read)
            keep(known, read)
        return {key: list(meanings) for key, meanings in found.items() if meanings}

    def spelling(self, attribute: str, text: str) -> str | None:
        """The value that the text means: the text itself if it is one, else the commonest value of its key; or None."""
        database = self._database
        known: dict[tuple[str, str], str | None] = database.remember("spellings", database.catalogue_version, dict)
        asked = attribute, text
        found = known.get(asked)
        if found is None and asked not in known:
            key = normalize(text)
            sql = """
                SELECT value FROM attribute_values
                WHERE attribute = ? AND items > 0 AND (value = ? OR key = ? AND key <> '')
                ORDER BY value = ? DESC, items DESC LIMIT 1"""
            found = database.value(sql, [attribute, text, key, text])
            keep(known, {asked: found})
        return found

    def near(self, attribute: str, text: str, n: int) -> list[str]:
        """The values nearest to the text, best first; the commonest where none is near.

        Args:
            attribute: name of the attribute.
            text: the text to compare with.
            n: the most to return.
        """
        from rapidfuzz import fuzz, process  # noqa: PLC0415  only where a value is misspelt

        values = [value for value, _ in self.values(attribute, 5000)]
        near = process.extract(normalize(text), values, scorer=fuzz.WRatio, processor=normalize, limit=n)
        return [value for value, score, _ in near if score >= 60] or values[:n]

    # -- columns -------------------------------------------------------------------------------------------------

    def number_column(self, attribute: str) -> tuple[Int64s, Float64s]:
        """The numbers of the items (int64, sorted) whose attribute is a number, and the numbers (float64).

        ``created_at`` (Unix seconds) counts as an attribute here.
        """

        def read() -> tuple[Int64s, Float64s]:
            if attribute == "created_at":
                rows = self._database.rows("SELECT item_number, created_at FROM items WHERE created_at IS NOT NULL")
            else:
                sql = """SELECT l.item_number, v.number FROM attribute_values v JOIN item_values l USING (value_number)
                    WHERE v.attribute = ? AND v.number IS NOT NULL"""
                rows = self._database.rows(sql, [attribute])
            numbers = np.fromiter(map(itemgetter(0), rows), dtype=np.int64, count=len(rows))
            values = np.fromiter(map(itemgetter(1), rows), dtype=np.float64, count=len(rows))
            order = np.argsort(numbers, kind="stable")
            return numbers[order], values[order]

        return self._database.remember(("number column", attribute), self._database.catalogue_version, read)

    def text_column(self, attribute: str) -> dict[int, str]:
        """The folded text of the attribute by item number; of a list, the first by alphabet. ``title`` counts too."""

        def read() -> dict[int, str]:
            if attribute == "title":
                return dict(self._database.rows("SELECT item_number, fold(title) FROM items WHERE title <> ''"))
            sql = """SELECT l.item_number, min(v.text) FROM attribute_values v JOIN item_values l USING (value_number)
                WHERE v.attribute = ? GROUP BY l.item_number"""
            return dict(self._database.rows(sql, [attribute]))

        return self._database.remember(("text column", attribute), self._database.catalogue_version, read)

    def by_value_number(self, attributes: Iterable[str]) -> dict[int, Value]:
        """Every value of these attributes that any item has, by value number."""
        wanted = tuple(attributes)

        def read() -> dict[int, Value]:
            sql = """SELECT value_number, attribute, value, number, items FROM attribute_values
                WHERE items > 0 AND attribute IN (SELECT value FROM json_each(?))"""
            return {number: Value(*rest) for number, *rest in self._database.rows(sql, [as_json(wanted)])}

        return self._database.remember(("values", wanted), self._database.catalogue_version, read)

    def links(self, item_numbers: Iterable[int]) -> Int64s:
        """Which values these items have: int64 of shape (links, 2), item number and value number, in no order."""
        sql = "SELECT item_number, value_number FROM item_values WHERE item_number IN (SELECT value FROM json_each(?))"
        rows = self._database.rows(sql, [as_json(item_numbers)])
        return np.array(rows, dtype=np.int64).reshape(len(rows), 2)
