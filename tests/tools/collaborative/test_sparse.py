import numpy as np

from recmind.tools.collaborative.sparse import largest_in_rows


def test_the_largest_of_each_row_are_kept_and_of_equal_ones_the_first() -> None:
    starts, values = np.array([0, 4, 4, 5]), np.array([1.0, 3.0, 1.0, 1.0, 0.5])
    assert largest_in_rows(starts, values, 2).tolist() == [True, True, False, False, True]
    assert largest_in_rows(starts, values, 4).all()
