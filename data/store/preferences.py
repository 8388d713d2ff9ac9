"""The preferences that users stated."""

from __future__ import annotations

from recmind.data.records import Preference
from recmind.data.store.database import Database
from recmind.data.store.users import Users


class Preferences:
    """Stated preferences: conditions with the users' words."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database, self._users = database, users

    def of_user(self, user_id: str) -> list[Preference]:
        """The preferences that the user stated, oldest first."""
        sql = """
            SELECT p.text, p.condition, p.source, p.at, p.binds FROM preferences p JOIN users u USING (user_number)
            WHERE u.user_id = ? ORDER BY p.at IS NULL DESC, p.at, p.condition"""
        rows = self._database.rows(sql, [user_id])
        return [
            Preference(user_id, text, condition, source, at, bool(binds)) for text, condition, source, at, binds in rows
        ]

    def count(self) -> int:
        """The number of preferences of all users."""
        return int(self._database.value("SELECT count(*) FROM preferences"))

    def put(self, preference: Preference) -> None:
        """Keep a preference; the same condition again replaces words and time."""
        with self._database.writing() as conn:
            now = self._database.tick(catalogue=False)
            number = self._users.known([preference.user_id])[preference.user_id]
            conn.execute(
                "INSERT OR REPLACE INTO preferences (user_number, condition, text, source, at, binds) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    number,
                    preference.condition,
                    preference.text,
                    preference.source,
                    preference.at,
                    preference.binds,
                ],
            )
            self._users.touch([number], now)

    def delete(self, preference: Preference) -> bool:
        """Delete the user's preference with this condition; returns whether there was one."""
        with self._database.writing() as conn:
            number = self._users.number_of(preference.user_id)
            found = conn.execute(
                "DELETE FROM preferences WHERE user_number = ? AND condition = ?", [number, preference.condition]
            ).rowcount
            if found and number is not None:
                self._users.touch([number], self._database.tick(catalogue=False))
        return bool(found)
