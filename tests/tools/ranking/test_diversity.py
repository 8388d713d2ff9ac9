import numpy as np
import pytest

from recmind.tools.ranking.diversity import diversified

TWINS = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)


def test_without_diversity_the_ranking_stays() -> None:
    assert diversified([0.9, 0.8, 0.7, 0.1], TWINS, 2, 0.0) == [0, 1, 2, 3]


def test_a_twin_of_what_is_chosen_gives_way_to_something_else() -> None:
    # After the first: 0.5 * 0.8 - 0.5 * 1 = -0.1 for its twin, 0.5 * 0.7 - 0 = 0.35 for the third.
    assert diversified([0.9, 0.8, 0.7, 0.1], TWINS, 2, 0.5) == [0, 2, 1, 3]


def test_a_small_dial_keeps_what_is_clearly_better() -> None:
    # 0.9 * 0.8 - 0.1 * 1 = 0.62 for the twin, 0.9 * 0.3 = 0.27 for the third.
    assert diversified([0.9, 0.8, 0.3, 0.1], TWINS, 2, 0.1) == [0, 1, 2, 3]


def test_with_the_dial_at_one_only_differences_count() -> None:
    assert diversified([0.9, 0.8, 0.0, 0.0], TWINS, 2, 1.0)[:2] == [0, 2]


@pytest.mark.parametrize("scores", [[], [0.5]])
def test_short_rankings_stay(scores: list[float]) -> None:
    assert diversified(scores, TWINS[: len(scores)], 5, 0.7) == list(range(len(scores)))


def test_every_place_comes_once_and_far_ones_stay_behind() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = diversified(np.linspace(1, 0, 40).tolist(), vectors, 4, 0.6)
    assert sorted(order) == list(range(40))
    assert order[20:] == list(range(20, 40))
