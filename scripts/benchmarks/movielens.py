"""MovieLens latest-small: each user's last rating, against baselines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baselines import BASELINES
from benchmarks.common import asked_of, figures, ranks_of, validated
from recmind.data.arrays import Float64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.evaluation.bootstrap import Resamples
from recmind.data.evaluation.metrics import TargetRanks
from recmind.data.importers import import_movielens
from recmind.data.progress import Progress
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.index.build import build_index
from recmind.tools.index.engines import open_engines
from recmind.tools.index.tuning import Slice, Tuned, leave_last, tune
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import Reranker

SEEDS = range(20)
"""Seeds for the order of ratings of one moment."""
RESAMPLES = 10_000
AGAINST = "ease_with_decay"
FILES = ("movies.csv", "ratings.csv", "links.csv")


def leave_one_out(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """Figures for each user's last rating among all films not rated before, over 20 orders of simultaneous ratings.

    Tuned once, on the ratings before the newest moment of each user, which hold no last rating of any order; ``valid``
    is what tuning reports. Tags are left out: a user's own tag on a film would reveal the rating. Links and baselines
    are fitted anew for each order. The interval is a paired bootstrap of whole users against EASE with a decaying user
    vector.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    with opened(data, work, progress) as (store, texts):
        arrays, settings = store.interactions.arrays(), store.settings
    found = tuned(arrays, settings, texts, work, progress)
    asked: list[int] = []
    ranks: dict[str, list[Float64s]] = {name: [] for name in ("test", *BASELINES)}
    for done, seed in enumerate(SEEDS):
        progress("leave-one-out, orders of ratings", done, len(SEEDS))
        part = asked_of(leave_last(arrays, 0, seed), users)
        asked += part.users.tolist()
        ranks["test"].append(ours(part, found, settings, texts))
        for name, baseline in BASELINES.items():
            ranks[name].append(baseline(part))
    joined = {name: np.concatenate(found) for name, found in ranks.items()}
    table = {name: {**figures(found), "users": len(set(asked)), "orders": len(SEEDS)} for name, found in joined.items()}
    apart = Resamples(asked, RESAMPLES).differences(_measures(joined["test"]), _measures(joined[AGAINST]))
    names = ("HR@10", "NDCG@10")
    return {
        "valid": validated(found.validation),
        **table,
        "difference": {name: round(one.value, 4) for name, one in zip(names, apart, strict=True)},
        "interval": {
            name: {"low": _rounded(one.low), "high": _rounded(one.high)} for name, one in zip(names, apart, strict=True)
        },
    }


@contextmanager
def opened(data: Path, work: Path, progress: Progress) -> Iterator[tuple[Store, ItemEmbeddings]]:
    """The store of films and ratings without tags, and the films' texts.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        progress: is called in each step.

    Yields:
        The store and the vectors of the texts.
    """
    workspace = without_tags(data, work, progress)
    with Store(workspace.database, workspace.settings) as store:
        search = open_engines(workspace, store).search
        yield store, ItemEmbeddings(search.index.numbers, np.asarray(search.index.vectors))


def without_tags(data: Path, work: Path, progress: Progress) -> Workspace:
    """An indexed workspace with latest-small without tags; made if it does not exist yet.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        progress: is called in each step.
    """
    home = work / "films"
    workspace = Workspace.open(home, create=True)
    with Store(workspace.database, workspace.settings) as store:
        if not store.catalogue().items:
            release = home / "release"
            release.mkdir(exist_ok=True)
            for name in FILES:
                shutil.copyfile(data / "ml-latest-small" / name, release / name)
            import_movielens(store, release, progress=progress)
        build_index(workspace, store, progress)
    return workspace


def older(arrays: InteractionArrays) -> InteractionArrays:
    """The interactions before the newest moment of their user."""
    return arrays.rows(arrays.at < arrays.at[np.arange(len(arrays)) + arrays.ages])


def tuned(
    arrays: InteractionArrays, settings: Settings, texts: ItemEmbeddings, work: Path, progress: Progress
) -> Tuned:
    """The result of tuning on the older interactions; kept in ``work``, and read from there later.

    Args:
        arrays: all interactions.
        settings: say what kinds of interactions mean.
        texts: vectors of the films' texts.
        work: a folder to work in.
        progress: is called in each step.
    """
    kept = work / "films" / "tuned.json"
    if kept.is_file():
        read = json.loads(kept.read_text(encoding="utf-8"))
        return Tuned(**{**read, "parameters": CollaborativeParameters(**read["parameters"])})
    found = tune(older(arrays), settings, texts, progress=progress)
    assert found is not None, "there are 610 users"
    kept.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    return found


def ours(part: Slice, found: Tuned, settings: Settings, texts: ItemEmbeddings) -> Float64s:
    """The rank of each target by ``Reranker``, float64, from 1; infinite beyond the tenth.

    Args:
        part: the known interactions and the targets.
        found: parameters and weights.
        settings: say what kinds of interactions mean.
        texts: vectors of the films' texts.
    """
    rest = part.rest
    model = CollaborativeModel.fit(
        rest, weights(rest, settings), settings, parameters=found.parameters, embeddings=texts
    )
    reranker = Reranker(model, ItemTimes.of(rest), texts, found.weights)
    return ranks_of(UserSequences.of(rest, part.users, settings), part.targets, reranker)


def _measures(ranks: Float64s) -> Float64s:
    """HR@10 and NDCG@10 of each target, of shape (targets, 2)."""
    measured = TargetRanks.of_one_target(ranks).metrics(10)
    return np.column_stack((measured["hit_rate"], measured["ndcg"]))


def _rounded(end: float | None) -> float | None:
    return None if end is None else round(end, 4)
