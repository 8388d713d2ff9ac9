"""The tables of traces.db, and how older files become newer ones."""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database

from data.errors import InputError, RecMindError


class TraceError(RecMindError):
    """Traces cannot be read, or the one asked for is not there."""


class UnknownTrace(TraceError, InputError):  # noqa: N818  reads as the fact that it is
    """The id that was asked for belongs to no trace, or to several."""


def _first(db: Database) -> None:
    """Runs as LangSmith has them, and one row for each request beside them, so that a list need not read the runs."""
    db.execute(
        """
        CREATE TABLE traces (
            trace_id TEXT PRIMARY KEY, start_time TEXT NOT NULL, latency_ms REAL NOT NULL, query TEXT NOT NULL,
            user_id TEXT, model TEXT NOT NULL, source TEXT, status TEXT NOT NULL, error TEXT, runs INTEGER NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE runs (
            id TEXT NOT NULL, trace_id TEXT NOT NULL REFERENCES traces(trace_id) ON DELETE CASCADE,
            parent_run_id TEXT, dotted_order TEXT NOT NULL, name TEXT NOT NULL, run_type TEXT NOT NULL,
            start_time TEXT NOT NULL, end_time TEXT, inputs TEXT NOT NULL, outputs TEXT NOT NULL, error TEXT,
            extra TEXT NOT NULL, tags TEXT NOT NULL, session_name TEXT NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL
        )
        """
    )
    db.execute("CREATE UNIQUE INDEX runs_of_trace ON runs(trace_id, dotted_order)")
    db.execute("CREATE INDEX traces_of_user ON traces(user_id, trace_id)")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first,)
"""In order; a file's ``user_version`` counts those it has had. Append, never change one that was released."""


def migrate(db: Database, file: str) -> None:
    """Brings the file up to date; several processes may do so at once. TraceError where a newer RecMind made it."""
    if _version(db, file) == len(MIGRATIONS):
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        for number, step in enumerate(MIGRATIONS[_version(db, file) :], _version(db, file) + 1):
            step(db)
            db.conn.execute(f"PRAGMA user_version = {number}")
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def _version(db: Database, file: str) -> int:
    version = int(db.conn.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise TraceError(
            f"{file} was written by a newer RecMind (trace format {version}, this one knows {len(MIGRATIONS)}). "
            "Update RecMind, or move the file away to start a new one."
        )
    return version
