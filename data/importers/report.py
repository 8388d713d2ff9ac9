"""The result of an import."""

from __future__ import annotations

from dataclasses import dataclass, field

from recmind.data.errors import BadRow


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Counts of what the files held, known before or not."""

    items: int = 0
    users: int = 0
    """Users of the users file and of the interactions, each once."""
    interactions: int = 0
    added: int = 0
    """Items and interactions that are new."""
    updated: int = 0
    """Items and interactions that were known and are different now."""
    skipped: list[BadRow] = field(default_factory=list)
    """The bad rows that were left out."""
    seconds: float = 0.0
