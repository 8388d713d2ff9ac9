"""The tables, and the migrations from older versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from recmind.data.errors import WorkspaceError

_TABLES = (
    # item_number and user_number are never reused (AUTOINCREMENT): built engines refer to them.
    """CREATE TABLE items (
        item_number INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL UNIQUE, available INTEGER NOT NULL,
        created_at REAL, title TEXT NOT NULL, attributes TEXT NOT NULL, search_text TEXT NOT NULL,
        description TEXT NOT NULL)""",
    "CREATE INDEX items_available ON items (available)",
    # Every distinct value once, in the forms by which it is compared and looked up; item_values links values to items.
    """CREATE TABLE attribute_values (
        value_number INTEGER PRIMARY KEY, attribute TEXT NOT NULL, value TEXT NOT NULL, text TEXT NOT NULL,
        key TEXT NOT NULL, number REAL, items INTEGER NOT NULL DEFAULT 0)""",
    "CREATE UNIQUE INDEX attribute_values_value ON attribute_values (attribute, value, (number IS NULL))",
    "CREATE INDEX attribute_values_text ON attribute_values (attribute, text)",
    "CREATE INDEX attribute_values_number ON attribute_values (attribute, number) WHERE number IS NOT NULL",
    "CREATE INDEX attribute_values_items ON attribute_values (attribute, items DESC)",
    "CREATE INDEX attribute_values_key ON attribute_values (key)",
    """CREATE TABLE item_values (
        value_number INTEGER NOT NULL, item_number INTEGER NOT NULL, PRIMARY KEY (value_number, item_number)
        ) WITHOUT ROWID""",
    "CREATE INDEX item_values_item ON item_values (item_number)",
    """CREATE VIEW item_attributes AS
        SELECT l.item_number, v.attribute, v.value, v.text, v.number
        FROM item_values l JOIN attribute_values v USING (value_number)""",
    """CREATE TABLE attributes (
        attribute TEXT PRIMARY KEY, items INTEGER NOT NULL, lists INTEGER NOT NULL, numbers INTEGER NOT NULL,
        distinct_values INTEGER NOT NULL, minimum REAL, maximum REAL) WITHOUT ROWID""",
    """CREATE TABLE titles (
        key TEXT NOT NULL, item_number INTEGER NOT NULL, distance INTEGER NOT NULL, PRIMARY KEY (key, item_number)
        ) WITHOUT ROWID""",
    "CREATE INDEX titles_item ON titles (item_number)",
    "CREATE VIRTUAL TABLE titles_fts USING fts5 (text, tokenize = 'trigram')",
    """CREATE VIRTUAL TABLE items_fts USING fts5 (
        title, description, search_text, content = 'items', content_rowid = 'item_number',
        tokenize = 'porter unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER items_fts_insert AFTER INSERT ON items BEGIN
        INSERT INTO items_fts (rowid, title, description, search_text)
        VALUES (new.item_number, new.title, new.description, new.search_text); END""",
    """CREATE TRIGGER items_fts_delete AFTER DELETE ON items BEGIN
        INSERT INTO items_fts (items_fts, rowid, title, description, search_text)
        VALUES ('delete', old.item_number, old.title, old.description, old.search_text); END""",
    """CREATE TRIGGER items_fts_update AFTER UPDATE OF title, description, search_text ON items BEGIN
        INSERT INTO items_fts (items_fts, rowid, title, description, search_text)
        VALUES ('delete', old.item_number, old.title, old.description, old.search_text);
        INSERT INTO items_fts (rowid, title, description, search_text)
        VALUES (new.item_number, new.title, new.description, new.search_text); END""",
    """CREATE TABLE users (
        user_number INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL,
        watermark INTEGER NOT NULL)""",
    """CREATE TABLE kinds (
        kind_number INTEGER PRIMARY KEY, kind TEXT NOT NULL UNIQUE, interactions INTEGER NOT NULL DEFAULT 0,
        value_count INTEGER NOT NULL DEFAULT 0, value_sum REAL NOT NULL DEFAULT 0, earliest REAL, latest REAL)""",
    # moment is the time if timed is 1, otherwise the position. So the primary key is the identity of an interaction,
    # and a user's history lies together.
    """CREATE TABLE interactions (
        user_number INTEGER NOT NULL, item_number INTEGER NOT NULL, kind_number INTEGER NOT NULL,
        timed INTEGER NOT NULL, moment REAL NOT NULL, value REAL, position INTEGER NOT NULL,
        PRIMARY KEY (user_number, item_number, kind_number, timed, moment)) WITHOUT ROWID""",
    """CREATE TABLE item_statistics (
        item_number INTEGER PRIMARY KEY, interactions INTEGER NOT NULL, positives INTEGER NOT NULL,
        value_count INTEGER NOT NULL, value_sum REAL NOT NULL)""",
    """CREATE TABLE preferences (
        user_number INTEGER NOT NULL, condition TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL, at REAL,
        PRIMARY KEY (user_number, condition)) WITHOUT ROWID""",
)


def _first_tables(conn: sqlite3.Connection) -> None:
    for statement in _TABLES:
        conn.execute(statement)
    conn.executemany("INSERT INTO meta VALUES (?, ?)", [("clock", 0), ("catalogue_version", 0)])


def _contributions(conn: sqlite3.Connection) -> None:
    # Which user gave which value of an attribute, such as a tag: it is that user's data. position: order in the import.
    conn.execute(
        """CREATE TABLE contributions (
            item_number INTEGER NOT NULL, attribute TEXT NOT NULL, position INTEGER NOT NULL,
            user_number INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (item_number, attribute, position)
            ) WITHOUT ROWID"""
    )
    conn.execute("CREATE INDEX contributions_user ON contributions (user_number, item_number)")


def _spending(conn: sqlite3.Connection) -> None:
    # Spending on chat models by day (UTC) and account; an account is a user's id with a mark before it.
    conn.execute(
        """CREATE TABLE spending (
            day TEXT NOT NULL, account TEXT NOT NULL, model_calls INTEGER NOT NULL DEFAULT 0,
            tokens INTEGER NOT NULL DEFAULT 0, cost_usd REAL NOT NULL DEFAULT 0, PRIMARY KEY (day, account)
            ) WITHOUT ROWID"""
    )


def _who_changed(conn: sqlite3.Connection) -> None:
    # After feedback, only the counts of those users' items are read again.
    conn.execute("CREATE INDEX users_watermark ON users (watermark)")


def _preferences_that_do_not_bind(conn: sqlite3.Connection) -> None:
    conn.execute("ALTER TABLE preferences ADD COLUMN binds INTEGER NOT NULL DEFAULT 1")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _first_tables,
    _contributions,
    _spending,
    _who_changed,
    _preferences_that_do_not_bind,
)
"""Migration n (from 1) brings a database from schema n - 1 to n. Only append to this tuple."""


def schema_version(conn: sqlite3.Connection) -> int:
    """The schema version of the database; 0 for an empty file."""
    if not conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return 0
    row = conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return int(row[0]) if row else 0


def migrate(conn: sqlite3.Connection, name: str) -> None:
    """Bring the database to the newest schema, each step whole or not at all.

    Args:
        conn: a connection to the database.
        name: its path, for errors.

    Raises:
        WorkspaceError: a newer RecMind or another program made the database.
    """
    newest = len(MIGRATIONS)
    version = schema_version(conn)
    if version == newest:
        return
    if version > newest:
        raise WorkspaceError(
            f"{name!r} has schema {version}, and this RecMind knows up to {newest}. Install a newer recmind."
        )
    if version == 0 and conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise WorkspaceError(f"{name!r} is an SQLite database, but not one of RecMind's. Choose another folder.")
    conn.execute("BEGIN IMMEDIATE")
    try:
        conn.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID")
        # Another process may have migrated between our look and our lock.
        for number in range(schema_version(conn), newest):
            MIGRATIONS[number](conn)
            conn.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", [number + 1])
    except BaseException:
        conn.rollback()
        raise
    conn.commit()
