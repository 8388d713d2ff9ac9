"""Keeps what was read before in memory, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 20_000
"""Largest number of entries (items, values, ...) in each memory."""


def keep(known: dict[K, V], read: Mapping[K, V], most: int = REMEMBERED) -> None:
    """Add what was read to what is known.

    Args:
        known: the memory; it is emptied first if it would hold more than ``most`` entries.
        read: the new entries.
        most: largest number of entries.
    """
    if len(known) + len(read) > most:
        known.clear()
    known.update(read)
