"""Connections, transactions and versions: what all parts of the store stand on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import sqlite_utils

from recmind.data.errors import WorkspaceError
from recmind.data.schema import migrate
from recmind.data.settings import Settings
from recmind.data.sqlite import open_sqlite
from recmind.data.text import fold, format_number

T = TypeVar("T")

BUSY_TIMEOUT_S = 30.0
_PRAGMAS = ("mmap_size = 1073741824", "cache_size = -32000", "temp_store = MEMORY", "secure_delete = ON")


@dataclass(frozen=True, slots=True)
class _Versions:
    """Both versions of a database at one moment."""

    clock: int
    catalogue: int


class Database:
    """A database file with one connection for each thread, write-ahead log, and a clock that every write moves."""

    def __init__(self, path: str | Path, settings: Settings | None = None) -> None:
        """Open or create the file. Raises WorkspaceError where it is no database, or of a newer RecMind."""
        self.path = Path(path)
        self.settings = settings or Settings()
        self._local = threading.local()
        self._connections: list[tuple[threading.Thread, sqlite_utils.Database]] = []
        self._lock = threading.RLock()
        self._writing = threading.RLock()
        self._closed = False
        self._remembered: dict[Any, tuple[int, Any]] = {}
        self._making: dict[Any, threading.RLock] = {}
        try:
            migrate(self._db(), str(self.path))
        except sqlite3.DatabaseError as error:
            self.close()
            raise WorkspaceError(f"Cannot open the database {str(self.path)!r}: {error}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the store cannot be used afterwards."""
        with self._lock:
            self._closed = True
            for _, db in self._connections:
                db.close()
            self._connections.clear()

    def _db(self) -> sqlite_utils.Database:
        """This thread's connection."""
        db: sqlite_utils.Database | None = getattr(self._local, "db", None)
        if db is None or self._closed:
            db = self._local.db = self._connect()
        return db

    def _connect(self) -> sqlite_utils.Database:
        thread = threading.current_thread()
        with self._lock:
            if self._closed:
                raise WorkspaceError(f"The store {str(self.path)!r} is closed.")
            for place, (owner, db) in enumerate(self._connections):
                # Tool threads come and go: the connection of one that has ended is warm, so it is used again.
                if not owner.is_alive():
                    self._connections[place] = (thread, db)
                    if db.conn.in_transaction:
                        db.rollback()
                    return db
            db = open_sqlite(self.path, wait_s=BUSY_TIMEOUT_S, pragmas=_PRAGMAS)
            db.conn.create_function("fold", 1, _fold_or_none, deterministic=True)
            db.conn.create_function("number_text", 1, _number_text, deterministic=True)
            self._connections.append((thread, db))
            return db

    def _rows(self, sql: str, parameters: Any = ()) -> list[Any]:
        return self._db().conn.execute(sql, parameters).fetchall()

    def _value(self, sql: str, parameters: Any = ()) -> Any:
        """The first column of the first row, or None."""
        row = self._db().conn.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def writing(self) -> Iterator[sqlite_utils.Database]:
        """A transaction: everything written inside is kept whole, or not at all where an exception leaves it.

        It may be entered again inside itself, by the same thread; then the outermost one decides.
        """
        with self._writing:
            self._local.steady = None
            db = self._db()
            if db.conn.in_transaction:
                yield db
                return
            # IMMEDIATE waits for another writer; a read lock that grows into a write lock fails at once.
            db.conn.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()

    @property
    def clock(self) -> int:
        """Counts the writes; anything computed from the database holds while it stands."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        return int(self._value("SELECT value FROM meta WHERE key = 'clock'")) if steady is None else steady.clock

    @property
    def catalogue_version(self) -> int:
        """Changes when items, their attributes or what was imported about them change."""
        steady: _Versions | None = getattr(self._local, "steady", None)
        if steady is not None:
            return steady.catalogue
        return int(self._value("SELECT value FROM meta WHERE key = 'catalogue_version'"))

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Inside, this thread takes the versions as read once, unless it writes itself; it may be entered again.

        For a piece of work that asks dozens of questions: each looks at the versions first, to know whether what is
        remembered still holds. What others write meanwhile is seen by the next piece.
        """
        if getattr(self._local, "steady", None) is not None:
            yield
            return
        versions = dict(self._rows("SELECT key, value FROM meta WHERE key IN ('clock', 'catalogue_version')"))
        self._local.steady = _Versions(int(versions["clock"]), int(versions["catalogue_version"]))
        try:
            yield
        finally:
            self._local.steady = None

    def _tick(self, db: sqlite_utils.Database, *, catalogue: bool) -> int:
        """Move the clock, and the catalogue's version to it."""
        db.conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'clock'")
        now = int(db.conn.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()[0])
        if catalogue:
            db.conn.execute("UPDATE meta SET value = ? WHERE key = 'catalogue_version'", [now])
        return now

    def _remember(self, key: Any, version: int, make: Callable[[], T], most: int = 256) -> T:
        """What ``make`` gives, computed again only when the version is another one; by one thread, while others that
        ask for the same wait for it."""
        known = self._remembered.get(key)
        if known is not None and known[0] == version:
            value: T = known[1]
            return value
        if self._db().conn.in_transaction:
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

    def _keep(self, key: Any, made: tuple[int, Any], most: int) -> None:
        with self._lock:
            if len(self._remembered) >= most:
                for old in list(self._remembered)[: most // 2]:
                    self._remembered.pop(old, None)
            self._remembered[key] = made

    def problems(self) -> list[str]:
        """What is wrong with the database, a sentence each; empty when all is well. Reads all of it."""
        found = [str(row[0]) for row in self._rows("PRAGMA quick_check(5)") if row[0] != "ok"]
        for table in ("items_fts", "titles_fts"):
            try:
                with self.writing() as db:
                    db.conn.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")  # noqa: S608
            except sqlite3.DatabaseError as error:
                found.append(f"The full-text index {table} is damaged: {error}")
        return found


def _fold_or_none(text: Any) -> str | None:
    return None if text is None else fold(str(text))


def _number_text(number: Any) -> str | None:
    return None if number is None else format_number(float(number))
