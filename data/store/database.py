"""Connections, transactions and versions: what all parts of the store stand on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from recmind.data.errors import WorkspaceError
from recmind.data.settings import Settings
from recmind.data.store.schema import migrate
from recmind.data.store.sqlite import open_sqlite
from recmind.data.text import fold, format_number

T = TypeVar("T")

BUSY_TIMEOUT_S = 30.0
_PRAGMAS = ("mmap_size = 1073741824", "cache_size = -32000", "temp_store = MEMORY", "secure_delete = ON")
_BULK_CACHE = -256_000
"""Kibibytes (below 0) of pages kept in memory while much is written: a large import touches all tables at once."""


@dataclass(frozen=True, slots=True)
class _Versions:
    """Both versions of a database at one moment."""

    clock: int
    catalogue: int


class Database:
    """A database file with one connection for each thread, write-ahead log, and a clock that every write moves."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Open or create the file. Raises WorkspaceError where it is no database, or of a newer RecMind."""
        self.path = path
        self.settings = settings
        self._local = threading.local()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.RLock()
        self._writing = threading.RLock()
        self._closed = False
        self._remembered: dict[Any, tuple[int, Any]] = {}
        self._making: dict[Any, threading.RLock] = {}
        try:
            migrate(self.conn, str(self.path))
        except sqlite3.DatabaseError as error:
            self.close()
            raise WorkspaceError(f"Cannot open the database {str(self.path)!r}: {error}") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections of all threads; the database cannot be used afterwards."""
        with self._lock:
            self._closed = True
            for _, conn in self._connections:
                conn.close()
            self._connections.clear()

    # -- connections and rows ------------------------------------------------------------------------------------

    @property
    def conn(self) -> sqlite3.Connection:
        """This thread's connection."""
        conn: sqlite3.Connection | None = getattr(self._local, "conn", None)
        if conn is None or self._closed:
            conn = self._local.conn = self._connect()
        return conn

    def _connect(self) -> sqlite3.Connection:
        thread = threading.current_thread()
        with self._lock:
            if self._closed:
                raise WorkspaceError(f"The store {str(self.path)!r} is closed.")
            for place, (owner, conn) in enumerate(self._connections):
                # Tool threads come and go: the connection of one that has ended is warm, so it is used again.
                if not owner.is_alive():
                    self._connections[place] = (thread, conn)
                    conn.rollback()
                    return conn
            conn = open_sqlite(self.path, wait_s=BUSY_TIMEOUT_S, pragmas=_PRAGMAS).conn
            conn.create_function("fold", 1, _fold_or_none, deterministic=True)
            conn.create_function("number_text", 1, _number_text, deterministic=True)
            self._connections.append((thread, conn))
            return conn

    def rows(self, sql: str, parameters: Any = ()) -> list[Any]:
        """All rows that the SQL selects."""
        return self.conn.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Any = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    # -- writing -------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: everything written inside is kept whole, or not at all where an exception leaves it.

        It may be entered again inside itself, by the same thread; then the outermost one decides.
        """
        with self._writing:
            self._local.steady = None
            conn = self.conn
            if conn.in_transaction:
                yield conn
                return
            # IMMEDIATE waits for another writer; a read lock that grows into a write lock fails at once.
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
            except BaseException:
                conn.rollback()
                raise
            conn.commit()

    @contextmanager
    def writing_much(self) -> Iterator[sqlite3.Connection]:
        """The same for millions of rows: meanwhile more of the file is kept in memory."""
        with self.writing() as conn:
            usual = conn.execute("PRAGMA cache_size").fetchone()[0]
            conn.execute(f"PRAGMA cache_size = {_BULK_CACHE}")
            try:
                yield conn
            finally:
                conn.execute(f"PRAGMA cache_size = {usual}")

    def tick(self, *, catalogue: bool) -> int:
        """Move the clock, and the catalogue's version to it; inside a transaction. The clock's new value."""
        conn = self.conn
        conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'clock'")
        now = int(conn.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()[0])
        if catalogue:
            conn.execute("UPDATE meta SET value = ? WHERE key = 'catalogue_version'", [now])
        return now

    # -- versions, and what is remembered by them ----------------------------------------------------------------

    @property
    def clock(self) -> int:
        """Counts the writes; anything computed from the database holds while it stands."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        return int(self.value("SELECT value FROM meta WHERE key = 'clock'")) if steady is None else steady.clock

    @property
    def catalogue_version(self) -> int:
        """Changes when items, their attributes or what was imported about them change."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        if steady is not None:
            return steady.catalogue
        return int(self.value("SELECT value FROM meta WHERE key = 'catalogue_version'"))

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Inside, this thread takes the versions as read once, unless it writes itself; it may be entered again.

        For a piece of work that asks dozens of questions: each looks at the versions first, to know whether what is
        remembered still holds. What others write meanwhile is seen by the next piece.
        """
        if getattr(self._local, "steady", None) is not None:
            yield
            return
        versions = dict(self.rows("SELECT key, value FROM meta WHERE key IN ('clock', 'catalogue_version')"))
        self._local.steady = _Versions(int(versions["clock"]), int(versions["catalogue_version"]))
        try:
            yield
        finally:
            self._local.steady = None

    def remember(self, key: Any, version: int, make: Callable[[], T], most: int = 256) -> T:
        """What ``make`` gives, computed again only when the version is another one; by one thread, while others that
        ask for the same wait for it."""
        known = self._remembered.get(key)
        if known is not None and known[0] == version:
            value: T = known[1]
            return value
        if self.conn.in_transaction:
            # What this thread has not committed yet is nobody else's to see.
            return make()
        with self._lock:
            making = self._making.setdefault(key, threading.RLock())
        with making:
            try:
                known = self._remembered.get(key)
                if known is not None and known[0] == version:
                    value = known[1]
                else:
                    value = make()
                    self._keep(key, (version, value), most)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def remembered(self, key: Any) -> Any:
        """What is remembered under this key, of whatever version; None where nothing is."""
        return self._remembered.get(key, (0, None))[1]

    def _keep(self, key: Any, made: tuple[int, Any], most: int) -> None:
        with self._lock:
            if len(self._remembered) >= most:
                for old in list(self._remembered)[: most // 2]:
                    self._remembered.pop(old, None)
            self._remembered[key] = made

    # -- care ----------------------------------------------------------------------------------------------------

    def truncate_log(self) -> None:
        """Empty the write-ahead log, in which what was deleted could live on; nothing inside a transaction."""
        if not self.conn.in_transaction:
            self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def problems(self) -> list[str]:
        """What is wrong with the database, a sentence each; empty when all is well. Reads all of it."""
        found = [str(row[0]) for row in self.rows("PRAGMA quick_check(5)") if row[0] != "ok"]
        for table in ("items_fts", "titles_fts"):
            try:
                with self.writing() as conn:
                    conn.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")  # noqa: S608
            except sqlite3.DatabaseError as error:
                found.append(f"The full-text index {table} is damaged: {error}")
        return found


def _fold_or_none(text: Any) -> str | None:
    return None if text is None else fold(str(text))


def _number_text(number: Any) -> str | None:
    return None if number is None else format_number(float(number))
