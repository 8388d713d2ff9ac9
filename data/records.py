"""The records RecMind knows: items, users, interactions and preferences, all immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

AttributeValue = str | int | float | tuple[str, ...]
"""One attribute's value: text, a number, or a list of texts."""

NO_ATTRIBUTES: Mapping[str, AttributeValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the catalogue."""

    item_id: str
    """The catalogue's own id, always a text."""
    title: str = ""
    """May be empty (then the id is shown) and need not be unique."""
    description: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: NO_ATTRIBUTES)
    created_at: float | None = None
    """Unix seconds."""
    available: bool = True
    """False: the item is never recommended, and kept only for the histories that mention it."""

    @property
    def name(self) -> str:
        """The title, or the id where the title is empty."""
        return self.title or self.item_id


@dataclass(frozen=True, slots=True)
class User:
    """A person with a history."""

    user_id: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something a user did with an item.

    Two interactions are the same when user, item, kind and ``at`` agree or, without a time, user, item, kind and
    ``position``.
    """

    user_id: str
    item_id: str
    kind: str
    """rating, purchase, view, like, dislike, skip, seen, ... ; what each means is in the settings."""
    value: float | None = None
    """The stars of a rating, the number of pieces bought, ...; None where the kind says everything."""
    at: float | None = None
    """Unix seconds, or None where it is not known."""
    position: int = 0
    """Order within the user's history if times are equal or missing."""


@dataclass(frozen=True, slots=True)
class Preference:
    """A lasting preference that a user stated ("no horror")."""

    user_id: str
    text: str
    """The user's words."""
    condition: str
    """The preference as a condition over attributes, in the syntax of ``recmind.data.conditions``:
    ``genres!=Horror``."""
    source: str = "stated"
    at: float | None = None
    """Unix seconds."""
    binds: bool = True
    """True: every recommendation for the user must meet the condition. False: the user loves it, and it is a wish."""
