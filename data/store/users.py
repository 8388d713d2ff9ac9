"""The users: their ids, numbers and attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from recmind.data.records import User
from recmind.data.remembering import keep
from recmind.data.store.database import Database
from recmind.data.store.rows import as_json, read_attributes


class Users:
    """The users, by the catalogue's ids and by our numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> User | None:
        """The user of this id, or None."""
        rows = self._database.rows("SELECT attributes FROM users WHERE user_id = ?", [user_id])
        return User(user_id, read_attributes(rows[0][0])) if rows else None

    def ids(self, limit: int | None = None) -> list[str]:
        """The ids of the users in the order they became known, ``limit`` at most."""
        sql = "SELECT user_id FROM users ORDER BY user_number LIMIT ?"
        return [row[0] for row in self._database.rows(sql, [-1 if limit is None else limit])]

    def numbers(self) -> dict[str, int]:
        """The number of every user, by id; read anew each time."""
        return dict(self._database.rows("SELECT user_id, user_number FROM users"))

    def ids_of(self, user_numbers: Iterable[int]) -> dict[int, str]:
        """The ids of these user numbers; unknown numbers are left out."""
        sql = "SELECT user_number, user_id FROM users WHERE user_number IN (SELECT value FROM json_each(?))"
        return dict(self._database.rows(sql, [as_json(user_numbers)]))

    def number_of(self, user_id: str) -> int | None:
        """The number that stands for the user in the arrays, or None."""
        return self._row(user_id)[0]

    def watermark(self, user_id: str) -> int:
        """A number that changes whenever anything known about the user changes; 0 for an unknown user."""
        return self._row(user_id)[1]

    def _row(self, user_id: str) -> tuple[int | None, int]:
        """The user's number and watermark; (None, 0) for an unknown user."""
        database = self._database
        # Inside a transaction, users come and go before the clock advances.
        writing = database.conn.in_transaction
        known: dict[str, tuple[int | None, int]] = {} if writing else database.remember("users", database.clock, dict)
        row = known.get(user_id)
        if row is None:
            rows = database.rows("SELECT user_number, watermark FROM users WHERE user_id = ?", [user_id])
            row = (rows[0][0], int(rows[0][1])) if rows else (None, 0)
            keep(known, {user_id: row})
        return row

    def count(self) -> int:
        """The number of users."""
        database = self._database
        # Users are removed only when the catalogue's version changes, and numbers are never reused.
        counted, last = database.remember(
            "user counts",
            database.catalogue_version,
            lambda: database.rows("SELECT count(*), coalesce(max(user_number), 0) FROM users")[0],
        )
        return int(counted + database.value("SELECT count(*) FROM users WHERE user_number > ?", [last]))

    # -- writing -------------------------------------------------------------------------------------------------

    def put(self, users: Iterable[User]) -> int:
        """Add users, or add attributes to known ones; returns the number of new or changed ones."""
        count = 0
        with self._database.writing() as conn:
            now = self._database.tick(catalogue=False)
            for user in users:
                known = self.get(user.user_id)
                attributes = {**(known.attributes if known else {}), **user.attributes}
                if known is not None and attributes == known.attributes:
                    continue
                count += 1
                conn.execute(
                    """INSERT INTO users (user_id, attributes, watermark) VALUES (?, ?, ?) ON CONFLICT (user_id)
                    DO UPDATE SET attributes = excluded.attributes, watermark = excluded.watermark""",
                    [user.user_id, json.dumps(attributes, ensure_ascii=False, default=list), now],
                )
        return count

    def known(self, user_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of these users; unknown ones become known. Call it inside a transaction."""
        wanted = list(dict.fromkeys(user_ids))
        conn = self._database.conn
        conn.executemany(
            "INSERT INTO users (user_id, attributes, watermark) VALUES (?, '{}', 0) ON CONFLICT DO NOTHING",
            [(user_id,) for user_id in wanted],
        )
        sql = "SELECT user_id, user_number FROM users WHERE user_id IN (SELECT value FROM json_each(?))"
        return dict(conn.execute(sql, [as_json(wanted)]))

    def add(self, user_id: str) -> int:
        """Add a user who is not known yet, and return the number. Call it inside a transaction."""
        sql = "INSERT INTO users (user_id, attributes, watermark) VALUES (?, '{}', 0)"
        return self._database.conn.execute(sql, [user_id]).lastrowid or 0

    def touch(self, user_numbers: Iterable[int], now: int) -> None:
        """Note that something known about these users has changed at this clock. Call it inside a transaction."""
        sql = "UPDATE users SET watermark = ? WHERE user_number = ?"
        self._database.conn.executemany(sql, [(now, number) for number in user_numbers])
