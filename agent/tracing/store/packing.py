"""How JSON texts lie in the file: the longer ones compressed."""

from __future__ import annotations

import zlib

SHORTEST = 4_000
"""Letters from which compressing pays: of shorter texts it saves little, and each waits its turn in a busy process."""
LEVEL = 1
"""Texts of traces shrink to a fifth; more effort gains little."""

Packed = str | bytes


def pack(text: str) -> Packed:
    """A JSON text as it is kept: itself where it is short, else compressed."""
    return text if len(text) < SHORTEST else zlib.compress(text.encode(), LEVEL)


def unpack(kept: Packed) -> str:
    """The text that was packed."""
    return kept if isinstance(kept, str) else zlib.decompress(kept).decode()
