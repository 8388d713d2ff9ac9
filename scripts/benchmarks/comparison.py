"""RecMind beside ``implicit`` and ``lenskit`` on the same histories: quality, fit, memory and answers per second."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import beauty, movielens
from benchmarks.common import PYTHONPATH, asked_of
from benchmarks.rivals import RivalData
from recmind.data.progress import Progress
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.index.tuning import Slice, leave_last

USERS, TRIED = 2_000, 500
"""Largest numbers of users, drawn with seed 0, for the test items, and for each setting that is tried before them: EASE
of lenskit takes a tenth of a second for a user."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""Each library gets a single thread, so that answers per second say what an answer costs."""
INSTALL = "pip install 'recmind[comparison]'"

SETTINGS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "implicit_bm25": [{"K": k, "K1": k1, "B": b} for k in (20, 200) for k1, b in ((1.2, 0.75), (100, 0.5))],
    "implicit_cosine": [{"K": k} for k in (20, 50, 200)],
    "implicit_als": [
        {"factors": n, "regularization": cost, "alpha": alpha, "random_state": 0}
        for n in (64, 128)
        for cost in (0.1, 1.0)
        for alpha in (1.0, 10.0)
    ],
    "implicit_bpr": [
        {"factors": n, "regularization": cost, "learning_rate": 0.05, "iterations": 200, "random_state": 0}
        for n in (64, 128)
        for cost in (0.01, 0.05)
    ],
    "lenskit_ease": [{"regularization": cost} for cost in (100.0, 300.0)],
    "lenskit_item_knn": [{"feedback": "implicit", "max_nbrs": n} for n in (20, 100)],
}
"""The settings of each system; the one with the best NDCG@10 on the interactions before the test items is used."""


def side_by_side(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """Figures of each system for the test items of Amazon Beauty and latest-small (ties by seed 0), each in its own
    process.

    The setting of each system stands beside its figures. RecMind's fit neither encodes texts nor tunes.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users, drawn at random; None for ``USERS`` and ``TRIED``.
        progress: is called in each step.
    """
    told: dict[str, Any] = {}
    for name, made in {"beauty": _beauty, "movielens": _movielens}.items():
        folder = work / "side-by-side" / name
        valid, test, setting = made(data, work, progress)
        for split, known, most in (("valid", valid, TRIED), ("test", test, USERS)):
            replace(known, part=asked_of(known.part, min(users or most, most))).save(folder / split)
        told[name] = {"recmind": _asked("recmind", folder / "test", setting)}
        for system, settings in SETTINGS.items():
            told[name][system] = _best(system, folder, settings, progress)
    return told


def _beauty(data: Path, work: Path, progress: Progress) -> tuple[RivalData, RivalData, Mapping[str, Any]]:
    with beauty.opened(data, work, progress) as (store, engines):
        arrays, tests = store.interactions.arrays(), beauty.tests_of(data, store, None)
        texts = ItemEmbeddings(engines.search.index.numbers, np.asarray(engines.search.index.vectors))
        part = Slice(arrays, *(np.array(column) for column in zip(*((t.user, t.target) for t in tests), strict=True)))
        found = engines.manifest.parameters
    known = RivalData(part, store.settings, texts)
    setting = {"collaborative": found["collaborative"], "weights": found["weights"]}
    return replace(known, part=leave_last(arrays, 0, 0)), known, setting


def _movielens(data: Path, work: Path, progress: Progress) -> tuple[RivalData, RivalData, Mapping[str, Any]]:
    with movielens.opened(data, work, progress) as (store, texts):
        arrays, settings = store.interactions.arrays(), store.settings
    tuned = movielens.tuned(arrays, settings, texts, work, progress)
    setting = {"collaborative": asdict(tuned.parameters), "weights": dict(tuned.weights)}
    valid, test = (RivalData(leave_last(known, 0, 0), settings, texts) for known in (movielens.older(arrays), arrays))
    return valid, test, setting


def _best(system: str, folder: Path, settings: Sequence[Mapping[str, Any]], progress: Progress) -> dict[str, Any]:
    """The figures for the test items with the setting that does best before them."""
    package = system.partition("_")[0]
    if importlib.util.find_spec(package) is None:
        print(f"{system} is left out, because {package} is not installed. Run: {INSTALL}", file=sys.stderr)
        return {"skipped": f"{package} is not installed: {INSTALL}"}
    chosen = _chosen(system, folder, settings, progress)
    progress(f"{system} on {folder.name}", len(settings), len(settings) + 1)
    return {"setting": chosen, **_asked(system, folder / "test", chosen)}


def _chosen(system: str, folder: Path, settings: Sequence[Mapping[str, Any]], progress: Progress) -> Mapping[str, Any]:
    """The setting that does best before the test items; kept in the folder, and read from there later."""
    kept, wanted = folder / f"{system}.json", [dict(setting) for setting in settings]
    tried: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    tried = [one for one in tried if one["setting"] in wanted]
    for n, setting in enumerate(wanted):
        progress(f"{system} on {folder.name}", n, len(settings) + 1)
        if setting not in [one["setting"] for one in tried]:
            tried.append({"setting": setting, **_asked(system, folder / "valid", setting)})
            kept.write_text(json.dumps(tried, indent=1) + "\n", encoding="utf-8")
    found: Mapping[str, Any] = max(tried, key=lambda one: float(one["NDCG@10"]))["setting"]
    return found


def _asked(system: str, folder: Path, setting: Mapping[str, Any]) -> dict[str, Any]:
    """The output of ``benchmarks.rivals``. Raises RuntimeError with the end of stderr where it fails."""
    environment = {
        **os.environ,
        **dict.fromkeys(THREADS, "1"),
        "PYTHONPATH": os.pathsep.join((PYTHONPATH, os.environ.get("PYTHONPATH", ""))),
    }
    arguments = [sys.executable, "-m", "benchmarks.rivals", system, str(folder), json.dumps(setting)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{system} failed with {done.returncode}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
