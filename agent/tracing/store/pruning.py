"""Keeps the file of traces within its limits: deletes traces that are too old, and the oldest if there are too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from recmind.data.settings import TraceSettings

SLICE = 0.1
"""At most this share of the traces is deleted between two measurements of the size."""


def prune(db: Database, settings: TraceSettings, at_most: int | None = None) -> int:
    """Deletes traces beyond the limits of the settings, the oldest first; returns how many were deleted.

    Their space is used again for later traces, but the file does not shrink.

    Args:
        db: the file of traces.
        settings: the limits.
        at_most: delete at most this many; None for all that exceed the limits.
    """
    oldest = (datetime.now(UTC) - timedelta(days=settings.days)).isoformat(timespec="microseconds")
    too_old, too_large = "start_time < ?", settings.mib * 2**20
    pruned = _threw_away(db, too_old, [oldest], -1 if at_most is None else at_most)
    while _used(db) > too_large and (slice_of := _slice(db, None if at_most is None else at_most - pruned)):
        pruned += _threw_away(db, "1", [], slice_of)
    return pruned


def _threw_away(db: Database, which: str, values: list[str], at_most: int) -> int:
    """The number of traces deleted, the oldest first; ``at_most`` of -1 means any number."""
    sql = f"DELETE FROM traces WHERE number IN (SELECT number FROM traces WHERE {which} ORDER BY start_time LIMIT ?)"  # noqa: S608  fixed texts
    with db.atomic():
        return int(db.conn.execute(sql, [*values, at_most]).rowcount)


def _slice(db: Database, at_most: int | None) -> int:
    """How many traces to delete at once: none if only one is left, however large it is."""
    traces = int(db.conn.execute("SELECT count(*) FROM traces").fetchone()[0])
    share = 0 if traces < 2 else max(1, int(SLICE * traces))
    return share if at_most is None else min(share, at_most)


def _used(db: Database) -> int:
    """The bytes of the file that are in use."""
    tables = "pragma_page_count, pragma_freelist_count, pragma_page_size"
    sql = f"SELECT (page_count - freelist_count) * page_size FROM {tables}"  # noqa: S608  fixed names
    return int(db.conn.execute(sql).fetchone()[0])
