"""The quality of RecMind's recommendations: the ranking engines, search and confidence on public data sets.

The data folder holds ``ml-latest-small``, ``amazon-beauty``, ``movie-overviews.csv``, ``movie-requests-train.jsonl``.
Everything is tuned on what comes before the test items; each test item is asked for once and never learned from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import beauty, comparison, movielens, requests
from recmind.agent.cli.output import ProgressLine
from recmind.agent.evaluation import evaluate
from recmind.agent.evaluation.isolated_copy import copied
from recmind.data.evaluation.metrics import BINS, calibration
from recmind.data.evaluation.splits import Split
from recmind.data.progress import Progress
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.confidence.held_out import HeldOutUsers, graded_kind, held_out, label_mask
from recmind.tools.index.engines import open_engines

K = 50
"""k of the recall of items without interactions."""
SYSTEMS = ("collaborative", "hybrid")

Part = Callable[[Path, Path, int | None, Progress], Mapping[str, Any]]
"""Called with the folder of data, a folder to work in, the number of users (None: all), and a progress function."""


def run(data: Path, work: Path, *, only: Sequence[str] = (), users: int | None = None) -> dict[str, Any]:
    """The figures of these parts; each is written to stderr as soon as it has ended.

    Tuning results that are already in ``work`` are used again.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        only: names of the parts; without any, all parts.
        users: number of users to test in each part, drawn at random; None for all.
    """
    figures = {}
    with ProgressLine() as line:
        for name in only or PARTS:
            figures[name] = PARTS[name](data, work, users, _named(name, line))
            line.close()
            print(json.dumps({name: figures[name]}), file=sys.stderr)
    return figures


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to the command line."""
    parser.add_argument("--only", type=_parts, default=(), metavar="PART,...", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--users", type=int, metavar="N", help="ask about N users only, for a quick look")


def _parts(given: str) -> list[str]:
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"there is no part {name!r}; there are: {', '.join(PARTS)}")
    return names


def _named(part: str, line: Progress) -> Progress:
    return lambda what, done, total: line(f"{part}: {what}", done, total)


def _requests(data: Path, work: Path, _users: int | None, _progress: Progress) -> Mapping[str, Any]:
    """Figures for real people's requests for a film; see ``benchmarks.requests.measure``."""
    return requests.measure(data, work)


def cold_start_items(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """All ratings of some films leave latest-small (without tags): are the films recommended to those who rated them?

    ``recall@50`` is that of the hybrid ranker, ``collaborative`` that of the engine behind it, and ``random`` that of
    50 films drawn from those that a user has not rated. Parameters are tuned on the copy without those ratings.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    workspace = movielens.without_tags(data, work, progress)
    out = work / "cold-items"
    shutil.rmtree(out, ignore_errors=True)
    found = evaluate(
        workspace.home, "cold-items", SYSTEMS, k=(10, K), users=users, out=out, tune=True, progress=progress
    )
    with Store(workspace.database, workspace.settings) as store:
        items = len(store.items.matching())
        done = {case.user_id: len(store.interactions.consumed_ids(case.user_id or "")) for case in found.run.cases}
    rankable = [items - done[case.user_id] + len(case.targets) for case in found.run.cases]
    random = float(np.mean([K / n for n in rankable]))
    recall = {one.name: one.metrics[f"recall@{K}"].value for one in found.summary.systems}
    return {
        f"recall@{K}": round(recall["hybrid"], 4),
        "random": round(random, 5),
        "ratio": round(recall["hybrid"] / random, 2),
        "collaborative": {f"recall@{K}": round(recall["collaborative"], 4)},
        "users": len(rankable),
        "films": len({target for case in found.run.cases for target in case.targets}),
    }


def confidence(data: Path, work: Path, users: int | None, progress: Progress) -> dict[str, Any]:
    """How true ``confidence`` is for the newest fifth of each user's interactions (ten at most), which were held out.

    ``graded``: that a rating of latest-small (without tags) is at or above the user's mean. ``implicit``: that an item
    of Amazon Beauty was taken rather than one drawn from those that the user did not take, one for each.

    Args:
        data: the folder of data sets.
        work: a folder to work in.
        users: number of users to test, drawn at random; None for all.
        progress: is called in each step.
    """
    return {
        "graded": _confidence(movielens.without_tags(data, work, progress), work / "graded", users, progress),
        "implicit": _confidence(
            beauty.without_tests(data, work, progress, tuned=False), work / "implicit", users, progress
        ),
    }


def _confidence(source: Workspace, home: Path, users: int | None, progress: Progress) -> dict[str, float | int]:
    with Store(source.database, source.settings) as store:
        arrays, catalogue = store.interactions.arrays(), store.items.matching()
        settings = store.settings
    weight, kind = weights(arrays, settings), graded_kind(arrays, settings)
    held = held_out(arrays, label_mask(arrays, weight, kind))
    copy = copied(source, home, arrays, Split((), held, ""), tune=True, progress=progress)
    held_out_users = HeldOutUsers(arrays, arrays.rows(~held), weight, held, kind, catalogue, settings)
    said, true = [], []
    with Store(copy.database, copy.settings) as store:
        learned = open_engines(copy, store).confidence
        assert learned is not None, "there are thousands of labels"
        for done, user in enumerate(held_out_users.each(np.random.default_rng(0))):
            if done == users:
                break
            progress("held-out interactions", done, held_out_users.count)
            said.append(learned.predict(user.past, user.values, user.item_numbers))
            true.append(user.labels)
    answers, labels = np.concatenate(said).astype(np.float64), np.concatenate(true)
    known = ~np.isnan(answers)
    measured = calibration(answers[known], labels[known].astype(np.float64), BINS)
    return {
        "ece": round(measured.ece, 4),
        "ece_by_chance": round(measured.ece_by_chance, 4),
        "brier_skill": round(measured.brier_skill, 4),
        "base_rate": round(measured.base_rate, 4),
        "labels": measured.pairs,
        "without_an_answer": int((~known).sum()),
        "bins": BINS,
    }


PARTS: Mapping[str, Part] = {
    "beauty_sequential": beauty.sequential,
    "beauty_sequential_blind": beauty.blind,
    "beauty_direct": beauty.direct,
    "movielens_loo": movielens.leave_one_out,
    "requests": _requests,
    "cold_start_items": cold_start_items,
    "confidence": confidence,
    "side_by_side": comparison.side_by_side,
}
