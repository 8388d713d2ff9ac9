"""The tables of an evaluation, as text: the terminal and the page show the same tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recmind.agent.evaluation.report_text import (
    MEASURES,
    dollars,
    interval,
    milliseconds,
    number,
    p_value,
    parted,
    share,
    verdict,
)

if TYPE_CHECKING:
    from recmind.agent.evaluation.summary import Comparison, Summary, SystemSummary
    from recmind.data.evaluation.bootstrap import Estimate

ACCURACY = ("hit_rate", "recall", "precision", "ndcg", "mrr")
HEADLINES = ("hit_rate", "ndcg")
OF_ONE_TARGET = ("hit_rate", "ndcg", "mrr")
"""With one target for each case, recall is the hit rate, and precision is the hit rate divided by k."""
COMPARED_LISTS = ("diversity", "novelty", "popularity")
LISTS = ("coverage", "diversity", "novelty", "popularity", "popularity_bias", "gini")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and, smaller, its interval."""

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One table: a header, and rows that are as long; the first column names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: tuple[int, ...] = (0,)
    """The numbers of the columns that hold words rather than figures."""

    def without_notes(self) -> Section:
        """The same table without intervals, and so narrower."""
        return replace(self, rows=tuple(tuple(Cell(cell.text) for cell in row) for row in self.rows))


AtK = Callable[["Summary", int], Section]
"""Makes a table of a summary at one k."""


def accuracy(summary: Summary, k: int) -> Section:
    """How high the targets are ranked, by system."""
    return _of_metrics(summary, f"Accuracy at {k}", [f"{name}@{k}" for name in _of_ranks(summary)])


def lists(summary: Summary, k: int) -> Section:
    """The properties of the lists, by system."""
    return _of_metrics(summary, f"Lists of {k}", [f"{name}@{k}" for name in LISTS])


def headlines(summary: Summary, k: int) -> Section:
    """Pairs of systems on the most important metrics."""
    return _differences(summary, k, HEADLINES)


def comparisons(summary: Summary, k: int) -> Section:
    """Pairs of systems on every metric that may differ."""
    return _differences(summary, k, (*_of_ranks(summary), *COMPARED_LISTS))


def costs(summary: Summary) -> Section:
    """The cost of an answer, by system."""
    rows = [
        (
            Cell(system.name),
            Cell(milliseconds(system.latency.p50_ms)),
            Cell(milliseconds(system.latency.p95_ms)),
            Cell(number(system.spending.model_calls_per_request, 1)),
            Cell(number(system.spending.tokens_per_request, 0)),
            Cell(dollars(system.spending.cost_usd_per_request)),
        )
        for system in summary.systems
    ]
    header = ("System", "p50", "p95", "Model calls", "Tokens", "Cost")
    return Section("Time and cost of a request", header, tuple(rows))


def models(summary: Summary) -> Section:
    """The models that answered, if they are not just the named one; else no rows."""
    named = [summary.settings.get("model")]
    rows = [
        (Cell(system.name), Cell(model), Cell(share(n, system.cases)))
        for system in summary.systems
        for model, n in system.spending.models.items()
        if list(system.spending.models) != named
    ]
    return Section("Models chosen", ("System", "Model", "Requests"), tuple(rows), words=(0, 1))


def validity(summary: Summary) -> Section:
    """Whether items and reasons hold, for the systems that were checked; no rows if none was."""
    rows = [
        (
            Cell(system.name),
            Cell(share(found.invalid_items, found.recommendations)),
            Cell(share(found.unproved_reasons, found.recommendations)),
            Cell(f"{found.repairs:,}"),
            Cell(f"{found.fallbacks:,}"),
            Cell(f"{found.empty:,}"),
        )
        for system in summary.systems
        if (found := system.validity).recommendations or found.fallbacks or found.empty
    ]
    header = ("System", "Invalid items", "Unproved reasons", "Repairs", "Fallbacks", "No answer")
    return Section("Validity", header, tuple(rows))


def fallbacks(summary: Summary) -> Section:
    """Why the ranker answered in place of a model; no rows if it never did."""
    rows = [
        (Cell(system.name), Cell(f"{n:,}"), Cell(cause))
        for system in summary.systems
        for cause, n in system.validity.fallback_causes.items()
    ]
    return Section("Causes of fallbacks", ("System", "Cases", "Cause"), tuple(rows), words=(0, 2))


def calibration(summary: Summary) -> Section:
    """Whether confidences come true, for the systems that give any; no rows if none does."""
    rows = [
        (
            Cell(system.name),
            Cell(f"{found.pairs:,}"),
            Cell(number(found.base_rate)),
            Cell(number(found.ece)),
            Cell(number(found.ece_by_chance)),
            Cell(number(found.brier)),
            Cell(number(found.brier_skill, signed=True)),
        )
        for system in summary.systems
        if (found := system.calibration)
    ]
    header = ("System", "Pairs", "Base rate", "ECE", "ECE by chance", "Brier", "Brier skill")
    return Section("Calibration of confidence", header, tuple(rows))


def reliability(system: SystemSummary) -> Section:
    """The reliability table of one system; no rows if it gives no confidence."""
    rows = [
        (
            Cell(f"{number(found.lowest)} to {number(found.highest)}"),
            Cell(f"{found.pairs:,}"),
            Cell(number(found.confidence)),
            Cell(number(found.share), f"[{number(found.low)}, {number(found.high)}]"),
        )
        for found in (system.calibration.bins if system.calibration else ())
    ]
    return Section(f"Reliability of {system.name}", ("Confidence", "Pairs", "Mean", "Came true"), tuple(rows))


def _of_ranks(summary: Summary) -> tuple[str, ...]:
    return OF_ONE_TARGET if summary.targets == summary.cases else ACCURACY


def _differences(summary: Summary, k: int, names: Sequence[str]) -> Section:
    metrics = {f"{name}@{k}" for name in names}
    rows = [_compared(one, summary.resamples) for one in summary.comparisons if one.metric in metrics]
    header = ("Systems", "Metric", "Difference", "p", "Smallest visible", "The first is")
    return Section(f"Differences at {k}", header, tuple(rows), words=(0, 1, 5))


def _of_metrics(summary: Summary, title: str, metrics: Sequence[str]) -> Section:
    rows = [(Cell(system.name), *(_estimate(system.metrics[m], m) for m in metrics)) for system in summary.systems]
    header = ("System", *(MEASURES[parted(metric)[0]].label for metric in metrics))
    return Section(title, header, tuple(rows))


def _estimate(estimate: Estimate, metric: str) -> Cell:
    name, _ = parted(metric)
    digits, signed = MEASURES[name].digits, name == "popularity_bias"
    return Cell(number(estimate.value, digits, signed), interval(estimate, digits, signed))


def _compared(comparison: Comparison, resamples: int) -> tuple[Cell, ...]:
    difference, digits = comparison.difference, MEASURES[parted(comparison.metric)[0]].digits
    return (
        Cell(f"{comparison.a} − {comparison.b}"),
        Cell(MEASURES[parted(comparison.metric)[0]].label),
        Cell(number(difference.value, digits, signed=True), interval(difference, digits, signed=True)),
        Cell(p_value(difference.p_value, resamples)),
        Cell(number(difference.smallest_visible, digits)),
        Cell(verdict(comparison)),
    )
