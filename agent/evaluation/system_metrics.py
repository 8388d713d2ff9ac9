"""The figures of one system: a row for each case, so that systems can be compared case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from recmind.data.arrays import Float64s, Int64s
from recmind.data.evaluation.bootstrap import Estimate
from recmind.data.evaluation.metrics import (
    TargetRanks,
    coverage,
    diversity,
    exposure,
    gini,
    mean_over,
    popularity_percentiles,
    self_information,
)

if TYPE_CHECKING:
    from recmind.agent.evaluation.records import Outcome, Run, VectorsOf

OF_RANKS = ("hit_rate", "recall", "precision", "ndcg", "mrr")
OF_LISTS = ("diversity", "novelty", "popularity", "popularity_bias")
TENTHS = 10
CURVE_POINTS = 20
"""The curve of the hit rate is drawn at no more than this many values of k."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one system."""

    table: Float64s
    """Of shape (cases, columns); NaN if the case was not answered or has no such value."""
    over_all_lists: Mapping[str, Estimate]
    """Coverage and Gini of exposure by k, without intervals: a resample has fewer distinct lists than the run, so its
    coverage would be too small and its exposure too unequal."""
    popularity: tuple[float, ...]


class SystemMetrics:
    """What all systems of a run share: the catalogue, how popular its items are, and what users took."""

    def __init__(
        self,
        run: Run,
        k: Sequence[int],
        main_k: int,
        vectors: VectorsOf | None,
        histories: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self._k, self._main_k = k, main_k
        self._cases = run.cases
        self._item_ids = run.item_ids
        self._numbers = {item_id: number for number, item_id in enumerate(run.item_ids)}
        counts = np.array([run.popularity.get(item_id, 0) for item_id in run.item_ids], np.int64)
        self._information = self_information(counts)
        self._percentiles = popularity_percentiles(counts)
        self._vectors = vectors
        self._curve = _curve_ks(max(k))
        self.metric_columns = [f"{name}@{depth}" for depth in k for name in (*OF_RANKS, *OF_LISTS)]
        self.curve_columns = {depth: f"curve@{depth}" for depth in self._curve}
        self.columns = [*self.metric_columns, *self.curve_columns.values()]
        taken = [(histories or {}).get(case.user_id or "", ()) for case in run.cases]
        self.reference_name: Literal["history", "targets"] = "history" if any(taken) else "targets"
        reference = taken if any(taken) else [case.targets for case in run.cases]
        flat = [self._percentiles[self._known(item_ids)] for item_ids in reference]
        self._reference = np.array([row.mean() if len(row) else np.nan for row in flat], np.float64)
        self.reference_popularity = _tenths(np.concatenate(flat) if flat else np.zeros(0))

    def system(self, outcomes: Sequence[Outcome | None]) -> Measured:
        """The figures of one system, from its outcomes in the order of the run's cases; None for a missing outcome."""
        ranks = TargetRanks.of(() if outcome is None else outcome.ranks for outcome in outcomes)
        lists = self._lists([() if outcome is None else outcome.ranking for outcome in outcomes])
        table = np.full((len(outcomes), len(self.columns)), np.nan)
        over_all: dict[str, Estimate] = {}
        answered = [case.user_id or case for case, outcome in zip(self._cases, outcomes, strict=True) if outcome]
        rows, places = self._rows_of(lists)
        column = 0
        for depth in self._k:
            of_ranks = ranks.metrics(depth)
            popularity = mean_over(lists[:, :depth], self._percentiles)
            of_lists = (
                diversity(places[:, :depth], rows),
                mean_over(lists[:, :depth], self._information),
                popularity,
                popularity - self._reference,
            )
            for values in (*(of_ranks[name] for name in OF_RANKS), *of_lists):
                table[:, column] = values
                column += 1
            shown = exposure(lists[:, :depth], len(self._item_ids))
            for name, value in (("coverage", coverage(shown)), ("gini", gini(shown))):
                over_all[f"{name}@{depth}"] = Estimate(value, None, None, len(answered), len(set(answered)))
        for depth in self._curve:
            table[:, column] = ranks.metrics(depth)["hit_rate"]
            column += 1
        first = lists[:, : self._main_k]
        return Measured(table, over_all, _tenths(self._percentiles[first[first >= 0]]))

    def _lists(self, rankings: Sequence[Sequence[str]]) -> Int64s:
        """Item numbers of shape (cases, largest k); -1 if there is no item, or the catalogue lacks it."""
        depth = max(self._k)
        lists = np.full((len(rankings), depth), -1, np.int64)
        for row, ranking in zip(lists, rankings, strict=True):
            shown = ranking[:depth]
            row[: len(shown)] = [self._numbers.get(item_id, -1) for item_id in shown]
        return lists

    def _rows_of(self, lists: Int64s) -> tuple[NDArray[np.floating], Int64s]:
        """The vectors of the items in these lists, and the lists with their rows in place of item numbers."""
        used, places = np.unique(lists, return_inverse=True)
        places = places.reshape(lists.shape)
        if len(used) and used[0] == -1:
            used, places = used[1:], places - 1
        if self._vectors is None or not len(used):
            return np.zeros((0, 1)), np.full(lists.shape, -1)
        return self._vectors([self._item_ids[number] for number in used]), places

    def _known(self, item_ids: Iterable[str]) -> Int64s:
        return np.array([self._numbers[item_id] for item_id in item_ids if item_id in self._numbers], np.int64)


def _tenths(percentiles: Float64s) -> tuple[float, ...]:
    """The share of each tenth of the catalogue by popularity; empty if there are no items."""
    if not len(percentiles):
        return ()
    counts = np.bincount(np.minimum(percentiles * TENTHS, TENTHS - 1).astype(np.int64), minlength=TENTHS)
    return tuple(float(count) for count in counts / len(percentiles))


def _curve_ks(deepest: int) -> list[int]:
    """Every k up to the deepest; if these are too many, some of them, close together at first."""
    if deepest <= CURVE_POINTS:
        return list(range(1, deepest + 1))
    return sorted({round(depth) for depth in np.geomspace(1, deepest, CURVE_POINTS).tolist()})
