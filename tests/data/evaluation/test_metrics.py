"""The measures against sums done by hand, and against scikit-learn where it has them."""

from math import log2, sqrt

import numpy as np
import pytest

from recmind.data.evaluation.metrics import (
    TargetRanks,
    calibration,
    coverage,
    diversity,
    exposure,
    gini,
    mean_over,
    percentiles,
    popularity_percentiles,
    self_information,
)

RANKS = [(1,), (3,), (11,), (None,), (2, 4, None)]
"""Four cases with one target, and one with three."""


def test_metrics_at_three_by_hand() -> None:
    found = TargetRanks.of(RANKS).metrics(3)
    assert found["hit_rate"].tolist() == [1, 1, 0, 0, 1]
    assert found["recall"].tolist() == [1, 1, 0, 0, 1 / 3]
    assert found["precision"].tolist() == [1 / 3, 1 / 3, 0, 0, 1 / 3]
    assert found["mrr"].tolist() == [1, 1 / 3, 0, 0, 1 / 2]
    # Rank 3 alone: 1 / log2(4) = 0.5, best is rank 1: 1. Three targets, one at rank 2: 1 / log2(3) over
    # 1 / log2(2) + 1 / log2(3) + 1 / log2(4) = 1 + 0.63093 + 0.5.
    assert found["ndcg"] == pytest.approx([1, 0.5, 0, 0, 0.63093 / 2.13093], abs=1e-5)


def test_metrics_at_one_and_at_twenty_by_hand() -> None:
    ranks = TargetRanks.of(RANKS)
    first = ranks.metrics(1)
    assert first["hit_rate"].tolist() == first["ndcg"].tolist() == first["mrr"].tolist() == [1, 0, 0, 0, 0]
    deep = ranks.metrics(20)
    assert deep["recall"].tolist() == [1, 1, 1, 0, 2 / 3]
    assert deep["precision"].tolist() == [0.05, 0.05, 0.05, 0, 0.1]
    gains = (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2)
    assert deep["ndcg"] == pytest.approx([1, 0.5, 1 / log2(12), 0, gains])


def test_a_case_without_targets_has_no_metrics_and_no_cases_have_none() -> None:
    found = TargetRanks.of([(), (1,)]).metrics(5)
    assert {name: np.isnan(values).tolist() for name, values in found.items()} == {
        name: [True, False] for name in found
    }
    assert all(len(values) == 0 for values in TargetRanks.of([]).metrics(5).values())
    with pytest.raises(ValueError, match="k is 0"):
        TargetRanks.of([(1,)]).metrics(0)


def test_ndcg_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(5)
    for n_targets in (1, 3, 12):
        ranks = 1 + rng.permutation(40)[:n_targets]
        relevance = np.zeros((1, 40))
        relevance[0, ranks - 1] = 1
        scores = -np.arange(40, dtype=float)[None]
        for k in (1, 5, 10, 40):
            found = TargetRanks.of([[int(rank) for rank in ranks]]).metrics(k)["ndcg"][0]
            assert found == pytest.approx(ndcg_score(relevance, scores, k=k))


def test_mean_over_lists_leaves_empty_places_out() -> None:
    lists = np.array([[0, 2, 1], [2, -1, -1], [-1, -1, -1]])
    assert mean_over(lists, np.array([1.0, 2.0, 6.0])) == pytest.approx([3, 6, np.nan], nan_ok=True)
    assert mean_over(np.array([[-1]]), np.array([])) == pytest.approx([np.nan], nan_ok=True)


def test_self_information_by_hand() -> None:
    # 4 + 1 of 5 + 3, 1 + 1 of 8, 0 + 1 of 8.
    assert self_information(np.array([4, 1, 0])) == pytest.approx([-log2(5 / 8), 2, 3])


def test_popularity_percentiles_share_ties() -> None:
    # 1: none below, one alike: 0.5 of 4. The two 5s: one below, two alike: (1 + 1) of 4. 9: three below: 3.5 of 4.
    assert popularity_percentiles(np.array([5, 1, 9, 5])).tolist() == [0.5, 0.125, 0.875, 0.5]
    assert popularity_percentiles(np.zeros(7, int)).tolist() == [0.5] * 7
    assert popularity_percentiles(np.array([], int)).tolist() == []


def test_diversity_is_as_computed_by_hand() -> None:
    vectors = np.array([[1, 0], [0, 2], [3, 3], [-1, 0], [0, 0], [np.nan, 0]])
    lists = np.array([[0, 1, -1], [0, 1, 2], [0, 3, -1], [0, 0, -1], [0, 4, 5], [-1, -1, -1]])
    # Pairs of the second list: cosines 0, 1 / sqrt(2) and 1 / sqrt(2).
    expected = [1, 1 - 2 / sqrt(2) / 3, 2, 0, np.nan, np.nan]
    assert diversity(lists, vectors) == pytest.approx(expected, nan_ok=True)


def test_diversity_agrees_with_comparing_every_pair() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(50, 8)).astype(np.float32)
    lists = np.array([rng.permutation(50)[:10] for _ in range(2100)])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units @ units.T
    one, other = np.triu_indices(10, 1)
    assert diversity(lists, vectors) == pytest.approx(
        1 - cosines[lists[:, one], lists[:, other]].mean(axis=1), abs=1e-6
    )


def test_coverage_and_gini_by_hand() -> None:
    exposures = exposure(np.array([[0, 1], [0, -1], [0, 3]]), 4)
    assert exposures.tolist() == [3, 1, 0, 1]
    assert coverage(exposures) == 0.75
    # Sorted 0 1 1 3, weights -3 -1 1 3: (0 - 1 + 1 + 9) / (4 * 5).
    assert gini(exposures) == pytest.approx(9 / 20)
    assert gini(np.array([2, 2, 2])) == 0
    assert gini(np.array([0, 0, 0, 7])) == 0.75
    assert np.isnan(gini(np.array([0, 0])))
    assert np.isnan(coverage(np.array([], int)))


def test_calibration_is_as_computed_by_hand() -> None:
    found = calibration([0.1, 0.2, 0.9, 0.6], [False, True, True, False], bins=2)
    low, high = found.bins
    assert (low.pairs, low.lowest, low.highest, low.share) == (2, 0.1, 0.2, 0.5)
    assert (high.pairs, high.lowest, high.highest, high.share) == (2, 0.6, 0.9, 0.5)
    assert (low.confidence, high.confidence) == pytest.approx((0.15, 0.75))
    # Wilson: (0.5 + 3.8415 / 4 ± 1.96 * sqrt(0.25 / 2 + 3.8415 / 16)) / (1 + 3.8415 / 2), z² = 3.8415.
    assert (low.low, low.high) == pytest.approx((0.094531, 0.905469), abs=1e-5)
    # |0.15 - 0.5| and |0.75 - 0.5|, two pairs each of four.
    assert found.ece == pytest.approx((2 * 0.35 + 2 * 0.25) / 4)
    # 0.1², 0.8², 0.1² and 0.6², over four; always saying 0.5 costs 0.25.
    assert found.brier == pytest.approx((0.01 + 0.64 + 0.01 + 0.36) / 4)
    assert found.brier_skill == pytest.approx(1 - 0.255 / 0.25)
    assert found.base_rate == 0.5


def test_brier_score_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss

    rng = np.random.default_rng(8)
    said = rng.random(500)
    true = rng.random(500) < said**2
    assert calibration(said, true).brier == pytest.approx(brier_score_loss(true, said))


def test_bins_hold_equal_mass_and_keep_equal_confidences_together() -> None:
    rng = np.random.default_rng(2)
    said = rng.random(1_500)
    assert [found.pairs for found in calibration(said, said > 0.5).bins] == [100] * 15
    steps = np.repeat([0.1, 0.2, 0.7], [500, 9, 11])
    true = np.arange(520) % 3 == 0
    order = rng.permutation(520)
    found = calibration(steps, true)
    assert [(b.pairs, b.lowest, b.highest) for b in found.bins] == [(500, 0.1, 0.1), (20, 0.2, 0.7)]
    assert calibration(steps[order], true[order]).ece == pytest.approx(found.ece)


def test_confidences_that_are_right_err_only_by_chance() -> None:
    rng = np.random.default_rng(4)
    said = rng.random(4_000)
    right = calibration(said, rng.random(4_000) < said)
    assert right.ece < 2 * right.ece_by_chance < 0.06
    assert right.brier_skill > 0.2
    sure = calibration(np.clip(said * 1.5, 0, 1), rng.random(4_000) < said)
    assert sure.ece > 5 * sure.ece_by_chance


def test_calibration_without_a_choice_of_label_has_no_skill() -> None:
    found = calibration([0.3, 0.3], [True, True])
    assert np.isnan(found.brier_skill)
    assert found.ece == pytest.approx(0.7)
    assert len(found.bins) == 1


@pytest.mark.parametrize(
    ("said", "true", "message"),
    [
        ([], [], "0 confidences and 0 labels"),
        ([0.5], [True, False], "1 confidences and 2 labels"),
        ([0.5, 1.2], [True, False], "from 0.5 to 1.2, must be within 0 and 1"),
        ([float("nan")], [True], "from nan to nan"),
    ],
)
def test_what_is_no_confidence_is_refused(said: list[float], true: list[bool], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calibration(said, true)


def test_percentiles_are_interpolated() -> None:
    assert percentiles([1, 2, 3, 4, 5], [50, 95]) == pytest.approx([3, 4.8])
    assert np.isnan(percentiles([], [50])).all()
