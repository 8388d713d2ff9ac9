"""How long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with the name of the work, the amount done, and the total, or None where the total is not known."""


def quiet(what: str, done: int, total: int | None) -> None:
    """Report nothing; the default wherever progress can be shown.

    Args:
        what: name of the work.
        done: the amount done.
        total: the total, or None where it is not known.
    """
