"""What interactions say."""

from __future__ import annotations

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays, chronological
from recmind.data.records import Interaction
from recmind.data.settings import KindMeaning, Settings
from recmind.data.signals import against, weights

NAN = float("nan")


def _arrays(rows: list[tuple[int, str, float]]) -> InteractionArrays:
    names = tuple(dict.fromkeys(kind for _, kind, _ in rows))
    n = len(rows)
    return InteractionArrays(
        np.array([u for u, _, _ in rows], np.int32),
        np.arange(n),
        np.array([names.index(k) for _, k, _ in rows], np.int16),
        names,
        np.array([v for _, _, v in rows], np.float32),
        np.arange(n, dtype=np.float64),
        np.zeros(n, np.int32),
    )


def test_each_kind_says_what_the_settings_say() -> None:
    rows = [
        (1, "like", NAN),
        (1, "view", NAN),
        (1, "dislike", NAN),
        (1, "skip", NAN),
        (1, "seen", NAN),
        (1, "sang", NAN),
    ]
    assert weights(_arrays(rows), Settings()).tolist() == pytest.approx([1, 0.3, -1, 0, 0, 1])


def test_a_rating_is_held_against_the_users_own_mean() -> None:
    rows = [
        (1, "rating", 5.0),
        (1, "rating", 3.0),
        (1, "rating", 4.0),
        (2, "rating", 1.0),
        (2, "rating", 1.0),
        (3, "rating", NAN),
    ]
    assert weights(_arrays(rows), Settings()).tolist() == [1, 0, 1, 1, 1, 1]
    same = [(1, "rating", 3.7)] * 7
    assert weights(_arrays(same), Settings()).tolist() == [1] * 7


def test_a_threshold_can_be_set() -> None:
    settings = Settings(kinds={"rating": KindMeaning(positive="threshold", threshold=4)})
    assert weights(_arrays([(1, "rating", 4.0), (1, "rating", 3.5)]), settings).tolist() == [1, 0]


def test_no_interactions_have_no_weights() -> None:
    assert weights(_arrays([]), Settings()).tolist() == []


def test_order_is_time_then_position_with_gaps_filled_by_position() -> None:
    users = np.array([2, 1, 1, 1, 1, 1], np.int32)
    kinds = np.array([0, 0, 0, 0, 0, 1], np.int16)
    at = np.array([5.0, NAN, 20.0, NAN, 10.0, 15.0])
    positions = np.array([0, 3, 2, 0, 1, 0], np.int32)
    assert chronological(users, kinds, at, positions).tolist() == [3, 4, 5, 2, 1, 0]


def _past(*done: tuple[str, str, float | None]) -> list[Interaction]:
    return [Interaction("ann", item_id, kind, value, float(n)) for n, (item_id, kind, value) in enumerate(done)]


def test_what_speaks_against_an_item() -> None:
    past = _past(
        ("a", "rating", 5.0),
        ("b", "rating", 4.0),
        ("c", "rating", 3.0),
        ("d", "rating", 1.0),
        ("d", "rating", 5.0),
        ("e", "rating", None),
        ("f", "dislike", None),
        ("g", "skipped", None),
        ("h", "seen", None),
        ("i", "view", None),
        ("j", "purchase", 1.0),
    )
    low = {("c", "rating", 3.0), ("d", "rating", 1.0), ("f", "dislike", None), ("g", "skipped", None)}
    assert against(past, Settings(), {"rating"}) == low
    assert against([], Settings(), {"rating"}) == frozenset()


def test_few_stars_speak_against_an_item_whoever_gives_them() -> None:
    past = _past(("a", "rating", 1.0), ("b", "rating", 2.0))
    assert against(past, Settings(), {"rating"}) == {("a", "rating", 1.0), ("b", "rating", 2.0)}
    fond = _past(("a", "rating", 4.0), *((f"x{n}", "rating", 5.0) for n in range(9)))
    assert against(fond, Settings(), {"rating"}) == frozenset()
    assert against(fond, Settings(), ()) == {("a", "rating", 4.0)}
    settings = Settings(kinds={"rating": KindMeaning(positive="threshold", threshold=4)})
    assert against(_past(("a", "rating", 3.0), ("b", "rating", 4.0)), settings, {"rating"}) == {("a", "rating", 3.0)}
