"""Finds items by their titles: whole, shortened or misspelt."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recmind.data.arrays import Int64s
from recmind.data.store.database import Database
from recmind.data.store.rows import as_json
from recmind.data.text import normalize, title_keys


class Titles:
    """The titles of the items by their keys (see ``recmind.data.text.title_keys``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_key(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """The ids of the items that each key names, most interactions first.

        Only the nearest titles count: ``alien`` is Alien, and Alien: Resurrection only if there is no Alien. Keys that
        name nothing are left out.
        """
        sql = """
            SELECT t.key, t.distance, i.item_id FROM titles t JOIN items i USING (item_number)
            LEFT JOIN item_statistics s USING (item_number)
            WHERE t.key IN (SELECT value FROM json_each(?))
            ORDER BY t.key, t.distance, coalesce(s.interactions, 0) DESC, t.item_number"""
        found: dict[str, tuple[int, list[str]]] = {}
        for key, distance, item_id in self._database.rows(sql, [as_json(set(keys))]):
            nearest, ids = found.setdefault(key, (distance, []))
            if distance == nearest:
                ids.append(item_id)
        return {key: ids for key, (_, ids) in found.items()}

    def matches(self, keys: Iterable[str]) -> list[tuple[str, int, int]]:
        """Every title with one of these keys: (key, item number, distance of the key from the whole title)."""
        sql = "SELECT key, item_number, distance FROM titles WHERE key IN (SELECT value FROM json_each(?))"
        rows = self._database.rows(sql, [as_json(sorted(set(keys)))])
        return [(key, number, distance) for key, number, distance in rows]

    def similar(self, text: str, n: int = 50) -> list[tuple[str, str]]:
        """Candidates for a misspelt title: (item id, title), those that share most with it first, n at most."""
        keys = title_keys(text) or {normalize(text): 0}
        key = min((k for k, distance in keys.items() if distance < 2), key=len, default="")
        parts = dict.fromkeys(key[place : place + 3] for place in range(len(key) - 2))
        if not parts:
            return []
        match = " OR ".join(f'"{part}"' for part in list(parts)[:80])
        sql = """
            SELECT i.item_id, i.title FROM titles_fts t JOIN items i ON i.item_number = t.rowid
            WHERE titles_fts MATCH ? ORDER BY t.rank LIMIT ?"""
        return [(item_id, title) for item_id, title in self._database.rows(sql, [match, n])]

    def keys(self) -> tuple[list[str], Int64s]:
        """Every key that a title can be looked up by, and the item number (int64) of each."""

        def read() -> tuple[list[str], Int64s]:
            rows = self._database.rows("SELECT key, item_number FROM titles")
            return [row[0] for row in rows], np.fromiter((row[1] for row in rows), dtype=np.int64, count=len(rows))

        return self._database.remember("all title keys", self._database.catalogue_version, read)
