"""The tables of traces.db, and the migrations that bring older files up to date."""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database

from recmind.data.errors import InputError, RecMindError


class TraceError(RecMindError):
    """Traces cannot be read, or the requested trace does not exist."""


class UnknownTrace(TraceError, InputError):  # noqa: N818  reads as the fact that it is
    """The requested id fits no trace, or several."""


class InvalidJudgement(TraceError, InputError):  # noqa: N818  reads as the fact that it is
    """A judgement of an answer cannot be kept."""


def _first(db: Database) -> None:
    """Runs with LangSmith's fields, and one row for each request beside them, so that a list need not read the runs."""
    db.execute(
        """
        CREATE TABLE traces (
            trace_id TEXT PRIMARY KEY, start_time TEXT NOT NULL, latency_ms REAL NOT NULL, query TEXT NOT NULL,
            user_id TEXT, model TEXT NOT NULL, source TEXT, status TEXT NOT NULL, error TEXT, runs INTEGER NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE runs (
            id TEXT NOT NULL, trace_id TEXT NOT NULL REFERENCES traces(trace_id) ON DELETE CASCADE,
            parent_run_id TEXT, dotted_order TEXT NOT NULL, name TEXT NOT NULL, run_type TEXT NOT NULL,
            start_time TEXT NOT NULL, end_time TEXT, inputs TEXT NOT NULL, outputs TEXT NOT NULL, error TEXT,
            extra TEXT NOT NULL, tags TEXT NOT NULL, session_name TEXT NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL
        )
        """
    )
    db.execute("CREATE UNIQUE INDEX runs_of_trace ON runs(trace_id, dotted_order)")
    db.execute("CREATE INDEX traces_of_user ON traces(user_id, trace_id)")


def _second(db: Database) -> None:
    """Payloads that many runs share are stored once, and the words of a trace can be searched.

    A trace has a number, which everything else refers to. Whatever belongs to a trace is deleted with it.
    """
    for statement in (
        "ALTER TABLE traces RENAME TO old_traces",
        "ALTER TABLE runs RENAME TO old_runs",
        "DROP INDEX traces_of_user",
        """
        CREATE TABLE traces (
            number INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, start_time TEXT NOT NULL,
            latency_ms REAL NOT NULL, query TEXT NOT NULL, user_id TEXT, model TEXT NOT NULL, source TEXT,
            status TEXT NOT NULL, error TEXT, runs INTEGER NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL,
            model_calls INTEGER NOT NULL, cached_calls INTEGER NOT NULL, tool_calls INTEGER NOT NULL,
            failed_tools INTEGER NOT NULL
        )
        """,
        """
        INSERT INTO traces SELECT NULL, trace_id, start_time, latency_ms, query, user_id, model, source,
            status, error, runs, prompt_tokens, completion_tokens, total_tokens, total_cost,
            (SELECT count(*) FROM old_runs r WHERE r.trace_id = old_traces.trace_id AND run_type = 'llm'), 0,
            (SELECT count(*) FROM old_runs r WHERE r.trace_id = old_traces.trace_id AND run_type = 'tool'),
            (SELECT count(*) FROM old_runs r
                WHERE r.trace_id = old_traces.trace_id AND run_type = 'tool' AND error IS NOT NULL)
            FROM old_traces ORDER BY trace_id
        """,
        """
        CREATE TABLE runs (
            number INTEGER NOT NULL REFERENCES traces(number) ON DELETE CASCADE,
            id TEXT NOT NULL, parent_run_id TEXT, dotted_order TEXT NOT NULL, name TEXT NOT NULL,
            run_type TEXT NOT NULL, start_time TEXT NOT NULL, end_time TEXT,
            inputs NOT NULL, outputs NOT NULL, error TEXT, extra NOT NULL, shared TEXT, tags TEXT NOT NULL,
            session_name TEXT NOT NULL,
            prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, total_cost REAL,
            PRIMARY KEY (number, dotted_order)
        ) WITHOUT ROWID
        """,
        """
        INSERT INTO runs SELECT (SELECT number FROM traces t WHERE t.trace_id = old_runs.trace_id), id, parent_run_id,
            dotted_order, name, run_type, start_time, end_time, inputs, outputs, error, extra, NULL, tags, session_name,
            prompt_tokens, completion_tokens, total_tokens, total_cost FROM old_runs
        """,
        "DROP TABLE old_runs",
        "DROP TABLE old_traces",
        "CREATE INDEX traces_in_time ON traces(start_time)",
        "CREATE INDEX traces_of_user ON traces(user_id, trace_id)",
        "CREATE TABLE payloads (hash BLOB PRIMARY KEY, body NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE uses (
            number INTEGER NOT NULL REFERENCES traces(number) ON DELETE CASCADE, hash BLOB NOT NULL,
            PRIMARY KEY (number, hash)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX uses_of_payload ON uses(hash)",
        """
        CREATE TRIGGER payloads_unused AFTER DELETE ON uses BEGIN
            DELETE FROM payloads WHERE hash = old.hash AND NOT EXISTS (SELECT 1 FROM uses WHERE hash = old.hash);
        END
        """,
        "CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')",
        "CREATE TRIGGER words_gone AFTER DELETE ON traces BEGIN DELETE FROM words WHERE rowid = old.number; END",
        "INSERT INTO words (rowid, text) SELECT number, query || coalesce(' ' || error, '') FROM traces",
    ):
        db.execute(statement)


def _third(db: Database) -> None:
    """Adds a table for what people say about answers."""
    db.execute(
        """
        CREATE TABLE judgements (
            number INTEGER NOT NULL REFERENCES traces(number) ON DELETE CASCADE,
            at TEXT NOT NULL, score REAL, comment TEXT NOT NULL, item_id TEXT
        )
        """
    )
    db.execute("CREATE INDEX judgements_of_trace ON judgements(number)")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first, _second, _third)
"""In order; a file's ``user_version`` counts those that it has had. Append only; never change a released one."""


def migrate(db: Database, file: str) -> None:
    """Brings the file up to date; several processes may do so at once.

    Args:
        db: the file of traces.
        file: its name, for the error message.

    Raises:
        TraceError: a newer RecMind made the file.
    """
    if _version(db, file) == len(MIGRATIONS):
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        for number, step in enumerate(MIGRATIONS[_version(db, file) :], _version(db, file) + 1):
            step(db)
            db.conn.execute(f"PRAGMA user_version = {number}")
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def _version(db: Database, file: str) -> int:
    version = int(db.conn.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise TraceError(
            f"{file} was written by a newer RecMind (trace format {version}, this one knows {len(MIGRATIONS)}). "
            "Update RecMind, or move the file away to start a new one."
        )
    return version
