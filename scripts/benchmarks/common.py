"""Shared parts of the benchmarks: a workspace with MovieLens latest-small, and whole processes timed by the clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from recmind.data.arrays import Float64s, Int64s
from recmind.data.importers import import_movielens
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.index.tuning import Slice
from recmind.tools.ranking.logit import hit_rate_and_ndcg
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.ranking.reranker_batch import recommend_batch

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHONPATH = os.pathsep.join(str(ROOT / name) for name in (".src", "", "scripts"))
"""The PYTHONPATH of processes that benchmarks start: RecMind, its tests and these benchmarks."""
RECMIND = "from recmind.agent.cli import main; main()"


def latest_small(data: Path, home: Path) -> Workspace:
    """A workspace with MovieLens latest-small, without an index; imported if it does not exist yet."""
    folder = data / "ml-latest-small"
    if not (folder / "movies.csv").is_file():
        raise FileNotFoundError(2, "no MovieLens", str(folder / "movies.csv"))
    workspace = Workspace.open(home, create=True)
    with Store(workspace.database, workspace.settings) as store:
        if not store.catalogue().items:
            import_movielens(store, folder)
    return workspace


def python(program: str, *arguments: str) -> tuple[float, str]:
    """Seconds that a fresh Python takes to run the program, start included, and its output.

    Raises RuntimeError with the end of stderr where the program fails.
    """
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "HF_HUB_OFFLINE": "1"}
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


def asked_of(part: Slice, users: int | None) -> Slice:
    """The slice with only ``users`` of its users, drawn with seed 0 (None: all); all known interactions stay."""
    if users is None or users >= len(part.users):
        return part
    drawn = np.sort(np.random.default_rng(0).choice(len(part.users), size=users, replace=False))
    return replace(part, users=part.users[drawn], targets=part.targets[drawn])


def figures(ranks: Sequence[float] | Float64s) -> dict[str, float | int]:
    """HR@10 and NDCG@10 of ranks of one target each; ranks count from 1, and are infinite for targets not found."""
    found = np.asarray(ranks, dtype=np.float64)
    hit_rate, ndcg = hit_rate_and_ndcg(found)
    return {"HR@10": round(hit_rate, 4), "NDCG@10": round(ndcg, 4), "users": len(found)}


def ranks_of(pasts: UserSequences, targets: Int64s, reranker: Reranker) -> Float64s:
    """The rank of each target among the first ten recommendations, float64, from 1; infinite beyond.

    Args:
        pasts: the past of each user.
        targets: int64: the item number of each user's target.
        reranker: makes the recommendations.
    """
    met = recommend_batch(reranker, pasts, 10).item_numbers == targets[:, None]
    return np.where(met.any(axis=1), met.argmax(axis=1) + 1.0, np.inf)


def validated(validation: Mapping[str, float], task: str = "") -> dict[str, float | int]:
    """The figures that tuning reports for users that were not learned from; see ``Tuned.validation``."""
    measures: dict[str, float | int] = {name: round(validation[task + name], 4) for name in ("HR@10", "NDCG@10")}
    return {**measures, "users": int(validation["users"])}
