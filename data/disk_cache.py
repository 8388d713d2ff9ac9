"""Computed results kept on disk by key: a SQLite file of limited size that may be lost at any time."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

logger = logging.getLogger(__name__)

_TABLE = """CREATE TABLE IF NOT EXISTS entries (
    key BLOB PRIMARY KEY, value BLOB NOT NULL, owner TEXT, used REAL NOT NULL)"""
WAIT_S = 1.0
"""Longest wait for a lock, in seconds: computing again is cheaper than waiting longer."""


class DiskCache:
    """Bytes by key, each with the user whom they concern. A failed read or write costs time, never an answer."""

    def __init__(self, path: Path, largest: int) -> None:
        """Keep entries in this file.

        Args:
            path: the file, made when needed.
            largest: the most entries; the longest unused are removed first.
        """
        self.path, self._largest = path, largest

    def get(self, key: bytes) -> bytes | None:
        """The value kept under this key, or None."""
        if not self.path.is_file():
            return None
        try:
            with closing(self._connect()) as connection, connection:
                row = connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
                if row is None:
                    return None
                connection.execute("UPDATE entries SET used = ? WHERE key = ?", (time.time(), key))
        except sqlite3.Error as error:
            logger.warning("cache %s cannot be read: %s", self.path, error)
            return None
        return bytes(row[0])

    def put(self, key: bytes, value: bytes, owner: str | None = None) -> None:
        """Keep a value.

        Args:
            key: its key.
            value: the bytes.
            owner: the user whose erasure removes it; None for nobody.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection, connection:
                connection.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (key, value, owner, time.time())
                )
                # A tenth above the limit is allowed, so that not every write sorts the whole table.
                if connection.execute("SELECT COUNT(*) FROM entries").fetchone()[0] > self._largest * 1.1:
                    connection.execute(
                        "DELETE FROM entries WHERE key NOT IN (SELECT key FROM entries ORDER BY used DESC LIMIT ?)",
                        (self._largest,),
                    )
        except sqlite3.OperationalError as error:
            logger.warning("cache %s cannot be written: %s", self.path, error)
        except sqlite3.DatabaseError as error:
            logger.warning("cache %s is damaged and starts anew: %s", self.path, error)
            self.path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("cache %s cannot be written: %s", self.path, error)

    def forget(self, owner: str) -> int:
        """Erase the entries of this user; returns how many there were. Raises sqlite3.Error where that fails."""
        if not self.path.is_file():
            return 0
        with closing(self._connect()) as connection, connection:
            return connection.execute("DELETE FROM entries WHERE owner = ?", (owner,)).rowcount

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=WAIT_S)
        # A cache may lose entries in a power cut, and waiting for the disk takes most of a write's time.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA secure_delete = ON")
        try:
            connection.execute(_TABLE)
        except BaseException:
            connection.close()
            raise
        return connection


def key_of(parts: Iterable[str]) -> bytes:
    """The key for these texts in this order, 32 bytes."""
    sum_ = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        sum_.update(f"{len(data)}:".encode())
        sum_.update(data)
    return sum_.digest()
