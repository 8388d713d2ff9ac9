"""Reading by column: one attribute over all items, the values of many items, all title keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recmind.data.arrays import Int64s
from recmind.data.database import Database
from recmind.data.reading import as_json


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an attribute, over all items."""

    attribute: str
    text: str
    number: float | None
    """None where the value is a text."""
    items: int
    """How many items have it."""


def text_column(store: Database, attribute: str) -> dict[int, str]:
    """The folded text of the attribute by item number, of a list the first in the alphabet; ``title`` is one too."""

    def read() -> dict[int, str]:
        if attribute == "title":
            return dict(store._rows("SELECT item_number, fold(title) FROM items WHERE title <> ''"))
        sql = """SELECT l.item_number, min(v.text) FROM attribute_values v JOIN item_values l USING (value_number)
            WHERE v.attribute = ? GROUP BY l.item_number"""
        return dict(store._rows(sql, [attribute]))

    return store._remember(("text column", attribute), store.catalogue_version, read)


def values_of_attributes(store: Database, attributes: Iterable[str]) -> dict[int, Value]:
    """Every value of these attributes that an item has, by value number."""
    wanted = tuple(attributes)

    def read() -> dict[int, Value]:
        sql = """SELECT value_number, attribute, value, number, items FROM attribute_values
            WHERE items > 0 AND attribute IN (SELECT value FROM json_each(?))"""
        return {number: Value(*rest) for number, *rest in store._rows(sql, [as_json(wanted)])}

    return store._remember(("values", wanted), store.catalogue_version, read)


def value_links(store: Database, item_numbers: Iterable[int]) -> Int64s:
    """Which values these items have: rows of (item number, value number), in no order."""
    sql = "SELECT item_number, value_number FROM item_values WHERE item_number IN (SELECT value FROM json_each(?))"
    rows = store._rows(sql, [as_json(item_numbers)])
    return np.array(rows, dtype=np.int64).reshape(len(rows), 2)


def all_title_keys(store: Database) -> tuple[list[str], Int64s]:
    """Every key that a title can be looked up by, and the item number that each belongs to."""

    def read() -> tuple[list[str], Int64s]:
        rows = store._rows("SELECT key, item_number FROM titles")
        return [row[0] for row in rows], np.fromiter((row[1] for row in rows), dtype=np.int64, count=len(rows))

    return store._remember("all title keys", store.catalogue_version, read)


def title_matches(store: Database, keys: Iterable[str]) -> list[tuple[str, int, int]]:
    """Every title that has one of these keys: (key, item number, distance of the key from the whole title)."""
    sql = "SELECT key, item_number, distance FROM titles WHERE key IN (SELECT value FROM json_each(?))"
    return [(key, number, distance) for key, number, distance in store._rows(sql, [as_json(sorted(set(keys)))])]
