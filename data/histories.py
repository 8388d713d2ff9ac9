"""Reading users: who did what and when, and what they said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from recmind.data.catalogue import InteractionArrays, chronological
from recmind.data.reading import as_json, keep, read_attributes
from recmind.data.records import Interaction, Preference, User
from recmind.data.statistics import StatisticsReading

_CHUNK = 200_000
_INTERACTION_COLUMNS = "user_number, item_number, kind_number, timed, moment, value, position"
_DTYPE = np.dtype("i4, i8, i2, i1, f8, f8, i8")
_DTYPE.names = ("user", "item", "kind", "timed", "moment", "value", "position")


class HistoryReading(StatisticsReading):
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
            SELECT p.text, p.condition, p.source, p.at, p.binds FROM preferences p JOIN users u USING (user_number)
            WHERE u.user_id = ? ORDER BY p.at IS NULL DESC, p.at, p.condition"""
        rows = self._rows(sql, [user_id])
        return [
            Preference(user_id, text, condition, source, at, bool(binds)) for text, condition, source, at, binds in rows
        ]

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

    def refused_ids(self, user_id: str) -> frozenset[str]:
        """The items of which the user last said that they do not want them, as the settings say per kind."""
        refused = [kind for (kind,) in self._rows("SELECT kind FROM kinds") if self.settings.kind(kind).refused]
        said = self.interactions(user_id, kinds=refused) if refused else []
        newest = (self.interactions(user_id, item_id=item_id, limit=1)[0] for item_id in {i.item_id for i in said})
        return frozenset(interaction.item_id for interaction in newest if interaction.kind in refused)

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
