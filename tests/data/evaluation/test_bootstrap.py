"""Intervals against closed forms, against SciPy, and against what they promise: how often they hold the truth."""

from statistics import NormalDist

import numpy as np
import pytest

from recmind.data.evaluation.bootstrap import Resamples


def test_the_interval_of_a_large_sample_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(3, 2, 4_000)
    (found,) = Resamples(range(4_000), resamples=4_000).estimates(values[:, None])
    half = NormalDist().inv_cdf(0.975) * values.std(ddof=1) / np.sqrt(4_000)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert (found.cases, found.users) == (4_000, 4_000)


def test_the_interval_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(1).exponential(size=60)
    (found,) = Resamples(range(60), resamples=20_000).estimates(values[:, None])
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(7)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


def test_nineteen_in_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(6)
    hits = (rng.random((100, 400)) < 0.3).astype(float)  # 400 evaluations of 100 users each, true hit rate 0.3
    intervals = Resamples(range(100), resamples=500).estimates(hits)
    held = np.mean([found.low <= 0.3 <= found.high for found in intervals])
    assert 0.92 <= held <= 0.98


def test_cases_of_one_user_are_drawn_together() -> None:
    by_user = np.random.default_rng(2).random(200)
    users = [f"u{n}" for n in range(200)]
    (once,) = Resamples(users).estimates(by_user[:, None])
    (five_times,) = Resamples(users * 5).estimates(np.tile(by_user, 5)[:, None])
    assert (five_times.low, five_times.high) == pytest.approx((once.low, once.high))
    assert (five_times.cases, five_times.users) == (1_000, 200)
    (taken_as_strangers,) = Resamples(range(1_000)).estimates(np.tile(by_user, 5)[:, None])
    assert taken_as_strangers.high - taken_as_strangers.low < 0.6 * (once.high - once.low)


def test_the_mean_is_over_cases_however_many_a_user_has() -> None:
    (found,) = Resamples(["a", "a", "a", "b"]).estimates([[1], [1], [1], [0]])
    assert found.value == 0.75
    assert (found.low, found.high) == (0, 1)  # "b" twice in a quarter of the draws, "a" twice in another


def test_a_missing_value_is_left_out() -> None:
    nan = float("nan")
    one, other, nothing = Resamples(["a", "b", "c"]).estimates([[1, nan, nan], [3, 2, nan], [nan, 4, nan]])
    assert (one.value, one.cases, one.users) == (2, 2, 2)
    assert (other.value, other.low, other.high) == (3, 2, 4)
    assert np.isnan(nothing.value)
    assert (nothing.low, nothing.high, nothing.cases, nothing.users) == (None, None, 0, 0)


def test_where_nothing_varies_there_is_no_interval() -> None:
    (alike,) = Resamples(range(20)).estimates(np.full((20, 1), 0.1))
    assert (alike.value, alike.low, alike.high) == (pytest.approx(0.1), None, None)
    (alone,) = Resamples(["a", "a"]).estimates([[0], [1]])
    assert (alone.value, alone.low, alone.high, alone.users) == (0.5, None, None, 1)
    assert Resamples([]).estimates(np.zeros((0, 1)))[0].low is None


def test_a_paired_difference_is_that_of_the_pairs() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 5, 500)  # what makes a case hard is common to both systems
    a, b = (hard + shift + rng.normal(0, 0.5, 500) for shift in (0.2, 0))
    (found,) = Resamples(range(500)).differences(a[:, None], b[:, None])
    assert found.value == pytest.approx((a - b).mean())
    error = (a - b).std(ddof=1) / np.sqrt(500)
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error), abs=0.01)
    assert found.p_value < 0.01
    # 1.959964 + 0.841621 standard errors: seen four times in five.
    assert found.smallest_visible == pytest.approx(2.801585 * error)


def test_the_p_value_is_that_of_the_z_test_on_a_large_sample() -> None:
    off = np.random.default_rng(9).normal(0, 1, 2_000)
    off += 1.5 / np.sqrt(2_000) - off.mean()  # a difference of one and a half standard errors
    (found,) = Resamples(range(2_000), resamples=20_000).differences(off[:, None], np.zeros((2_000, 1)))
    expected = 2 * (1 - NormalDist().cdf(1.5 / off.std(ddof=1)))
    assert found.p_value == pytest.approx(expected, abs=0.01)


def test_the_smallest_visible_difference_is_seen_four_times_in_five() -> None:
    rng = np.random.default_rng(10)
    n, evaluations = 400, 400
    (planned,) = Resamples(range(n)).differences(rng.normal(size=(n, 1)), np.zeros((n, 1)))
    true = 2.801585 / np.sqrt(n)
    assert planned.smallest_visible == pytest.approx(true, rel=0.1)
    trials = rng.normal(true, 1, (n, evaluations))
    seen = np.mean([found.low > 0 for found in Resamples(range(n), resamples=500).differences(trials, 0 * trials)])
    assert 0.75 <= seen <= 0.85


def test_a_system_against_itself_differs_by_nothing() -> None:
    values = np.random.default_rng(4).random((50, 1))
    (found,) = Resamples(range(50)).differences(values, values)
    assert (found.value, found.low, found.high, found.p_value, found.smallest_visible) == (0, None, None, None, None)


def test_a_difference_that_is_the_same_for_everybody_is_judged_by_its_sign() -> None:
    (found,) = Resamples(range(8)).differences(np.ones((8, 1)), np.zeros((8, 1)))
    assert (found.value, found.low, found.high, found.smallest_visible) == (1, None, None, None)
    assert found.p_value == 2 / 2**8
    (alone,) = Resamples(["a", "a"]).differences(np.ones((2, 1)), np.zeros((2, 1)))
    assert alone.p_value == 1


def test_the_seed_decides_and_batches_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).random((70, 2))
    drawn = Resamples(range(70), resamples=300, seed=1).estimates(values)
    assert Resamples(range(70), resamples=300, seed=1).estimates(values) == drawn
    assert Resamples(range(70), resamples=300, seed=2).estimates(values) != drawn
    monkeypatch.setattr("recmind.data.evaluation.bootstrap.BATCH_CELLS", 70 * 7)
    assert Resamples(range(70), resamples=300, seed=1).estimates(values) == drawn


def test_a_table_of_the_wrong_height_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 1\) for 2 cases"):
        Resamples(["a", "b"]).estimates([[1], [2], [3]])
