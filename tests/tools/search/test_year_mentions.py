from __future__ import annotations

import math

import numpy as np
import pytest

from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.search.year_mentions import (
    FADES_OVER,
    UNKNOWN_YEAR,
    mentioned_years,
    year_attribute,
    year_nearness,
    year_of,
)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("an old film from the 80s", [(1980, 1989)]),
        ("late 1990's or early 2000s", [(1996, 1999), (2000, 2003)]),
        ("mid-'70s, maybe the end of the 60s", [(1973, 1977), (1966, 1969)]),
        ("saw it in 2004, released about 1997.", [(2004, 2004), (1997, 1997)]),
        ("the 00s", [(2000, 2009)]),
        ("room 1408b, $1999, 12:2010, 1,984 people, 21000", []),
        ("a man in his car", []),
        ("", []),
    ],
)
def test_the_years_that_a_text_mentions(text, ranges):
    assert mentioned_years(text) == ranges


def test_nearness_falls_with_the_distance_to_the_nearest_era():
    years = np.array([1985, 1992, 1979, 2004, np.nan], dtype=np.float32)
    near = year_nearness(years, [(1980, 1989), (2004, 2004)])
    expected = [1, math.exp(-3 / FADES_OVER), math.exp(-1 / FADES_OVER), 1, UNKNOWN_YEAR]
    np.testing.assert_allclose(near, expected, rtol=1e-6)


def test_without_eras_all_years_are_alike():
    assert year_nearness(np.array([1985, np.nan], dtype=np.float32), []).tolist() == [0.0, 0.0]


def test_the_catalogues_own_attribute_says_the_year(tmp_path):
    with Store(tmp_path / "a.db") as store:
        assert year_attribute(store.catalogue()) is None
        store.items.put([Item(str(n), "A", attributes={"pages": 2000, "first_published": 1900 + n}) for n in range(3)])
        assert year_attribute(store.catalogue()) == "first_published"
    assert year_of(Item("1", attributes={"year": 1999}), "year") == 1999.0
    assert math.isnan(year_of(Item("1", attributes={"year": "unknown"}), "year"))
    assert math.isnan(year_of(Item("1", attributes={"year": 1999}), None))
