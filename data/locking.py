"""Locks that let only one thread or process at a time do something."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


class Taken(Exception):  # noqa: N818  reads as the fact that it is
    """Somebody else holds the lock and did not release it in time."""


@contextmanager
def turn(lock: Path, wait_s: float) -> Iterator[None]:
    """Inside, nobody else holds the lock, in any thread or process. Raises Taken after ``wait_s`` seconds."""
    with closing(hold(lock, wait_s)):
        yield


def hold(lock: Path, wait_s: float = 0.0) -> sqlite3.Connection:
    """Take the lock, and hold it until the returned connection is closed, in whichever thread.

    The lock is one of SQLite's: it works the same on every platform, waits, and is free again when its holder dies.

    Args:
        lock: the file of the lock.
        wait_s: seconds to wait for another holder.

    Returns:
        The connection that holds the lock.

    Raises:
        Taken: another holder did not release it in time.
    """
    connection = sqlite3.connect(lock, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise Taken(str(error)) from None
    return connection
