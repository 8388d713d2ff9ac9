"""The figures of an evaluation in words: names and meanings of measures, numbers, and differences."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recmind.agent.evaluation.summary import Comparison, Summary, SystemSummary
    from recmind.data.evaluation.bootstrap import Estimate

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, in words for people."""

    label: str
    meaning: str
    digits: int = 4
    more_is_better: bool = False
    """Whether a higher value is always better; False if it depends on what is wanted."""


MEASURES = {
    "hit_rate": Measure("Hit rate", "the share of cases with any target among the first k", more_is_better=True),
    "recall": Measure("Recall", "the share of a case's targets among the first k", more_is_better=True),
    "precision": Measure("Precision", "the share of the first k places that targets fill", more_is_better=True),
    "ndcg": Measure(
        "NDCG", "the gains of the targets, 1 / log2(1 + rank), over those of the best order", more_is_better=True
    ),
    "mrr": Measure("MRR", "1 / rank of the first target, 0 where it is beyond k", more_is_better=True),
    "coverage": Measure("Coverage", "the share of the catalogue that is recommended to anybody", digits=3),
    "diversity": Measure("Diversity", "the mean of 1 - cosine over all pairs of items in a list", digits=3),
    "novelty": Measure("Novelty", "the mean of -log2 of an item's share of all interactions, in bits", digits=2),
    "popularity": Measure("Popularity", "the mean popularity percentile of what is recommended", digits=3),
    "popularity_bias": Measure(
        "Popularity bias", "that percentile minus the one of what it is held against (see the settings)", digits=3
    ),
    "gini": Measure("Gini", "how unequally items are recommended: 0 all alike, near 1 always the same few", digits=3),
}


def parted(metric: str) -> tuple[str, int]:
    """``hit_rate@10`` as its name and its k."""
    name, _, k = metric.partition("@")
    return name, int(k)


def label(metric: str) -> str:
    """``hit_rate@10`` as ``Hit rate@10``."""
    name, k = parted(metric)
    return f"{MEASURES[name].label}@{k}"


def number(value: float | None, digits: int = 3, signed: bool = False) -> str:
    """A number with these decimals and a proper minus sign; a dash for None.

    Args:
        value: the number; None is written as a dash.
        digits: the number of decimals.
        signed: whether a positive number gets a plus.
    """
    if value is None or isnan(value):
        return NOTHING
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    if not float(text.replace(",", "")):  # -0.0001 with three decimals is written 0.000, without a minus
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def interval(estimate: Estimate, digits: int = 3, signed: bool = False) -> str:
    """``[0.031, 0.038]``; empty if there is no interval.

    Args:
        estimate: a value with its interval.
        digits: the number of decimals.
        signed: whether positive numbers get a plus.
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low, digits, signed)}, {number(estimate.high, digits, signed)}]"


def milliseconds(value: float) -> str:
    """A time with at most three figures: ``0.42 ms``, ``12 ms``, ``3.1 s``."""
    if isnan(value):
        return NOTHING
    if value >= 1000:
        return f"{value / 1000:,.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def dollars(value: float | None) -> str:
    """A price; ``unknown`` for None, which is not the same as 0."""
    if value is None:
        return "unknown"
    return (
        "$0"
        if value == 0
        else f"${value:,.2f}"
        if value >= 1
        else f"${value:.4f}"
        if value >= 0.001
        else f"${value:.2g}"
    )


def share(part: int, whole: int) -> str:
    """``3 of 1,200 (0.3 %)``; a dash if the whole is 0."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)" if whole else NOTHING


def p_value(value: float | None, resamples: int) -> str:
    """A p-value, not smaller than this number of resamples can show."""
    if value is None:
        return NOTHING
    finest = 2 / (resamples + 1)
    return f"≤ {finest:.3f}" if value <= finest else f"{value:.3f}"


def verdict(comparison: Comparison) -> str:
    """How the first system compares with the second: better, worse, higher, lower, or not distinguishable."""
    measure = MEASURES[parted(comparison.metric)[0]]
    if comparison.verdict == "alike":
        return "the same on every case"
    if comparison.verdict == "not told apart":
        return "not told apart"
    if not measure.more_is_better:
        return comparison.verdict
    return "better" if comparison.verdict == "higher" else "worse"


def told(comparison: Comparison) -> str:
    """A comparison as a sentence."""
    measure, difference = MEASURES[parted(comparison.metric)[0]], comparison.difference
    if comparison.verdict == "alike":
        return f"{comparison.a} and {comparison.b} are {verdict(comparison)} in {label(comparison.metric)}."
    value = number(difference.value, measure.digits, signed=True)
    figures = f"{label(comparison.metric)} {value} {interval(difference, measure.digits, signed=True)}".rstrip()
    if comparison.verdict != "not told apart":
        return f"{comparison.a} is {verdict(comparison)} than {comparison.b}: {figures}."
    if difference.smallest_visible is None:
        return f"{comparison.a} and {comparison.b} are not told apart: {figures}, and too few users to tell."
    visible = number(difference.smallest_visible, measure.digits)
    return (
        f"{comparison.a} and {comparison.b} are not told apart: {figures}. A true difference of {visible} would have "
        "been seen four times in five; a smaller one may be there."
    )


def asked(summary: Summary) -> str:
    """How much was asked: cases, users, targets and items."""
    of_users = f" of {_count(summary.users, 'user')}" if summary.users else ""
    targets = "" if summary.targets == summary.cases else f" with {_count(summary.targets, 'target')}"
    return f"{_count(summary.cases, 'case')}{of_users}{targets}, {_count(summary.items, 'item')}"


def spent(system: SystemSummary) -> str:
    """The cost of a request to the system: time, and tokens and money if a model is asked."""
    text = f"{milliseconds(system.latency.p50_ms)} at the median"
    cost, tokens = system.spending.cost_usd_per_request, system.spending.tokens_per_request
    if cost is None or cost or tokens:
        price = "at an unknown price" if cost is None else f"for {dollars(cost)}"
        text += f", {number(tokens, 0)} tokens a request {price}"
    return text


def _count(n: int, one: str) -> str:
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"
