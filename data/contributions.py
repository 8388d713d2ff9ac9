"""What users contributed to the attributes of items (a tag they gave): kept by user, so that it can leave with them.

The attribute is made of the contributions alone: whatever else is written to it afterwards (another import) ends them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from recmind.data.reading import ITEM_COLUMNS, as_json, to_item
from recmind.data.records import Item
from recmind.data.writing import ItemWriting

Given = tuple[int, str]
"""User number and the value that the user gave."""

_INSERT = "INSERT INTO contributions (item_number, attribute, position, user_number, value) VALUES (?, ?, ?, ?, ?)"
_OF_ONE = "FROM contributions WHERE item_number = ? AND attribute = ?"


def combined(given: Iterable[tuple[Hashable, str]]) -> tuple[str, ...]:
    """The values of (user, value) pairs, those that most users gave first, ties in the order given.

    Spellings that differ in case are one value, written as most users did; a user counts once for it.
    """
    spellings: dict[str, dict[Hashable, str]] = {}
    for user, value in given:
        spellings.setdefault(value.casefold(), {}).setdefault(user, value)
    found = []
    for by_user in sorted(spellings.values(), key=len, reverse=True):
        counts = Counter(by_user.values())
        found.append(max(counts, key=counts.__getitem__))
    return tuple(found)


class Contributing(ItemWriting):
    """The part of the store that keeps contributions."""

    def put_contributions(self, attribute: str, given: Mapping[int, Sequence[Given]]) -> None:
        """Keep who gave the values of a list attribute, in the place of what was kept for these items (by number).

        The attribute itself has to be ``combined`` of them, and is written with the item.
        """
        with self.writing() as db:
            _replace(db.conn, {(number, attribute): rows for number, rows in given.items()})

    def contributions(self, item_number: int, attribute: str) -> list[Given]:
        """Who gave what of this attribute, in the order given."""
        sql = f"SELECT user_number, value {_OF_ONE} ORDER BY position"
        return [(user, value) for user, value in self._rows(sql, [item_number, attribute])]

    def withdraw(self, condition: str, parameters: Sequence[Any] = ()) -> int:
        """Take the contributions that meet the SQL condition back, out of the attributes too; how many there were."""
        with self.writing() as db:
            conn = db.conn
            sql = f"SELECT DISTINCT item_number, attribute FROM contributions WHERE {condition}"  # noqa: S608
            touched: list[tuple[int, str]] = conn.execute(sql, parameters).fetchall()
            if not touched:
                return 0
            count = conn.execute(f"DELETE FROM contributions WHERE {condition}", parameters).rowcount  # noqa: S608
            rest = {place: self.contributions(*place) for place in touched}
            attributes: dict[int, dict[str, tuple[str, ...]]] = {}
            for (number, attribute), rows in rest.items():
                attributes.setdefault(number, {})[attribute] = combined(rows)
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number IN (SELECT value FROM json_each(?))"  # noqa: S608
            items = [to_item(row) for row in conn.execute(sql, [as_json(attributes)])]
            self.put_items([_with(item, attributes[number]) for number, item in items], merge=False)
            # Writing the attribute has ended its contributions; what is left of them is kept in a row again.
            _replace(conn, rest)
        return count


def _with(item: Item, attributes: Mapping[str, tuple[str, ...]]) -> Item:
    """The item with these lists; an empty one is taken away."""
    changed = {name: attributes.get(name, value) for name, value in item.attributes.items()}
    return replace(item, attributes={name: value for name, value in changed.items() if value != ()})


def _replace(conn: sqlite3.Connection, given: Mapping[tuple[int, str], Sequence[Given]]) -> None:
    conn.executemany(f"DELETE {_OF_ONE}", list(given))
    conn.executemany(
        _INSERT,
        (
            (number, attribute, position, user, value)
            for (number, attribute), rows in given.items()
            for position, (user, value) in enumerate(rows)
        ),
    )
