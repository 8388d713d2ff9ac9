"""The protocols by name: make the cases of an evaluation from a workspace, and say what the copy must not hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recmind.agent.evaluation.records import Case, Label
from recmind.data.arrays import Bools, Float32s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import InputError
from recmind.data.evaluation import splits
from recmind.data.evaluation.splits import Split, SplitCase
from recmind.data.signals import weights
from recmind.data.store.store import Store

LEAVE_ONE_OUT, TEMPORAL, SAMPLED = "leave-one-out", "temporal", "sampled"
COLD_USERS, COLD_ITEMS, REQUESTS = "cold-users", "cold-items", "requests"

TARGETS = ("any", "positive")
"""Which interactions can be targets: all in which a user took an item, or only positive ones."""

QUERY_NAMES = ("query", "text", "request")
ITEM_NAMES = ("item_id", "itemId", "movieId", "asin", "sku", "id")
"""The names of the item field in a requests file; the first that is present counts."""


@dataclass(frozen=True, slots=True)
class CaseSet:
    """All cases of an evaluation, and what is removed from the workspace before the systems are asked."""

    cases: tuple[Case, ...]
    labels: Mapping[str, tuple[Label, ...]]
    description: str
    left_out: Mapping[str, int]
    """The number of users or requests that make no case, by reason."""
    arrays: InteractionArrays
    split: Split


def questions(
    store: Store,
    protocol: str,
    *,
    seed: int = 0,
    users: int | None = None,
    target: str = "any",
    requests: Path | None = None,
) -> CaseSet:
    """The cases of a protocol over the store's interactions.

    Args:
        store: the database; it is only read.
        protocol: one of ``PROTOCOLS``.
        seed: the seed of everything that is drawn.
        users: at most this many cases are drawn at random; None for all.
        target: ``any`` or ``positive``.
        requests: the JSON Lines file of the protocol ``requests``.

    Raises:
        InputError: the protocol is unknown, the file is missing or unreadable, or no case can be made.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"There is no protocol {protocol!r}; there are: {', '.join(PROTOCOLS)}.")
    if target not in TARGETS:
        raise InputError(f"There is no target {target!r}; there are: {', '.join(TARGETS)}.")
    arrays = store.interactions.arrays()
    if protocol == REQUESTS:
        return _of_requests(store, arrays, requests, users, seed)
    weight = weights(arrays, store.settings)
    available = store.items.matching()
    wanted = np.isin(arrays.item_numbers, available) & _wanted(arrays, weight, store, target)
    split = _SPLITS[protocol](_Plan(arrays, wanted, available, store.settings.allow_repeats, seed, users, target))
    if not split.cases:
        reasons = "; ".join(f"{count:,} users: {reason}" for reason, count in split.left_out.items())
        raise InputError(
            f"{protocol} finds no user to evaluate among {len(np.unique(arrays.user_numbers)):,} users"
            f"{f' ({reasons})' if reasons else ''}. Import more interactions, or evaluate with another protocol."
        )
    return _named(store, arrays, split, weight, seed)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The inputs of a split."""

    arrays: InteractionArrays
    wanted: Bools
    available: Int64s
    repeats: bool
    seed: int
    users: int | None
    target: str


def _wanted(arrays: InteractionArrays, weight: Float32s, store: Store, target: str) -> Bools:
    if target == "positive":
        return weight > 0
    taken = [store.settings.kind(name).consumed for name in arrays.kind_names]
    return np.array(taken, dtype=np.bool_)[arrays.kinds] if taken else np.zeros(0, dtype=np.bool_)


def _leave_one_out(plan: _Plan) -> Split:
    called = "positive interaction" if plan.target == "positive" else "interaction"
    return splits.leave_one_out(
        plan.arrays, plan.wanted, seed=plan.seed, users=plan.users, repeats=plan.repeats, target=called
    )


def _temporal(plan: _Plan) -> Split:
    return splits.temporal(plan.arrays, plan.wanted, seed=plan.seed, users=plan.users)


def _sampled(plan: _Plan) -> Split:
    return splits.sampled_candidates(_leave_one_out(plan), plan.arrays, plan.available, seed=plan.seed)


def _cold_users(plan: _Plan) -> Split:
    return splits.cold_users(plan.arrays, plan.wanted, seed=plan.seed, users=plan.users)


def _cold_items(plan: _Plan) -> Split:
    return splits.cold_items(plan.arrays, plan.wanted, seed=plan.seed, users=plan.users)


_SPLITS: Mapping[str, Callable[[_Plan], Split]] = {
    LEAVE_ONE_OUT: _leave_one_out,
    TEMPORAL: _temporal,
    SAMPLED: _sampled,
    COLD_USERS: _cold_users,
    COLD_ITEMS: _cold_items,
}
PROTOCOLS = (*_SPLITS, REQUESTS)


def _named(store: Store, arrays: InteractionArrays, split: Split, weight: Float32s, seed: int) -> CaseSet:
    """The split's cases with ids in place of numbers."""
    users = store.users.ids_of(case.user_number for case in split.cases)
    catalogue = store.items.matching()
    ids = store.items.ids_of(np.union1d(catalogue, arrays.item_numbers[split.held_out]).tolist())
    cases, labels = [], {}
    labeling = _Labeling(arrays, split, weight, catalogue, store, seed)
    for case in split.cases:
        user_id = users[case.user_number]
        made = Case(
            case_id=f"{case.group}:{user_id}" if case.group else user_id,
            user_id=user_id,
            query="",
            targets=tuple(ids[number] for number in case.targets),
            candidates=None if case.candidates is None else tuple(ids[number] for number in case.candidates),
        )
        cases.append(made)
        labels[made.case_id] = tuple((ids[number], true, kind) for number, true, kind in labeling.of(case))
    return CaseSet(tuple(cases), labels, split.description, split.left_out, arrays, split)


class _Labeling:
    """Decides which items' confidence is measured on a case, and what came true.

    For a target of a graded kind (a rating): whether it was positive, by all ratings of the user. For takings: every
    target came true, and for each target an item that the user never touched, drawn uniformly, did not.
    """

    def __init__(
        self,
        arrays: InteractionArrays,
        split: Split,
        weight: Float32s,
        catalogue: Int64s,
        store: Store,
        seed: int,
    ) -> None:
        self.arrays, self.weight, self.catalogue = arrays, weight, catalogue
        self.graded = [store.settings.graded(kind) for kind in arrays.kind_names]
        self.rng = np.random.default_rng([seed, *b"untouched"])
        self.rows = np.flatnonzero(split.held_out)

    def of(self, case: SplitCase) -> list[tuple[int, bool, str]]:
        """Item numbers, labels, and the graded kind that each is about; empty for takings."""
        arrays = self.arrays
        first, last = np.searchsorted(arrays.user_numbers, [case.user_number, case.user_number + 1])
        held = self.rows[np.searchsorted(self.rows, first) : np.searchsorted(self.rows, last)]
        untouched = np.setdiff1d(self.catalogue, arrays.item_numbers[first:last])
        found: list[tuple[int, bool, str]] = []
        for target in case.targets:
            row = int(held[arrays.item_numbers[held] == target][-1])
            kind = int(arrays.kinds[row])
            if self.graded[kind] and not np.isnan(arrays.values[row]):
                found.append((target, bool(self.weight[row] > 0), arrays.kind_names[kind]))
            found.append((target, True, ""))
            if len(untouched):
                found.append((int(self.rng.choice(untouched)), False, ""))
        return found


def _of_requests(store: Store, arrays: InteractionArrays, path: Path | None, count: int | None, seed: int) -> CaseSet:
    if path is None:
        raise InputError(
            f"The protocol {REQUESTS} needs a file: --requests FILE, JSON Lines with a query and an item_id."
        )
    read = _read_requests(path)
    known = store.items.get_many(dict.fromkeys(item_id for _, _, item_id in read))
    cases = [
        Case(f"line-{line}", None, query, (item_id,))
        for line, query, item_id in read
        if item_id in known and known[item_id].available
    ]
    left_out = {"the item meant is not in the catalogue": len(read) - len(cases)} if len(cases) < len(read) else {}
    if not cases:
        raise InputError(
            f"The catalogue holds none of the {len(read)} items that {str(path)!r} asks for; the first is "
            f"{read[0][2]!r}. Does the file belong to this workspace?"
        )
    total = len(cases)
    if count is not None and count < total:
        drawn = np.random.default_rng([seed, *b"requests"]).permutation(total)[:count]
        cases = [cases[place] for place in sorted(drawn.tolist())]
    split = Split((), np.zeros(len(arrays), dtype=np.bool_), "")
    description = (
        f"{len(cases)} of {total} requests in words ({path.name}), each with the one item that was meant; "
        "nothing is held out."
    )
    return CaseSet(tuple(cases), {}, description, left_out, arrays, split)


def _read_requests(path: Path) -> list[tuple[int, str, str]]:
    """Line number, query and item id of each request. Raises InputError that names the first line without them."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The requests file {str(path)!r} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path.name}:{number}: this is not JSON: {error}") from None
        query, item_id = _first(row, QUERY_NAMES), _first(row, ITEM_NAMES)
        if query is None or item_id is None:
            missing, names = ("query", QUERY_NAMES) if query is None else ("item id", ITEM_NAMES)
            raise InputError(f"{path.name}:{number}: there is no {missing}; it is read from one of {', '.join(names)}.")
        found.append((number, query, item_id))
    if not found:
        raise InputError(f"The requests file {str(path)!r} is empty.")
    return found


def _first(row: Any, names: Sequence[str]) -> str | None:
    """The first of these fields that is not empty, as text."""
    if not isinstance(row, dict):
        return None
    values = (row.get(name) for name in names)
    return next((str(value) for value in values if value not in (None, "")), None)
