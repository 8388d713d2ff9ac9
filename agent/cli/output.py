"""Prints answers on stdout, progress and steps on stderr, and JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

REFRESH_S = 0.1
QUIET_REFRESH_S = 10.0
LEFT_AFTER_S = 3.0
"""The time left is shown once work has taken this many seconds."""
BYTES_STEP = 1024


def emit(as_json: bool, value: Mapping[str, Any], text: Callable[[], str]) -> None:
    """Prints one JSON object, or the text that says the same to a person.

    Args:
        as_json: whether to print JSON.
        value: the object for machines.
        text: makes the text for people.
    """
    click.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text())


def clean(text: str) -> str:
    """The text without control characters, so that a title cannot control the terminal."""
    return "".join(" " if c in "\t\n\r" else c for c in text if c.isprintable() or c in "\t\n\r")


def count(number: int, one: str, many: str = "") -> str:
    """``1 item``, ``2,500 items``.

    Args:
        number: how many.
        one: the noun in the singular.
        many: the plural; empty adds an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(n_bytes: float) -> str:
    """``12 B``, ``3.4 MB``: a size in steps of 1,024 bytes."""
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        if n_bytes < BYTES_STEP:
            break
        n_bytes, unit = n_bytes / BYTES_STEP, larger
    return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 10 else f"{n_bytes:.1f} {unit}"


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h 10 min``: as precise as a waiting person needs."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows of text as aligned columns; the last column is not padded.

    Args:
        rows: the cells of each row.
        indent: put before each row.
    """
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        (indent + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])).rstrip()
        for row in rows
    )


class ProgressLine:
    """Progress on stderr: one line that is redrawn on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._what = ""
        self._last = time.monotonic()
        self._begun: tuple[str, float, int] = "", 0.0, 0
        """The current work, when it began, and how much was done then."""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Notes the progress; shows at most ten lines a second, or one in ten seconds if stderr is not a terminal.

        Args:
            what: the current work.
            done: how much of it is done.
            total: how much there is; None if that is not known.
        """
        now = time.monotonic()
        if what != self._begun[0] or done < self._begun[2]:
            self._begun = what, now, done
        wait = REFRESH_S if self._terminal else QUIET_REFRESH_S
        fresh = what != self._what and self._terminal
        if not fresh and now - self._last < wait:
            return
        self._what, self._last = what, now
        part = f"{done:,}" if total is None else f"{done:,} of {total:,}{self._left(now, done, total)}"
        if self._terminal:
            click.echo(f"\r\x1b[K{what}: {part}", err=True, nl=False)
        else:
            click.echo(f"{what}: {part}", err=True)

    def _left(self, now: float, done: int, total: int) -> str:
        """The time left if the work goes on at this speed; empty if that cannot be said yet."""
        _, since, before = self._begun
        if now - since < LEFT_AFTER_S or not before < done < total:
            return ""
        return f", {duration((now - since) / (done - before) * (total - done))} left"

    def close(self) -> None:
        """Removes the line, so that what follows begins on an empty one."""
        if self._terminal and self._what:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._what = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
