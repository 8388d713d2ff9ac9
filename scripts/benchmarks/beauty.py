"""Amazon Beauty (5-core, 2014): what a user takes next, by an index that never saw the test items."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import figures, ranks_of, validated
from recmind.agent.evaluation.isolated_copy import is_tuned
from recmind.data.importers import import_table
from recmind.data.progress import Progress
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import SequenceItem, UserSequences, sequences_of
from recmind.tools.index.build import build_index
from recmind.tools.index.engines import Engines, open_engines
from recmind.tools.index.tuning import UNTRIED, tune
from recmind.tools.ranking.reranker import Reranker

CANDIDATES = 100
"""Number of candidates: the test item and 99 others."""
SEEDS = range(5)
"""Seeds of the draws of the others."""


@dataclass(frozen=True, slots=True)
class Test:
    """The item that a user took last, and the past before it."""

    user: int
    past: tuple[SequenceItem, ...]
    target: int


def sequential(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """Figures for ``Engines.reranker`` ranking all items except those of the history.

    ``valid`` is what tuning reports: the last item that the index knows, by weights learned from other users. ``test``
    is the item after it.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    with opened(data, work, progress) as (store, engines):
        validation = engines.manifest.parameters["validation"]
        return {"valid": validated(validation), "test": _tested(engines.reranker, data, store, users, progress)}


def blind(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """The same figures, tuned anew with co-occurrence that ignores direction.

    Then nothing knows which of two items comes first in a history. Recent items still count more than old ones: that is
    the order within the known history, to which the test item does not belong.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    with opened(data, work, progress) as (store, engines):
        arrays, settings = store.interactions.arrays(), store.settings
        texts = ItemEmbeddings(engines.search.index.numbers, np.asarray(engines.search.index.vectors))
        alike = replace(UNTRIED, backward=UNTRIED.forward)
        found = tune(arrays, settings, texts, start=alike, fixed=("backward",), progress=progress)
        assert found is not None, "there are thousands of users"
        model = CollaborativeModel.fit(arrays, weights(arrays, settings), settings, progress, found.parameters, texts)
        reranker = replace(engines.reranker, collaborative=model, weights=found.weights)
        return {"valid": validated(found.validation), "test": _tested(reranker, data, store, users, progress)}


def direct(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """Figures for the test item among 99 that the user never touched, drawn uniformly; the means of five draws.

    ``valid`` is what tuning reports for the last item that the index knows, among 99 others as well.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    with opened(data, work, progress) as (store, engines):
        tests, catalogue = tests_of(data, store, users), store.items.matching()
        draws = [np.random.default_rng(seed) for seed in SEEDS]
        ranks = np.empty((len(tests), len(SEEDS)))
        for place, test in enumerate(tests):
            touched = [test.target, *(past.item_number for past in test.past)]
            open_to_draw = np.setdiff1d(catalogue, touched)
            others = np.stack([rng.choice(open_to_draw, CANDIDATES - 1, replace=False) for rng in draws])
            # The odds of one item against another do not depend on further items, so all draws are scored at once.
            odds = engines.reranker.relative_odds(test.past, np.append(test.target, others), given=True)
            beside = odds[1:].reshape(others.shape)
            # Half of the items that tie with the target count as better.
            ranks[place] = 1 + (beside > odds[0]).sum(axis=1) + (beside == odds[0]).sum(axis=1) / 2
            if place % 100 == 0:
                progress("the test item among 99 others", place, len(tests))
        return {
            "valid": validated(engines.manifest.parameters["validation"], "given_"),
            "test": {**figures(ranks.ravel()), "users": len(tests), "candidates": CANDIDATES, "seeds": list(SEEDS)},
        }


@contextmanager
def opened(data: Path, work: Path, progress: Progress) -> Iterator[tuple[Store, Engines]]:
    """The store and the tuned engines of everything except the test items.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        progress: is called in each step.

    Yields:
        The store and its engines.
    """
    workspace = without_tests(data, work, progress)
    with Store(workspace.database, workspace.settings) as store:
        yield store, open_engines(workspace, store)


def without_tests(data: Path, work: Path, progress: Progress, *, tuned: bool = True) -> Workspace:
    """An indexed workspace without the test items; made if it does not exist yet.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        progress: is called in each step.
        tuned: whether its index has to be tuned.
    """
    folder, workspace = data / "amazon-beauty", Workspace.open(work / "beauty", create=True)
    with Store(workspace.database, workspace.settings) as store:
        if not store.catalogue().items:
            known = workspace.home / "known.tsv"
            with (
                (folder / "interactions.tsv").open(encoding="utf-8") as read,
                known.open("w", encoding="utf-8") as kept,
            ):
                heading = next(read)
                split = heading.rstrip("\n").split("\t").index("split")
                kept.write(heading)
                kept.writelines(line for line in read if line.split("\t")[split] != "test")
            import_table(
                store,
                items=folder / "items.jsonl",
                interactions=known,
                columns={"interactions.at": "unix_time"},
                kind="purchase",
                progress=progress,
            )
        if tuned and (workspace.current_index() is None or not is_tuned(workspace)):
            build_index(workspace, store, progress, tuned=True)
        build_index(workspace, store, progress)
    return workspace


def tests_of(data: Path, store: Store, users: int | None) -> list[Test]:
    """The test item and the past of each user.

    Args:
        data: the folder of data sets.
        store: the store without test items.
        users: number of users, drawn at random; None for all.
    """
    with (data / "amazon-beauty" / "interactions.tsv").open(encoding="utf-8", newline="") as opened_file:
        taken = {
            row["user_id"]: row["item_id"]
            for row in csv.DictReader(opened_file, delimiter="\t")
            if row["split"] == "test"
        }
    arrays = store.interactions.arrays()
    asked = np.unique(arrays.user_numbers)
    if users is not None and users < len(asked):
        asked = np.sort(np.random.default_rng(0).choice(asked, size=users, replace=False))
    ids, numbers = store.users.ids_of(asked.tolist()), store.items.numbers_of(taken.values())
    pasts = sequences_of(arrays, asked, store.settings)
    return [Test(user, past, numbers[taken[ids[user]]]) for user, (past, _) in zip(asked.tolist(), pasts, strict=True)]


def _tested(
    reranker: Reranker, data: Path, store: Store, users: int | None, progress: Progress
) -> dict[str, float | int]:
    tests = tests_of(data, store, users)
    progress("the test item among all", 0, len(tests))
    pasts = UserSequences.of(store.interactions.arrays(), np.array([test.user for test in tests]), store.settings)
    return figures(ranks_of(pasts, np.array([test.target for test in tests]), reranker))
