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
    """Held by one at a time, over threads and processes; ``Taken`` after ``wait_s`` seconds."""
    with closing(hold(lock, wait_s)):
        yield


def hold(lock: Path, wait_s: float = 0.0) -> sqlite3.Connection:
    """The turn, until the connection that is returned is closed, in whichever thread. Raises as ``turn``.

    The lock is one of SQLite's: it works the same on every platform, waits, and is free again when its holder dies.
    """
    connection = sqlite3.connect(lock, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise Taken(str(error)) from None
    return connection
