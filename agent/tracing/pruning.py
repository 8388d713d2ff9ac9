"""Keeps the file of traces within its bounds: what is too old goes, and the oldest of what is too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from data.settings import TraceSettings

ROOM = 0.9
"""Up to which share of its largest size a file that is too large is emptied, so that it is not too large again at
once."""
SLICE = 0.1
"""Share of the traces that is thrown away between two looks at the size."""


def prune(db: Database, settings: TraceSettings) -> int:
    """Throws away traces that are older or more than the settings allow; how many that were.

    The space is used again by what is written next, but not given back.
    """
    oldest = (datetime.now(UTC) - timedelta(days=settings.days)).isoformat(timespec="microseconds")
    with db.atomic():
        pruned = int(db.conn.execute("DELETE FROM traces WHERE start_time < ?", [oldest]).rowcount)
    most = settings.mib * 2**20
    if _used(db) <= most:
        return pruned
    while _used(db) > ROOM * most and (slice_of := _slice(db)):
        with db.atomic():
            pruned += int(
                db.conn.execute(
                    "DELETE FROM traces WHERE number IN (SELECT number FROM traces ORDER BY start_time LIMIT ?)",
                    [slice_of],
                ).rowcount
            )
    return pruned


def _slice(db: Database) -> int:
    """How many traces to throw away at once: none where only one is left, however large it is."""
    traces = int(db.conn.execute("SELECT count(*) FROM traces").fetchone()[0])
    return 0 if traces < 2 else max(1, int(SLICE * traces))


def _used(db: Database) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        int(db.conn.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
