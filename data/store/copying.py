"""Makes a physical copy of a workspace without held-out interactions, so that nothing that reads it can know of them.

No byte of them remains: the rows are deleted, everything derived from them is computed anew, counters start again, and
the file is written from scratch. Two workspaces that differ only in held-out rows have equal copies.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from recmind.data.arrays import Bools
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import WorkspaceError
from recmind.data.evaluation.splits import Split
from recmind.data.progress import Progress, quiet
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace

_FRESH = 1
"""Clock, catalogue version and watermarks of a copy: those of the original would reveal held-out rows."""
_KEY = "user_number, item_number, kind_number, timed, moment"


def copy_without(
    source: Workspace, home: Path, arrays: InteractionArrays, split: Split, progress: Progress = quiet
) -> Workspace:
    """A new workspace with the source's items, users and settings, without what is held out; it has no index yet.

    Args:
        source: the workspace to copy; it is only read.
        home: the folder of the copy; it must not hold a database.
        arrays: the interactions of the source that the split was made of.
        split: what to leave out; an interaction takes with it what its user contributed to the item's attributes.
        progress: is called in each step.

    Raises:
        WorkspaceError: ``home`` has a database, or the source has changed since its interactions were read.
    """
    home.mkdir(parents=True, exist_ok=True)
    copy = Workspace(home)
    if copy.database.exists():
        raise WorkspaceError(f"There is a database in {str(home)!r} already. Choose another folder.")
    if source.settings_file.is_file():
        shutil.copyfile(source.settings_file, copy.settings_file)
    rough = home / ".rough.db"
    _remove(rough)
    progress("copying the workspace", 0, None)
    try:
        with closing(sqlite3.connect(source.database)) as conn:
            conn.execute("VACUUM INTO ?", [str(rough)])
        with Store(rough, source.settings) as store:
            _take_out(store, arrays, split, progress)
        with closing(sqlite3.connect(rough)) as conn:
            # Written anew page by page: a free page could still hold deleted rows.
            conn.execute("VACUUM INTO ?", [str(copy.database)])
    finally:
        _remove(rough)
    # Opened once, which brings the file into the mode in which it will be read.
    Store(copy.database, copy.settings).close()
    return copy


def copy_whole(source: Workspace, home: Path) -> Workspace:
    """A new workspace with everything of the source except traces, caches and evaluations, and with the index in use.

    For protocols that hold nothing out.
    """
    home.mkdir(parents=True, exist_ok=True)
    copy = Workspace(home)
    if source.settings_file.is_file():
        shutil.copyfile(source.settings_file, copy.settings_file)
    _remove(copy.database)
    with closing(sqlite3.connect(source.database)) as conn:
        conn.execute("VACUUM INTO ?", [str(copy.database)])
    built = source.current_index()
    if built is not None:
        shutil.copytree(built, copy.index_folder / built.name, dirs_exist_ok=True)
        (copy.index_folder / "CURRENT").write_text(built.name + "\n", encoding="utf-8")
    return copy


def _take_out(store: Store, arrays: InteractionArrays, split: Split, progress: Progress) -> None:
    with store.database.writing() as conn:
        progress("taking out what is held out", 0, None)
        rows = _keys(conn, arrays, split.held_out)
        conn.execute(f"CREATE TEMP TABLE leaving ({_KEY}, PRIMARY KEY ({_KEY})) WITHOUT ROWID")
        conn.executemany("INSERT INTO leaving VALUES (?, ?, ?, ?, ?)", rows)
        gone = conn.execute(f"DELETE FROM interactions WHERE ({_KEY}) IN (SELECT {_KEY} FROM leaving)").rowcount  # noqa: S608
        if gone != len(rows):
            raise WorkspaceError(
                f"The workspace has changed while it was copied: {gone} of {len(rows)} held-out interactions are still "
                "there. Run the evaluation again."
            )
        store.contributions.withdraw("(user_number, item_number) IN (SELECT user_number, item_number FROM leaving)")
        if split.cold_items:
            numbers = ",".join(map(str, split.cold_items))
            store.contributions.withdraw(f"item_number IN ({numbers})")
        conn.execute("DROP TABLE leaving")
        if split.cut is not None:
            conn.execute("DELETE FROM preferences WHERE at >= ?", [split.cut])
        _number_kinds(conn)
        conn.execute("DELETE FROM spending")
        progress("counting", 0, None)
        # Numbers of values reveal in which order values came, so all are given out anew.
        store.refresh_catalogue()
        conn.execute("INSERT INTO titles_fts (titles_fts) VALUES ('rebuild')")
        for table, number in (("items", "item_number"), ("users", "user_number")):
            sql = f"UPDATE sqlite_sequence SET seq = (SELECT max({number}) FROM {table}) WHERE name = ?"  # noqa: S608
            conn.execute(sql, [table])
        conn.execute("UPDATE users SET watermark = ?", [_FRESH])
        conn.execute("UPDATE meta SET value = ? WHERE key IN ('clock', 'catalogue_version')", [_FRESH])


def _keys(conn: sqlite3.Connection, arrays: InteractionArrays, held_out: Bools) -> list[Sequence[Any]]:
    """The primary keys of the held-out rows in the table ``interactions``."""
    numbers = dict(conn.execute("SELECT kind, kind_number FROM kinds"))
    of_place = np.array([numbers[name] for name in arrays.kind_names], dtype=np.int64)
    at = arrays.at[held_out]
    timed = ~np.isnan(at)
    moments = np.where(timed, at, arrays.positions[held_out])
    columns = (
        arrays.user_numbers[held_out],
        arrays.item_numbers[held_out],
        of_place[arrays.kinds[held_out]],
        timed.astype(np.int64),
        moments,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _number_kinds(conn: sqlite3.Connection) -> None:
    """Number the kinds by name, and drop those without interactions: numbers reveal which kind came first."""
    kinds = conn.execute(
        "SELECT kind_number, kind FROM kinds WHERE kind_number IN (SELECT kind_number FROM interactions) ORDER BY kind"
    ).fetchall()
    conn.execute("DELETE FROM kinds")
    conn.executemany(
        "INSERT INTO kinds (kind_number, kind) VALUES (?, ?)", [(n, k) for n, (_, k) in enumerate(kinds, 1)]
    )
    moved = [(old, new) for new, (old, _) in enumerate(kinds, 1) if old != new]
    if moved:
        # In two steps, because a new number may be another kind's old one, and both are part of the key.
        for sign in (-1, 1):
            conn.executemany(
                "UPDATE interactions SET kind_number = ? WHERE kind_number = ?",
                [(sign * new, old if sign < 0 else -new) for old, new in moved],
            )


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
