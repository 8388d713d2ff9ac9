"""One import, whole or not at all; bad rows are collected, and derived data is computed once at the end."""

from __future__ import annotations

import csv
import json
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
from recmind.data.records import Item, User
from recmind.data.store.interactions import Parsed
from recmind.data.store.store import Store

MOST_PROBLEMS = 1000
_PROGRESS_STEP = 10_000


class Loader:
    """A context manager: leaving it keeps everything, or nothing if a row was bad and bad rows may not be skipped."""

    def __init__(self, store: Store, *, skip_bad: Path | None, replace: bool, progress: Progress) -> None:
        self.store = store
        self.skip_bad = skip_bad
        self.replace = replace
        self.progress = progress
        self.report = ImportReport()
        self._problems: list[tuple[BadRow, Any]] = []
        self._start = time.perf_counter()
        self._transaction: AbstractContextManager[Any] | None = None
        self._counts = {"items": 0, "interactions": 0, "added": 0, "updated": 0}
        self._users: set[str] = set()
        self._item_numbers: dict[str, int] | None = None

    def __enter__(self) -> Self:
        self._transaction = self.store.writing(much=True)
        self._transaction.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transaction is not None
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
        """The good rows with their lines; the others become problems.

        Args:
            file: the file to read.

        Yields:
            Line and values of a row.

        Raises:
            ImportFailed: the file has no rows.
        """
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
        """Note that a row cannot be imported.

        Args:
            file: the file of the row.
            line: its line, from 1.
            reason: why it cannot be imported.
            values: the values of the row.
        """
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
            f"{at_least}{rows}, so nothing was imported: {shown}. Correct them, or leave them out with --skip-bad.",
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
        """Keep the items; with ``replace`` all other items become unavailable."""
        seen: set[str] = set()

        def noted() -> Iterator[Item]:
            for item in items:
                seen.add(item.item_id)
                yield item

        keep_available = keep_available and not self.replace
        added, changed = self.store.items.put(noted(), merge=not self.replace, keep_available=keep_available)
        self._counts["items"] += len(seen)
        self._counts["added"] += added
        self._counts["updated"] += changed
        self._item_numbers = None
        if self.replace:
            self._counts["updated"] += self.store.items.make_others_unavailable(seen)

    def put_users(self, users: Iterable[User]) -> None:
        """Keep the users."""

        def noted() -> Iterator[User]:
            for user in users:
                self._users.add(user.user_id)
                yield user

        self.store.users.put(noted())

    def item_numbers(self) -> dict[str, int]:
        """The number of every item of the catalogue, by id."""
        if self._item_numbers is None:
            self._item_numbers = self.store.items.numbers()
        return self._item_numbers

    # -- interactions --------------------------------------------------------------------------------------------

    def put_interactions(self, given: Iterable[Parsed]) -> None:
        """Keep the interactions, whose items must be known; with ``replace`` all others are deleted."""
        loaded = self.store.interactions.load(given, replace=self.replace, progress=self.progress)
        self._users |= loaded.user_ids
        self._counts["interactions"] += loaded.given
        self._counts["added"] += loaded.added
        self._counts["updated"] += loaded.updated

    def put_contributions(self, attribute: str, given: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Keep which user gave which value of an attribute.

        Args:
            attribute: name of the attribute.
            given: (user id, value) pairs by item id; unknown items are left out.
        """
        known = self.item_numbers()
        kept = {item_id: rows for item_id, rows in given.items() if item_id in known}
        self._users.update(user_id for rows in kept.values() for user_id, _ in rows)
        self.store.contributions.put(attribute, kept)
