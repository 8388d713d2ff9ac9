"""All errors that RecMind raises on purpose: one line that names the thing, gives the numbers and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 60
"""The most letters of a wrong value that an error shows."""


class RecMindError(Exception):
    """Something went wrong; the message tells a person in one line what."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default pickle would call the class with only the message, and some classes take more.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[RecMindError], arguments: tuple[Any, ...], state: dict[str, Any]) -> RecMindError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class InputError(RecMindError):
    """The caller's input is wrong; nothing was changed."""


class ConditionError(InputError):
    """A condition over attributes cannot be read, or names what the catalogue does not have."""


class WorkspaceError(InputError):
    """The workspace folder is missing, unreadable or made by a newer RecMind."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be imported."""

    file: str
    line: int
    """Line of the file from 1, as an editor counts, header included; in a Parquet file, the row from 1."""
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class ImportFailed(InputError):  # noqa: N818  reads as the event that it is: "except ImportFailed"
    """The import failed and nothing of it was kept; ``problems`` says which rows are bad, and why."""

    def __init__(self, message: str, problems: Sequence[BadRow] = ()) -> None:
        super().__init__(message)
        self.problems: list[BadRow] = list(problems)


def shown(value: Any) -> str:
    """The value as Python writes it, cut to ``SHOWN`` letters."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a value's own code may raise anything, such as a number of 5,000 digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def unknown(name: Any, known: Iterable[str], kind: str = "option") -> str:
    """The message about a name that does not exist: it gives the closest one that does, or all of them.

    Args:
        name: the wrong name.
        known: the names that exist.
        kind: what the name is for: ``option``, ``field``, ...
    """
    from difflib import get_close_matches  # noqa: PLC0415  only who errs pays for it

    names = tuple(known)
    close = get_close_matches(str(name), names, n=1)
    more = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names)}."
    return f"There is no {kind} {shown(name)}; {more}"
