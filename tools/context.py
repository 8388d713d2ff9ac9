"""What a request carries besides its conversation: who asks, what binds, and what the words were taken to mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recmind.data.choices import Aggregation
from recmind.data.conditions import Condition

if TYPE_CHECKING:
    from recmind.data.store.store import Store
    from recmind.tools.index import Engines


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """Fixed for one request and out of the model's reach: a tool argument can never name another user."""

    query: str
    user_id: str | None
    members: tuple[str, ...] = ()
    """The users of a group, in the caller's order; ``user_id`` is None then. Empty for one person or none."""
    aggregation: Aggregation = "average"
    """How the fits of a group's members become one score."""
    k: int
    """How many recommendations were asked for."""
    filters: tuple[Condition, ...] = ()
    """The caller's conditions; they always bind."""
    exclude: frozenset[str] = frozenset()
    """Item ids that the caller ruled out."""
    diversity: float = 0.0
    """0 ranks by score alone, 1 by difference from what is ranked before."""
    store: Store
    engines: Engines

    @property
    def people(self) -> tuple[str, ...]:
        """All whose past and preferences count."""
        return self.members or (() if self.user_id is None else (self.user_id,))

    def wanted(self, brief: Brief) -> int:
        """How many recommendations to give: ``k``, or fewer where the request says so ("three westerns")."""
        return self.k if brief.count is None else min(self.k, brief.count)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A part of the request with the conditions it stands for."""

    words: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """What ``prepare`` found out about a request, before any look-up."""

    text: str = ""
    """Content words for semantic search; empty when none are left."""
    likes: tuple[str, ...] = ()
    """Item ids of "like X"."""
    unlikes: tuple[str, ...] = ()
    """Item ids of "not X"."""
    bindings: Mapping[str, Constraint] = field(default_factory=dict)
    """By label (``q1``): constraints read from the words; all conditions of each must hold."""
    wishes: Mapping[str, Constraint] = field(default_factory=dict)
    """By label (``w1``): soft wishes; any one condition of each fulfils it."""
    standing: tuple[Condition, ...] = ()
    """The caller's filters and the user's stored preferences: they bind whatever the words say."""
    preferences: tuple[Constraint, ...] = ()
    """The stored preferences among ``standing``, with the user's words."""
    excluded: frozenset[str] = frozenset()
    """Item ids that must not be recommended: the caller's list, "not X", "like X", and what the user has consumed."""
    consumed: frozenset[str] = frozenset()
    """What the user has consumed, excluded or not."""
    known_user: bool = False
    """Whether the user has any history."""
    again: bool = False
    """Consumed items may be recommended."""
    surprise: bool = False
    """Novelty counts more than popularity."""
    count: int | None = None
    """How many items the request's own words ask for."""

    def without(self, labels: Collection[str]) -> Brief:
        """The brief as if the request did not hold these constraints."""
        kept = {label: part for label, part in self.bindings.items() if label not in labels}
        return replace(self, bindings=kept) if labels else self

    def binding_conditions(self, dropped: frozenset[str] = frozenset()) -> tuple[Condition, ...]:
        """All conditions that bind, without those of the dropped labels."""
        read = (c for label, part in self.bindings.items() if label not in dropped for c in part.conditions)
        return (*self.standing, *read)
