"""What reading a request brings, before any look-up: what binds, what is wished, what is excluded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from recmind.data.conditions import Condition


@dataclass(frozen=True, slots=True)
class Constraint:
    """A part of the request, with the conditions that it stands for."""

    words: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """The result of reading a request: what its words mean, who asks and what binds. Every later step is given it.

    The fields that ``==`` passes over decide nothing that a look-up finds.
    """

    text: str = ""
    """Content words for semantic search; empty when none are left."""
    likes: tuple[str, ...] = ()
    """Ids of the items in "like X"."""
    unlikes: tuple[str, ...] = ()
    """Ids of the items in "not X"."""
    bindings: Mapping[str, Constraint] = field(default_factory=dict)
    """By label (``q1``): constraints read from the words; all conditions of each must hold."""
    wishes: Mapping[str, Constraint] = field(default_factory=dict)
    """By label (``w1``): soft wishes; any one condition of a wish fulfils it."""
    standing: tuple[Condition, ...] = ()
    """The caller's filters and the user's stored preferences: they bind, whatever the request says."""
    preferences: tuple[Constraint, ...] = ()
    """The stored preferences among ``standing``, with the user's words."""
    excluded: frozenset[str] = frozenset()
    """Item ids that must not be recommended: the caller's list, "not X", "like X", and what the user has consumed."""
    consumed: frozenset[str] = frozenset()
    """Ids of the items that the user has consumed, excluded or not."""
    known_user: bool = False
    """Whether the user has any history."""
    again: bool = False
    """Whether consumed items may be recommended."""
    surprise: bool = False
    """Whether novelty counts more than popularity."""
    count: int | None = None
    """How many items the request's own words ask for."""
    favorites: tuple[str, ...] = field(default=(), compare=False)
    """Item ids of what the user thinks most of, as far as it is on the slate as a reference; empty beside ``likes``."""
    meaning: str = field(default="", compare=False)
    """What the request was taken to mean, in a sentence or two for people and models."""
    empty: bool = field(default=False, compare=False)
    """The request says nothing about what is wanted."""
    unseen: bool = field(default=False, compare=False)
    """The request says that it wants nothing consumed (as is the rule without it)."""
    unused: tuple[str, ...] = field(default=(), compare=False)
    """Sentences for the person about parts of the request that could not be used."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was kept of the request or taken back beside answering it, a sentence each."""

    def without(self, labels: Collection[str]) -> Brief:
        """The brief without the constraints of these labels."""
        kept = {label: part for label, part in self.bindings.items() if label not in labels}
        return replace(self, bindings=kept) if labels else self

    def binding_conditions(self, dropped: frozenset[str] = frozenset()) -> tuple[Condition, ...]:
        """All conditions that bind, except those of the dropped labels."""
        read = (c for label, part in self.bindings.items() if label not in dropped for c in part.conditions)
        return (*self.standing, *read)
