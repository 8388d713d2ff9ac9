"""Imports the demo catalogue: real films, and synthetic users made on the spot."""

from __future__ import annotations

from importlib.resources import as_file, files

from recmind.data.demo.users import make_users
from recmind.data.importers.files import open_rows
from recmind.data.importers.loader import Loader
from recmind.data.importers.report import ImportReport
from recmind.data.importers.table import read_items
from recmind.data.progress import Progress, quiet
from recmind.data.store.store import Store

LISTS = ("genres", "directors", "cast", "country", "language", "themes", "moods")
NUMBERS = ("year", "minutes")


def import_demo(store: Store, *, progress: Progress = quiet) -> ImportReport:
    """Import the films that come with RecMind, and its synthetic users with their ratings."""
    kinds = dict.fromkeys(LISTS, "list") | dict.fromkeys(NUMBERS, "number")
    with (
        as_file(files("recmind.data.demo") / "films.csv") as path,
        Loader(store, skip_bad=None, replace=False, progress=progress) as loader,
    ):
        films = list(read_items(loader, open_rows(path), kinds))
        # The users rate only the films of the demo, whatever else is in the store.
        users, interactions = make_users(films)
        loader.put_items(films, keep_available=True)
        loader.put_users(users)
        loader.put_interactions((i.user_id, i.item_id, i.kind, i.value, i.at, i.position) for i in interactions)
    return loader.report
