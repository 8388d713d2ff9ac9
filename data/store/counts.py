"""The counts for each item and kind, kept beside the interactions, so that reading them costs nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from recmind.data.arrays import Int64s
from recmind.data.catalogue import InteractionArrays, ItemStatistics, KindSummary
from recmind.data.remembering import keep
from recmind.data.signals import weights
from recmind.data.statistics import Counted, counts_of
from recmind.data.store.columns import all_interactions
from recmind.data.store.database import Database

REMEMBERED_PERIODS = 8
"""Number of periods whose counts are kept; each takes 32 bytes for each item."""


class Counts:
    """How often items and kinds of interactions occur, over all times and over a period."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- of items ------------------------------------------------------------------------------------------------

    def of_items(self, item_numbers: Iterable[int] | Int64s | None = None) -> ItemStatistics:
        """The counts of these items, in their order.

        Args:
            item_numbers: the items; None: all, by number.
        """
        counted = self.snapshot()
        if item_numbers is None:
            return counted.all()
        wanted = item_numbers if isinstance(item_numbers, np.ndarray) else list(item_numbers)
        return counted.of(np.asarray(wanted, dtype=np.int64).reshape(-1))

    def snapshot(self) -> Counted:
        """The counts of all items now; the same object while nothing changes."""
        return self._database.remember("statistics", self._database.clock, self._counted_now)

    def _counted_now(self) -> Counted:
        """The counts now. If the catalogue is unchanged, only users' changes are read: reading all can take seconds."""
        database = self._database
        # Read first: whatever is written in the meantime is read again the next time.
        clock, version = database.clock, database.catalogue_version
        known: Counted | None = database.remembered("statistics")
        if known is None or known.catalogue_version != version or database.conn.in_transaction:
            return Counted.anew(clock, version, self._read_all())
        return known.after(clock, self._changed_since(known.clock))

    def _read_all(self) -> ItemStatistics:
        return counts_of(
            self._database.rows("""
                SELECT i.item_number, coalesce(interactions, 0), coalesce(positives, 0), coalesce(value_count, 0),
                    coalesce(value_sum, 0) FROM items i LEFT JOIN item_statistics s USING (item_number)
                ORDER BY i.item_number""")
        )

    def _changed_since(self, clock: int) -> ItemStatistics:
        """The counts of all items of users who did anything after that clock."""
        return counts_of(
            self._database.rows(
                """SELECT item_number, interactions, positives, value_count, value_sum FROM item_statistics
                WHERE item_number IN (SELECT item_number FROM interactions
                    WHERE user_number IN (SELECT user_number FROM users WHERE watermark > ?)) ORDER BY item_number""",
                [clock],
            )
        )

    def between(self, since: float | None = None, until: float | None = None) -> ItemStatistics:
        """The counts over a period, for items with any interaction in it, by number.

        Here every interaction counts as positive. Interactions without a time don't count.

        Args:
            since: Unix seconds, included; None for no start.
            until: Unix seconds, included; None for no end.
        """
        # A look-up asks for a period, and the validator asks again for each item recommended for it.
        database = self._database
        known: dict[tuple[float | None, float | None], ItemStatistics] = database.remember(
            "periods", database.clock, dict
        )
        counts = known.get((since, until))
        if counts is None:
            counts = self._read_period(since, until)
            keep(known, {(since, until): counts}, most=REMEMBERED_PERIODS)
        return counts

    def _read_period(self, since: float | None, until: float | None) -> ItemStatistics:
        sql = """
            SELECT item_number, count(*), count(*), count(value), coalesce(sum(value), 0) FROM interactions
            WHERE timed = 1 AND moment >= ? AND moment <= ? GROUP BY item_number ORDER BY item_number"""
        ends = [-1e300 if since is None else since, 1e300 if until is None else until]
        return counts_of(self._database.rows(sql, ends))

    # -- of kinds ------------------------------------------------------------------------------------------------

    def of_kinds(self) -> tuple[KindSummary, ...]:
        """Every kind with interactions, commonest first."""
        return tuple(
            KindSummary(kind, interactions, total / count if count else None)
            for kind, interactions, count, total in self._database.rows(
                "SELECT kind, interactions, value_count, value_sum FROM kinds "
                "WHERE interactions > 0 ORDER BY interactions DESC, kind"
            )
        )

    def period(self) -> tuple[float | None, float | None]:
        """The times of the first and of the last interaction in Unix seconds; None where no time is known."""
        earliest, latest = self._database.rows("SELECT min(earliest), max(latest) FROM kinds WHERE interactions > 0")[0]
        return earliest, latest

    def total(self) -> int:
        """The number of all interactions."""
        return int(self._database.value("SELECT coalesce(sum(interactions), 0) FROM kinds"))

    # -- keeping them true ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Compute the counts of items and kinds anew from all interactions."""
        arrays = all_interactions(self._database)
        with self._database.writing() as conn:
            conn.execute("DELETE FROM item_statistics")
            conn.executemany("INSERT INTO item_statistics VALUES (?, ?, ?, ?, ?)", self._per_item(arrays))
            conn.execute("UPDATE kinds SET interactions = 0, value_count = 0, value_sum = 0")
            _count_kinds(conn, arrays, 1)
            self.refresh_times()

    def move(self, before: InteractionArrays, after: InteractionArrays) -> None:
        """Replace what some users contributed to the counts.

        Args:
            before: the interactions of these users before a write.
            after: their interactions now.
        """
        with self._database.writing() as conn:
            for arrays, sign in ((before, -1), (after, 1)):
                conn.executemany(
                    """INSERT INTO item_statistics VALUES (?, ?, ?, ?, ?) ON CONFLICT (item_number) DO UPDATE SET
                        interactions = interactions + excluded.interactions, positives = positives + excluded.positives,
                        value_count = value_count + excluded.value_count, value_sum = value_sum + excluded.value_sum""",
                    [(row[0], *(sign * count for count in row[1:])) for row in self._per_item(arrays)],
                )
                _count_kinds(conn, arrays, sign)

    def refresh_times(self) -> None:
        """Compute the first and last time of each kind anew from all interactions."""
        with self._database.writing() as conn:
            times = conn.execute(
                "SELECT min(moment), max(moment), kind_number FROM interactions WHERE timed = 1 GROUP BY kind_number"
            ).fetchall()
            conn.execute("UPDATE kinds SET earliest = NULL, latest = NULL")
            conn.executemany("UPDATE kinds SET earliest = ?, latest = ? WHERE kind_number = ?", times)

    def widen_times(self, times: Iterable[tuple[float, str]]) -> None:
        """Extend the first and last time of kinds to these times: (Unix seconds, kind)."""
        with self._database.writing() as conn:
            conn.executemany(
                """UPDATE kinds SET earliest = min(coalesce(earliest, ?1), ?1),
                latest = max(coalesce(latest, ?1), ?1) WHERE kind = ?2""",
                times,
            )

    def _per_item(self, arrays: InteractionArrays) -> Sequence[tuple[int, int, int, int, float]]:
        """For each item: its number, interactions, positives, number of values and their sum."""
        items, places = np.unique(arrays.item_numbers, return_inverse=True)
        known = ~np.isnan(arrays.values)
        positive = weights(arrays, self._database.settings) > 0
        columns = (
            items,
            np.bincount(places, minlength=len(items)),
            np.bincount(places, weights=positive, minlength=len(items)).astype(np.int64),
            np.bincount(places, weights=known, minlength=len(items)).astype(np.int64),
            np.bincount(places, weights=np.where(known, arrays.values, 0), minlength=len(items)),
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _count_kinds(conn: sqlite3.Connection, arrays: InteractionArrays, sign: int) -> None:
    known = ~np.isnan(arrays.values)
    n = len(arrays.kind_names)
    counts = np.bincount(arrays.kinds, minlength=n)
    valued = np.bincount(arrays.kinds, weights=known, minlength=n)
    total = np.bincount(arrays.kinds, weights=np.where(known, arrays.values, 0).astype(np.float64), minlength=n)
    conn.executemany(
        """UPDATE kinds SET interactions = interactions + ?, value_count = value_count + ?,
            value_sum = value_sum + ? WHERE kind = ?""",
        [
            (sign * int(counts[k]), sign * int(valued[k]), sign * float(total[k]), name)
            for k, name in enumerate(arrays.kind_names)
        ],
    )
