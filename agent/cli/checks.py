"""What ``recmind doctor`` finds: one check after the other."""

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
    """One thing that was looked at."""

    name: str
    status: CheckStatus
    """ok; note: works, but worth knowing; broken: something will fail."""
    detail: str


def guarded(name: str, look: Callable[[], Check]) -> Check:
    """The check, or what it raised: one that fails must not hide the others."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  whatever is wrong is what the person wants to know
        return Check(name, "broken", " ".join(f"{type(error).__name__}: {error}".split()))
