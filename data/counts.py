"""The counts per item and per kind that are kept beside the interactions, so that reading them costs nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from recmind.data.catalogue import InteractionArrays
from recmind.data.histories import HistoryReading
from recmind.data.signals import weights


class Counting(HistoryReading):
    """The part of the store that keeps the counts true."""

    def refresh_counts(self, conn: sqlite3.Connection) -> None:
        """Compute the counts of items and kinds anew from all interactions."""
        arrays = self.interaction_arrays()
        conn.execute("DELETE FROM item_statistics")
        conn.executemany("INSERT INTO item_statistics VALUES (?, ?, ?, ?, ?)", self._contributions(arrays))
        conn.execute("UPDATE kinds SET interactions = 0, value_count = 0, value_sum = 0")
        self._count_kinds(conn, arrays, 1)
        self._refresh_times(conn)

    def _move_counts(self, conn: sqlite3.Connection, before: InteractionArrays, after: InteractionArrays) -> None:
        """Take what some users contributed to the counts before a write out of them, and put in what they do now."""
        for arrays, sign in ((before, -1), (after, 1)):
            conn.executemany(
                """INSERT INTO item_statistics VALUES (?, ?, ?, ?, ?) ON CONFLICT (item_number) DO UPDATE SET
                    interactions = interactions + excluded.interactions, positives = positives + excluded.positives,
                    value_count = value_count + excluded.value_count, value_sum = value_sum + excluded.value_sum""",
                [(row[0], *(sign * count for count in row[1:])) for row in self._contributions(arrays)],
            )
            self._count_kinds(conn, arrays, sign)

    def _contributions(self, arrays: InteractionArrays) -> Sequence[tuple[int, int, int, int, float]]:
        """Per item: its number, interactions, positives, values and their sum."""
        items, places = np.unique(arrays.item_numbers, return_inverse=True)
        known = ~np.isnan(arrays.values)
        columns = (
            items,
            np.bincount(places, minlength=len(items)),
            np.bincount(places, weights=weights(arrays, self.settings) > 0, minlength=len(items)).astype(np.int64),
            np.bincount(places, weights=known, minlength=len(items)).astype(np.int64),
            np.bincount(places, weights=np.where(known, arrays.values, 0), minlength=len(items)),
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))

    @staticmethod
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

    @staticmethod
    def _refresh_times(conn: sqlite3.Connection) -> None:
        """The first and last time of each kind, from all interactions."""
        times = conn.execute(
            "SELECT min(moment), max(moment), kind_number FROM interactions WHERE timed = 1 GROUP BY kind_number"
        ).fetchall()
        conn.execute("UPDATE kinds SET earliest = NULL, latest = NULL")
        conn.executemany("UPDATE kinds SET earliest = ?, latest = ? WHERE kind_number = ?", times)
