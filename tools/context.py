"""The values that are fixed for one request: who asks, for how many items, with which filters, store and engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recmind.data.choices import Aggregation
from recmind.data.conditions import Condition
from recmind.tools.brief import Brief

if TYPE_CHECKING:
    from recmind.data.store.store import Store
    from recmind.tools.index.engines import Engines


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """The fixed values of one request, out of the model's reach: a tool argument can never name another user."""

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
    """0 to 1: 0 ranks by score alone, 1 by difference from the items ranked before."""
    store: Store
    engines: Engines

    @property
    def people(self) -> tuple[str, ...]:
        """The ids of all users whose past and preferences count; empty where nobody is named."""
        return self.members or (() if self.user_id is None else (self.user_id,))

    def wanted(self, brief: Brief) -> int:
        """How many recommendations to give: ``k``, or fewer where the request says so ("three westerns")."""
        return self.k if brief.count is None else min(self.k, brief.count)
