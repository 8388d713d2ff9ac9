"""Search, measured on real people's requests for a film that they could not name."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import latest_small
from recmind.agent.cli.output import ProgressLine
from recmind.data.arrays import Float64s, Int64s
from recmind.data.evaluation.bootstrap import Resamples
from recmind.data.importers import import_table
from recmind.data.progress import Progress
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index
from recmind.tools.index.engines import open_engines
from recmind.tools.search.fusion import FEATURE_WEIGHTS, FeatureWeights, by_logit, fuse
from recmind.tools.search.item_search import DEPTH, LONG_DEPTH, ItemSearch
from recmind.tools.search.long_query import long_query_features

FOLDS = 5
RESAMPLES = 10_000
SEED = 0
CUTS = (1, 10, 50)
RIDGE = 1e-3
"""Penalty on the squared weights, added to the mean loss: keeps weights finite if a feature separates all films."""

SMALLEST_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Post:
    """A post and the film it is about."""

    text: str
    item_id: str


@dataclass(frozen=True, slots=True)
class SearchedRequest:
    """The candidates of one request with their features, before anything is weighed."""

    target: int
    """The item number of the film that was meant."""
    dense: list[int]
    words: list[int]
    numbers: Int64s
    """Item numbers of the candidates of the product's search; ``features`` has a row for each."""
    features: Float64s


def measure(data: Path, work: Path) -> dict[str, float | int | str]:
    """Recall of the film meant over all films of latest-small, with overviews, for four ways to search.

    ``dense`` and ``bm25`` are all-MiniLM-L6-v2 and FTS5 on the whole text, ``rrf`` is reciprocal rank fusion of both (k
    = 60, 200 deep), and the figures without a prefix are the product's. Its three weights are learned on four folds of
    the films and measured on the fifth. ``shipped_`` is measured with the weights that it comes with, which were
    learned on all of them. The interval is a paired bootstrap of whole films. Raises FileNotFoundError where data is
    missing.
    """
    posts = requests_of(data)
    workspace = with_overviews(data, work)
    with Store(workspace.database, workspace.settings) as store, ProgressLine() as progress:
        build_index(workspace, store, progress)
        search = open_engines(workspace, store).search
        asked = ask(posts, store, search, progress)
    ranks = {
        "": _crossed(asked, [fold_of(post.item_id) for post in posts]),
        "shipped_": [_rank(_ordered(one, FEATURE_WEIGHTS), one.target) for one in asked],
        "rrf_": [_rank([n for n, _ in fuse([one.dense, one.words])], one.target) for one in asked],
        "dense_": [_rank(one.dense, one.target) for one in asked],
        "bm25_": [_rank(one.words, one.target) for one in asked],
    }
    figures: dict[str, float | int | str] = {"requests": len(posts), "films": len({post.item_id for post in posts})}
    for name, found in ranks.items():
        for k in CUTS:
            figures[f"{name}recall@{k}"] = round(float(np.mean([rank <= k for rank in found])), 4)
        figures[f"{name}MRR"] = round(float(np.mean([1 / rank for rank in found])), 4)
    ours, plain = (np.array([[float(rank <= 10)] for rank in ranks[name]]) for name in ("", "rrf_"))
    between = Resamples([post.item_id for post in posts], RESAMPLES, SEED).differences(ours, plain)[0]
    ends = {"interval_low": between.low, "interval_high": between.high}
    figures["difference"] = round(between.value, 4)
    figures |= {name: round(end, 4) for name, end in ends.items() if end is not None}
    return {**figures, "resamples": RESAMPLES, "seed": SEED, "folds": FOLDS}


def requests_of(data: Path) -> list[Post]:
    """The posts of the training part whose film has an overview; title and text are joined."""
    with (data / "movie-overviews.csv").open(encoding="utf-8", newline="") as opened:
        described = {row["movieId"] for row in csv.DictReader(opened)}
    with (data / "movie-requests-train.jsonl").open(encoding="utf-8") as opened:
        posts = [json.loads(line) for line in opened]
    return [
        Post(". ".join(part.strip() for part in (post["title"], post["text"]) if part.strip()), post["movieId"])
        for post in posts
        if post["movieId"] in described
    ]


def with_overviews(data: Path, work: Path) -> Workspace:
    """A workspace with latest-small and the overviews; imported if it does not exist yet."""
    overviews = data / "movie-overviews.csv"
    workspace = latest_small(data, work / "overviews")
    with Store(workspace.database, workspace.settings) as store:
        if not any(attribute.name == "keywords" for attribute in store.catalogue().attributes):
            import_table(store, items=overviews, columns={"items.item_id": "movieId", "items.description": "overview"})
    return workspace


def ask(posts: Sequence[Post], store: Store, search: ItemSearch, progress: Progress) -> list[SearchedRequest]:
    """The candidates of each request, by each way to search.

    Args:
        posts: the requests.
        store: the films.
        search: the product's search.
        progress: is called with the requests done.
    """
    index = search.index
    films = index.allowed()
    targets = store.items.numbers_of(post.item_id for post in posts)
    plain = index.encoder.encode([post.text for post in posts], progress)
    found = []
    for place, post in enumerate(posts):
        rows, _ = index.vector_index.nearest(plain[place], DEPTH)
        vector = search.query_vector(post.text)
        assert vector is not None, "no post is empty"
        numbers, features = long_query_features(index, post.text, vector, films, LONG_DEPTH)
        words = [number for number, _ in store.full_text.search(post.text, n=DEPTH)]
        found.append(SearchedRequest(targets[post.item_id], index.numbers[rows].tolist(), words, numbers, features))
        progress("searching", place + 1, len(posts))
    return found


def fold_of(item_id: str) -> int:
    """The fold of all requests for this film."""
    return int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "big") % FOLDS


def learned(asked: Sequence[SearchedRequest]) -> FeatureWeights:
    """The weights under which the films meant are most probable among the candidates of their requests.

    McFadden's conditional logit, by Newton's method; the loss is convex, and a step that overshoots is halved.
    """
    cases = [
        (one.features, int(np.flatnonzero(one.numbers == one.target)[0])) for one in asked if one.target in one.numbers
    ]
    weights = np.zeros(3)
    loss, gradient, curvature = _loss(cases, weights)
    for _ in range(50):
        step = np.linalg.solve(curvature, gradient)
        while (trial := _loss(cases, weights - step))[0] > loss and np.abs(step).max() > SMALLEST_STEP:
            step = step / 2
        weights = weights - step
        loss, gradient, curvature = trial
        if np.abs(step).max() <= SMALLEST_STEP:
            break
    return FeatureWeights(*weights.tolist())


def _loss(cases: Sequence[tuple[Float64s, int]], weights: Float64s) -> tuple[float, Float64s, Float64s]:
    """The mean surprise at the film meant, its gradient and its matrix of second derivatives."""
    loss, gradient, curvature = RIDGE * float(weights @ weights) / 2, RIDGE * weights, RIDGE * np.eye(len(weights))
    for features, meant in cases:
        logits = features @ weights
        share = np.exp(logits - logits.max())
        total = float(share.sum())
        share /= total
        mean = share @ features
        loss += (float(logits.max() - logits[meant]) + np.log(total)) / len(cases)
        gradient = gradient + (mean - features[meant]) / len(cases)
        curvature = curvature + ((features * share[:, None]).T @ features - np.outer(mean, mean)) / len(cases)
    return float(loss), gradient, curvature


def _crossed(asked: Sequence[SearchedRequest], folds: Sequence[int]) -> list[float]:
    """The rank of every film meant, by weights learned on the other folds."""
    weights: Mapping[int, FeatureWeights] = {
        fold: learned([one for one, its in zip(asked, folds, strict=True) if its != fold]) for fold in set(folds)
    }
    return [_rank(_ordered(one, weights[fold]), one.target) for one, fold in zip(asked, folds, strict=True)]


def _ordered(one: SearchedRequest, weights: FeatureWeights) -> list[int]:
    return [number for number, _ in by_logit(one.numbers, weights.of(one.features))]


def _rank(ordered: Sequence[int], target: int) -> float:
    """The target's place, counted from 1; infinite where it was not found."""
    return ordered.index(target) + 1 if target in ordered else float("inf")
