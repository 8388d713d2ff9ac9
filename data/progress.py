"""How long work tells that it is alive."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and the total, or None where that is not known."""


def quiet(what: str, done: int, total: int | None) -> None:
    """Say nothing; the default wherever progress can be shown."""
