import numpy as np

from recmind.data.arrays import index_in_sorted, intersect_sorted, row_dots


def test_places_among_sorted_numbers_and_none_where_there_are_none() -> None:
    places, known = index_in_sorted(np.array([2, 5, 9]), np.array([5, 1, 9, 10]))
    assert places[known].tolist() == [1, 2]
    assert known.tolist() == [True, False, True, False]
    assert index_in_sorted(np.empty(0, np.int64), np.array([1]))[1].tolist() == [False]


def test_what_both_have() -> None:
    assert intersect_sorted(np.array([1, 3, 5]), np.array([0, 3, 4, 5, 8])).tolist() == [3, 5]


def test_products_of_rows_are_those_of_a_matrix() -> None:
    rng = np.random.default_rng(0)
    rows, other = (rng.standard_normal((n, 384)).astype(np.float32) for n in (2_000, 3))
    found = row_dots(rows, other[0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rows @ other[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(row_dots(rows[:5, None], other), rows[:5] @ other.T, rtol=1e-4, atol=1e-4)
    assert row_dots(rows[:0], other[0]).shape == (0,)
