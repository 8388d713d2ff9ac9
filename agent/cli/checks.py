"""The checks of ``recmind doctor``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    pass

CheckStatus = Literal["ok", "note", "broken"]


MARKS: dict[CheckStatus, str] = {"ok": "ok", "note": "note", "broken": "BROKEN"}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    status: CheckStatus
    """ok; note: it works, but people should know; broken: something will fail."""
    detail: str


def guarded(name: str, look: Callable[[], Check]) -> Check:
    """The check, or a broken one with the error it raised: a check that fails must not hide the others.

    Args:
        name: the name of the check.
        look: makes the check.
    """
    try:
        return look()
    except Exception as error:  # noqa: BLE001  any error is what the person wants to know
        return Check(name, "broken", " ".join(f"{type(error).__name__}: {error}".split()))
