"""A user's history, and what it says about their taste."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from recmind.data.arrays import Float32s, index_in_sorted
from recmind.data.conditions import Condition
from recmind.data.records import Interaction
from recmind.data.signals import Deed, against
from recmind.data.store.store import Store
from recmind.tools.collaborative.user_sequence import SequenceItem, sequence_of
from recmind.tools.engines.profile import Profile, build_profile, star_kinds

T = TypeVar("T")

Order = Literal["newest", "oldest", "highest", "lowest"]

REMEMBERED_USERS = 512


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One interaction of the user."""

    interaction: Interaction
    title: str
    """The item's title, or its id where it has none."""
    against: bool = False
    """Whether the interaction speaks against the item."""

    @property
    def item_id(self) -> str:
        """The id of the item."""
        return self.interaction.item_id


class UserHistory:
    """Reads users' histories and keeps what it read until the user or the catalogue changes. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._profiles: dict[str, tuple[tuple[int, int], Profile]] = {}
        self._pasts: dict[str | None, dict[str, tuple[tuple[int, int], tuple[tuple[SequenceItem, ...], Float32s]]]] = {}
        self._consumed: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
        self._refused: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
        self._against: dict[str, tuple[tuple[int, int], frozenset[Deed]]] = {}
        self._disliked: dict[str, tuple[tuple[int, int], frozenset[str]]] = {}
        self._newest_first: dict[str, tuple[tuple[int, int], list[Interaction]]] = {}

    def interactions(
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
        """The user's interactions, n at most; empty for an unknown user.

        Args:
            user_id: the user.
            kinds: only these kinds of interaction; None for all.
            since: Unix seconds; with it or ``until``, interactions without a time are left out.
            until: Unix seconds, included.
            conditions: only interactions with items that meet all of them; unavailable items count too.
            order: newest and oldest by time and position; highest and lowest by value, then the newest first, those
                without a value last.
            n: the most to return; None for all.
        """
        if kinds is None and since is None and until is None:
            past = self._all(user_id)
            if order == "oldest":
                past.reverse()
        else:
            past = self.store.interactions.of_user(
                user_id, kinds=kinds, since=since, until=until, newest_first=order != "oldest"
            )
        if conditions and past:
            numbers = self.store.items.numbers_of(dict.fromkeys(interaction.item_id for interaction in past))
            matching = self.store.items.matching(conditions, available_only=False)
            _, met = index_in_sorted(matching, np.array(list(numbers.values()), dtype=np.int64))
            meeting = {item_id for item_id, is_met in zip(numbers, met.tolist(), strict=True) if is_met}
            past = [interaction for interaction in past if interaction.item_id in meeting]
        if order in ("highest", "lowest"):
            sign = -1.0 if order == "highest" else 1.0
            past.sort(key=lambda i: (i.value is None, sign * (i.value or 0.0)))
        if n is not None:
            past = past[: max(n, 0)]
        items = self.store.items.get_many(dict.fromkeys(interaction.item_id for interaction in past))
        low = self.against(user_id) if past else frozenset()
        return [
            HistoryRow(i, items[i.item_id].name, (i.item_id, i.kind, i.value) in low)
            for i in past
            if i.item_id in items
        ]

    def _all(self, user_id: str) -> list[Interaction]:
        """All interactions of the user, newest first; the caller may change the list."""
        return self._known(self._newest_first, user_id, lambda: self.store.interactions.of_user(user_id)).copy()

    def profile(self, user_id: str | None) -> Profile:
        """The user's taste as their history tells it; an empty profile for an unknown user or None."""
        if user_id is None:
            return Profile(user_id=None)
        return self._known(self._profiles, user_id, lambda: build_profile(self.store, user_id))

    def consumed(self, user_id: str | None) -> frozenset[str]:
        """The ids of the items that the user has had; empty for an unknown user or None."""
        if user_id is None:
            return frozenset()
        return self._known(self._consumed, user_id, lambda: self.store.interactions.consumed_ids(user_id))

    def refused(self, user_id: str | None) -> frozenset[str]:
        """The ids of the items that the user does not want; empty for an unknown user or None."""
        if user_id is None:
            return frozenset()
        return self._known(self._refused, user_id, lambda: self.store.interactions.refused_ids(user_id))

    def against(self, user_id: str | None) -> frozenset[Deed]:
        """The interactions of the user that speak against their item; empty for an unknown user or None."""
        if user_id is None:
            return frozenset()
        return self._known(
            self._against, user_id, lambda: against(self._all(user_id), self.store.settings, star_kinds(self.store))
        )

    def disliked(self, user_id: str | None) -> frozenset[str]:
        """The ids of items that the user disliked.

        All interactions of the user with such an item speak against it, and none of them leads to a candidate.
        """
        if user_id is None or not self.against(user_id):
            return frozenset()
        return self._known(self._disliked, user_id, lambda: self._read_disliked(user_id))

    def _read_disliked(self, user_id: str) -> frozenset[str]:
        low = self.against(user_id)
        others = {i.item_id for i in self._all(user_id) if (i.item_id, i.kind, i.value) not in low}
        # If somebody never gives more than few stars, the best of those still lead to candidates.
        leading = [past.item_number for past in self.signals(user_id) if past.weight > 0]
        return frozenset(item_id for item_id, _, _ in low) - others - {*self.store.items.ids_of(leading).values()}

    def signals(self, user_id: str | None) -> tuple[SequenceItem, ...]:
        """The user's past in the form that the engines take, newest first; empty for an unknown user or None."""
        return self.valued(user_id, None)[0]

    def valued(self, user_id: str | None, kind: str | None) -> tuple[tuple[SequenceItem, ...], Float32s]:
        """The user's past as in ``signals``, and the value of each past item.

        Args:
            user_id: the user, or None.
            kind: the kind whose values count; others get NaN. None: all get NaN.

        Returns:
            The past, and the values as float32 of the same length.
        """
        number = None if user_id is None else self.store.users.number_of(user_id)
        if user_id is None or number is None:
            return (), np.empty(0, np.float32)
        read = lambda: sequence_of(self.store.interactions.arrays_of([number]), self.store.settings, kind)  # noqa: E731
        return self._known(self._pasts.setdefault(kind, {}), user_id, read)

    def _known(self, kept: dict[str, tuple[tuple[int, int], T]], user_id: str, read: Callable[[], T]) -> T:
        """What ``read`` returns for the user; it is called again only when the user or the catalogue has changed."""
        version = self.store.users.watermark(user_id), self.store.catalogue_version
        known = kept.get(user_id)
        if known is not None and known[0] == version:
            return known[1]
        value = read()
        with self._lock:
            if len(kept) >= REMEMBERED_USERS:
                kept.clear()
            kept[user_id] = version, value
        return value
