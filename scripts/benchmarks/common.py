"""What several benchmarks need: a workspace with MovieLens latest-small, and whole processes measured by the clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from data.importers import import_movielens
from data.store import Store
from data.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
RECMIND = "from agent.cli import main; main()"


def latest_small(data: Path, home: Path) -> Workspace:
    """A workspace with MovieLens latest-small, imported where it is not there yet; not indexed."""
    folder = data / "ml-latest-small"
    if not (folder / "movies.csv").is_file():
        raise FileNotFoundError(2, "no MovieLens", str(folder / "movies.csv"))
    workspace = Workspace.open(home, create=True)
    with Store(workspace.database, workspace.settings) as store:
        if not store.catalogue().items:
            import_movielens(store, folder)
    return workspace


def python(program: str, *arguments: str) -> tuple[float, str]:
    """Seconds that a fresh Python takes to run the program, start included, and what it printed.

    RuntimeError with what it said where it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{program!r} failed with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout


def recmind(*arguments: str) -> tuple[float, str]:
    """The same for one run of the command line."""
    return python(RECMIND, *arguments)
