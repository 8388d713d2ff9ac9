"""One import: whole or not at all, with the bad rows collected and everything derived computed once at the end."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recmind.data.errors import BadRow, ImportFailed
from recmind.data.importers.files import RowFile
from recmind.data.importers.report import ImportReport
from recmind.data.progress import Progress
from recmind.data.reading import as_json
from recmind.data.records import Item, User
from recmind.data.store import InteractionRow, Store, interaction_row
from recmind.data.writing import batched

MOST_PROBLEMS = 1000
_PROGRESS_STEP = 10_000
_CACHE = -256_000
"""Kibibytes (below 0) of pages kept in memory meanwhile: a large import touches all of its tables at once."""

_NEW_USER = "INSERT INTO users (user_id, attributes, watermark) VALUES (?, '{}', 0)"
_IDENTITY = "user_number, item_number, kind_number, timed, moment"
_PRESENT_TABLE = f"CREATE TEMP TABLE present ({_IDENTITY}, PRIMARY KEY ({_IDENTITY})) WITHOUT ROWID"
_OTHERS = f"FROM interactions WHERE ({_IDENTITY}) NOT IN (SELECT {_IDENTITY} FROM present)"  # noqa: S608  our names
_USERS_WITH_OTHERS = f"SELECT DISTINCT user_number {_OTHERS}"
_DELETE_OTHERS = f"DELETE {_OTHERS}"

Parsed = tuple[str, str, str, float | None, float | None, int]
"""user_id, item_id, kind, value, at, position."""


class Loader:
    """A context manager: leaving it keeps everything, or nothing where a row was bad and none may be skipped."""

    def __init__(self, store: Store, *, skip_bad: Path | None, replace: bool, progress: Progress) -> None:
        self.store = store
        self.skip_bad = skip_bad
        self.replace = replace
        self.progress = progress
        self.report = ImportReport()
        self._problems: list[tuple[BadRow, Any]] = []
        self._start = time.perf_counter()
        self._transaction: AbstractContextManager[Any] | None = None
        self._conn: sqlite3.Connection
        self._counts = {"items": 0, "interactions": 0, "added": 0, "updated": 0}
        self._users: set[str] = set()
        self._item_numbers: dict[str, int] | None = None

    def __enter__(self) -> Self:
        self._transaction = self.store.writing()
        self._conn = self._transaction.__enter__().conn
        self._cache_size = self._conn.execute("PRAGMA cache_size").fetchone()[0]
        self._conn.execute(f"PRAGMA cache_size = {_CACHE}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transaction is not None
        self._conn.execute(f"PRAGMA cache_size = {self._cache_size}")
        if error is not None:
            self._transaction.__exit__(kind, error, trace)
            return
        try:
            self._finish()
        except BaseException as failure:
            self._transaction.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._transaction.__exit__(None, None, None)
        problems = [problem for problem, _ in self._problems]
        seconds = time.perf_counter() - self._start
        self.report = ImportReport(**self._counts, users=len(self._users), skipped=problems, seconds=seconds)

    # -- rows ----------------------------------------------------------------------------------------------------

    def rows(self, file: RowFile) -> Iterator[tuple[int, Sequence[Any]]]:
        """Line and values of the good rows, with progress; the others become problems."""
        count = 0
        for line, values, reason in file.rows():
            count += 1
            if count % _PROGRESS_STEP == 0:
                self.progress(file.path.name, count, file.total)
            if reason:
                self.bad(file, line, reason, values)
            else:
                yield line, values
        self.progress(file.path.name, count, count)
        if not count:
            raise ImportFailed(f"{file.path.name} has no rows below its header.")

    def bad(self, file: RowFile, line: int, reason: str, values: Any) -> None:
        """A row cannot be imported."""
        self._problems.append((BadRow(file.path.name, line, reason), values))
        if self.skip_bad is None and len(self._problems) >= MOST_PROBLEMS:
            self._fail()

    def _fail(self) -> None:
        problems = [problem for problem, _ in self._problems]
        count = len(problems)
        shown = "; ".join(map(str, problems[:3])) + ("; ..." if count > 3 else "")
        rows = "1 row is bad" if count == 1 else f"{count} rows are bad"
        at_least = "at least " if count >= MOST_PROBLEMS else ""
        raise ImportFailed(
            f"{at_least}{rows}, so nothing was imported: {shown}. Put them right, or leave them out with --skip-bad.",
            problems,
        )

    def _finish(self) -> None:
        if self._problems and self.skip_bad is None:
            self._fail()
        if self._problems and self.skip_bad is not None:
            self.skip_bad.parent.mkdir(parents=True, exist_ok=True)
            with self.skip_bad.open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(["file", "line", "reason", "row"])
                for problem, values in self._problems:
                    row = json.dumps(list(values), ensure_ascii=False, default=str)
                    writer.writerow([problem.file, problem.line, problem.reason, row])

    # -- items and users -----------------------------------------------------------------------------------------

    def put_items(self, items: Iterable[Item], *, keep_available: bool) -> None:
        """Keep the items; with ``replace`` all others become unavailable."""
        seen: set[str] = set()

        def noted() -> Iterator[Item]:
            for item in items:
                seen.add(item.item_id)
                yield item

        keep_available = keep_available and not self.replace
        added, changed = self.store.put_items(noted(), merge=not self.replace, keep_available=keep_available)
        self._counts["items"] += len(seen)
        self._counts["added"] += added
        self._counts["updated"] += changed
        self._item_numbers = None
        if self.replace:
            sql = "SELECT item_id FROM items WHERE available = 1 AND item_id NOT IN (SELECT value FROM json_each(?))"
            missing = [row[0] for row in self._conn.execute(sql, [as_json(seen)])]
            self._counts["updated"] += self.store.set_available(missing, False)

    def put_users(self, users: Iterable[User]) -> None:
        """Keep the users."""

        def noted() -> Iterator[User]:
            for user in users:
                self._users.add(user.user_id)
                yield user

        self.store.put_users(noted())

    def item_numbers(self) -> dict[str, int]:
        """The number of every item of the catalogue, by id."""
        if self._item_numbers is None:
            self._item_numbers = dict(self._conn.execute("SELECT item_id, item_number FROM items"))
        return self._item_numbers

    # -- interactions --------------------------------------------------------------------------------------------

    def put_interactions(self, parsed: Iterable[Parsed]) -> None:
        """Keep the interactions; every item is known. With ``replace`` they become the only ones."""
        conn = self._conn
        before = self._count_interactions()
        items = self.item_numbers()
        users: dict[str, int] = dict(conn.execute("SELECT user_id, user_number FROM users"))
        kinds: dict[str, int] = {}
        touched: set[int] = set()
        if self.replace:
            conn.execute(_PRESENT_TABLE)

        def as_rows() -> Iterator[InteractionRow]:
            for user_id, item_id, kind, value, at, position in parsed:
                user = users.get(user_id)
                if user is None:
                    users[user_id] = user = conn.execute(_NEW_USER, [user_id]).lastrowid or 0
                if kind not in kinds:
                    kinds.update(self.store.kind_numbers(conn, [kind]))
                self._counts["interactions"] += 1
                touched.add(user)
                yield interaction_row(user, items[item_id], kinds[kind], value, at, position)

        rows = as_rows()
        changed = self.store.write_interactions(conn, self._noted(rows) if self.replace else rows)
        names = {number: user_id for user_id, number in users.items()}
        self._users.update(names[number] for number in touched)
        deleted = 0
        if self.replace:
            touched.update(row[0] for row in conn.execute(_USERS_WITH_OTHERS))
            deleted = conn.execute(_DELETE_OTHERS).rowcount
            conn.execute("DROP TABLE present")
        if not changed and not deleted:
            return
        self.progress("counting", 0, None)
        self.store.refresh_counts(conn)
        self.store.mark_imported(conn, touched)
        added = self._count_interactions() - before + deleted
        self._counts["added"] += added
        self._counts["updated"] += changed - added

    def put_contributions(self, attribute: str, given: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Keep who gave the values of an attribute: (user id, value) by item id; unknown items are left out."""
        conn, items = self._conn, self.item_numbers()
        users: dict[str, int] = dict(conn.execute("SELECT user_id, user_number FROM users"))

        def numbered(rows: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
            for user_id in dict.fromkeys(user_id for user_id, _ in rows):
                self._users.add(user_id)
                if user_id not in users:
                    users[user_id] = conn.execute(_NEW_USER, [user_id]).lastrowid or 0
            return [(users[user_id], value) for user_id, value in rows]

        self.store.put_contributions(
            attribute, {items[item_id]: numbered(rows) for item_id, rows in given.items() if item_id in items}
        )

    def _count_interactions(self) -> int:
        return int(self._conn.execute("SELECT coalesce(sum(interactions), 0) FROM kinds").fetchone()[0])

    def _noted(self, rows: Iterable[InteractionRow]) -> Iterator[InteractionRow]:
        """The rows, after their identities have been put into the table ``present``."""
        for batch in batched(rows, 50_000):
            self._conn.executemany("INSERT OR IGNORE INTO present VALUES (?, ?, ?, ?, ?)", [row[:5] for row in batch])
            yield from batch
