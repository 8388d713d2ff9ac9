"""Where traces are kept: one SQLite file in the workspace."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from agent.tracing.records import RunRecord, Tokens, TraceNode, TraceSummary, TraceTree
from agent.tracing.schema import TraceError, UnknownTrace, migrate
from data.sqlite import open_sqlite

Row = Mapping[str, Any]
Summaries = list[TraceSummary]

LOCK_WAIT_S = 2.0
"""How long a write waits for another process; a request must not hang on its trace."""

_TRACE_COLUMNS = (
    "trace_id, start_time, latency_ms, query, user_id, model, source, status, error, runs, "
    "prompt_tokens, completion_tokens, total_tokens, total_cost"
)
_RUN_COLUMNS = (
    "id, trace_id, parent_run_id, dotted_order, name, run_type, start_time, end_time, inputs, outputs, error, extra, "
    "tags, session_name, prompt_tokens, completion_tokens, total_tokens, total_cost"
)


class TraceStore:
    """The traces in one file. Safe to share between threads; several processes may use the file at once.

    Making one touches nothing: the file comes into being with the first write.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._process = 0

    def __repr__(self) -> str:
        return f"TraceStore({str(self.path)!r})"

    def __enter__(self) -> TraceStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; the next use opens it again."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def write(self, trace: Row, runs: Sequence[Row]) -> None:
        """Adds one trace, whole or not at all: values by column name, payloads as JSON text. Raises TraceError."""
        with self._database(create=True) as db, db.atomic():
            db.conn.execute(_insert("traces", _TRACE_COLUMNS), trace)
            db.conn.executemany(_insert("runs", _RUN_COLUMNS), runs)

    def list(
        self,
        limit: int = 20,
        *,
        since: float | None = None,
        user_id: str | None = None,
        model: str | None = None,
        source: str | None = None,
        status: str | None = None,
    ) -> Summaries:
        """The newest traces first, at most ``limit``. ``since``: Unix seconds; the others must be equal.

        Raises TraceError where the file cannot be read.
        """
        if not self.path.exists():
            return []
        wanted = {"user_id": user_id, "model": model, "source": source, "status": status}
        if since is not None:
            wanted["since"] = _iso(datetime.fromtimestamp(since, UTC))
        wanted = {column: value for column, value in wanted.items() if value is not None}
        tests = ["start_time >= :since" if column == "since" else f"{column} = :{column}" for column in wanted]
        where = f"WHERE {' AND '.join(tests)}" if tests else ""
        # Ids begin with the time, so the key's own order is the order in time.
        sql = f"SELECT {_TRACE_COLUMNS} FROM traces {where} ORDER BY trace_id DESC LIMIT :limit"  # noqa: S608  fixed names
        with self._database() as db:
            return [_summary(row) for row in db.query(sql, {**wanted, "limit": limit})]

    def tree(self, trace_id: str) -> TraceTree:
        """The trace with this id; any beginning or end that only one trace has will do, and ``last`` is the newest.

        Raises TraceError where there is none or several.
        """
        with self._database() as db:
            full = self._resolve(db, trace_id.strip().lower())
            summary = _summary(next(db.query(f"SELECT {_TRACE_COLUMNS} FROM traces WHERE trace_id = ?", [full])))  # noqa: S608
            sql = f"SELECT {_RUN_COLUMNS} FROM runs WHERE trace_id = ? ORDER BY dotted_order"  # noqa: S608  fixed names
            runs = [_run(row) for row in db.query(sql, [full])]
        return TraceTree(summary, _nested(runs))

    def forget_user(self, user_id: str) -> int:
        """Erases this user's traces; how many there were. Raises TraceError."""
        if not self.path.exists():
            return 0
        with self._database() as db:
            with db.atomic():
                erased = db.conn.execute("DELETE FROM traces WHERE user_id = ?", [user_id]).rowcount
            if erased:
                # What was erased must live on neither in free pages nor in the write-ahead log.
                db.conn.execute("VACUUM")
                db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return erased

    def _resolve(self, db: Database, text: str) -> str:
        if text == "last":
            found = [row[0] for row in db.conn.execute("SELECT trace_id FROM traces ORDER BY trace_id DESC LIMIT 1")]
            if not found:
                raise UnknownTrace(f"There are no traces in {self.path} yet.")
        elif not text or not set(text) <= set("0123456789abcdef-"):
            raise UnknownTrace(f"{text!r} is no trace id. Run: recmind trace list")
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
        """The open file, held by this thread alone; what goes wrong inside comes out as TraceError."""
        with self._lock:
            try:
                yield self._open(create)
            except (sqlite3.Error, OSError) as error:
                raise TraceError(f"{self.path}: {error}") from error

    def _open(self, create: bool) -> Database:
        if self._db is not None and self._process == os.getpid():
            return self._db
        if not create and not self.path.exists():
            raise UnknownTrace(f"There are no traces in {self.path} yet.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One connection behind one lock, for all threads. A forked child must not use its parent's: it opens its own.
        db = open_sqlite(self.path, wait_s=LOCK_WAIT_S, pragmas=("foreign_keys = ON",))
        try:
            migrate(db, str(self.path))
        except BaseException:
            db.close()
            raise
        self._db, self._process = db, os.getpid()
        return db


def _insert(table: str, columns: str) -> str:
    values = ", ".join(f":{name}" for name in columns.split(", "))
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608  fixed names


def _nested(runs: list[RunRecord]) -> TraceNode:
    """The tree of runs sorted with parents first. A run whose parent is missing hangs under the root."""
    if not runs:
        raise TraceError("The trace has no runs.")
    root = runs[0].id
    known = {run.id for run in runs}
    below: dict[str, list[RunRecord]] = {}
    for run in runs[1:]:
        below.setdefault(run.parent_run_id if run.parent_run_id in known else root, []).append(run)

    def node(run: RunRecord) -> TraceNode:
        return TraceNode(run, tuple(node(child) for child in below.get(run.id, ())))

    return node(runs[0])


def _summary(row: Row) -> TraceSummary:
    kept = {
        name: row[name]
        for name in ("trace_id", "latency_ms", "query", "user_id", "model", "source", "status", "error", "runs")
    }
    return TraceSummary(**kept, start_time=datetime.fromisoformat(row["start_time"]), tokens=_tokens(row))


def _run(row: Row) -> RunRecord:
    kept = {
        name: row[name] for name in ("id", "trace_id", "parent_run_id", "dotted_order", "name", "run_type", "error")
    }
    return RunRecord(
        **kept,
        start_time=datetime.fromisoformat(row["start_time"]),
        end_time=datetime.fromisoformat(row["end_time"]) if row["end_time"] else None,
        inputs=json.loads(row["inputs"]),
        outputs=json.loads(row["outputs"]),
        extra=json.loads(row["extra"]),
        tags=tuple(json.loads(row["tags"])),
        session_name=row["session_name"],
        tokens=_tokens(row),
    )


def _tokens(row: Row) -> Tokens:
    return Tokens(row["prompt_tokens"], row["completion_tokens"], row["total_tokens"], row["total_cost"])


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
