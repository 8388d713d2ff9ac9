"""The interactions of users with items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from recmind.data.catalogue import InteractionArrays, chronological
from recmind.data.errors import InputError
from recmind.data.progress import Progress, quiet
from recmind.data.records import Interaction
from recmind.data.store.columns import all_interactions, interactions_of
from recmind.data.store.counts import Counts
from recmind.data.store.database import Database
from recmind.data.store.items import Items
from recmind.data.store.rows import as_json, batched
from recmind.data.store.users import Users

_UPSERT = """
    INSERT INTO interactions (user_number, item_number, kind_number, timed, moment, value, position)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, position = excluded.position
    WHERE value IS NOT excluded.value OR position <> excluded.position"""
# Up to this many interactions at once, the counts are updated by the changes; above, they are computed anew.
_FEW = 2000
_ROWS_AT_ONCE = 500_000

_KEY = "user_number, item_number, kind_number, timed, moment"
_PRESENT_TABLE = f"CREATE TEMP TABLE present ({_KEY}, PRIMARY KEY ({_KEY})) WITHOUT ROWID"
_OTHERS = f"FROM interactions WHERE ({_KEY}) NOT IN (SELECT {_KEY} FROM present)"  # noqa: S608  our names
_USERS_WITH_OTHERS = f"SELECT DISTINCT user_number {_OTHERS}"
_DELETE_OTHERS = f"DELETE {_OTHERS}"

Row = tuple[int, int, int, int, float, float | None, int]
"""A row of the table ``interactions``."""
_IDENTITY = itemgetter(0, 1, 2, 3, 4)

Parsed = tuple[str, str, str, float | None, float | None, int]
"""An interaction as an importer reads it: user_id, item_id, kind, value, at, position."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of loading many interactions."""

    given: int
    added: int
    updated: int
    """Number of interactions that had another value or position before."""
    user_ids: frozenset[str]
    """The users of the loaded interactions."""


class Interactions:
    """The interactions of all users."""

    def __init__(self, database: Database, items: Items, users: Users, counts: Counts) -> None:
        self._database, self._items, self._users, self._counts = database, items, users, counts

    # -- reading -------------------------------------------------------------------------------------------------

    def of_user(
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
        """The user's interactions, by time and position; empty for an unknown user.

        Args:
            user_id: the user.
            item_id: only interactions with this item; None for all.
            kinds: only these kinds; None for all.
            since: Unix seconds, included; with it or ``until``, interactions without a time are left out.
            until: Unix seconds, included.
            limit: the most to return; None for all.
            newest_first: whether the newest comes first, or the oldest.
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
        rows = self._database.rows(sql, parameters)
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
        """The ids of the items that the user has had, by the settings of each kind; empty for an unknown user."""
        settings = self._database.settings
        kinds = self._database.rows("SELECT kind_number, kind FROM kinds")
        consumed = [number for number, kind in kinds if settings.consumed(kind)]
        sql = """
            SELECT DISTINCT i.item_id
            FROM users u JOIN interactions x USING (user_number) JOIN items i USING (item_number)
            WHERE u.user_id = ? AND x.kind_number IN (SELECT value FROM json_each(?))"""
        return frozenset(row[0] for row in self._database.rows(sql, [user_id, as_json(consumed)]))

    def refused_ids(self, user_id: str) -> frozenset[str]:
        """The ids of the items that the user does not want, by the settings of their newest interaction with each."""
        settings = self._database.settings
        refused = [kind for (kind,) in self._database.rows("SELECT kind FROM kinds") if settings.kind(kind).refused]
        said = self.of_user(user_id, kinds=refused) if refused else []
        newest = (self.of_user(user_id, item_id=item_id, limit=1)[0] for item_id in {i.item_id for i in said})
        return frozenset(interaction.item_id for interaction in newest if interaction.kind in refused)

    def arrays(self) -> InteractionArrays:
        """All interactions as columns, sorted by user, time and position."""
        return all_interactions(self._database)

    def arrays_of(self, user_numbers: Iterable[int]) -> InteractionArrays:
        """The interactions of some users as columns, sorted by user, time and position."""
        return interactions_of(self._database, user_numbers)

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, interactions: Iterable[Interaction]) -> int:
        """Keep interactions, all or none.

        An interaction with the same user, item, kind and time (or position, without a time) as a known one updates its
        value. Unknown users become known.

        Args:
            interactions: what users did.

        Returns:
            The number of new or changed interactions.

        Raises:
            InputError: the catalogue does not have an item; the message names it.
        """
        with self._database.writing():
            given = list(interactions)
            items = self._items.numbers_of(dict.fromkeys(interaction.item_id for interaction in given))
            unknown = next((i for i in given if i.item_id not in items), None)
            if unknown is not None:
                raise InputError(
                    f"The catalogue has no item {unknown.item_id!r}, so what user {unknown.user_id!r} did with it "
                    "cannot be kept. Import the item first."
                )
            users = self._users.known(interaction.user_id for interaction in given)
            kinds = self._kind_numbers(interaction.kind for interaction in given)
            few = len(given) <= _FEW
            before = self.arrays_of(users.values()) if few else None
            rows = (_row(users[i.user_id], items[i.item_id], kinds[i.kind], i.value, i.at, i.position) for i in given)
            changed = self._write(rows)
            if changed:
                self._users.touch(users.values(), self._database.tick(catalogue=False))
                if before is None:
                    self._counts.refresh()
                else:
                    self._counts.move(before, self.arrays_of(users.values()))
                    self._counts.widen_times((i.at, i.kind) for i in given if i.at is not None)
        return changed

    def load(self, interactions: Iterable[Parsed], *, replace: bool = False, progress: Progress = quiet) -> Loaded:
        """Keep very many interactions with known items; unknown users become known.

        Args:
            interactions: rows of ``Parsed``; they may be made while they are written.
            replace: whether all other interactions are deleted.
            progress: is called when the counts are computed.
        """
        users, items, kinds = self._users.numbers(), self._items.numbers(), dict[str, int]()
        touched: set[int] = set()
        given = 0

        def rows() -> Iterator[Row]:
            nonlocal given
            for user_id, item_id, kind, value, at, position in interactions:
                user = users.get(user_id)
                if user is None:
                    users[user_id] = user = self._users.add(user_id)
                if kind not in kinds:
                    kinds.update(self._kind_numbers([kind]))
                given += 1
                touched.add(user)
                yield _row(user, items[item_id], kinds[kind], value, at, position)

        with self._database.writing():
            before = self._counts.total()
            changed, deleted, others = self._write_alone(rows()) if replace else (self._write(rows()), 0, set[int]())
            names = {number: user_id for user_id, number in users.items()}
            user_ids = frozenset(names[number] for number in touched)
            if not changed and not deleted:
                return Loaded(given, 0, 0, user_ids)
            progress("counting", 0, None)
            self._counts.refresh()
            self._users.touch(touched | others, self._database.tick(catalogue=True))
            added = self._counts.total() - before + deleted
        return Loaded(given, added, changed - added, user_ids)

    def _write(self, rows: Iterable[Row]) -> int:
        """Write rows into the open transaction, without the counts; returns the number of new or changed ones."""
        conn = self._database.conn
        changed = 0
        for batch in batched(rows, _ROWS_AT_ONCE):
            # Sorted as the table is, each of its pages is written once a batch; a log by time mixes all users.
            batch.sort(key=_IDENTITY)
            # Making the rows may write too (new users), so only the changes of this statement are counted.
            before = conn.total_changes
            conn.executemany(_UPSERT, batch)
            changed += conn.total_changes - before
        return changed

    def _write_alone(self, rows: Iterable[Row]) -> tuple[int, int, set[int]]:
        """Write rows and delete all others; returns how many changed and were deleted, and the users who lost some."""
        conn = self._database.conn
        conn.execute(_PRESENT_TABLE)

        def noted() -> Iterator[Row]:
            for batch in batched(rows, 50_000):
                conn.executemany("INSERT OR IGNORE INTO present VALUES (?, ?, ?, ?, ?)", [row[:5] for row in batch])
                yield from batch

        changed = self._write(noted())
        others = {row[0] for row in conn.execute(_USERS_WITH_OTHERS)}
        deleted = conn.execute(_DELETE_OTHERS).rowcount
        conn.execute("DROP TABLE present")
        return changed, deleted, others

    def _kind_numbers(self, kinds: Iterable[str]) -> dict[str, int]:
        """The numbers of these kinds; unknown ones become known."""
        conn = self._database.conn
        conn.executemany(
            "INSERT INTO kinds (kind) VALUES (?) ON CONFLICT DO NOTHING", [(kind,) for kind in dict.fromkeys(kinds)]
        )
        return dict(conn.execute("SELECT kind, kind_number FROM kinds"))


def _row(
    user_number: int, item_number: int, kind_number: int, value: float | None, at: float | None, position: int
) -> Row:
    """The row of the table ``interactions``, whose key is the identity of an interaction."""
    if at is None:
        return user_number, item_number, kind_number, 0, float(position), value, position
    return user_number, item_number, kind_number, 1, at, value, position
