"""What the planner plans for: the brief of a request, and how far the request has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recmind.tools.brief import Brief
from recmind.tools.evidence.slate import Slate


@dataclass(frozen=True, slots=True)
class ExploredLines:
    """What all lines of thought so far have explored."""

    ideas: tuple[str, ...]
    """One for each line; empty for the first."""
    tools: tuple[str, ...]
    """The name of the tool of each look-up."""
    least: int
    """Rows of the look-up that brought least."""


@dataclass(frozen=True, slots=True)
class PlannerTask:
    """What a planner is given that follows rules: it reads no prompt."""

    brief: Brief
    slate: Slate
    """It has the handles by which tools take the items of the brief."""
    wanted: int
    """How many recommendations to give."""
    at_once: bool = True
    """Whether one turn may hold both the look-ups and the ranking: nothing is thought over between them."""
    line: str = ""
    """The idea of the present line of thought; empty for the first."""
    explored: ExploredLines | None = None
    """What another line of thought would come to, where the planner is asked for one; None where it is to go on."""

    def handles(self, item_ids: Sequence[str]) -> list[str]:
        """The handles of those items that are on the slate."""
        return [entry.handle for item_id in item_ids if (entry := self.slate.of_item(item_id))]
