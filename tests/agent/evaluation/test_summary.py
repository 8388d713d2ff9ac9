"""What a run comes to, against sums done by hand."""

import json
from dataclasses import replace
from math import log2, sqrt

import pytest

from recmind.agent.evaluation.records import Case, Outcome, Run
from recmind.agent.evaluation.summary import RankBand, summarize
from recmind.data.errors import InputError
from recmind.data.progress import quiet
from tests.agent.evaluation.runs import HISTORIES, ITEMS, POPULARITY, large, tiny, vectors


def _value(summary, system, metric):
    return next(one for one in summary.systems if one.name == system).metrics[metric].value


@pytest.fixture(scope="module")
def summary():
    return summarize(tiny(), vectors=vectors, histories=HISTORIES)


def test_accuracy_is_as_computed_by_hand(summary) -> None:
    # plain finds one of two targets of one case of three; agent finds "c" first and "d" second.
    assert _value(summary, "plain", "hit_rate@2") == pytest.approx(1 / 3)
    assert _value(summary, "plain", "recall@2") == pytest.approx((0 + 1 / 2 + 0) / 3)
    assert _value(summary, "plain", "precision@2") == pytest.approx((0 + 1 / 2 + 0) / 3)
    assert _value(summary, "agent", "hit_rate@2") == pytest.approx(2 / 3)
    assert _value(summary, "agent", "hit_rate@1") == pytest.approx(1 / 3)
    assert _value(summary, "agent", "mrr@2") == pytest.approx((1 + 1 / 2) / 3)
    assert _value(summary, "agent", "ndcg@2") == pytest.approx((1 + (1 / log2(3)) / (1 + 1 / log2(3))) / 3)


def test_what_the_lists_hold_is_as_computed_by_hand(summary) -> None:
    # plain shows a and b, a and b, a and c; of four items that is a three times, b twice, c once.
    assert _value(summary, "plain", "coverage@2") == 3 / 4
    assert _value(summary, "plain", "gini@2") == pytest.approx((-3 * 0 - 1 * 1 + 1 * 2 + 3 * 3) / (4 * 6))
    assert _value(summary, "plain", "diversity@2") == pytest.approx((1 + 1 + 1 - 1 / sqrt(2)) / 3)
    # Shares with one interaction more for each: a 7, b 4, c 2, d 1 of 14.
    a, b, c = -log2(7 / 14), -log2(4 / 14), -log2(2 / 14)
    assert _value(summary, "plain", "novelty@2") == pytest.approx((a + b + a + b + a + c) / 6)
    # Percentiles: a 7/8, b 5/8, c 3/8, d 1/8. Ann took a and b (3/4), twice asked; bob took c.
    assert _value(summary, "plain", "popularity@2") == pytest.approx((6 / 8 + 6 / 8 + 5 / 8) / 3)
    assert _value(summary, "plain", "popularity_bias@2") == pytest.approx((0 + 0 + 5 / 8 - 3 / 8) / 3)
    assert summary.popularity_reference == "history"
    # The empty list of case 3 has neither, and does not count as 0.
    assert _value(summary, "agent", "diversity@2") == pytest.approx(1 - 1 / sqrt(2))
    assert next(one for one in summary.systems if one.name == "agent").metrics["novelty@2"].cases == 2


def test_popularity_is_held_against_the_targets_where_no_history_is_known() -> None:
    found = summarize(tiny(), vectors=vectors)
    assert found.popularity_reference == "targets"
    # Targets: c (3/8); a and d (1/2); b (5/8).
    expected = (6 / 8 - 3 / 8 + 6 / 8 - 1 / 2 + 5 / 8 - 5 / 8) / 3
    assert _value(found, "plain", "popularity_bias@2") == pytest.approx(expected)


def test_without_vectors_and_catalogue_the_lists_are_unknown() -> None:
    found = summarize(replace(tiny(), item_ids=(), popularity={})).to_dict()
    told = {name: one["value"] for name, one in found["systems"]["plain"]["metrics"].items() if name.endswith("@2")}
    assert [name for name, value in told.items() if value is None] == [
        f"{name}@2" for name in ("diversity", "novelty", "popularity", "popularity_bias", "coverage", "gini")
    ]


def test_users_are_resampled_whole(summary) -> None:
    found = summary.systems[1].metrics["hit_rate@2"]
    assert (found.cases, found.users) == (3, 2)
    assert (found.low, found.high) == (0, 1)  # bob alone: never; ann alone: both times


def test_ranks_are_counted_in_bands(summary) -> None:
    plain, agent = summary.systems
    assert plain.ranks == (RankBand(1, 1, 1), RankBand(0, None, 3))
    assert agent.ranks == (RankBand(1, 1, 1), RankBand(2, 2, 1), RankBand(0, None, 2))
    deep = summarize(large()).systems[0].ranks
    assert [(band.first, band.last) for band in deep] == [
        (1, 1),
        (2, 2),
        (3, 5),
        (6, 10),
        (11, 20),
        (21, 50),
        (0, None),
    ]
    assert sum(band.targets for band in deep) == 120
    assert (plain.depth, summarize(large()).systems[1].depth) == (2, 31)


def test_the_other_figures_are_as_computed_by_hand(summary) -> None:
    plain, agent = summary.systems
    assert (agent.validity.recommendations, agent.validity.unproved_reasons, agent.validity.repairs) == (4, 1, 2)
    assert (agent.validity.empty, agent.validity.fallbacks, agent.validity.fallback_causes) == (1, 1, {"timeout": 1})
    assert plain.validity.fallbacks == 0
    assert (plain.latency.p50_ms, plain.latency.p95_ms) == pytest.approx((2, 2.9))
    assert (agent.spending.model_calls, agent.spending.tokens_per_request) == (5, 80)
    assert (plain.spending.models, agent.spending.models) == ({}, {"small": 2})
    assert agent.calibration is not None
    assert agent.calibration.pairs == 3
    assert agent.calibration.brier == pytest.approx((0.04 + 0.04 + 0.16) / 3)
    assert plain.calibration is None


def test_a_price_is_known_only_where_all_are(summary) -> None:
    plain, agent = summary.systems
    assert (plain.spending.cost_usd, agent.spending.cost_usd) == (0, None)
    run = tiny()
    priced = tuple(replace(one, cost_usd=0.01) if one.system == "agent" else one for one in run.outcomes)
    known = summarize(replace(run, outcomes=priced)).systems[1].spending
    assert (known.cost_usd, known.cost_usd_per_request) == pytest.approx((0.03, 0.01))


def test_systems_are_compared_case_by_case() -> None:
    found = summarize(large())
    (hits,) = (one for one in found.comparisons if one.metric == "hit_rate@10")
    assert (hits.a, hits.b, hits.verdict) == ("hybrid", "popularity", "higher")
    hybrid, popularity = _value(found, "hybrid", "hit_rate@10"), _value(found, "popularity", "hit_rate@10")
    assert hits.difference.value == pytest.approx(hybrid - popularity)
    assert 0 < hits.difference.low < hits.difference.value < hits.difference.high
    (turned,) = (
        one for one in summarize(large(), compare=[("popularity", "hybrid")]).comparisons if one.metric == "hit_rate@10"
    )
    assert turned.verdict == "lower"
    assert turned.difference.value == -hits.difference.value


def test_a_system_against_its_double_is_alike() -> None:
    run = tiny()
    doubles = tuple(replace(one, system="double") for one in run.outcomes if one.system == "plain")
    found = summarize(replace(run, systems=("plain", "double"), outcomes=(*run.outcomes[:3], *doubles)))
    assert {one.verdict for one in found.comparisons} == {"alike"}


@pytest.mark.parametrize(("users", "verdict"), [(5, "not told apart"), (6, "higher")])
def test_one_that_always_finds_is_above_one_that_never_does(users, verdict) -> None:
    cases = tuple(Case(f"{n}", f"u{n}", "", ("a",)) for n in range(users))
    always = tuple(Outcome(case.case_id, "always", ("a",), (1,), 0.1) for case in cases)
    never = tuple(Outcome(case.case_id, "never", ("b",), (None,), 0.1) for case in cases)
    run = Run("loo", "", {"k": [1]}, ("never", "always"), cases, always + never, ITEMS, POPULARITY)
    found = {one.metric: one for one in summarize(run).comparisons}
    assert found["hit_rate@1"].verdict == verdict
    assert found["hit_rate@1"].difference.p_value == 2 / 2**users


def test_a_run_that_was_stopped_is_measured_on_what_was_answered() -> None:
    run = tiny()
    found = summarize(replace(run, outcomes=run.outcomes[:4]), vectors=vectors)
    agent = found.systems[1]
    assert agent.cases == 1
    assert (agent.metrics["hit_rate@2"].value, agent.metrics["hit_rate@2"].cases) == (1, 1)
    (hits,) = (one for one in found.comparisons if one.metric == "hit_rate@2")
    assert (hits.difference.value, hits.difference.cases, hits.verdict) == (1, 1, "not told apart")
    nothing = summarize(replace(run, outcomes=()), vectors=vectors)
    assert nothing.comparisons == ()
    json.dumps(nothing.to_dict(), allow_nan=False)


def test_the_summary_is_plain_json_with_stable_keys(summary) -> None:
    told = summary.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert list(told["systems"]) == ["plain", "agent"]
    assert told["systems"]["agent"]["metrics"]["hit_rate@1"]["value"] == pytest.approx(1 / 3)
    assert told["systems"]["agent"]["spending"]["cost_usd"] is None
    assert told["comparisons"][0]["difference"]["cases"] == 3
    assert set(told["systems"]["plain"]) == {
        "cases", "depth", "metrics", "curve", "ranks", "popularity", "calibration", "validity", "latency", "spending",
    }  # fmt: skip


def test_the_same_run_gives_the_same_summary(summary) -> None:
    assert summarize(tiny(), vectors=vectors, histories=HISTORIES).to_dict() == summary.to_dict()


def test_progress_is_told() -> None:
    told = []
    summarize(tiny(), progress=lambda what, done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]
    quiet("", 0, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": {"k": [5], "depth": 2}}, "k=5 goes beyond the depth of the run, 2"),
        ({"settings": {"k": [0]}}, r"k is \[0\]"),
        ({"settings": {"k": "ten"}}, "k is 'ten'"),
        ({"systems": ("plain",)}, "case '1' of system 'agent' is not in this run"),
        ({"cases": ()}, "case '1' of system 'plain' is not in this run"),
    ],
)
def test_a_run_that_contradicts_itself_is_refused(changes, message) -> None:
    with pytest.raises(InputError, match=message):
        summarize(replace(tiny(), **changes))


def test_ranks_must_be_those_of_the_targets() -> None:
    run = tiny()
    with pytest.raises(InputError, match="case '1' of system 'plain' has 2 ranks for 1 targets"):
        summarize(replace(run, outcomes=(replace(run.outcomes[0], ranks=(1, 2)),)))


def test_a_system_that_was_not_run_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="'none' is not in this run; it has plain, agent"):
        summarize(tiny(), compare=[("plain", "none")])
