"""How JSON texts are stored: long ones are compressed."""

from __future__ import annotations

import zlib

SHORTEST = 4_000
"""Texts with fewer letters are not compressed: it would save little, and take time in a busy process."""
LEVEL = 1
"""The lowest level: traces shrink to a fifth, and higher levels gain little."""

Packed = str | bytes


def pack(text: str) -> Packed:
    """A JSON text as it is stored: unchanged if it is short, else compressed."""
    return text if len(text) < SHORTEST else zlib.compress(text.encode(), LEVEL)


def unpack(kept: Packed) -> str:
    """The text that was packed."""
    return kept if isinstance(kept, str) else zlib.decompress(kept).decode()
