"""One recommender, fitted and measured in its own process: ``python -m benchmarks.rivals SYSTEM FOLDER SETTING``.

``FOLDER`` is what ``RivalData.save`` wrote; ``SETTING`` is a JSON object of the system's own parameters. It prints a
JSON object. ``implicit`` and ``lenskit`` are imported only for their own systems; both are in the extra ``comparison``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.common import figures
from recmind.data.arrays import Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import UserSequences, sequences_of
from recmind.tools.index.tuning import Slice
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.ranking.reranker_batch import recommend_batch

T = TypeVar("T")
One = Callable[[int], Sequence[int]]
"""From a user number to at most ten item numbers, best first."""
Many = Callable[[Int64s], Sequence[Sequence[int]]]
"""The same for many users in one call."""

IMPLICIT = ("implicit.nearest_neighbours", "implicit.als", "implicit.bpr")
LENSKIT = ("lenskit.knn", "lenskit.data", "lenskit.pipeline", "lenskit.batch")
CUT = 10
TIMED, TIMES, LONG_S = 300, 3, 10.0
"""Number of users that are timed one by one; how often anything is timed (the best counts); what takes longer than
LONG_S is timed once."""


@dataclass(frozen=True, slots=True)
class RivalData:
    """The known interactions, and the items to find."""

    part: Slice
    settings: Settings
    texts: ItemEmbeddings

    def save(self, folder: Path) -> None:
        """Write everything into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        columns = {field.name: getattr(self.part.rest, field.name) for field in fields(InteractionArrays)}
        np.savez(folder / "rest.npz", **columns)
        np.savez(folder / "asked.npz", users=self.part.users, targets=self.part.targets)
        np.savez(folder / "texts.npz", numbers=self.texts.numbers, vectors=self.texts.vectors)
        (folder / "settings.json").write_text(self.settings.model_dump_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RivalData:
        """What was saved there."""
        columns = dict(np.load(folder / "rest.npz"))
        columns["kind_names"] = tuple(columns["kind_names"].tolist())
        settings = Settings.model_validate_json((folder / "settings.json").read_text(encoding="utf-8"))
        part = Slice(InteractionArrays(**columns), **np.load(folder / "asked.npz"))
        return cls(part, settings, ItemEmbeddings(**np.load(folder / "texts.npz")))


def recmind(known: RivalData, setting: Mapping[str, Any]) -> tuple[One, Many]:
    """RecMind's links, re-ranked.

    Args:
        known: the data.
        setting: what tuning found: ``collaborative`` and ``weights``.
    """
    rest, settings = known.part.rest, known.settings
    parameters = CollaborativeParameters(**setting["collaborative"])
    model = CollaborativeModel.fit(
        rest, weights(rest, settings), settings, parameters=parameters, embeddings=known.texts
    )
    reranker = Reranker(model, ItemTimes.of(rest), known.texts, setting["weights"])

    users = known.part.users
    # The product remembers its users' pasts, as the others keep theirs in a matrix.
    pasts = {user: past for user, (past, _) in zip(users.tolist(), sequences_of(rest, users, settings), strict=True)}

    def many(asked: Int64s) -> Sequence[Sequence[int]]:
        found: list[list[int]] = recommend_batch(
            reranker, UserSequences.of(rest, asked, settings), CUT
        ).item_numbers.tolist()
        return found

    return lambda user: [hit.item_number for hit in reranker.recommend(pasts[user], CUT)], many


def implicit_model(name: str) -> Callable[[RivalData, Mapping[str, Any]], tuple[One, Many]]:
    """A model of ``implicit`` by the name of its class."""

    def made(known: RivalData, setting: Mapping[str, Any]) -> tuple[One, Many]:
        from scipy.sparse import csr_matrix

        homes = [import_module(home) for home in IMPLICIT]
        kind: Any = next(getattr(home, name) for home in homes if hasattr(home, name))
        rest = known.part.rest
        users, rows = np.unique(rest.user_numbers, return_inverse=True)
        items, columns = np.unique(rest.item_numbers, return_inverse=True)
        taken = csr_matrix((np.ones(len(rest), np.float32), (rows, columns)), shape=(len(users), len(items)))
        taken.data[:] = 1.0
        model = kind(**setting)
        model.fit(taken, show_progress=False)

        def many(asked: Int64s) -> Sequence[Sequence[int]]:
            rows = np.searchsorted(users, asked)
            found, scores = model.recommend(rows, taken[rows], N=CUT)
            # If fewer items are linked, the rest of the answer is filled with scores of 0 or below the least float.
            answered = np.isfinite(scores) & (scores > np.finfo(np.float32).min)
            return [items[row[kept]].tolist() for row, kept in zip(found, answered, strict=True)]

        def one(user: int) -> Sequence[int]:
            row = int(np.searchsorted(users, user))
            found, scores = model.recommend(row, taken[row], N=CUT)
            return [int(n) for n in items[found[np.isfinite(scores) & (scores > np.finfo(np.float32).min)]]]

        return one, many

    return made


def lenskit_model(name: str) -> Callable[[RivalData, Mapping[str, Any]], tuple[One, Many]]:
    """A scorer of ``lenskit`` by the name of its class, in its standard pipeline."""

    def made(known: RivalData, setting: Mapping[str, Any]) -> tuple[One, Many]:
        pd, lenskit, knn, sets, pipelines, batch = map(import_module, ("pandas", "lenskit", *LENSKIT))
        rest = known.part.rest
        taken = pd.DataFrame({"user_id": rest.user_numbers, "item_id": rest.item_numbers}).drop_duplicates()
        pipeline = pipelines.topn_pipeline(getattr(knn, name), setting, n=CUT)
        pipeline.train(sets.from_interactions_df(taken))

        def many(asked: Int64s) -> Sequence[Sequence[int]]:
            found = batch.recommend(pipeline, asked.tolist(), n=CUT, n_jobs=1)
            return [[int(n) for n in found.lookup(user).ids()] for user in asked.tolist()]

        return lambda user: [int(n) for n in lenskit.recommend(pipeline, user, n=CUT).ids()], many

    return made


SYSTEMS: Mapping[str, Callable[[RivalData, Mapping[str, Any]], tuple[One, Many]]] = {
    "recmind": recmind,
    "implicit_bm25": implicit_model("BM25Recommender"),
    "implicit_cosine": implicit_model("CosineRecommender"),
    "implicit_als": implicit_model("AlternatingLeastSquares"),
    "implicit_bpr": implicit_model("BayesianPersonalizedRanking"),
    "lenskit_ease": lenskit_model("EASEScorer"),
    "lenskit_item_knn": lenskit_model("ItemKNNScorer"),
}

NEEDS = {
    "recmind": ("faiss", "scipy.sparse"),
    "implicit": ("scipy.sparse", *IMPLICIT),
    "lenskit": ("pandas", "lenskit", *LENSKIT),
}
"""The modules that the systems of each package import."""


def measure(system: str, folder: Path, setting: Mapping[str, Any]) -> dict[str, float | int]:
    """Quality, seconds of the fit, peak memory of the process after the fit, and answers per second.

    Imports are done before. ``per_second`` counts one user after the other, ``per_second_many`` all users in one call.

    Args:
        system: name of the system.
        folder: what ``RivalData.save`` wrote.
        setting: the system's own parameters.
    """
    known = RivalData.load(folder)
    for module in NEEDS[system.partition("_")[0]]:
        import_module(module)
    before = _peak_mb()
    begun = time.perf_counter()
    one, many = SYSTEMS[system](known, setting)
    fit_s, peak = time.perf_counter() - begun, _peak_mb()
    users, targets = known.part.users, known.part.targets.tolist()
    few = users[:TIMED].tolist()
    answers, many_s = _timed(lambda: many(users))
    _, few_s = _timed(lambda: [one(user) for user in few])
    ranks = np.full(len(users), np.inf)
    for place, (found, target) in enumerate(zip(answers, targets, strict=True)):
        if target in found:
            ranks[place] = list(found).index(target) + 1
    return {
        **figures(ranks),
        "fit_s": round(fit_s, 2),
        "fit_peak_mb": round(peak),
        "before_fit_mb": round(before),
        "per_second": round(len(few) / few_s, 1),
        "per_second_many": round(len(users) / many_s, 1),
    }


def _timed(asked: Callable[[], T]) -> tuple[T, float]:
    """The result, and the shortest time that it took in seconds; called only once if that is long."""
    times: list[float] = []
    while True:
        begun = time.perf_counter()
        found = asked()
        times.append(time.perf_counter() - begun)
        if len(times) == TIMES or sum(times) >= LONG_S:
            return found, min(times)


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))))
