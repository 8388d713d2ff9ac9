"""The store: everything known of items, users, interactions and preferences, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from operator import itemgetter

from recmind.data.contributions import Contributing
from recmind.data.errors import InputError
from recmind.data.reading import as_json
from recmind.data.records import Interaction, Preference, User
from recmind.data.spending import account_of
from recmind.data.writing import batched

_UPSERT_INTERACTION = """
    INSERT INTO interactions (user_number, item_number, kind_number, timed, moment, value, position)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, position = excluded.position
    WHERE value IS NOT excluded.value OR position <> excluded.position"""
# Up to this many interactions at once the counts are moved by what changed; above it they are computed anew.
_FEW = 2000
_ROWS_AT_ONCE = 500_000

InteractionRow = tuple[int, int, int, int, float, float | None, int]
"""A row of the table ``interactions``."""
_IDENTITY = itemgetter(0, 1, 2, 3, 4)


class Store(Contributing):
    """Reading and writing; open it with a path and the settings of the workspace, and close it when done.

    It may be shared between threads: each gets a connection of its own. Every write is kept whole or not at all.
    """

    # -- users ---------------------------------------------------------------------------------------------------

    def put_users(self, users: Iterable[User]) -> int:
        """Add users, or add attributes to those that are known; the number of new or changed ones."""
        count = 0
        with self.writing() as db:
            now = self._tick(db, catalogue=False)
            for user in users:
                known = self.user(user.user_id)
                attributes = {**(known.attributes if known else {}), **user.attributes}
                if known is not None and attributes == known.attributes:
                    continue
                count += 1
                db.conn.execute(
                    """INSERT INTO users (user_id, attributes, watermark) VALUES (?, ?, ?) ON CONFLICT (user_id)
                    DO UPDATE SET attributes = excluded.attributes, watermark = excluded.watermark""",
                    [user.user_id, json.dumps(attributes, ensure_ascii=False, default=list), now],
                )
        return count

    def put_preference(self, preference: Preference) -> None:
        """Keep what a user said; the same condition said again replaces the words and the time."""
        with self.writing() as db:
            now = self._tick(db, catalogue=False)
            number = self._user_numbers(db.conn, [preference.user_id])[preference.user_id]
            db.conn.execute(
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
            self._touch(db.conn, [number], now)

    def delete_preference(self, preference: Preference) -> bool:
        """Drop what the user said by this condition; whether there was such a preference."""
        with self.writing() as db:
            number = self.user_number(preference.user_id)
            found = db.conn.execute(
                "DELETE FROM preferences WHERE user_number = ? AND condition = ?", [number, preference.condition]
            ).rowcount
            if found and number is not None:
                self._touch(db.conn, [number], self._tick(db, catalogue=False))
        return bool(found)

    def forget_user(self, user_id: str) -> dict[str, int]:
        """Erase a user and all that is known of them; how many rows of each sort there were, zeros when unknown.

        What only this user contributed to the attributes of items (a tag they gave) goes, too.
        """
        counts = {"users": 0, "interactions": 0, "preferences": 0, "contributions": 0}
        with self.writing() as db:
            db.conn.execute("DELETE FROM spending WHERE account = ?", [account_of(user_id)])
            number = self.user_number(user_id)
            if number is None:
                return counts
            before = self.user_arrays([number])
            counts["contributions"] = self.withdraw("user_number = ?", [number])
            if counts["contributions"]:
                # Deleted words stay in the full-text index until its parts are merged.
                db.conn.execute("INSERT INTO items_fts (items_fts) VALUES ('optimize')")
            for table in ("users", "interactions", "preferences"):
                sql = f"DELETE FROM {table} WHERE user_number = ?"  # noqa: S608  our own names
                counts[table] = db.conn.execute(sql, [number]).rowcount
            self._move_counts(db.conn, before, self.user_arrays([number]))
            self._refresh_times(db.conn)
            self._tick(db, catalogue=True)
        if not self._db().conn.in_transaction:
            # What was erased must not live on in the write-ahead log.
            self._db().conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return counts

    def _user_numbers(self, conn: sqlite3.Connection, user_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of these users; unknown ones become known."""
        wanted = list(dict.fromkeys(user_ids))
        conn.executemany(
            "INSERT INTO users (user_id, attributes, watermark) VALUES (?, '{}', 0) ON CONFLICT DO NOTHING",
            [(user_id,) for user_id in wanted],
        )
        sql = "SELECT user_id, user_number FROM users WHERE user_id IN (SELECT value FROM json_each(?))"
        return dict(conn.execute(sql, [as_json(wanted)]))

    @staticmethod
    def _touch(conn: sqlite3.Connection, user_numbers: Iterable[int], now: int) -> None:
        conn.executemany("UPDATE users SET watermark = ? WHERE user_number = ?", [(now, n) for n in user_numbers])

    # -- interactions --------------------------------------------------------------------------------------------

    def add_interactions(self, interactions: Iterable[Interaction]) -> int:
        """Keep what users did; the number of new or changed interactions.

        The same interaction (user, item, kind and time, or position where there is no time) again updates its value.
        Users that are not known become known; InputError names an item that is not, and then nothing is kept.
        """
        with self.writing() as db:
            given = list(interactions)
            items = self.numbers_of(dict.fromkeys(interaction.item_id for interaction in given))
            unknown = next((i for i in given if i.item_id not in items), None)
            if unknown is not None:
                raise InputError(
                    f"The catalogue has no item {unknown.item_id!r}, so what user {unknown.user_id!r} did with it "
                    "cannot be kept. Import the item first."
                )
            users = self._user_numbers(db.conn, (interaction.user_id for interaction in given))
            kinds = self.kind_numbers(db.conn, (interaction.kind for interaction in given))
            few = len(given) <= _FEW
            before = self.user_arrays(users.values()) if few else None
            rows = (
                interaction_row(users[i.user_id], items[i.item_id], kinds[i.kind], i.value, i.at, i.position)
                for i in given
            )
            changed = self.write_interactions(db.conn, rows)
            if changed:
                self._touch(db.conn, users.values(), self._tick(db, catalogue=False))
                if before is None:
                    self.refresh_counts(db.conn)
                else:
                    self._move_counts(db.conn, before, self.user_arrays(users.values()))
                    times = [(i.at, i.at, i.kind) for i in given if i.at is not None]
                    db.conn.executemany(
                        """UPDATE kinds SET earliest = min(coalesce(earliest, ?1), ?1),
                        latest = max(coalesce(latest, ?2), ?2) WHERE kind = ?3""",
                        times,
                    )
        return changed

    def mark_imported(self, conn: sqlite3.Connection, user_numbers: Iterable[int]) -> None:
        """Give the catalogue and these users a new version, inside the open transaction."""
        self._touch(conn, user_numbers, self._tick(self._db(), catalogue=True))

    def write_interactions(self, conn: sqlite3.Connection, rows: Iterable[InteractionRow]) -> int:
        """Write rows into the open transaction, without the counts; the number of new or changed ones."""
        changed = 0
        for batch in batched(rows, _ROWS_AT_ONCE):
            # In the order of the table each of its pages is written once a batch; a log by time has all users mixed.
            batch.sort(key=_IDENTITY)
            # Making the rows may itself write (new users), so only this statement's changes are counted.
            before = conn.total_changes
            conn.executemany(_UPSERT_INTERACTION, batch)
            changed += conn.total_changes - before
        return changed

    def kind_numbers(self, conn: sqlite3.Connection, kinds: Iterable[str]) -> dict[str, int]:
        """The numbers of these kinds; unknown ones become known."""
        conn.executemany(
            "INSERT INTO kinds (kind) VALUES (?) ON CONFLICT DO NOTHING", [(kind,) for kind in dict.fromkeys(kinds)]
        )
        return dict(conn.execute("SELECT kind, kind_number FROM kinds"))


def interaction_row(
    user_number: int, item_number: int, kind_number: int, value: float | None, at: float | None, position: int
) -> InteractionRow:
    """The row of the table ``interactions``, whose key is the identity of an interaction."""
    if at is None:
        return user_number, item_number, kind_number, 0, float(position), value, position
    return user_number, item_number, kind_number, 1, at, value, position
