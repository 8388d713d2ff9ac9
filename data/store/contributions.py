"""Values that users contributed to attributes of items, such as tags; kept by user, so that they leave with the user.

Such an attribute is made only of the contributions. Anything else that is written to it later (another import) ends
them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from recmind.data.contributions import combined
from recmind.data.records import Item
from recmind.data.store.database import Database
from recmind.data.store.items import Items
from recmind.data.store.rows import ITEM_COLUMNS, as_json, to_item
from recmind.data.store.users import Users

Given = tuple[int, str]
"""User number, and the value that the user gave."""

_INSERT = "INSERT INTO contributions (item_number, attribute, position, user_number, value) VALUES (?, ?, ?, ?, ?)"
_OF_ONE = "FROM contributions WHERE item_number = ? AND attribute = ?"


class Contributions:
    """Which user gave which value of which attribute."""

    def __init__(self, database: Database, items: Items, users: Users) -> None:
        self._database, self._items, self._users = database, items, users

    def of_item(self, item_number: int, attribute: str) -> list[Given]:
        """The contributions to an attribute of an item, in the order given."""
        sql = f"SELECT user_number, value {_OF_ONE} ORDER BY position"
        return [(user, value) for user, value in self._database.rows(sql, [item_number, attribute])]

    def put(self, attribute: str, given: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Keep who gave the values of a list attribute; earlier contributions to these items are replaced.

        The caller writes the attribute itself with the item; it has to be ``combined`` of these values. Unknown users
        become known.

        Args:
            attribute: name of the attribute.
            given: (user id, value) pairs by item id, in the order given; unknown items are left out.
        """
        items, users = self._items.numbers(), self._users.numbers()

        def numbered(rows: Sequence[tuple[str, str]]) -> list[Given]:
            for user_id in dict.fromkeys(user_id for user_id, _ in rows):
                if user_id not in users:
                    users[user_id] = self._users.add(user_id)
            return [(users[user_id], value) for user_id, value in rows]

        with self._database.writing() as conn:
            _replace(
                conn,
                {(items[item_id], attribute): numbered(rows) for item_id, rows in given.items() if item_id in items},
            )

    def withdraw(self, condition: str, parameters: Sequence[Any] = ()) -> int:
        """Remove contributions, from the attributes too.

        Args:
            condition: SQL over the table ``contributions`` that chooses them.
            parameters: of the SQL.

        Returns:
            The number of contributions removed.
        """
        with self._database.writing() as conn:
            sql = f"SELECT DISTINCT item_number, attribute FROM contributions WHERE {condition}"  # noqa: S608
            touched: list[tuple[int, str]] = conn.execute(sql, parameters).fetchall()
            if not touched:
                return 0
            count = conn.execute(f"DELETE FROM contributions WHERE {condition}", parameters).rowcount  # noqa: S608
            rest = {place: self.of_item(*place) for place in touched}
            attributes: dict[int, dict[str, tuple[str, ...]]] = {}
            for (number, attribute), rows in rest.items():
                attributes.setdefault(number, {})[attribute] = combined(rows)
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number IN (SELECT value FROM json_each(?))"  # noqa: S608
            items = [to_item(row) for row in conn.execute(sql, [as_json(attributes)])]
            self._items.put([_with(item, attributes[number]) for number, item in items], merge=False)
            # Writing the attribute has ended its contributions; those that remain are kept again.
            _replace(conn, rest)
        return count


def _with(item: Item, attributes: Mapping[str, tuple[str, ...]]) -> Item:
    """The item with these lists; an attribute whose list is empty is removed."""
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
