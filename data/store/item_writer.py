"""Writes items into an open transaction, with everything that is derived from them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from recmind.data.records import AttributeValue, Item
from recmind.data.settings import Settings
from recmind.data.store.rows import BATCH, ITEM_COLUMNS, as_json, to_item
from recmind.data.text import fold, format_number, normalize, title_keys

_UPSERT_ITEM = """
    INSERT INTO items (item_id, title, description, attributes, created_at, available, search_text)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (item_id) DO UPDATE SET title = excluded.title, description = excluded.description,
        attributes = excluded.attributes, created_at = excluded.created_at, available = excluded.available,
        search_text = excluded.search_text"""

ValueKey = tuple[str, str, bool]
"""Attribute, value as text, and whether the value is a number."""


def merged(old: Item, new: Item) -> Item:
    """The old item with the new one's data: an empty title or description and absent attributes change nothing."""
    return Item(
        item_id=old.item_id,
        title=new.title or old.title,
        description=new.description or old.description,
        attributes={**old.attributes, **new.attributes},
        created_at=old.created_at if new.created_at is None else new.created_at,
        available=new.available,
    )


class ItemWriter:
    """Writes items into the open transaction; ``finish`` writes the counts of values and attributes."""

    def __init__(self, conn: sqlite3.Connection, settings: Settings) -> None:
        self.conn = conn
        self.settings = settings
        self.contributed = conn.execute("SELECT 1 FROM contributions LIMIT 1").fetchone() is not None
        self.value_numbers: dict[ValueKey, Any] = {}
        self.value_items: Counter[int] = Counter()
        self.attributes: dict[str, list[int]] = {}
        """For each attribute, the change in the number of items that have it, that have it as a list, and as a
        number."""

    def put(self, items: Sequence[Item], *, merge: bool, keep_available: bool) -> tuple[int, int]:
        """Write the items.

        Args:
            items: new or changed items.
            merge: keep what a new record leaves empty; otherwise the record replaces the old one.
            keep_available: a known item stays available or unavailable, whatever the record says.

        Returns:
            The numbers of added and of changed items.
        """
        found = {}
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_id IN (SELECT value FROM json_each(?))"  # noqa: S608
        for row in self.conn.execute(sql, [as_json(item.item_id for item in items)]):
            number, item = to_item(row)
            found[item.item_id] = number, item
        final: dict[str, Item] = {}
        for item in items:
            known = final.get(item.item_id) or (found[item.item_id][1] if item.item_id in found else None)
            new = item
            if known is not None:
                new = merged(known, item) if merge else item
                if keep_available and new.available != known.available:
                    new = Item(new.item_id, new.title, new.description, new.attributes, new.created_at, known.available)
            final[item.item_id] = new
        changed = {i: item for i, item in final.items() if i not in found or found[i][1] != item}
        if not changed:
            return 0, 0
        if self.contributed:
            self._end_contributions([(*found[i], item) for i, item in changed.items() if i in found])
        self.forget_values([found[i][0] for i in changed if i in found], [found[i][1] for i in changed if i in found])
        self.conn.executemany(_UPSERT_ITEM, [self._row(item) for item in changed.values()])
        numbers = dict(
            self.conn.execute(
                "SELECT item_id, item_number FROM items WHERE item_id IN (SELECT value FROM json_each(?))",
                [as_json(changed)],
            )
        )
        self.derive([(numbers[item_id], item) for item_id, item in changed.items()], search_text=False)
        added = sum(item_id not in found for item_id in changed)
        return added, len(changed) - added

    def _end_contributions(self, changes: Iterable[tuple[int, Item, Item]]) -> None:
        """Delete the contributions to values that another source writes now: (item number, item before, item after)."""
        self.conn.executemany(
            "DELETE FROM contributions WHERE item_number = ? AND attribute = ?",
            [
                (number, name)
                for number, old, new in changes
                for name in old.attributes
                if old.attributes[name] != new.attributes.get(name)
            ],
        )

    def _row(self, item: Item) -> tuple[Any, ...]:
        attributes = json.dumps(dict(item.attributes), ensure_ascii=False, separators=(",", ":"))
        return (
            item.item_id, item.title, item.description, attributes, item.created_at, int(item.available),
            self._search_text(item.attributes),
        )  # fmt: skip

    def _search_text(self, attributes: Mapping[str, AttributeValue]) -> str:
        """The text values that a person may search for."""
        shown: list[str] = []
        for name, value in attributes.items():
            if not isinstance(value, (int, float)) and (
                name in self.settings.title_attributes or not self.settings.hidden(name)
            ):
                shown += (value,) if isinstance(value, str) else value
        return " · ".join(shown)

    def derive(self, items: Sequence[tuple[int, Item]], *, search_text: bool = True) -> None:
        """Write values and titles of items that have none in these tables; with ``search_text`` that column too."""
        links: list[tuple[int, int]] = []
        keys = [key for _, item in items for key in dict.fromkeys(_values(item.attributes))]
        self._number_values(keys)
        for number, item in items:
            of_item = {self.value_numbers[key] for key in _values(item.attributes)}
            links += [(value_number, number) for value_number in of_item]
            self.value_items.update(of_item)
            self._count(item.attributes, 1)
        self.conn.executemany("INSERT INTO item_values (value_number, item_number) VALUES (?, ?)", links)
        self._write_titles(items)
        if search_text:
            self.conn.executemany(
                "UPDATE items SET search_text = ?1 WHERE item_number = ?2 AND search_text <> ?1",
                [(self._search_text(item.attributes), number) for number, item in items],
            )

    def derive_anew(self) -> None:
        """Write all that is derived from the items again, from the beginning."""
        for table in ("item_values", "attribute_values", "attributes"):
            self.conn.execute(f"DELETE FROM {table}")  # noqa: S608  our own names
        last = 0
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number > ? ORDER BY item_number LIMIT ?"  # noqa: S608
        while rows := [to_item(row) for row in self.conn.execute(sql, [last, BATCH])]:
            self.derive(rows)
            last = rows[-1][0]
        self.finish()
        self.conn.execute("INSERT INTO items_fts (items_fts) VALUES ('rebuild')")

    def _number_values(self, keys: Iterable[ValueKey]) -> None:
        """Look up or make the number of every value."""
        find = "SELECT value_number FROM attribute_values WHERE attribute = ? AND value = ? AND (number IS NULL) = ?"
        for key in keys:
            if key in self.value_numbers:
                continue
            attribute, value, is_number = key
            row = self.conn.execute(find, [attribute, value, not is_number]).fetchone()
            self.value_numbers[key] = (
                row[0]
                if row
                else self.conn.execute(
                    "INSERT INTO attribute_values (attribute, value, text, key, number) VALUES (?, ?, ?, ?, ?)",
                    [attribute, value, fold(value), normalize(value), float(value) if is_number else None],
                ).lastrowid
            )

    def _write_titles(self, items: Sequence[tuple[int, Item]]) -> None:
        numbers = as_json(number for number, _ in items)
        self.conn.execute("DELETE FROM titles WHERE item_number IN (SELECT value FROM json_each(?))", [numbers])
        self.conn.execute("DELETE FROM titles_fts WHERE rowid IN (SELECT value FROM json_each(?))", [numbers])
        rows: list[tuple[str, int, int]] = []
        texts: list[tuple[int, str]] = []
        for number, item in items:
            keys = dict(title_keys(item.title))
            names = [min((k for k, distance in keys.items() if distance < 2), key=len, default="")]
            for attribute in self.settings.title_attributes:
                value = item.attributes.get(attribute, ())
                for other in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                    others = title_keys(other)
                    # Another title counts like the item's own without its article.
                    for key, distance in others.items():
                        keys[key] = min(keys.get(key, 9), max(distance, 1))
                    names.append(min((k for k, distance in others.items() if distance < 2), key=len, default=""))
            rows += [(key, number, distance) for key, distance in keys.items()]
            texts.append((number, " / ".join(filter(None, names))))
        self.conn.executemany("INSERT INTO titles (key, item_number, distance) VALUES (?, ?, ?)", rows)
        self.conn.executemany("INSERT INTO titles_fts (rowid, text) VALUES (?, ?)", texts)

    def forget_values(self, numbers: Sequence[int], items: Sequence[Item] | None = None) -> None:
        """Drop the values of these items, before they are written anew or deleted."""
        chosen = as_json(numbers)
        if items is None:
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number IN (SELECT value FROM json_each(?))"  # noqa: S608
            items = [to_item(row)[1] for row in self.conn.execute(sql, [chosen])]
        sql = "SELECT value_number FROM item_values WHERE item_number IN (SELECT value FROM json_each(?))"
        self.value_items.subtract(row[0] for row in self.conn.execute(sql, [chosen]))
        self.conn.execute("DELETE FROM item_values WHERE item_number IN (SELECT value FROM json_each(?))", [chosen])
        for item in items:
            self._count(item.attributes, -1)

    def _count(self, attributes: Mapping[str, AttributeValue], sign: int) -> None:
        for name, value in attributes.items():
            counts = self.attributes.setdefault(name, [0, 0, 0])
            counts[0] += sign
            if isinstance(value, tuple):
                counts[1] += sign
            elif not isinstance(value, str):
                counts[2] += sign

    def finish(self) -> None:
        """Write the counts of values and attributes."""
        self.conn.executemany(
            "UPDATE attribute_values SET items = items + ? WHERE value_number = ?",
            [(change, number) for number, change in self.value_items.items() if change],
        )
        self.conn.execute("DELETE FROM attribute_values WHERE items <= 0")
        self.conn.executemany(
            """INSERT INTO attributes VALUES (?, ?, ?, ?, 0, NULL, NULL) ON CONFLICT (attribute) DO UPDATE SET
                items = items + excluded.items, lists = lists + excluded.lists, numbers = numbers + excluded.numbers""",
            [(name, *counts) for name, counts in self.attributes.items()],
        )
        self.conn.executemany(
            """UPDATE attributes SET (distinct_values, minimum, maximum) = (
                SELECT count(*), min(number), max(number) FROM attribute_values v WHERE v.attribute = ?1)
                WHERE attribute = ?1""",
            [(name,) for name in self.attributes],
        )
        self.conn.execute("DELETE FROM attributes WHERE items <= 0")
        self.value_numbers.clear()
        self.value_items.clear()
        self.attributes.clear()


def _values(attributes: Mapping[str, AttributeValue]) -> Iterator[ValueKey]:
    for name, value in attributes.items():
        if isinstance(value, tuple):
            for part in value:
                yield name, part, False
        elif isinstance(value, str):
            yield name, value, False
        else:
            yield name, format_number(value), True
