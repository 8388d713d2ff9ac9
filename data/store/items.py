"""The items: reading one, many or all, by id or condition, and changing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from recmind.data.arrays import Int64s, index_in_sorted, intersect_sorted
from recmind.data.catalogue import without
from recmind.data.conditions import NEGATIONS, PSEUDO_ATTRIBUTES, Condition, compares
from recmind.data.errors import InputError
from recmind.data.records import Item
from recmind.data.remembering import keep
from recmind.data.store.attributes import Attributes
from recmind.data.store.counts import Counts
from recmind.data.store.database import Database
from recmind.data.store.item_writer import ItemWriter
from recmind.data.store.rows import ITEM_COLUMNS, as_json, batched, to_item
from recmind.data.store.where import numbers_sql, where


class Items:
    """The items of the catalogue, by the catalogue's ids and by our numbers."""

    def __init__(self, database: Database, attributes: Attributes, counts: Counts) -> None:
        self._database, self._attributes, self._counts = database, attributes, counts

    # -- one and many --------------------------------------------------------------------------------------------

    def get(self, item_id: str) -> Item | None:
        """The item of this id, or None."""
        found = self._numbered([item_id]).get(item_id)
        return found[1] if found else None

    def get_many(self, item_ids: Iterable[str]) -> dict[str, Item]:
        """The items of these ids, in their order; unknown ids are left out."""
        return {item_id: found[1] for item_id, found in self._numbered(item_ids).items()}

    def by_number(self, item_number: int) -> Item | None:
        """The item of this number, or None."""
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number = ?"  # noqa: S608
        rows = self._database.rows(sql, [int(item_number)])
        return to_item(rows[0])[1] if rows else None

    def numbers_of(self, item_ids: Iterable[str]) -> dict[str, int]:
        """The item numbers of these ids, in their order; unknown ids are left out."""
        return {item_id: found[0] for item_id, found in self._numbered(item_ids).items()}

    def ids_of(self, item_numbers: Iterable[int]) -> dict[int, str]:
        """The ids of these item numbers, in their order; unknown numbers are left out."""
        wanted = [int(number) for number in item_numbers]
        known: dict[int, str] = self._database.remember("ids", self._database.catalogue_version, dict)
        missing = [number for number in wanted if number not in known]
        if missing:
            sql = "SELECT item_number, item_id FROM items WHERE item_number IN (SELECT value FROM json_each(?))"
            known.update(self._database.rows(sql, [as_json(missing)]))
        return {number: known[number] for number in wanted if number in known}

    def _numbered(self, item_ids: Iterable[str]) -> dict[str, tuple[int, Item]]:
        database = self._database
        known: dict[str, tuple[int, Item]] = database.remember("items", database.catalogue_version, dict)
        # Known items are copied at once: another thread may empty the memory at any time.
        found = {item_id: known.get(item_id) for item_id in item_ids}
        if None in found.values():
            missing = [item_id for item_id, pair in found.items() if pair is None]
            sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_id IN (SELECT value FROM json_each(?))"  # noqa: S608
            numbered = map(to_item, database.rows(sql, [as_json(missing)]))
            read = {item.item_id: (number, item) for number, item in numbered}
            found.update(read)
            keep(known, read)
        return {item_id: pair for item_id, pair in found.items() if pair is not None}

    # -- all -----------------------------------------------------------------------------------------------------

    def all(self, batch: int = 1000) -> Iterator[tuple[int, Item]]:
        """All items with their numbers, by number; read in batches, so that the store can be used meanwhile."""
        last = 0
        sql = f"SELECT {ITEM_COLUMNS} FROM items WHERE item_number > ? ORDER BY item_number LIMIT ?"  # noqa: S608
        while rows := self._database.rows(sql, [last, batch]):
            yield from map(to_item, rows)
            last = rows[-1][0]

    def numbers(self) -> dict[str, int]:
        """The number of every item, by id; read anew each time."""
        return dict(self._database.rows("SELECT item_id, item_number FROM items"))

    def totals(self) -> tuple[int, int]:
        """The number of items, and of available items."""
        # Kept by catalogue version, which users' interactions do not change: counting a million items takes long.
        items, available = self._database.remember(
            "item counts",
            self._database.catalogue_version,
            lambda: self._database.rows("SELECT count(*), coalesce(sum(available), 0) FROM items")[0],
        )
        return items, available

    # -- conditions ----------------------------------------------------------------------------------------------

    def matching(self, conditions: Iterable[Condition] = (), *, available_only: bool = True) -> Int64s:
        """The numbers of the items that meet all conditions, int64, sorted; read-only, because the array is shared."""
        wanted = tuple(conditions)
        remember, version = self._database.remember, self._database.catalogue_version

        def read() -> Int64s:
            numbers = remember(("numbers", available_only), version, lambda: self._all_numbers(available_only))
            for condition in wanted:
                meeting = remember(("meeting", condition), version, partial(self._meeting, condition))
                negated = condition.operator in NEGATIONS and condition.attribute not in PSEUDO_ATTRIBUTES
                numbers = without(numbers, meeting) if negated else intersect_sorted(numbers, meeting)
            numbers.flags.writeable = False
            return numbers

        return remember(("matching", wanted, available_only), version, read)

    def count(self, conditions: Iterable[Condition] = (), *, exclude: Iterable[str] = ()) -> int:
        """The number of available items that meet all conditions, without the excluded ids."""
        numbers = self.matching(conditions)
        barred = np.array(list(self.numbers_of(exclude).values()), dtype=np.int64)
        return len(numbers) - int(index_in_sorted(numbers, barred)[1].sum())

    def _all_numbers(self, available_only: bool) -> Int64s:
        return self._sorted_numbers("SELECT item_number FROM items WHERE available >= ?", [int(available_only)])

    def _meeting(self, condition: Condition) -> Int64s:
        """The numbers of the items with a value that compares (for a negation: of the items that fail it)."""
        if condition.attribute not in PSEUDO_ATTRIBUTES:
            if condition.operator != "~" and self._attributes.kind_of(condition.attribute) == "number":
                # The first condition reads the column; a condition with another limit only compares it.
                numbers, values = self._attributes.number_column(condition.attribute)
                return numbers[compares(condition, values)]
            return self._sorted_numbers(*numbers_sql(condition))
        sql, parameters = where([condition])
        return self._sorted_numbers(f"SELECT items.item_number FROM items WHERE {sql}", parameters)  # noqa: S608

    def _sorted_numbers(self, sql: str, parameters: Sequence[Any]) -> Int64s:
        """The first column of the rows, int64, sorted, each number once."""
        rows = self._database.rows(sql, parameters)
        numbers = np.fromiter(map(itemgetter(0), rows), dtype=np.int64, count=len(rows))
        # Mostly they come in order, and seeing that costs far less than making sure of it.
        return numbers if (numbers[1:] > numbers[:-1]).all() else np.unique(numbers)

    # -- writing: each call is kept whole or not at all, and updates what is derived from the items ---------------

    def put(self, items: Iterable[Item], *, merge: bool = True, keep_available: bool = False) -> tuple[int, int]:
        """Add items, or update those whose id is known.

        Args:
            items: new or changed items.
            merge: keep what a new record leaves empty; otherwise the record replaces the old one.
            keep_available: a known item stays available or unavailable, whatever the record says.

        Returns:
            The numbers of added and of changed items.
        """
        added = changed = 0
        with self._database.writing() as conn:
            writer = ItemWriter(conn, self._database.settings)
            for batch in batched(items):
                more_added, more_changed = writer.put(batch, merge=merge, keep_available=keep_available)
                added += more_added
                changed += more_changed
            if added or changed:
                writer.finish()
                self._database.tick(catalogue=True)
        return added, changed

    def set_available(self, item_ids: Iterable[str], available: bool) -> int:
        """Make items available or unavailable; returns the number changed. Raises InputError for an unknown id."""
        wanted = list(item_ids)
        with self._database.writing() as conn:
            self._check_known(wanted)
            sql = """UPDATE items SET available = ?1
                WHERE available <> ?1 AND item_id IN (SELECT value FROM json_each(?2))"""
            count = conn.execute(sql, [int(available), as_json(wanted)]).rowcount
            if count:
                self._database.tick(catalogue=True)
        return count

    def make_others_unavailable(self, item_ids: Iterable[str]) -> int:
        """Make all items except these unavailable; returns the number of changed ones."""
        with self._database.writing() as conn:
            sql = """UPDATE items SET available = 0
                WHERE available = 1 AND item_id NOT IN (SELECT value FROM json_each(?))"""
            count = conn.execute(sql, [as_json(item_ids)]).rowcount
            if count:
                self._database.tick(catalogue=True)
        return count

    def remove(self, item_ids: Iterable[str]) -> dict[str, int]:
        """Remove items and every interaction with them.

        To keep an item in histories, make it unavailable instead.

        Args:
            item_ids: ids of the items.

        Returns:
            The numbers of removed ``items`` and ``interactions``.

        Raises:
            InputError: an id is unknown; the message names it.
        """
        wanted = list(item_ids)
        with self._database.writing() as conn:
            self._check_known(wanted)
            sql = "SELECT item_number FROM items WHERE item_id IN (SELECT value FROM json_each(?))"
            numbers = [row[0] for row in conn.execute(sql, [as_json(wanted)])]
            if not numbers:
                return {"items": 0, "interactions": 0}
            chosen = as_json(numbers)
            touched = conn.execute(
                "SELECT DISTINCT user_number FROM interactions WHERE item_number IN (SELECT value FROM json_each(?))",
                [chosen],
            ).fetchall()
            writer = ItemWriter(conn, self._database.settings)
            writer.forget_values(numbers)
            counts = {}
            for table in ("titles", "item_statistics", "interactions", "contributions", "items"):
                sql = f"DELETE FROM {table} WHERE item_number IN (SELECT value FROM json_each(?))"  # noqa: S608
                counts[table] = conn.execute(sql, [chosen]).rowcount
            conn.execute("DELETE FROM titles_fts WHERE rowid IN (SELECT value FROM json_each(?))", [chosen])
            writer.finish()
            now = self._database.tick(catalogue=True)
            conn.executemany("UPDATE users SET watermark = ? WHERE user_number = ?", [(now, u) for (u,) in touched])
            self._counts.refresh()
        return {"items": counts["items"], "interactions": counts["interactions"]}

    def _check_known(self, item_ids: Sequence[str]) -> None:
        unknown = [item_id for item_id in item_ids if item_id not in self.numbers_of([item_id])]
        if unknown:
            shown = ", ".join(repr(item_id) for item_id in unknown[:3])
            raise InputError(f"The catalogue has no item {shown}{' ...' if len(unknown) > 3 else ''}")

    def derive_anew(self) -> None:
        """Compute everything again that is derived from the items; needed when the settings change."""
        with self._database.writing() as conn:
            ItemWriter(conn, self._database.settings).derive_anew()
            self._database.tick(catalogue=True)
