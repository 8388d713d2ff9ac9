"""Reading users: who did what and when, what they said, and the counts over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from data.arrays import places_of
from data.catalogue import Integers, InteractionArrays, ItemStatistics, chronological
from data.reading import ItemReading, as_json, keep, read_attributes
from data.records import Interaction, Preference, User

REMEMBERED_PERIODS = 8
"""Periods whose counts are kept: each takes 32 bytes an item."""
_CHUNK = 200_000
_INTERACTION_COLUMNS = "user_number, item_number, kind_number, timed, moment, value, position"
_DTYPE = np.dtype("i4, i8, i2, i1, f8, f8, i8")
_DTYPE.names = ("user", "item", "kind", "timed", "moment", "value", "position")


class HistoryReading(ItemReading):
    """The part of the store that reads users and what they did."""

    # -- users ---------------------------------------------------------------------------------------------------

    def user(self, user_id: str) -> User | None:
        """The user of this id, or None."""
        rows = self._rows("SELECT attributes FROM users WHERE user_id = ?", [user_id])
        return User(user_id, read_attributes(rows[0][0])) if rows else None

    def user_ids(self, limit: int | None = None) -> list[str]:
        """The ids of the users in the order they became known, ``limit`` at most."""
        sql = "SELECT user_id FROM users ORDER BY user_number LIMIT ?"
        return [row[0] for row in self._rows(sql, [-1 if limit is None else limit])]

    def user_number(self, user_id: str) -> int | None:
        """The number that stands for the user in the arrays, or None."""
        return self._user_row(user_id)[0]

    def user_ids_of(self, user_numbers: Iterable[int]) -> dict[int, str]:
        """The ids of these user numbers; unknown numbers are left out."""
        sql = "SELECT user_number, user_id FROM users WHERE user_number IN (SELECT value FROM json_each(?))"
        return dict(self._rows(sql, [as_json(user_numbers)]))

    def watermark(self, user_id: str) -> int:
        """Changes whenever anything known of the user changes; 0 for an unknown user."""
        return self._user_row(user_id)[1]

    def _user_row(self, user_id: str) -> tuple[int | None, int]:
        """The user's number and watermark; (None, 0) for an unknown user."""
        # Inside a transaction users come and go before the clock moves.
        writing = self._db().conn.in_transaction
        known: dict[str, tuple[int | None, int]] = {} if writing else self._remember("users", self.clock, dict)
        row = known.get(user_id)
        if row is None:
            rows = self._rows("SELECT user_number, watermark FROM users WHERE user_id = ?", [user_id])
            row = (rows[0][0], int(rows[0][1])) if rows else (None, 0)
            keep(known, {user_id: row})
        return row

    def preferences(self, user_id: str) -> list[Preference]:
        """What the user said explicitly, oldest first."""
        sql = """
            SELECT p.text, p.condition, p.source, p.at FROM preferences p JOIN users u USING (user_number)
            WHERE u.user_id = ? ORDER BY p.at IS NULL DESC, p.at, p.condition"""
        return [Preference(user_id, *row) for row in self._rows(sql, [user_id])]

    def preference_count(self) -> int:
        """How many preferences are kept, over all users."""
        return int(self._value("SELECT count(*) FROM preferences"))

    # -- interactions --------------------------------------------------------------------------------------------

    def interactions(
        self,
        user_id: str,
        *,
        item_id: str | None = None,
        kinds: Iterable[str] | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> list[Interaction]:
        """What the user did, by time and position; empty for an unknown user.

        ``item_id`` and ``kinds`` keep only these; ``since`` and ``until`` (Unix seconds, both included) also drop what
        has no time.
        """
        sql = """
            SELECT i.item_id, k.kind, x.value, CASE x.timed WHEN 1 THEN x.moment END, x.position
            FROM users u JOIN interactions x USING (user_number) JOIN kinds k USING (kind_number)
            JOIN items i USING (item_number) WHERE u.user_id = ?"""
        parameters: list[Any] = [user_id]
        if item_id is not None:
            sql += " AND i.item_id = ?"
            parameters.append(item_id)
        if kinds is not None:
            sql += " AND k.kind IN (SELECT value FROM json_each(?))"
            parameters.append(as_json(kinds))
        rows = self._rows(sql, parameters)
        at = np.array([row[3] for row in rows], dtype=np.float64)
        names = {kind: place for place, kind in enumerate(dict.fromkeys(row[1] for row in rows))}
        of_kind = np.array([names[row[1]] for row in rows], np.int16)
        positions = np.array([row[4] for row in rows], np.int32)
        order = chronological(np.zeros(len(rows), np.int32), of_kind, at, positions)
        found = (Interaction(user_id, *rows[place]) for place in (order[::-1] if newest_first else order).tolist())
        kept = [
            interaction
            for interaction in found
            if (since is None or (interaction.at is not None and interaction.at >= since))
            and (until is None or (interaction.at is not None and interaction.at <= until))
        ]
        return kept if limit is None else kept[: max(limit, 0)]

    def consumed_ids(self, user_id: str) -> frozenset[str]:
        """The items that the user has had, as the settings say per kind; empty for an unknown user."""
        consumed = [n for n, kind in self._rows("SELECT kind_number, kind FROM kinds") if self.settings.consumed(kind)]
        sql = """
            SELECT DISTINCT i.item_id
            FROM users u JOIN interactions x USING (user_number) JOIN items i USING (item_number)
            WHERE u.user_id = ? AND x.kind_number IN (SELECT value FROM json_each(?))"""
        return frozenset(row[0] for row in self._rows(sql, [user_id, as_json(consumed)]))

    def interaction_arrays(self) -> InteractionArrays:
        """All interactions as columns, sorted by user, time and position."""
        return self._arrays(f"SELECT {_INTERACTION_COLUMNS} FROM interactions", ())  # noqa: S608

    def user_arrays(self, user_numbers: Iterable[int]) -> InteractionArrays:
        """The interactions of some users as columns, sorted by user, time and position."""
        sql = f"""SELECT {_INTERACTION_COLUMNS} FROM interactions
            WHERE user_number IN (SELECT value FROM json_each(?))"""  # noqa: S608
        return self._arrays(sql, [as_json(user_numbers)])

    def _arrays(self, sql: str, parameters: Any) -> InteractionArrays:
        cursor = self._db().conn.execute(sql, parameters)
        chunks = [np.empty(0, _DTYPE)]
        while rows := cursor.fetchmany(_CHUNK):
            chunks.append(np.array(rows, dtype=_DTYPE))
        table = np.concatenate(chunks)
        at = np.where(table["timed"] == 1, table["moment"], np.nan)
        order = chronological(table["user"], table["kind"], at, table["position"].astype(np.int32))
        table = table[order]
        kinds = self._rows("SELECT kind_number, kind FROM kinds ORDER BY kind_number")
        places = np.zeros(max((row[0] for row in kinds), default=0) + 1, dtype=np.int16)
        for place, (number, _) in enumerate(kinds):
            places[number] = place
        return InteractionArrays(
            user_numbers=np.ascontiguousarray(table["user"]),
            item_numbers=np.ascontiguousarray(table["item"]),
            kinds=places[table["kind"]],
            kind_names=tuple(row[1] for row in kinds),
            values=table["value"].astype(np.float32),
            at=at[order],
            positions=table["position"].astype(np.int32),
        )

    # -- counts --------------------------------------------------------------------------------------------------

    def statistics(self, item_numbers: Iterable[int] | Integers | None = None) -> ItemStatistics:
        """Counts for these item numbers in their order, or for all items by number."""
        _, _, table = self._remember("statistics", self.clock, self._statistics_now)
        if item_numbers is None:
            return table
        wanted = np.asarray(
            item_numbers if isinstance(item_numbers, np.ndarray) else list(item_numbers), dtype=np.int64
        ).reshape(-1)
        if not len(table):
            zeros = np.zeros(len(wanted), np.int64)
            return ItemStatistics(wanted, zeros, zeros, zeros, np.zeros(len(wanted)))
        places, known = places_of(table.item_numbers, wanted)
        return ItemStatistics(
            wanted,
            table.interactions[places] * known,
            table.positives[places] * known,
            table.value_count[places] * known,
            table.value_sum[places] * known,
        )

    def _statistics_now(self) -> tuple[int, int, ItemStatistics]:
        """The clock and the catalogue's version before they were read, and the counts for all items.

        Where the catalogue is as it was, only what users have done since is read: a large one takes seconds to read.
        """
        clock, version = self.clock, self.catalogue_version
        _, known = self._remembered.get("statistics", (0, None))
        if known is None or known[1] != version or self._db().conn.in_transaction:
            return clock, version, self._read_statistics()
        return clock, version, self._moved_statistics(known[2], known[0])

    def _moved_statistics(self, table: ItemStatistics, since: int) -> ItemStatistics:
        """The counts with those of all items that users have to do with who did anything after that clock."""
        rows = self._rows(
            """SELECT item_number, interactions, positives, value_count, value_sum FROM item_statistics
            WHERE item_number IN (SELECT item_number FROM interactions
                WHERE user_number IN (SELECT user_number FROM users WHERE watermark > ?))""",
            [since],
        )
        if not rows:
            return table
        changed = np.array(rows, dtype=np.float64).T
        places = np.searchsorted(table.item_numbers, changed[0].astype(np.int64))
        columns: tuple[Any, ...] = table.interactions, table.positives, table.value_count, table.value_sum
        moved = [column.copy() for column in columns]
        for column, values in zip(moved, changed[1:], strict=True):
            column[places] = values.astype(column.dtype)
            column.flags.writeable = False
        interactions, positives, value_count, value_sum = moved
        return ItemStatistics(table.item_numbers, interactions, positives, value_count, value_sum)

    def _read_statistics(self) -> ItemStatistics:
        rows = self._rows("""
            SELECT i.item_number, coalesce(interactions, 0), coalesce(positives, 0), coalesce(value_count, 0),
                coalesce(value_sum, 0) FROM items i LEFT JOIN item_statistics s USING (item_number)
            ORDER BY i.item_number""")
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 5)
        counts = table[:, :4].astype(np.int64)
        for column in (counts, table):
            column.flags.writeable = False
        return ItemStatistics(counts[:, 0], counts[:, 1], counts[:, 2], counts[:, 3], table[:, 4])

    def popularity_between(self, since: float | None = None, until: float | None = None) -> ItemStatistics:
        """Counts per item over a period (Unix seconds, both ends included), for items with any interaction in it.

        Positives are not counted there: they are the interactions. Interactions without a time don't count.
        """
        # The look-up asks for a period, and the validator again for each item that is recommended for it.
        known: dict[tuple[float | None, float | None], ItemStatistics] = self._remember("periods", self.clock, dict)
        counts = known.get((since, until))
        if counts is None:
            counts = self._read_period(since, until)
            keep(known, {(since, until): counts}, most=REMEMBERED_PERIODS)
        return counts

    def _read_period(self, since: float | None, until: float | None) -> ItemStatistics:
        sql = """
            SELECT item_number, count(*), count(value), coalesce(sum(value), 0) FROM interactions
            WHERE timed = 1 AND moment >= ? AND moment <= ? GROUP BY item_number ORDER BY item_number"""
        ends = [-1e300 if since is None else since, 1e300 if until is None else until]
        rows = self._rows(sql, ends)
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
        counts = table[:, :3].astype(np.int64)
        for column in (counts, table):
            column.flags.writeable = False
        return ItemStatistics(counts[:, 0], counts[:, 1], counts[:, 1], counts[:, 2], table[:, 3])
