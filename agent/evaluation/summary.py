"""The figures of a run: every measure of every system with its interval, and comparisons of systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import isnan
from typing import Any, Literal, cast

from recmind.agent.evaluation.records import JSON, Case, Outcome, Run, VectorsOf
from recmind.data.arrays import Float64s
from recmind.data.errors import InputError
from recmind.data.evaluation.bootstrap import LEVEL, RESAMPLES, Difference, Estimate, Resamples
from recmind.data.evaluation.metrics import Calibration, calibration, percentiles
from recmind.data.progress import Progress, quiet

ComparisonResult = Literal["higher", "lower", "not told apart", "alike"]
"""a compared with b: the interval of the difference is above 0, below it, or around it; alike: equal on every case."""

DEFAULT_K = (5, 10, 20)
MAIN_K = 10
"""The k that is shown first, if it was measured."""
LATENCY_PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether the recommended items are valid and the reasons proved."""

    recommendations: int
    """Recommendations that were checked; 0 for a system that gives no reasons."""
    invalid_items: int
    unproved_reasons: int
    repairs: int
    """The number of changes that the validator made to answers."""
    empty: int
    """Cases without any item."""
    fallbacks: int
    """Cases that the ranker answered because the model failed."""
    fallback_causes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a case took, in milliseconds."""

    p50_ms: float
    p95_ms: float
    mean_ms: float
    percentiles_ms: Mapping[str, float]
    """Milliseconds by percent, for each of ``LATENCY_PERCENTS``."""


@dataclass(frozen=True, slots=True)
class SystemSpending:
    """The cost of a system's requests."""

    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """US dollars; None if the price of any case is not known."""
    model_calls_per_request: float
    tokens_per_request: float
    cost_usd_per_request: float | None
    models: Mapping[str, int]
    """The number of requests by model, the most first; ``offline`` if no model was asked."""


@dataclass(frozen=True, slots=True)
class RankBand:
    """The number of targets at these ranks."""

    first: int
    last: int | None
    """The last rank; None, with ``first`` 0, for targets that are not in the ranking."""
    targets: int


@dataclass(frozen=True, slots=True)
class SystemSummary:
    """The figures of one system over all cases that it has answered."""

    name: str
    cases: int
    depth: int
    """The length of its longest ranking; the rank of a target beyond it is unknown."""
    metrics: Mapping[str, Estimate]
    """By name and k, ``hit_rate@10``; coverage and gini, which are measured over all lists at once, have no
    interval."""
    curve: Mapping[int, Estimate]
    """The hit rate by k."""
    ranks: tuple[RankBand, ...]
    popularity: tuple[float, ...]
    """The share of the first ``main_k`` places that each tenth of the catalogue takes, the least popular tenth first.
    Empty if the popularity is not known."""
    calibration: Calibration | None
    validity: Validity
    latency: Latency
    spending: SystemSpending


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one system minus that of another, on the cases that both answered."""

    a: str
    b: str
    metric: str
    difference: Difference
    verdict: ComparisonResult


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures; ``to_dict`` is what ``summary.json`` holds."""

    protocol: str
    description: str
    settings: Mapping[str, JSON]
    cases: int
    users: int
    targets: int
    items: int
    k: tuple[int, ...]
    main_k: int
    resamples: int
    popularity_reference: Literal["history", "targets"]
    """What the popularity of recommendations is compared with: what the user took before, or what was held out."""
    reference_popularity: tuple[float, ...]
    """The same shares as ``popularity`` of a system, for that reference."""
    systems: tuple[SystemSummary, ...]
    comparisons: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain JSON under stable keys; null if not measurable. Systems are keyed by name."""
        told = asdict(self)
        told["systems"] = {system.pop("name"): system for system in told["systems"]}
        return cast("dict[str, Any]", _plain(told))


def summarize(
    run: Run,
    *,
    vectors: VectorsOf | None = None,
    histories: Mapping[str, Sequence[str]] | None = None,
    compare: Sequence[tuple[str, str]] | None = None,
    progress: Progress = quiet,
) -> Summary:
    """The figures of a run; a system is measured on the cases that it has answered.

    Args:
        run: the run, complete or not.
        vectors: gives the vectors of items; without it the diversity of lists is not measured.
        histories: the items that each user took before, which the popularity of recommendations is compared with; None
            takes the targets instead.
        compare: the pairs of systems to compare, the first minus the second; None compares every pair, the later minus
            the earlier.
        progress: called after every system and pair.

    Raises:
        InputError: a pair, a k or an outcome is not in the run.
    """
    from recmind.agent.evaluation.system_metrics import SystemMetrics  # noqa: PLC0415  needs NumPy, which readers of a summary need not import

    k, main_k = _ks(run)
    pairs = _pairs(run, compare)
    answers = _by_system(run)
    users = [case.case_id if case.user_id is None else ("user", case.user_id) for case in run.cases]
    seed = run.settings.get("seed", 0)
    resamples = Resamples(users, seed=seed if isinstance(seed, int) else 0)
    measuring = SystemMetrics(run, k, main_k, vectors, histories)
    tables: dict[str, Float64s] = {}
    systems: list[SystemSummary] = []
    for n, name in enumerate(run.systems):
        progress("measuring systems", n, len(run.systems) + len(pairs))
        outcomes = answers[name]
        measured = measuring.system([outcomes.get(case.case_id) for case in run.cases])
        tables[name] = measured.table
        estimates = dict(zip(measuring.columns, resamples.estimates(measured.table), strict=True))
        given = list(outcomes.values())
        metrics = {**{c: estimates[c] for c in measuring.metric_columns}, **measured.over_all_lists}
        systems.append(
            SystemSummary(
                name=name,
                cases=len(given),
                depth=max((len(outcome.ranking) for outcome in given), default=0),
                metrics=metrics,
                curve={depth: estimates[column] for depth, column in measuring.curve_columns.items()},
                ranks=_rank_bands(given),
                popularity=measured.popularity,
                calibration=_calibration(given),
                validity=_validity(given),
                latency=_latency(given),
                spending=_spending(given),
            )
        )
    comparisons: list[Comparison] = []
    compared = len(measuring.metric_columns)
    for n, (a, b) in enumerate(pairs, len(run.systems)):
        progress("measuring systems", n, len(run.systems) + len(pairs))
        differences = resamples.differences(tables[a][:, :compared], tables[b][:, :compared])
        for metric, difference in zip(measuring.metric_columns, differences, strict=True):
            if difference.cases:
                comparisons.append(Comparison(a, b, metric, difference, _verdict(difference)))
    return Summary(
        protocol=run.protocol,
        description=run.description,
        settings=run.settings,
        cases=len(run.cases),
        users=len({case.user_id for case in run.cases if case.user_id is not None}),
        targets=sum(len(case.targets) for case in run.cases),
        items=len(run.item_ids),
        k=k,
        main_k=main_k,
        resamples=RESAMPLES,
        popularity_reference=measuring.reference_name,
        reference_popularity=measuring.reference_popularity,
        systems=tuple(systems),
        comparisons=tuple(comparisons),
    )


def _ks(run: Run) -> tuple[tuple[int, ...], int]:
    asked = run.settings.get("k", DEFAULT_K)
    k = tuple(sorted({int(value) for value in asked if isinstance(value, int)})) if isinstance(asked, Sequence) else ()
    if not k or k[0] < 1:
        raise InputError(f"k is {asked!r}: give whole numbers from 1 on, as in 5,10,20")
    depth = run.settings.get("depth")
    if isinstance(depth, int) and k[-1] > depth:
        raise InputError(f"k={k[-1]} goes beyond the depth of the run, {depth}; choose a smaller k or run it deeper")
    return k, MAIN_K if MAIN_K in k else k[len(k) // 2]


def _pairs(run: Run, compare: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    if compare is None:
        return [(later, earlier) for earlier, later in combinations(run.systems, 2)]
    for name in (name for pair in compare for name in pair):
        if name not in run.systems:
            raise InputError(f"system {name!r} is not in this run; it has {', '.join(run.systems)}")
    return list(compare)


def _by_system(run: Run) -> dict[str, dict[str, Outcome]]:
    """The outcomes by system and case, checked against the run."""
    cases: dict[str, Case] = {case.case_id: case for case in run.cases}
    answers: dict[str, dict[str, Outcome]] = {name: {} for name in run.systems}
    for outcome in run.outcomes:
        case = cases.get(outcome.case_id)
        if case is None or outcome.system not in answers:
            raise InputError(f"case {outcome.case_id!r} of system {outcome.system!r} is not in this run")
        if len(outcome.ranks) != len(case.targets):
            wrong = f"{len(outcome.ranks)} ranks for {len(case.targets)} targets"
            raise InputError(f"case {outcome.case_id!r} of system {outcome.system!r} has {wrong}")
        answers[outcome.system][outcome.case_id] = outcome
    return answers


def _verdict(difference: Difference) -> ComparisonResult:
    if difference.low is not None and difference.high is not None:
        return "higher" if difference.low > 0 else "lower" if difference.high < 0 else "not told apart"
    if difference.p_value is None:
        return "alike" if difference.users > 1 else "not told apart"
    if difference.p_value > 1 - LEVEL:
        return "not told apart"
    return "higher" if difference.value > 0 else "lower"


def _rank_bands(outcomes: Sequence[Outcome]) -> tuple[RankBand, ...]:
    """The targets by rank, in bands of 1, 2, 5, 10, 20, 50 and so on, and those in no ranking."""
    ranks = Counter(rank for outcome in outcomes for rank in outcome.ranks)
    lost = ranks.pop(None, 0)
    bands: list[RankBand] = []
    first, scale = 1, 1
    deepest = max((rank for rank in ranks if rank is not None), default=0)
    while first <= deepest:
        for last in (scale, 2 * scale, 5 * scale):
            held = sum(n for rank, n in ranks.items() if rank is not None and first <= rank <= last)
            if first <= deepest:
                bands.append(RankBand(first, last, held))
            first = last + 1
        scale *= 10
    return (*bands, RankBand(0, None, lost))


def _calibration(outcomes: Sequence[Outcome]) -> Calibration | None:
    pairs = [pair for outcome in outcomes for pair in outcome.confidences]
    return calibration([said for said, _ in pairs], [true for _, true in pairs]) if pairs else None


def _validity(outcomes: Sequence[Outcome]) -> Validity:
    causes = Counter(outcome.fallback_cause or "cause unknown" for outcome in outcomes if outcome.source == "fallback")
    return Validity(
        recommendations=sum(outcome.recommendations for outcome in outcomes),
        invalid_items=sum(outcome.invalid_items for outcome in outcomes),
        unproved_reasons=sum(outcome.unproved_reasons for outcome in outcomes),
        repairs=sum(outcome.repairs for outcome in outcomes),
        empty=sum(not outcome.ranking for outcome in outcomes),
        fallbacks=causes.total(),
        fallback_causes=dict(causes.most_common()),
    )


def _latency(outcomes: Sequence[Outcome]) -> Latency:
    taken = [1000 * outcome.seconds for outcome in outcomes]
    p50, p95 = percentiles(taken, (50, 95))
    spread = percentiles(taken, LATENCY_PERCENTS)
    return Latency(
        p50_ms=p50,
        p95_ms=p95,
        mean_ms=sum(taken) / len(taken) if taken else float("nan"),
        percentiles_ms={str(percent): value for percent, value in zip(LATENCY_PERCENTS, spread, strict=True)},
    )


def _spending(outcomes: Sequence[Outcome]) -> SystemSpending:
    n = max(len(outcomes), 1)
    calls = sum(outcome.model_calls for outcome in outcomes)
    tokens_in = sum(outcome.input_tokens for outcome in outcomes)
    tokens_out = sum(outcome.output_tokens for outcome in outcomes)
    # A case without model calls costs nothing, whatever the price of the model.
    prices = [0.0 if outcome.cost_usd is None and not outcome.model_calls else outcome.cost_usd for outcome in outcomes]
    known = [price for price in prices if price is not None]
    cost = sum(known) if len(known) == len(prices) else None
    return SystemSpending(
        model_calls=calls,
        tool_calls=sum(outcome.tool_calls for outcome in outcomes),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=cost,
        model_calls_per_request=calls / n,
        tokens_per_request=(tokens_in + tokens_out) / n,
        cost_usd_per_request=None if cost is None else cost / n,
        models=dict(Counter(outcome.model for outcome in outcomes if outcome.model is not None).most_common()),
    )


def _plain(value: object) -> object:
    """The value with text keys, lists, and None for what is not a number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value
