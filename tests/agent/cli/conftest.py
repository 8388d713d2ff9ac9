"""A tiny shop, filled and indexed once, and the command line called from within this process."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from recmind.agent.cli import cli
from recmind.data.records import Interaction, Item, Preference
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index

FILMS = [
    ("alien", "Alien", 1979, ("Horror", "Sci-Fi"), "The crew of a space ship meets a deadly creature."),
    ("aliens", "Aliens", 1986, ("Action", "Sci-Fi"), "Soldiers fly to a colony where creatures have nested."),
    ("clue", "Clue", 1985, ("Comedy", "Mystery"), "Six guests and a murder in a mansion."),
    ("airplane", "Airplane!", 1980, ("Comedy",), "A passenger has to land a plane when the crew falls ill."),
    ("heat", "Heat", 1995, ("Crime", "Drama"), "A detective hunts a crew of thieves in Los Angeles."),
    ("big", "Big", 1988, ("Comedy", "Fantasy"), "A boy wakes up as a grown man."),
    ("galaxy", "Galaxy Quest", 1999, ("Comedy", "Sci-Fi"), "Actors of a space series are taken for a real crew."),
    ("spaceballs", "Spaceballs", 1987, ("Comedy", "Sci-Fi"), "A space parody with a very large ship."),
]


def fill(store: Store) -> None:
    """Eight films and three users."""
    store.items.put([Item(i, t, d, {"year": year, "genres": genres}) for i, t, year, genres, d in FILMS])
    store.interactions.add(
        [
            Interaction("ann", "alien", "rating", 5, 1_600_000_000),
            Interaction("ann", "heat", "rating", 2, 1_600_000_100),
            Interaction("bob", "alien", "rating", 5, 1_600_000_200),
            Interaction("bob", "aliens", "rating", 4.5, 1_600_000_300),
            Interaction("eve", "clue", "view", None, None, 1),
        ]
    )
    store.preferences.put(Preference("eve", "no horror", "genres!=Horror"))


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.open(tmp_path_factory.mktemp("shop") / "home", create=True)
    with Store(workspace.database, workspace.settings) as store:
        fill(store)
        build_index(workspace, store)
    return workspace.home


@pytest.fixture
def home(_filled: Path, tmp_path: Path) -> Path:
    """A copy of the filled workspace, to do with as the test likes."""
    return Path(shutil.copytree(_filled, tmp_path / "home"))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture
def recmind() -> Callable[..., Outcome]:
    """Calls the command line in this process: ``recmind("info", "--json")``."""

    def call(*words: object) -> Outcome:
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Outcome(done.exit_code, done.stdout, done.stderr)

    return call
