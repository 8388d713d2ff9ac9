"""A workspace: one folder with the database, the settings, the built engines and the traces."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from recmind.data.errors import WorkspaceError
from recmind.data.settings import Settings

HOME_VARIABLE = "RECMIND_HOME"


def resolve_home(given: str | Path | None = None) -> Path:
    """The workspace folder: the given one, else ``RECMIND_HOME``, else the platform's user data folder."""
    if given is not None and str(given):
        return Path(given).expanduser().absolute()
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named).expanduser().absolute()
    import platformdirs  # noqa: PLC0415  only needed where nobody names a folder

    return platformdirs.user_data_path("recmind", appauthor=False)


class Workspace:
    """The places of all files of one catalogue. Making one touches nothing; ``open`` checks that it exists."""

    def __init__(self, home: str | Path) -> None:
        self.home = Path(home).expanduser().absolute()

    def __repr__(self) -> str:
        return f"Workspace({str(self.home)!r})"

    @classmethod
    def open(cls, home: str | Path | None = None, create: bool = False) -> Workspace:
        """The workspace in this folder.

        Args:
            home: the folder; None: as ``resolve_home`` finds it.
            create: make the folder if it does not exist.

        Raises:
            WorkspaceError: the folder cannot be made or, without ``create``, holds no database.
        """
        workspace = cls(resolve_home(home))
        if create:
            try:
                workspace.home.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WorkspaceError(f"Cannot make the workspace {str(workspace.home)!r}: {error.strerror}") from None
        elif not workspace.database.is_file():
            raise WorkspaceError(
                f"There is no RecMind database in {str(workspace.home)!r}. "
                f"Run: recmind import demo --home {str(workspace.home)!r}"
            )
        return workspace

    @property
    def database(self) -> Path:
        """The SQLite file with items, users and interactions."""
        return self.home / "recmind.db"

    @property
    def settings_file(self) -> Path:
        """The file that the settings are read from; it need not exist."""
        return self.home / "recmind.toml"

    @cached_property
    def settings(self) -> Settings:
        """The settings, read when first asked for."""
        return Settings.read(self.settings_file)

    @property
    def index_folder(self) -> Path:
        """The folder with one folder for each built version, and the file ``CURRENT``."""
        return self.home / "index"

    @property
    def traces(self) -> Path:
        """The SQLite file with the traces."""
        return self.home / "traces.db"

    @property
    def threads(self) -> Path:
        """The SQLite file with the threads of conversations."""
        return self.home / "threads.db"

    @property
    def cache(self) -> Path:
        """The folder for files that can be computed again."""
        return self.home / "cache"

    def current_index(self) -> Path | None:
        """The folder of the built version in use, or None where nothing has been built.

        Raises:
            WorkspaceError: ``CURRENT`` names a folder that does not exist.
        """
        try:
            name = (self.index_folder / "CURRENT").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        folder = self.index_folder / name
        if not name or Path(name).name != name or not folder.is_dir():
            raise WorkspaceError(
                f"The index in use, {name!r}, is missing from {str(self.index_folder)!r}. "
                f"Run: recmind index --home {str(self.home)!r}"
            )
        return folder
