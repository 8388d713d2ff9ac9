"""Keeps traces in one SQLite file of the workspace."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sqlite_utils import Database

from recmind.agent.tracing.records import TraceSummary, TraceTree
from recmind.agent.tracing.store.decoding import RUN_COLUMNS, SUMMARY, TRACE_COLUMNS, nested, run_of, summary_of
from recmind.agent.tracing.store.judging import Judgement, judge, judgements
from recmind.agent.tracing.store.packing import unpack
from recmind.agent.tracing.store.pruning import prune
from recmind.agent.tracing.store.schema import InvalidJudgement, TraceError, UnknownTrace, migrate
from recmind.agent.tracing.store.stats import By, Stats, stats
from recmind.agent.tracing.store.writer import BatchWriter, flush_all
from recmind.data.errors import RecMindError
from recmind.data.settings import TraceSettings
from recmind.data.store.sqlite import open_sqlite

if TYPE_CHECKING:
    from recmind.agent.tracing.store.rows import TraceRows

log = logging.getLogger(__name__)

# In the class below, ``list`` is a method.
Summaries = list[TraceSummary]
Figures = list[Stats]
Judgements = list[Judgement]
_Later = tuple[str, Callable[[], "TraceRows"], Callable[["TraceRows"], None]]
"""The id of a trace, a function that makes its rows, and one that is called with them once they are written."""

LOCK_WAIT_S = 10.0
"""Seconds that a write waits for another process."""

PRUNED_FOR_EACH = 2
"""At most this many traces are deleted for each that is written, so that no write waits for a long clean-up."""

ROWS_AT_ONCE = 500
"""Rows in one statement: SQLite allows some 32,000 values."""

_NEWEST = "start_time DESC, trace_id DESC"

_INHERITED: list[Database] = []
"""Connections of the parent process: closing one here would release the parent's locks."""


def _untold(_rows: TraceRows) -> None:
    """Does nothing."""


class TraceStore:
    """The traces in one file. Safe to share between threads; several processes may use the file at once.

    Making one touches no file: the file is made by the first write.
    """

    def __init__(self, path: str | Path, settings: TraceSettings | None = None) -> None:
        self.path = Path(path)
        self.settings = settings or TraceSettings()
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._process = 0
        self._writer: BatchWriter[_Later] = BatchWriter(self.path, self._write_made)
        self.flushed_elsewhere: list[Callable[[], None]] = []
        """Functions that ``flush`` calls too, for processes that write traces for this one."""

    def __repr__(self) -> str:
        return f"TraceStore({str(self.path)!r})"

    def __enter__(self) -> TraceStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Writes everything that is waiting and closes the file; the next use opens it again."""
        self._writer.flush()
        with self._lock:
            if self._db is not None and self._process == os.getpid():
                self._db.close()
                self._db = None

    def flush(self) -> None:
        """Returns once everything handed over for this file is written, also in processes that work for this one."""
        for flush in self.flushed_elsewhere:
            flush()
        flush_all(self.path)

    def write_later(
        self, trace_id: str, make: Callable[[], TraceRows], then: Callable[[TraceRows], None] = _untold
    ) -> None:
        """Has a trace written soon, by another thread.

        Never raises: a trace that cannot be written is logged.

        Args:
            trace_id: the id of the trace, for the log.
            make: makes the rows of the trace.
            then: called with the rows once they are written.
        """
        if not self._writer.put((trace_id, make, then)):
            log.warning("trace %s was not written: too many wait for %s", trace_id, self.path)

    def write(self, *traces: TraceRows) -> None:
        """Adds the traces, all of them or none.

        Args:
            *traces: the rows of each trace.

        Raises:
            TraceError: the file cannot be written.
        """
        with self._database(create=True) as db:
            with db.atomic():
                for trace in traces:
                    _add(db.conn, trace)
            prune(db, self.settings, at_most=PRUNED_FOR_EACH * len(traces))

    def list(
        self,
        limit: int = 20,
        *,
        since: float | None = None,
        until: float | None = None,
        user_id: str | None = None,
        model: str | None = None,
        source: str | None = None,
        status: str | None = None,
        slower_ms: float | None = None,
        dearer: float | None = None,
        text: str | None = None,
        judged: bool = False,
    ) -> Summaries:
        """The newest traces that meet every condition given, the newest first.

        Args:
            limit: at most this many.
            since: Unix seconds; they began at this time or later.
            until: Unix seconds; they began before this time.
            user_id: whose requests they are.
            model: the model's name.
            source: agent or fallback.
            status: success or error.
            slower_ms: they took at least this many milliseconds.
            dearer: they cost at least this many US dollars.
            text: words that were all asked, said or found, in any order.
            judged: whether to list only traces that a person judged.

        Raises:
            TraceError: the file cannot be read.
        """
        self.flush()
        if not self.path.exists():
            return []
        given = {
            "start_time >= ": None if since is None else _iso(since),
            "start_time < ": None if until is None else _iso(until),
            "user_id = ": user_id,
            "model = ": model,
            "source = ": source,
            "status = ": status,
            "latency_ms >= ": slower_ms,
            "total_cost >= ": dearer,
        }
        tests = {test: value for test, value in given.items() if value is not None}
        where = [f"{test}?" for test in tests]
        values: list[object] = list(tests.values())
        if text is not None:
            where.append("number IN (SELECT rowid FROM words WHERE words MATCH ?)")
            values.append(_all_words(text))
        if judged:
            where.append("number IN (SELECT number FROM judgements)")
        sql = f"SELECT {SUMMARY} FROM traces WHERE {' AND '.join(where or ['1'])} ORDER BY {_NEWEST} LIMIT ?"  # noqa: S608
        with self._database() as db:
            return [summary_of(row) for row in db.query(sql, [*values, limit])]

    def tree(self, trace_id: str) -> TraceTree:
        """The trace with this id.

        Args:
            trace_id: an id, or any beginning or end that only one trace has; ``last`` is the newest.

        Raises:
            TraceError: no trace has this id, or several have, or the file cannot be read.
        """
        self.flush()
        with self._database() as db:
            full = self._resolve(db, trace_id.strip().lower())
            head = next(db.query(f"SELECT number, {SUMMARY} FROM traces WHERE trace_id = ?", [full]))  # noqa: S608
            number = [head["number"]]
            sql = f"SELECT {RUN_COLUMNS} FROM runs WHERE number = ? ORDER BY dotted_order"  # noqa: S608  fixed names
            rows = list(db.query(sql, number))
            sql = "SELECT hash, body FROM uses JOIN payloads USING (hash) WHERE number = ?"
            payloads = {kept.hex(): json.loads(unpack(body)) for kept, body in db.conn.execute(sql, number)}
        return TraceTree(summary_of(head), nested([run_of(full, row, payloads) for row in rows]))

    def stats(self, by: Sequence[By] = ("day",), *, since: float | None = None) -> Figures:
        """The figures of all requests, the newest day first.

        Args:
            by: what the requests are grouped by: day, model or both.
            since: Unix seconds from which on requests count; None for all.

        Raises:
            TraceError: the file cannot be read.
        """
        self.flush()
        if not self.path.exists():
            return []
        with self._database() as db:
            return stats(db, by, None if since is None else _iso(since))

    def judge(
        self, trace_id: str, score: float | None, comment: str = "", *, item_id: str | None = None, at: float
    ) -> None:
        """Attaches a judgement to a trace.

        Args:
            trace_id: as for ``tree``.
            score: 0 to 1; None for a comment alone.
            comment: the person's words; may be empty.
            item_id: the item it is about; None for the whole answer.
            at: Unix seconds.

        Raises:
            InvalidJudgement: the score is out of range, or there is neither score nor comment.
            TraceError: there is no such trace, or the file cannot be written.
        """
        if score is not None and not 0 <= score <= 1:
            raise InvalidJudgement(f"score is {score}; give a number from 0 (useless) to 1 (just right).")
        if score is None and not comment and item_id is None:
            raise InvalidJudgement(f"The judgement of trace {trace_id!r} is empty: give a score, a comment or both.")
        self.flush()
        with self._database() as db:
            full = self._resolve(db, trace_id.strip().lower())
            number = db.conn.execute("SELECT number FROM traces WHERE trace_id = ?", [full]).fetchone()[0]
            judge(db, number, score, comment, item_id, at)

    def judgements(self, trace_id: str | None = None) -> Judgements:
        """The judgements of all traces that still exist, the oldest first.

        Args:
            trace_id: only those of the trace with this whole id; None for all.

        Raises:
            TraceError: the file cannot be read.
        """
        self.flush()
        if not self.path.exists():
            return []
        with self._database() as db:
            return list(judgements(db, trace_id))

    def prune(self) -> int:
        """Deletes the traces that exceed the limits of the settings, and shrinks the file; returns how many were
        deleted.

        Raises:
            TraceError: the file cannot be written.
        """
        self.flush()
        if not self.path.exists():
            return 0
        with self._database() as db:
            pruned = prune(db, self.settings)
            _rewrite(db)
        return pruned

    def forget_user(self, user_id: str) -> int:
        """Erases this user's traces; returns how many there were.

        Args:
            user_id: the user.

        Raises:
            TraceError: the file cannot be written.
        """
        self.flush()
        if not self.path.exists():
            return 0
        with self._database() as db:
            with db.atomic():
                # The members of a group are stored as one JSON text.
                sql = (
                    "DELETE FROM traces WHERE user_id = ? OR (user_id LIKE '[%' AND instr(user_id, json_quote(?)) > 0)"
                )
                erased = db.conn.execute(sql, [user_id, user_id]).rowcount
            if erased:
                _rewrite(db)
        return erased

    def _write_made(self, batch: Sequence[_Later]) -> None:
        """Makes and writes the traces that were handed over, and calls the functions that want to know."""
        made: list[tuple[TraceRows, Callable[[TraceRows], None]]] = []
        for trace_id, make, then in batch:
            try:
                made.append((make(), then))
            except Exception:
                log.warning("trace %s was not written", trace_id, exc_info=True)
        self._write_or_log([rows for rows, _ in made])
        for rows, then in made:
            then(rows)

    def _write_or_log(self, traces: Sequence[TraceRows]) -> None:
        """Writes the traces; one that cannot be written does not prevent the others."""
        try:
            self.write(*traces)
        except RecMindError as error:
            # If the fault is in the file, every single trace would fail too.
            alone = len(traces) < 2 or isinstance(error.__cause__, (sqlite3.OperationalError, OSError))
            for rows in traces:
                if alone:
                    log.warning("trace %s was not written: %s", rows.trace["trace_id"], error)
                else:
                    self._write_or_log([rows])

    def _resolve(self, db: Database, text: str) -> str:
        if text == "last":
            sql = f"SELECT trace_id FROM traces ORDER BY {_NEWEST} LIMIT 1"  # noqa: S608  fixed names
            found = [row[0] for row in db.conn.execute(sql)]
            if not found:
                raise UnknownTrace(f"There are no traces in {self.path} yet.")
        elif not text or not set(text) <= set("0123456789abcdef-"):
            raise UnknownTrace(f"{text!r} is not a trace id. Run: recmind trace list")
        else:
            sql = "SELECT trace_id FROM traces WHERE trace_id GLOB ? OR trace_id GLOB ? ORDER BY trace_id DESC LIMIT 4"
            found = [row[0] for row in db.conn.execute(sql, [f"{text}*", f"*{text}"])]
        if not found:
            raise UnknownTrace(f"There is no trace {text!r} in {self.path}. Run: recmind trace list")
        if len(found) > 1:
            more = "" if len(found) < 4 else ", ..."
            raise UnknownTrace(f"{text!r} fits several traces ({', '.join(found[:3])}{more}). Give more of the id.")
        return str(found[0])

    @contextmanager
    def _database(self, create: bool = False) -> Iterator[Database]:
        """The open file, used by this thread alone; errors inside become TraceError."""
        with self._lock:
            try:
                yield self._open(create)
            except (sqlite3.Error, OSError) as error:
                raise TraceError(f"{self.path}: {error}") from error

    def _open(self, create: bool) -> Database:
        if self._db is not None:
            if self._process == os.getpid():
                return self._db
            # All threads share one connection behind one lock. A forked child must not use its parent's: it opens
            # its own.
            _INHERITED.append(self._db)
        if not create and not self.path.exists():
            raise UnknownTrace(f"There are no traces in {self.path} yet.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = open_sqlite(self.path, wait_s=LOCK_WAIT_S, pragmas=("foreign_keys = ON",))
        try:
            migrate(db, str(self.path))
        except BaseException:
            db.close()
            raise
        self._db, self._process = db, os.getpid()
        return db


def _add(conn: sqlite3.Connection, rows: TraceRows) -> None:
    columns = TRACE_COLUMNS.split(", ")
    number = _insert(conn, "INSERT", "traces", TRACE_COLUMNS, [[rows.trace[name] for name in columns]])
    columns = RUN_COLUMNS.split(", ")
    runs = [[number if name == "number" else run[name] for name in columns] for run in rows.runs]
    _insert(conn, "INSERT", "runs", RUN_COLUMNS, runs)
    _insert(conn, "INSERT OR IGNORE", "payloads", "hash, body", list(rows.payloads.items()))
    _insert(conn, "INSERT", "uses", "number, hash", [(number, kept) for kept in rows.payloads])
    _insert(conn, "INSERT", "words", "rowid, text", [(number, rows.words)])


def _insert(
    conn: sqlite3.Connection, verb: str, table: str, columns: str, rows: Sequence[Sequence[object]]
) -> int | None:
    """Inserts many rows in a statement; returns the id of the last row.

    After each statement a busy process lets this thread wait some milliseconds, so few statements are faster.
    """
    last = None
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[first : first + ROWS_AT_ONCE]
        row = f"({', '.join('?' * len(some[0]))})"
        sql = f"{verb} INTO {table} ({columns}) VALUES {', '.join([row] * len(some))}"
        last = conn.execute(sql, [value for values in some for value in values]).lastrowid
    return last


def _rewrite(db: Database) -> None:
    """Removes what was erased from the index of words, from free pages and from the write-ahead log too."""
    with db.atomic():
        db.conn.execute("INSERT INTO words (words) VALUES ('optimize')")
    db.conn.execute("VACUUM")
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _all_words(text: str) -> str:
    """The words of a text as an FTS5 query, without anything that FTS5 would read as an operator."""
    return " ".join(f'"{word}"' for word in text.replace('"', " ").split()) or '""'


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
