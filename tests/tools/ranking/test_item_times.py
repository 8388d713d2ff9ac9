from pathlib import Path

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.tools.ranking.item_times import DAY_S, MOST_TIMES, TREND_DAYS, ItemTimes


def taken(*rows: tuple[int, float | None]) -> InteractionArrays:
    """Interactions of one user: item number and day."""
    count = len(rows)
    return InteractionArrays(
        user_numbers=np.zeros(count, np.int32),
        item_numbers=np.array([item for item, _ in rows], np.int64),
        kinds=np.zeros(count, np.int16),
        kind_names=("view",),
        values=np.full(count, np.nan, np.float32),
        at=np.array([np.nan if day is None else day * DAY_S for _, day in rows]),
        positions=np.arange(count, dtype=np.int32),
    )


TIMES = ItemTimes.of(taken((7, 10.0), (7, 4.0), (3, 8.0), (9, None)))


def test_interactions_are_counted_with_and_without_times() -> None:
    assert TIMES.interactions(np.array([9, 7, 3, 5])).tolist() == [1, 2, 1, 0]


def test_first_nearest_and_density_seen_from_a_day() -> None:
    first, nearest, density = TIMES.around(TIMES.places(np.array([7, 3])), 6.0)
    assert first.tolist() == [2.0, -2.0]
    assert nearest.tolist() == [2.0, 2.0]
    assert density.tolist() == pytest.approx([np.exp(-4 / 60) + np.exp(-2 / 60), np.exp(-2 / 60)])


@pytest.mark.parametrize("day", [-50.0, 0.0, 3.5, 120.0, 999.0])
def test_two_neighbors_tell_what_all_times_of_an_item_come_to(day: float) -> None:
    rng = np.random.default_rng(1)
    days = {item: rng.integers(0, 1000, size=count).astype(float) for item, count in enumerate((1, 2, 7, 200))}
    times = ItemTimes.of(taken(*((item, float(at)) for item, its in days.items() for at in its)))
    first, nearest, density = times.around(times.places(np.array(list(days))), day)
    assert first.tolist() == pytest.approx([day - its.min() for its in days.values()])
    assert nearest.tolist() == pytest.approx([np.abs(its - day).min() for its in days.values()])
    assert density.tolist() == pytest.approx([np.exp(-np.abs(its - day) / TREND_DAYS).sum() for its in days.values()])


def test_what_has_no_times_is_unknown() -> None:
    first, nearest, density = TIMES.around(TIMES.places(np.array([9, 5])), 6.0)
    assert np.isnan(first).all()
    assert np.isnan(nearest).all()
    assert density.tolist() == [0.0, 0.0]
    assert np.isnan(TIMES.around(TIMES.places(np.array([7])), np.nan)[0]).all()


def test_nothing_happened_to_nothing() -> None:
    none = ItemTimes.of(taken())
    assert none.interactions(np.array([1])).tolist() == [0.0]
    assert np.isnan(none.around(none.places(np.array([1])), 1.0)[1]).all()


def test_many_times_are_thinned_and_still_stand_for_all() -> None:
    days = np.linspace(0.0, 1000.0, 5_000)
    times = ItemTimes.of(taken(*((1, float(day)) for day in days)))
    assert len(times.days) <= MOST_TIMES
    assert times.days[0] == 0.0
    first, _, density = times.around(times.places(np.array([1])), 500.0)
    assert first.tolist() == [500.0]
    assert density[0] == pytest.approx(np.exp(-np.abs(days - 500) / 60).sum(), rel=0.03)


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    TIMES.save(tmp_path)
    loaded = ItemTimes.load(tmp_path)
    assert loaded.items.tolist() == [3, 7, 9]
    assert loaded.around(loaded.places(np.array([7])), 6.0)[0].tolist() == [2.0]
    (tmp_path / "item_times_days.npy").unlink()
    with pytest.raises(RecMindError, match="recmind index"):
        ItemTimes.load(tmp_path)
