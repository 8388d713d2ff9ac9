"""Protocols against hand-made histories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays, chronological
from recmind.data.errors import InputError
from recmind.data.evaluation.splits import cold_items, cold_users, leave_one_out, sampled_candidates, shuffled, temporal

Row = tuple[int, int, float | None, int]
"""user, item, time, position"""


def arrays_of(rows: Sequence[Row]) -> InteractionArrays:
    users = np.array([row[0] for row in rows], np.int32)
    at = np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64)
    positions = np.array([row[3] for row in rows], np.int32)
    kinds = np.zeros(len(rows), np.int16)
    order = chronological(users, kinds, at, positions)
    items = np.array([row[1] for row in rows], np.int64)
    values = np.full(len(rows), np.nan, np.float32)
    return InteractionArrays(
        users[order], items[order], kinds[order], ("purchase",), values, at[order], positions[order]
    )


def all_of(arrays: InteractionArrays) -> np.ndarray:
    return np.ones(len(arrays), dtype=np.bool_)


def held(arrays: InteractionArrays, mask: np.ndarray) -> set[tuple[int, int]]:
    return set(zip(arrays.user_numbers[mask].tolist(), arrays.item_numbers[mask].tolist(), strict=True))


TIMED: list[Row] = [(1, 10, 100, 0), (1, 11, 300, 0), (1, 12, 200, 0), (2, 10, 50, 0), (3, 10, 5, 0), (3, 10, 9, 0)]


def test_leave_one_out_takes_the_last_by_time_and_says_who_cannot() -> None:
    arrays = arrays_of(TIMED)
    split = leave_one_out(arrays, all_of(arrays))
    assert [(case.user_number, case.targets) for case in split.cases] == [(1, (11,))]
    assert held(arrays, split.held_out) == {(1, 11)}
    assert split.left_out == {"fewer than 2 interactions with different items": 2}


def test_where_repeats_are_allowed_only_the_last_interaction_leaves() -> None:
    arrays = arrays_of(TIMED)
    split = leave_one_out(arrays, all_of(arrays), repeats=True)
    assert [(case.user_number, case.targets) for case in split.cases] == [(1, (11,)), (3, (10,))]
    assert split.held_out.sum() == 2
    rows = np.flatnonzero(arrays.user_numbers == 3)
    assert split.held_out[rows].tolist() == [False, True]


def test_earlier_interactions_with_the_target_leave_with_it() -> None:
    arrays = arrays_of([(1, 10, 1, 0), (1, 11, 2, 0), (1, 10, 3, 0)])
    split = leave_one_out(arrays, all_of(arrays))
    assert split.cases[0].targets == (10,)
    assert split.held_out.tolist() == [True, False, True]


def test_what_comes_after_the_wanted_target_leaves_too() -> None:
    arrays = arrays_of([(1, 10, 1, 0), (1, 11, 2, 0), (1, 12, 3, 0)])
    split = leave_one_out(arrays, arrays.item_numbers != 12, target="positive interaction")
    assert split.cases[0].targets == (11,)
    assert split.held_out.tolist() == [False, True, True]
    nothing = leave_one_out(arrays, np.zeros(3, dtype=np.bool_))
    assert nothing.cases == ()
    assert nothing.left_out == {"no interaction that could be a target": 1}


def test_ties_are_shuffled_by_seed_and_nothing_else_is() -> None:
    arrays = arrays_of([(user, item, 7, 0) for user in range(1, 41) for item in (1, 2, 3)])
    targets = {
        seed: [case.targets[0] for case in leave_one_out(arrays, all_of(arrays), seed=seed).cases] for seed in (0, 1)
    }
    assert targets[0] == [case.targets[0] for case in leave_one_out(arrays, all_of(arrays), seed=0).cases]
    assert targets[0] != targets[1]
    assert {targets[0].count(item) > 5 for item in (1, 2, 3)} == {True}
    # An order column breaks the tie of a time, and stands where there are no times.
    for at in (7.0, None):
        ordered = arrays_of([(1, item, at, 9 - item) for item in (1, 2, 3)])
        assert shuffled(ordered, 0).tolist() == shuffled(ordered, 5).tolist() == [0, 1, 2]
        assert leave_one_out(ordered, all_of(ordered)).cases[0].targets == (1,)


def test_a_sample_of_users_is_the_same_for_a_seed_and_holds_out_nobody_elses() -> None:
    arrays = arrays_of([(user, item, item, 0) for user in range(1, 51) for item in (1, 2, 3)])
    split = leave_one_out(arrays, all_of(arrays), users=7)
    assert len(split.cases) == 7
    assert held(arrays, split.held_out) == {(case.user_number, 3) for case in split.cases}
    assert split.cases == leave_one_out(arrays, all_of(arrays), users=7).cases
    assert split.cases != leave_one_out(arrays, all_of(arrays), users=7, seed=1).cases


def test_altering_what_is_held_out_changes_no_other_choice() -> None:
    rows: list[Row] = [(user, item, 7 if item < 5 else 9, 0) for user in range(1, 31) for item in (1, 2, 3, 4, 5)]
    before = arrays_of(rows)
    after = arrays_of([(u, 99, 1000, 0) if i == 5 else (u, i, at, p) for u, i, at, p in rows])
    one, other = leave_one_out(before, all_of(before)), leave_one_out(after, all_of(after))
    assert held(before, ~one.held_out) == held(after, ~other.held_out)
    drawn = [leave_one_out(a, all_of(a), users=9).cases for a in (before, after)]
    assert [case.user_number for case in drawn[0]] == [case.user_number for case in drawn[1]]


def test_temporal_split_cuts_all_users_at_one_moment() -> None:
    arrays = arrays_of(
        [
            (1, 10, 1, 0), (1, 11, 6, 0), (1, 10, 7, 0), (1, 12, 8, 0),
            (2, 10, 2, 0), (2, 11, 3, 0),
            (3, 12, 9, 0),
            (4, 10, 4, 0), (4, 13, 5, 1), (4, 14, None, 2),
        ]
    )  # fmt: skip
    split = temporal(arrays, all_of(arrays), at=5)
    assert [(case.user_number, case.targets) for case in split.cases] == [(1, (11, 12)), (4, (13, 14))]
    assert held(arrays, split.held_out) == {(1, 11), (1, 10), (1, 12), (3, 12), (4, 13), (4, 14)}
    assert not split.held_out[0]
    assert split.left_out == {"no history before the cut": 1, "no new item after the cut": 1}
    assert split.cut == 5
    assert temporal(arrays, all_of(arrays), quantile=0.5).cut == 5
    untimed = arrays_of([(1, 10, None, 0), (1, 11, None, 1)])
    with pytest.raises(InputError, match=r"No interaction has a time.*leave-one-out"):
        temporal(untimed, all_of(untimed))


def test_candidates_are_the_target_and_what_was_never_touched() -> None:
    arrays = arrays_of([(user, (user + step) % 40, step, 0) for user in range(1, 21) for step in range(6)])
    catalogue = np.arange(40, dtype=np.int64)
    split = sampled_candidates(leave_one_out(arrays, all_of(arrays)), arrays, catalogue, n=10)
    drawn: set[int] = set()
    for case in split.cases:
        touched = set(arrays.item_numbers[arrays.user_numbers == case.user_number].tolist())
        assert case.candidates is not None
        assert len(case.candidates) == len(set(case.candidates)) == 10
        assert set(case.candidates) & touched == set(case.targets)
        drawn |= set(case.candidates)
    assert len(drawn) > 35
    few = sampled_candidates(leave_one_out(arrays, all_of(arrays)), arrays, catalogue, n=1000)
    assert {len(case.candidates or ()) for case in few.cases} == {35}
    again = sampled_candidates(leave_one_out(arrays, all_of(arrays)), arrays, catalogue, n=10)
    assert again.cases == split.cases


def test_cold_users_keep_their_first_interactions() -> None:
    arrays = arrays_of([(user, item, item, 0) for user in range(1, 31) for item in range(9)])
    split = cold_users(arrays, all_of(arrays), users=6)
    assert [case.group for case in split.cases] == ["keep-1", "keep-1", "keep-3", "keep-3", "keep-5", "keep-5"]
    for case in split.cases:
        kept = int(case.group.removeprefix("keep-"))
        rows = arrays.user_numbers == case.user_number
        assert split.held_out[rows].tolist() == [item >= kept for item in range(9)]
        assert case.targets == tuple(range(kept, min(kept + 5, 9)))
    cold = {case.user_number for case in split.cases}
    assert not split.held_out[~np.isin(arrays.user_numbers, list(cold))].any()
    assert len(cold_users(arrays, all_of(arrays)).cases) == 6, "a fifth of the users, by default"


def test_cold_users_with_short_histories_keep_fewer() -> None:
    arrays = arrays_of([(1, 5, 1, 0), (1, 6, 2, 0), (2, 5, 1, 0), *((3, i, i, 0) for i in range(7))])
    split = cold_users(arrays, all_of(arrays), users=9)
    groups = {case.user_number: case.group for case in split.cases}
    assert groups[1] == "keep-1"
    assert groups[3] in ("keep-1", "keep-3", "keep-5")
    assert split.left_out == {"no new item after the first 1 interactions": 1}


def test_cold_items_lose_every_interaction() -> None:
    arrays = arrays_of([(user, (user * step) % 20, step, 0) for user in range(1, 31) for step in range(1, 8)])
    split = cold_items(arrays, all_of(arrays), share=0.2)
    cold = set(split.cold_items)
    assert len(cold) == 4
    assert held(arrays, split.held_out) == {pair for pair in held(arrays, all_of(arrays)) if pair[1] in cold}
    for case in split.cases:
        taken = arrays.item_numbers[arrays.user_numbers == case.user_number].tolist()
        assert set(case.targets) == set(taken) & cold
        assert set(taken) - cold
    assert split.left_out["took none of the cold items"] == 30 - len(split.cases)


def test_no_interactions_make_no_cases() -> None:
    arrays = arrays_of([])
    nothing = np.zeros(0, dtype=np.bool_)
    for split_of in (leave_one_out, cold_users, cold_items):
        split = split_of(arrays, nothing)
        assert split.cases == ()
        assert split.left_out == {}
