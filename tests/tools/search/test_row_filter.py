from __future__ import annotations

import numpy as np
import pytest

from recmind.tools.search.row_filter import Allowed, RowSet


@pytest.mark.parametrize("count", [1, 8, 9, 1000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_a_row_set_is_the_set_of_its_rows(count: int, share: float) -> None:
    rng = np.random.default_rng(count)
    rows = np.flatnonzero(rng.random(count) < share)
    barred = np.flatnonzero(rng.random(count) < 0.3)
    chosen = RowSet.of(rows, count)
    assert (chosen.rows.tolist(), chosen.size, chosen.share) == (rows.tolist(), len(rows), len(rows) / count)
    assert chosen.holds(np.arange(count)).tolist() == [row in rows for row in range(count)]
    less = chosen.without(barred)
    left = np.setdiff1d(rows, barred)
    assert (less.rows.tolist(), less.size) == (left.tolist(), len(left))
    assert chosen.rows.tolist() == rows.tolist()


def test_no_rows_at_all_are_a_set_too() -> None:
    none = RowSet.of(np.empty(0, dtype=np.int64), 0)
    assert (none.rows.tolist(), none.size, none.share) == ([], 0, 0.0)
    assert none.without(np.empty(0, dtype=np.int64)) is none


def test_items_that_are_barred_are_not_allowed_whether_they_have_a_row_or_not() -> None:
    numbers = np.array([2, 4, 6, 8])
    # Rows 0 and 1 are the items 2 and 6; 4 and 8 came later, and 3 is no item.
    allowed = Allowed(numbers, numbers[:0], RowSet.of(np.array([0, 1]), 3), np.array([4, 8]))
    assert allowed.holds(np.array([8, 3, 2])).tolist() == [True, False, True]
    less = allowed.barring([8, 6, 3], np.array([1]))
    assert less.holds(np.array([2, 3, 4, 6, 8])).tolist() == [True, False, True, False, False]
    assert (less.rows.rows.tolist(), less.unindexed.tolist()) == ([0], [4])
