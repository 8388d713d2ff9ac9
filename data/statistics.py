"""Reading what is counted of each item: over all times, kept up to date for little, and over a period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recmind.data.arrays import Int64s, index_in_sorted
from recmind.data.catalogue import ItemStatistics
from recmind.data.reading import ItemReading, keep

WHOLE_UP_TO = 20_000
"""Up to so many items the counts are made whole again after every change: that takes a millisecond."""
MOST_CHANGED = 0.01
"""The same where a larger share of the items has changed since they were whole."""
REMEMBERED_PERIODS = 8
"""Periods whose counts are kept: each takes 32 bytes an item."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of all items at one moment."""

    clock: int
    catalogue_version: int
    whole: ItemStatistics
    """Of every item, by number, as they were some time ago."""
    changed: ItemStatistics
    """Of some items, by number: all whose counts may have changed since then."""

    def of(self, wanted: Int64s) -> ItemStatistics:
        """The counts of these items, in their order; zeros where an item is not known."""
        old, new = self.whole.of(wanted), self.changed.of(wanted)
        _, changed = index_in_sorted(self.changed.item_numbers, wanted)
        if not changed.any():
            return old
        pairs = zip(old.columns[1:], new.columns[1:], strict=True)
        return ItemStatistics(wanted, *(np.where(changed, later, earlier) for earlier, later in pairs))

    def all(self) -> ItemStatistics:
        """The counts of every item, by number."""
        return _overlaid(self.whole, self.changed)


class StatisticsReading(ItemReading):
    """The part of the store that reads counts."""

    def statistics(self, item_numbers: Iterable[int] | Int64s | None = None) -> ItemStatistics:
        """Counts for these item numbers in their order, or for all items by number."""
        counted = self.counted()
        if item_numbers is None:
            return counted.all()
        wanted = item_numbers if isinstance(item_numbers, np.ndarray) else list(item_numbers)
        return counted.of(np.asarray(wanted, dtype=np.int64).reshape(-1))

    def counted(self) -> Counted:
        """The counts of all items now; the same object while nothing changes."""
        return self._remember("statistics", self.clock, self._counted_now)

    def _counted_now(self) -> Counted:
        """Where the catalogue is as it was, only what users have done since is read: a large one takes seconds."""
        # Before anything is read: what is written meanwhile is read again the next time.
        clock, version = self.clock, self.catalogue_version
        _, known = self._remembered.get("statistics", (0, None))
        if known is None or known.catalogue_version != version or self._db().conn.in_transaction:
            whole = self._read_statistics()
            return Counted(clock, version, whole, _rows(whole, slice(0)))
        whole, changed = known.whole, _joined(self._changed_since(known.clock), known.changed)
        if len(whole) <= WHOLE_UP_TO or len(changed) > len(whole) * MOST_CHANGED:
            whole, changed = _overlaid(whole, changed), _rows(changed, slice(0))
        return Counted(clock, version, whole, changed)

    def _read_statistics(self) -> ItemStatistics:
        return _table(
            self._rows("""
                SELECT i.item_number, coalesce(interactions, 0), coalesce(positives, 0), coalesce(value_count, 0),
                    coalesce(value_sum, 0) FROM items i LEFT JOIN item_statistics s USING (item_number)
                ORDER BY i.item_number""")
        )

    def _changed_since(self, clock: int) -> ItemStatistics:
        """The counts of all items that users have to do with who did anything after that clock."""
        return _table(
            self._rows(
                """SELECT item_number, interactions, positives, value_count, value_sum FROM item_statistics
                WHERE item_number IN (SELECT item_number FROM interactions
                    WHERE user_number IN (SELECT user_number FROM users WHERE watermark > ?)) ORDER BY item_number""",
                [clock],
            )
        )

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
            SELECT item_number, count(*), count(*), count(value), coalesce(sum(value), 0) FROM interactions
            WHERE timed = 1 AND moment >= ? AND moment <= ? GROUP BY item_number ORDER BY item_number"""
        return _table(self._rows(sql, [-1e300 if since is None else since, 1e300 if until is None else until]))


def _table(rows: Sequence[Sequence[Any]]) -> ItemStatistics:
    """The counts in these rows, to be shared."""
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 5).T
    columns = [np.ascontiguousarray(column, dtype=np.int64) for column in table[:4]]
    return _shared(*columns, np.ascontiguousarray(table[4]))


def _shared(*columns: Any) -> ItemStatistics:
    for column in columns:
        column.flags.writeable = False
    return ItemStatistics(*columns)


def _rows(counts: ItemStatistics, chosen: Any) -> ItemStatistics:
    return _shared(*(column[chosen] for column in counts.columns))


def _overlaid(whole: ItemStatistics, changed: ItemStatistics) -> ItemStatistics:
    """The whole counts, those that have changed as they are now."""
    if not len(changed):
        return whole
    places, known = index_in_sorted(whole.item_numbers, changed.item_numbers)
    columns = [column.copy() for column in whole.columns[1:]]
    for column, new in zip(columns, changed.columns[1:], strict=True):
        column[places[known]] = new[known]
    return _shared(whole.item_numbers, *columns)


def _joined(newer: ItemStatistics, older: ItemStatistics) -> ItemStatistics:
    """All of both by number, of an item that both have the newer counts."""
    both = [np.concatenate(pair) for pair in zip(newer.columns, older.columns, strict=True)]
    _, first = np.unique(both[0], return_index=True)
    return _shared(*(column[first] for column in both))
