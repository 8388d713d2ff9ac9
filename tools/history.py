"""What a user did, and what it says of their taste."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.conditions import Condition
from data.records import Interaction
from data.signals import weights
from data.store import Store
from tools import phrases
from tools.collaborative import Past
from tools.findings import NO_FOCUS, Focus, found
from tools.profile import Profile, build_profile
from tools.slate import Evidence, Findings

Order = Literal["newest", "oldest", "highest", "lowest"]

REMEMBERED_USERS = 512


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One thing the user did."""

    interaction: Interaction
    title: str
    """The item's title, or its id where it has none."""

    @property
    def item_id(self) -> str:
        """The item it was done with."""
        return self.interaction.item_id


class UserHistory:
    """Reads the past of users; profiles are kept until the user or the catalogue changes. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._profiles: dict[str, tuple[tuple[int, int], Profile]] = {}
        self._signals: dict[str, tuple[tuple[int, int], tuple[Past, ...]]] = {}

    def ask(
        self,
        user_id: str,
        *,
        kinds: Iterable[str] | None = None,
        since: float | None = None,
        until: float | None = None,
        conditions: Sequence[Condition] = (),
        order: Order = "newest",
        n: int | None = 20,
    ) -> list[HistoryRow]:
        """What the user did, n at most (None for all); empty for an unknown user.

        Args:
            user_id: whose past.
            kinds: only these kinds of interaction.
            since: Unix seconds; with it or ``until``, what has no time is left out.
            until: Unix seconds, included.
            conditions: only with items that meet all of them; unavailable items count too.
            order: newest and oldest by time and position; highest and lowest by value, then the newest first, with no
                value last.
            n: at most so many.
        """
        past = self.store.interactions(user_id, kinds=kinds, since=since, until=until, newest_first=order != "oldest")
        if conditions and past:
            numbers = self.store.numbers_of(dict.fromkeys(interaction.item_id for interaction in past))
            met = set(self.store.matching_numbers(conditions, available_only=False).tolist())
            past = [interaction for interaction in past if numbers.get(interaction.item_id) in met]
        if order in ("highest", "lowest"):
            sign = -1.0 if order == "highest" else 1.0
            past.sort(key=lambda i: (i.value is None, sign * (i.value or 0.0)))
        if n is not None:
            past = past[: max(n, 0)]
        items = self.store.items(dict.fromkeys(interaction.item_id for interaction in past))
        return [HistoryRow(i, items[i.item_id].name) for i in past if i.item_id in items]

    def profile(self, user_id: str | None) -> Profile:
        """What the past says of the user's taste; an empty one for an unknown user or None."""
        if user_id is None:
            return Profile(user_id=None)
        version = self._version(user_id)
        known = self._profiles.get(user_id)
        if known is not None and known[0] == version:
            return known[1]
        profile = build_profile(self.store, user_id)
        with self._lock:
            if len(self._profiles) >= REMEMBERED_USERS:
                self._profiles.clear()
            self._profiles[user_id] = version, profile
        return profile

    def signals(self, user_id: str | None) -> tuple[Past, ...]:
        """The user's past as ``CollaborativeModel.ask`` takes it, newest first; empty for an unknown user or None.

        A rating that is not positive is context (0); other interactions that say nothing (skip, seen) are left out.
        """
        number = None if user_id is None else self.store.user_number(user_id)
        if user_id is None or number is None:
            return ()
        version = self._version(user_id)
        known = self._signals.get(user_id)
        if known is not None and known[0] == version:
            return known[1]
        arrays = self.store.user_arrays([number])
        weight = weights(arrays, self.store.settings)
        graded = [self.store.settings.kind(kind).positive in ("above_mean", "threshold") for kind in arrays.kind_names]
        says = (weight != 0) | np.array(graded, dtype=np.bool_)[arrays.kinds] if len(arrays) else weight != 0
        ages = np.arange(len(arrays))[::-1]
        columns = (arrays.item_numbers[says].tolist(), weight[says].tolist(), ages[says].tolist())
        past = tuple(zip(*columns, strict=True))[::-1]
        with self._lock:
            if len(self._signals) >= REMEMBERED_USERS:
                self._signals.clear()
            self._signals[user_id] = version, past
        return past

    def _version(self, user_id: str) -> tuple[int, int]:
        return self.store.watermark(user_id), self.store.catalogue_version


def history_findings(
    store: Store, rows: Sequence[HistoryRow], *, total: int | None = None, focus: Focus = NO_FOCUS, shown: int = 10
) -> Findings:
    """Past items as references for the slate, one row for an item, each with what the user did.

    Args:
        store: where titles and attributes are read.
        rows: what ``ask`` found.
        total: how many interactions the user has in all.
        focus: what the request is about.
        shown: how many rows the model reads.
    """
    stars = star_kinds(store)
    facts: dict[str, list[Evidence]] = {}
    for row in rows:
        interaction = row.interaction
        fact = phrases.history(interaction, row.title, stars=interaction.kind in stars)
        facts.setdefault(interaction.item_id, []).append(fact)
    if rows:
        note = f"{len(rows)} of {total} interactions." if total is not None and total > len(rows) else ""
    elif total:
        note = f"None of this person's {total} interactions fits. Leave out the kind, the period or a condition."
    else:
        note = "This person has no history. Use popular_items or search_items."
    return found(
        store,
        "user_history",
        [(item_id, found_facts, {}) for item_id, found_facts in facts.items()],
        note=note,
        role="reference",
        focus=focus,
        most=2,
        shown=shown,
    )


def star_kinds(store: Store) -> frozenset[str]:
    """The kinds whose values look like stars: on average five at most."""
    return frozenset(kind for kind, mean in store.catalogue().means.items() if mean <= 5)
