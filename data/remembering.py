"""What was read before and is kept in memory, in bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 20_000
"""Items, values and the like that are kept, of each sort."""


def keep(known: dict[K, V], read: Mapping[K, V], most: int = REMEMBERED) -> None:
    """Adds what was read to what is known, which starts anew where it would hold more than ``most``."""
    if len(known) + len(read) > most:
        known.clear()
    known.update(read)
