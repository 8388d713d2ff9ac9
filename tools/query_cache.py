"""The vectors of past queries, kept on disk: asking again costs no model."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
import time
from collections import OrderedDict
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

LARGEST = 10_000
"""Vectors kept on disk (15 MB of 384 numbers); the longest unused go first."""
LARGEST_IN_MEMORY = 512


class QueryCache:
    """Vectors by encoder and text. A cache that cannot be read or written costs time, never an answer."""

    def __init__(self, path: Path | None, largest: int = LARGEST) -> None:
        """``path`` is the SQLite file, made when needed; None keeps vectors in memory only."""
        self._path = path
        self._largest = largest
        self._recent: OrderedDict[bytes, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, encoder: str, text: str) -> Floats | None:
        """The vector of this text, or None where it is not known. The caller must not write into it."""
        key = _key(encoder, text)
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        if self._path is None or not self._path.is_file():
            return None
        try:
            with closing(self._connect()) as connection, connection:
                row = connection.execute("SELECT vector FROM queries WHERE key = ?", (key,)).fetchone()
                if row is None:
                    return None
                connection.execute("UPDATE queries SET used = ? WHERE key = ?", (time.time(), key))
        except sqlite3.Error as error:
            logger.warning("query cache %s cannot be read: %s", self._path, error)
            return None
        vector = np.frombuffer(row[0], dtype="<f4").astype(np.float32, copy=False)
        self._remember(key, vector)
        return vector

    def put(self, encoder: str, text: str, vector: Floats) -> None:
        """Keep the vector of this text."""
        key = _key(encoder, text)
        self._remember(key, vector)
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection, connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS queries "
                    "(key BLOB PRIMARY KEY, vector BLOB NOT NULL, used REAL NOT NULL)"
                )
                connection.execute(
                    "INSERT OR REPLACE INTO queries VALUES (?, ?, ?)",
                    (key, vector.astype("<f4").tobytes(), time.time()),
                )
                # A tenth above the limit is allowed, so that not every query sorts the whole table.
                if connection.execute("SELECT COUNT(*) FROM queries").fetchone()[0] > self._largest * 1.1:
                    connection.execute(
                        "DELETE FROM queries WHERE key NOT IN (SELECT key FROM queries ORDER BY used DESC LIMIT ?)",
                        (self._largest,),
                    )
        except sqlite3.OperationalError as error:
            logger.warning("query cache %s cannot be written: %s", self._path, error)
        except sqlite3.DatabaseError as error:
            logger.warning("query cache %s is damaged and starts anew: %s", self._path, error)
            self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("query cache %s cannot be written: %s", self._path, error)

    def _connect(self) -> sqlite3.Connection:
        # A second's wait at most: computing the vector again is cheaper than waiting for a lock.
        connection = sqlite3.connect(self._path or ":memory:", timeout=1.0)
        # What a power cut takes from a cache is no loss, and waiting for the disk is most of a write's time.
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def _remember(self, key: bytes, vector: Floats) -> None:
        vector.flags.writeable = False
        with self._lock:
            self._recent[key] = vector
            if len(self._recent) > LARGEST_IN_MEMORY:
                self._recent.popitem(last=False)


def _key(encoder: str, text: str) -> bytes:
    return hashlib.sha256(f"{encoder}\0{text}".encode("utf-8", "surrogatepass")).digest()
