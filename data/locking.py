"""Turns: what one thread or process at a time may do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class Taken(Exception):  # noqa: N818  reads as the fact that it is
    """It is somebody else's turn, and did not end in time."""


@contextmanager
def turn(lock: Path, wait_s: float) -> Iterator[None]:
    """Held by one at a time, over threads and processes; ``Taken`` after ``wait_s`` seconds.

    The lock is one of SQLite's: it works the same on every platform, waits, and is free again when its holder dies.
    """
    with closing(sqlite3.connect(lock, timeout=wait_s, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise Taken(str(error)) from None
        yield
        connection.execute("ROLLBACK")
