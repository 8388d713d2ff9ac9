"""Protocols of evaluation: which interactions of a catalogue are held out, and which items should be found again.

Pure functions of the interactions and a seed: the same ones give the same split on every machine. They choose by the
number of interactions of a user and by their order, and by nothing else of what is held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recmind.data.arrays import Bools, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import InputError

CANDIDATES = 100
"""N of 1-of-N, the target included: the direct task of RecMind (Wang et al., 2024) and P5 (Geng et al., 2022)."""
QUANTILE = 0.8
"""The share of the interactions before the cut of a temporal split."""
KEPT = (1, 3, 5)
"""Numbers of first interactions that cold-start users keep."""
NEXT_ITEMS = 5
"""Number of the items that a cold-start user took next that are targets."""
COLD_USERS = 0.2
"""The share of the users that become cold; the engines learn from the others."""
COLD_ITEMS = 0.05
"""The share of the items with interactions that become cold."""


@dataclass(frozen=True, slots=True)
class SplitCase:
    """One user with held-out interactions."""

    user_number: int
    targets: tuple[int, ...]
    """Item numbers, in the order they were taken."""
    group: str = ""
    """The condition that the case belongs to; empty where there is only one."""
    candidates: tuple[int, ...] | None = None
    """Item numbers, sorted; only these are ranked. None: all items."""


@dataclass(frozen=True, slots=True)
class Split:
    """The held-out interactions, and the cases made of them."""

    cases: tuple[SplitCase, ...]
    held_out: Bools
    """True for each interaction that is held out, in the order of the arrays."""
    description: str
    """The protocol in one sentence."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Number of users without a case, by reason; users outside a sample are not counted."""
    cold_items: tuple[int, ...] = ()
    """Numbers of the items of which everything is held out that users did with them or said about them."""
    cut: float | None = None
    """Unix seconds; preferences stated from then on leave too. None: no preference leaves."""


def shuffled(arrays: InteractionArrays, seed: int) -> Int64s:
    """The places of the interactions by user and time, with ties shuffled; int64 of shape (interactions,).

    Neighboring interactions of a user tie where neither their times nor their positions tell which came first.

    Args:
        arrays: the interactions, sorted by user, time and position.
        seed: of the shuffle.
    """
    if not len(arrays):
        return np.zeros(0, dtype=np.int64)
    at, positions = arrays.at, arrays.positions
    same_time = (at[1:] == at[:-1]) | (np.isnan(at[1:]) & np.isnan(at[:-1]))
    tied = (arrays.user_numbers[1:] == arrays.user_numbers[:-1]) & same_time & (positions[1:] == positions[:-1])
    groups = np.concatenate(([0], np.cumsum(~tied)))
    return np.lexsort((_random(seed, "ties").random(len(arrays)), groups))


def leave_one_out(
    arrays: InteractionArrays,
    wanted: Bools,
    *,
    seed: int = 0,
    users: int | None = None,
    repeats: bool = False,
    target: str = "interaction",
) -> Split:
    """The last wanted interaction of each user is the target; it leaves with all that came after it.

    Args:
        arrays: all interactions.
        wanted: True for those that can be a target, in the order of the arrays.
        seed: of the ties and of the sample.
        users: number of users, drawn at random, of whom interactions are held out; None for all.
        repeats: whether an item may be recommended again. Otherwise the user's earlier interactions with the target
            leave too, because an item that the user is known to have cannot be recommended.
        target: what a wanted interaction is called in the description.
    """
    order = shuffled(arrays, seed)
    held_out = np.zeros(len(arrays), dtype=np.bool_)
    found: list[tuple[SplitCase, Int64s]] = []
    left_out = _LeftOut()
    for user, rows in _by_user(arrays, order):
        chosen = np.flatnonzero(wanted[rows])
        if not len(chosen):
            left_out.add(f"no {target} that could be a target")
            continue
        last = int(chosen[-1])
        item = int(arrays.item_numbers[rows[last]])
        leaving = np.arange(len(rows)) >= last
        if not repeats:
            leaving |= arrays.item_numbers[rows] == item
        if leaving.all():
            left_out.add("fewer than 2 interactions with different items")
            continue
        found.append((SplitCase(user, (item,)), rows[leaving]))
    cases = _sampled(found, users, seed)
    for _, rows in cases:
        held_out[rows] = True
    again = "" if repeats else ", as do earlier interactions with the same item"
    return Split(
        tuple(case for case, _ in cases),
        held_out,
        f"The last {target} of {_whose(users, found)} by time (ties shuffled with seed {seed}) is the "
        f"target and leaves with all that came after it{again}.",
        left_out.counts,
    )


def temporal(
    arrays: InteractionArrays,
    wanted: Bools,
    *,
    quantile: float = QUANTILE,
    at: float | None = None,
    seed: int = 0,
    users: int | None = None,
) -> Split:
    """Everything from one moment on leaves; users with a history before it and new items after it are the cases.

    Args:
        arrays: all interactions; one without a time counts as happening with the one before it.
        wanted: True for those that can be targets, in the order of the arrays.
        quantile: quantile of the times, above 0 and below 1, that is the moment if ``at`` is None.
        at: the moment in Unix seconds.
        seed: of the sample.
        users: number of users to evaluate, drawn at random; the interactions of all leave. None for all.

    Raises:
        InputError: no interaction has a time.
    """
    known = arrays.at[~np.isnan(arrays.at)]
    if not len(known):
        raise InputError("No interaction has a time, so there is no temporal split. Evaluate with leave-one-out.")
    cut = float(np.quantile(known, quantile, method="higher")) if at is None else at
    held_out = np.zeros(len(arrays), dtype=np.bool_)
    found: list[tuple[SplitCase, Int64s]] = []
    left_out = _LeftOut()
    for user, rows in _by_user(arrays, np.arange(len(arrays))):
        after = np.logical_or.accumulate(arrays.at[rows] >= cut)
        held_out[rows[after]] = True
        if after.all():
            left_out.add("no history before the cut")
            continue
        numbers = arrays.item_numbers[rows]
        before = set(numbers[~after].tolist())
        targets = [n for n in dict.fromkeys(numbers[after & wanted[rows]].tolist()) if n not in before]
        if not targets:
            left_out.add("no new item after the cut")
            continue
        found.append((SplitCase(user, tuple(targets)), rows))
    return Split(
        tuple(case for case, _ in _sampled(found, users, seed)),
        held_out,
        f"Everything from {cut:.0f} (Unix seconds) on leaves; targets are the items that "
        f"{_whose(users, found)} with a history before took for the first time after.",
        left_out.counts,
        cut=cut,
    )


def sampled_candidates(
    split: Split, arrays: InteractionArrays, catalogue: Int64s, *, n: int = CANDIDATES, seed: int = 0
) -> Split:
    """The split with n candidates for each case: its targets, and items drawn uniformly from those never touched.

    Args:
        split: the split whose cases get candidates.
        arrays: all interactions, held-out ones included, so that items the user touches later are no false candidates.
        catalogue: int64, sorted: the item numbers to draw from.
        n: number of candidates of a case, targets included; fewer if the user has touched nearly everything.
        seed: of the draw.
    """
    rng = _random(seed, "candidates")
    touched = {user: arrays.item_numbers[rows] for user, rows in _by_user(arrays, np.arange(len(arrays)))}
    cases = []
    for case in split.cases:
        others = np.setdiff1d(catalogue, touched.get(case.user_number, np.zeros(0, np.int64)))
        count = min(max(n - len(case.targets), 0), len(others))
        drawn = rng.choice(others, size=count, replace=False)
        candidates = np.union1d(drawn, np.array(case.targets, dtype=np.int64))
        cases.append(replace(case, candidates=tuple(int(number) for number in candidates)))
    description = (
        f"{split.description} Only {n} candidates are ranked: the target and {n - 1} items drawn uniformly from those "
        f"that the user never touched (seed {seed})."
    )
    return replace(split, cases=tuple(cases), description=description)


def cold_users(
    arrays: InteractionArrays,
    wanted: Bools,
    *,
    kept: Sequence[int] = KEPT,
    next_items: int = NEXT_ITEMS,
    seed: int = 0,
    users: int | None = None,
) -> Split:
    """Some users keep only their first interactions; the new items that they took next are the targets.

    Args:
        arrays: all interactions.
        wanted: True for those that can be targets, in the order of the arrays.
        kept: numbers of interactions to keep; the users are shared out evenly among them.
        next_items: number of targets of a user.
        seed: of the ties and of the sample.
        users: number of users, drawn at random; None: a fifth of those that have such interactions.
    """
    order = shuffled(arrays, seed)
    possible: dict[int, tuple[Int64s, set[int]]] = {}
    left_out = _LeftOut()
    for user, rows in _by_user(arrays, order):
        fits = {n for n in kept if len(_next_items(arrays, wanted, rows, n, 1))}
        if fits:
            possible[user] = rows, fits
        else:
            left_out.add(f"no new item after the first {min(kept)} interactions")
    drawn = _random(seed, "users").permutation(np.array(sorted(possible), dtype=np.int64)).tolist()
    count = min(len(drawn), max(len(kept), int(COLD_USERS * len(drawn))) if users is None else users)
    cases = []
    held_out = np.zeros(len(arrays), dtype=np.bool_)
    filled = dict.fromkeys(kept, 0)
    for user in drawn[:count]:
        rows, fits = possible[user]
        n = min(sorted(fits), key=lambda number: filled[number])
        filled[n] += 1
        held_out[rows[n:]] = True
        cases.append(SplitCase(user, tuple(_next_items(arrays, wanted, rows, n, next_items)), f"keep-{n}"))
    numbers = ", ".join(map(str, kept))
    return Split(
        tuple(sorted(cases, key=lambda case: (case.group, case.user_number))),
        held_out,
        f"{count} of {len(possible)} users (seed {seed}) keep only their first {numbers} "
        f"interactions, a share of them each; the next {next_items} new items that they took are the targets.",
        left_out.counts,
    )


def cold_items(
    arrays: InteractionArrays,
    wanted: Bools,
    *,
    share: float = COLD_ITEMS,
    seed: int = 0,
    users: int | None = None,
) -> Split:
    """All interactions with some items leave; the users who took them are the cases, and the items their targets.

    Args:
        arrays: all interactions.
        wanted: True for those that can be targets, in the order of the arrays.
        share: share of the items with a wanted interaction, drawn uniformly, 0 to 1.
        seed: of the items and of the sample.
        users: number of users to evaluate, drawn at random; None for all.
    """
    items = np.unique(arrays.item_numbers[wanted])
    count = min(len(items), max(1, round(share * len(items))))
    cold = np.sort(_random(seed, "items").choice(items, size=count, replace=False)) if count else items
    held_out = np.isin(arrays.item_numbers, cold)
    found: list[tuple[SplitCase, Int64s]] = []
    left_out = _LeftOut()
    for user, rows in _by_user(arrays, np.arange(len(arrays))):
        leaving = held_out[rows]
        targets = dict.fromkeys(arrays.item_numbers[rows[leaving & wanted[rows]]].tolist())
        if not targets:
            left_out.add("took none of the cold items")
        elif leaving.all():
            left_out.add("no history beside the cold items")
        else:
            found.append((SplitCase(user, tuple(targets)), rows))
    return Split(
        tuple(case for case, _ in _sampled(found, users, seed)),
        held_out,
        f"All interactions with {count} of {len(items)} items (seed {seed}) leave; they are the "
        f"targets of {_whose(users, found)} who took them.",
        left_out.counts,
        cold_items=tuple(cold.tolist()),
    )


class _LeftOut:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, reason: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1


def _random(seed: int, purpose: str) -> np.random.Generator:
    """A generator for each purpose, so that one draw does not change another."""
    return np.random.default_rng([seed, *purpose.encode()])


def _by_user(arrays: InteractionArrays, order: Int64s) -> list[tuple[int, Int64s]]:
    """Each user number with the places of the user's interactions, in this order."""
    users = arrays.user_numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], users[1:] != users[:-1]))) if len(users) else np.zeros(0, int)
    return [(int(users[start]), rows) for start, rows in zip(starts, np.split(order, starts[1:]), strict=False)]


def _sampled(
    found: Sequence[tuple[SplitCase, Int64s]], users: int | None, seed: int
) -> Sequence[tuple[SplitCase, Int64s]]:
    """This many of the cases, drawn at random, in their order; a larger sample holds the smaller ones."""
    if users is None or users >= len(found):
        return found
    drawn = _random(seed, "users").permutation(len(found))[:users]
    return [found[place] for place in sorted(drawn.tolist())]


def _next_items(arrays: InteractionArrays, wanted: Bools, rows: Int64s, n: int, most: int) -> list[int]:
    """The first ``most`` items in a user's interactions behind the first n that are not among those."""
    before = set(arrays.item_numbers[rows[:n]].tolist())
    later = rows[n:][wanted[rows[n:]]]
    return [number for number in dict.fromkeys(arrays.item_numbers[later].tolist()) if number not in before][:most]


def _whose(users: int | None, found: Sequence[object]) -> str:
    return "each user" if users is None or users >= len(found) else f"{users} of {len(found)} users"
