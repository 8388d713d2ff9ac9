"""The demo catalogue, imported and indexed once for all tests of the agent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recmind.agent.recommender import RecMind
from recmind.data.importers import import_demo
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index


@pytest.fixture(scope="session")
def demo_home(built_once: Callable[..., Path]) -> Path:
    """A workspace with the demo catalogue and its index, to be copied only: a copy fails while somebody has it open."""

    def fill(home: Path) -> None:
        workspace = Workspace.open(home, create=True)
        with Store(workspace.database, workspace.settings) as store:
            import_demo(store)
            build_index(workspace, store)

    return built_once("demo", fill)


@pytest.fixture
def demo_copy(demo_home: Path, tmp_path: Path) -> Path:
    """A copy of the demo workspace, to do with as the test likes."""
    return Path(shutil.copytree(demo_home, tmp_path / "demo"))


@pytest.fixture
def open_demo(demo_copy: Path) -> Iterator[Callable[..., RecMind]]:
    """Opens the copy with a model, and with limits where they are given; closes it after the test."""
    opened: list[RecMind] = []

    def open_it(model=None, *, fallback: bool = True, **limits: float) -> RecMind:
        if limits:
            lines = ["[limits]", *(f"{name} = {value}" for name, value in limits.items())]
            (demo_copy / "recmind.toml").write_text("\n".join(lines))
        opened.append(RecMind.open(demo_copy, model=model, fallback=fallback))
        return opened[-1]

    yield open_it
    for recmind in opened:
        recmind.close()


@pytest.fixture
def demo(open_demo: Callable[..., RecMind]) -> RecMind:
    """RecMind on a copy of the demo workspace, with the offline planner."""
    return open_demo()
