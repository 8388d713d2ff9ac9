"""Opens SQLite files: the store and the traces alike."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlite_utils

WRITE_AHEAD = ("journal_mode = WAL", "synchronous = NORMAL")
"""Readers do not wait for a writer. With a write-ahead log, NORMAL cannot corrupt the file; a power cut may lose the
last writes."""


def open_sqlite(path: Path, *, wait_s: float, pragmas: tuple[str, ...] = ()) -> sqlite_utils.Database:
    """A connection to the file, which is made if it does not exist; any thread may use it, one at a time.

    Args:
        path: the file.
        wait_s: seconds that a write waits for another connection.
        pragmas: settings of the connection beside ``WRITE_AHEAD``.

    Raises:
        sqlite3.Error: the file cannot be opened, or is no database.
    """
    connection = sqlite3.connect(path, timeout=wait_s, check_same_thread=False)
    try:
        db = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
        for pragma in (*WRITE_AHEAD, *pragmas):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return db
