"""Connections, transactions and versions, on which all parts of the store are built."""

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
"""Page cache in kibibytes (SQLite wants them negative) for large imports, which touch all tables at once."""


@dataclass(frozen=True, slots=True)
class _Versions:
    """Clock and catalogue version of a database at one moment."""

    clock: int
    catalogue: int


class Database:
    """A database file with one connection for each thread, a write-ahead log, and a clock that every write advances."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Open or create the file. Raises WorkspaceError where it is no database, or a newer RecMind made it."""
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
                # Tool threads come and go; the connection of a thread that has ended is warm, so it is used again.
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
        """A transaction: everything written inside is kept, or nothing if an exception leaves it.

        The same thread may enter it again inside itself; then the outermost one decides.
        """
        with self._writing:
            self._local.steady = None
            conn = self.conn
            if conn.in_transaction:
                yield conn
                return
            # IMMEDIATE waits for another writer; a read lock that becomes a write lock would fail at once.
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
            except BaseException:
                conn.rollback()
                raise
            conn.commit()

    @contextmanager
    def writing_much(self) -> Iterator[sqlite3.Connection]:
        """A transaction for millions of rows, during which more of the file is kept in memory."""
        with self.writing() as conn:
            usual = conn.execute("PRAGMA cache_size").fetchone()[0]
            conn.execute(f"PRAGMA cache_size = {_BULK_CACHE}")
            try:
                yield conn
            finally:
                conn.execute(f"PRAGMA cache_size = {usual}")

    def tick(self, *, catalogue: bool) -> int:
        """Advance the clock inside a transaction, and return its new value; with ``catalogue`` the catalogue's version
        too.
        """
        conn = self.conn
        conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'clock'")
        now = int(conn.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()[0])
        if catalogue:
            conn.execute("UPDATE meta SET value = ? WHERE key = 'catalogue_version'", [now])
        return now

    # -- versions, and what is remembered by them ----------------------------------------------------------------

    @property
    def clock(self) -> int:
        """The number of writes; anything computed from the database is valid until it changes."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        return int(self.value("SELECT value FROM meta WHERE key = 'clock'")) if steady is None else steady.clock

    @property
    def catalogue_version(self) -> int:
        """A number that changes when items, their attributes or imported data about them change."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        if steady is not None:
            return steady.catalogue
        return int(self.value("SELECT value FROM meta WHERE key = 'catalogue_version'"))

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Inside, this thread reads the versions only once, unless it writes itself; it may be entered again.

        It is for work that asks dozens of questions, each of which checks the versions to know whether what is
        remembered is still valid. What others write in the meantime is seen by the next such work.
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
        """The result of ``make``, computed again only for another version.

        One thread computes it, while others that ask for the same wait.

        Args:
            key: names the result.
            version: the version of the database that the result belongs to.
            make: computes the result.
            most: largest number of results that are remembered.
        """
        known = self._remembered.get(key)
        if known is not None and known[0] == version:
            value: T = known[1]
            return value
        if self.conn.in_transaction:
            # Nobody else may see what this thread has not committed yet.
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
        """The remembered result of this key, of whatever version; None where there is none."""
        return self._remembered.get(key, (0, None))[1]

    def _keep(self, key: Any, made: tuple[int, Any], most: int) -> None:
        with self._lock:
            if len(self._remembered) >= most:
                for old in list(self._remembered)[: most // 2]:
                    self._remembered.pop(old, None)
            self._remembered[key] = made

    # -- care ----------------------------------------------------------------------------------------------------

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which could still hold deleted rows; does nothing inside a transaction."""
        if not self.conn.in_transaction:
            self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def problems(self) -> list[str]:
        """The problems of the database, a sentence each; empty if there are none. Reads the whole file."""
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
