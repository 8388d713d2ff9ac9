"""The store: all items, users, interactions and preferences in a single SQLite file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recmind.data.catalogue import Catalogue
from recmind.data.settings import Settings
from recmind.data.spending import account_of
from recmind.data.store.attributes import Attributes
from recmind.data.store.contributions import Contributions
from recmind.data.store.counts import Counts
from recmind.data.store.database import Database
from recmind.data.store.full_text import FullText
from recmind.data.store.interactions import Interactions
from recmind.data.store.items import Items
from recmind.data.store.preferences import Preferences
from recmind.data.store.spending import Accounts
from recmind.data.store.titles import Titles
from recmind.data.store.users import Users


class Store:
    """Reads and writes everything; open it with a path and the settings of the workspace, and close it when done.

    Threads may share it: each gets a connection of its own. Every write is kept whole or not at all. Each kind of data
    has a part: ``store.items.get("1")``.
    """

    def __init__(self, path: str | Path, settings: Settings | None = None) -> None:
        """Open or create the file. Raises WorkspaceError where it is no database, or a newer RecMind made it."""
        self.path = Path(path)
        self.settings = settings or Settings()
        database = self.database = Database(self.path, self.settings)
        self.attributes = Attributes(database)
        self.titles = Titles(database)
        self.full_text = FullText(database)
        self.counts = Counts(database)
        self.items = Items(database, self.attributes, self.counts)
        self.users = Users(database)
        self.preferences = Preferences(database, self.users)
        self.interactions = Interactions(database, self.items, self.users, self.counts)
        self.contributions = Contributions(database, self.items, self.users)
        self.spending = Accounts(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads; the store cannot be used afterwards."""
        self.database.close()

    # -- transactions and versions -------------------------------------------------------------------------------

    def writing(self, *, much: bool = False) -> AbstractContextManager[Any]:
        """A transaction: everything written inside is kept, or nothing if an exception leaves it.

        The same thread may enter it again inside itself; then the outermost one decides. ``much`` announces millions of
        rows.
        """
        return self.database.writing_much() if much else self.database.writing()

    def steady(self) -> AbstractContextManager[None]:
        """Inside, this thread reads the versions only once, unless it writes itself; it may be entered again.

        It is for work that asks dozens of questions, each of which checks the versions to know whether what is
        remembered is still valid. What others write in the meantime is seen by the next such work.
        """
        return self.database.steady()

    @property
    def clock(self) -> int:
        """The number of writes; anything computed from the store is valid until it changes."""
        return self.database.clock

    @property
    def catalogue_version(self) -> int:
        """A number that changes when items, their attributes or imported data about them change."""
        return self.database.catalogue_version

    # -- what spans the parts ------------------------------------------------------------------------------------

    def catalogue(self) -> Catalogue:
        """The catalogue's description of itself; the same object while nothing changes."""
        return self.database.remember("catalogue", self.database.clock, self._read_catalogue)

    def _read_catalogue(self) -> Catalogue:
        items, available = self.items.totals()
        kinds = self.counts.of_kinds()
        earliest, latest = self.counts.period()
        return Catalogue(
            version=self.catalogue_version,
            items=items,
            available=available,
            users=self.users.count(),
            interactions=sum(kind.interactions for kind in kinds),
            attributes=self.attributes.summaries(),
            kinds=kinds,
            earliest=earliest,
            latest=latest,
            _spelling=self.attributes.spelling,
            _near=self.attributes.near,
        )

    def refresh_catalogue(self) -> None:
        """Compute everything again that is derived from items and interactions; needed when the settings change."""
        with self.writing():
            self.items.derive_anew()
            self.counts.refresh()

    def forget_user(self, user_id: str) -> dict[str, int]:
        """Erase a user and all that is known about them, including values that only this user contributed to items.

        Args:
            user_id: the user.

        Returns:
            The number of deleted rows by sort; zeros for an unknown user.
        """
        counts = {"users": 0, "interactions": 0, "preferences": 0, "contributions": 0}
        with self.database.writing() as conn:
            self.spending.forget(account_of(user_id))
            number = self.users.number_of(user_id)
            if number is None:
                return counts
            before = self.interactions.arrays_of([number])
            counts["contributions"] = self.contributions.withdraw("user_number = ?", [number])
            if counts["contributions"]:
                # Deleted words remain in the full-text index until its parts are merged.
                conn.execute("INSERT INTO items_fts (items_fts) VALUES ('optimize')")
            for table in ("users", "interactions", "preferences"):
                sql = f"DELETE FROM {table} WHERE user_number = ?"  # noqa: S608  our own names
                counts[table] = conn.execute(sql, [number]).rowcount
            self.counts.move(before, self.interactions.arrays_of([number]))
            self.counts.refresh_times()
            self.database.tick(catalogue=True)
        # Erased data must not remain in the write-ahead log.
        self.database.truncate_log()
        return counts

    def problems(self) -> list[str]:
        """The problems of the database, a sentence each; empty if there are none. Reads the whole file."""
        return self.database.problems()
