"""Turns cells into ids, numbers, times and attribute values; a ValueError says what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from recmind.data.records import AttributeValue
from recmind.data.text import clean, format_number, to_number

MISSING = frozenset({"", "nan", "null", "n/a", "\\n"})
"""Texts that programs write into the cell of a missing attribute; compared casefolded."""

_MILLISECONDS = 1e11
"""Times from this number on are in milliseconds: as seconds they would lie after the year 5138."""
_TIGHT_BAR = re.compile(r"[^\s|]\|[^\s|]")
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1", "t"}), frozenset({"false", "no", "n", "0", "f"})


def is_missing(value: Any) -> bool:
    """Whether the cell of an attribute holds no value."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().casefold() in MISSING
    if isinstance(value, float):
        return math.isnan(value)
    return isinstance(value, Sequence) and not len(value)


def to_text(value: Any) -> str:
    """Any single value as clean text; a whole number without ``.0``, so that an id stays the id."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        value = "" if math.isnan(value) else format_number(value) if math.isfinite(value) else str(value)
    elif isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (datetime, date, time)):
        value = value.isoformat()
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    elif isinstance(value, dict) and isinstance(value.get("name"), str):
        value = value["name"]
    elif isinstance(value, (dict, list, tuple)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else clean(str(value))


def to_finite(value: Any, name: str) -> float:
    """The value as a finite number.

    Args:
        value: the cell.
        name: name of the field, for the error.

    Raises:
        ValueError: the value is no finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} {value!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} {value!r} is not a finite number")
    return number


def to_time(value: Any, name: str) -> float | None:
    """Unix seconds, from a number (milliseconds are recognized), an ISO date or a date; None for an empty cell.

    Args:
        value: the cell; a date without a time zone is in UTC.
        name: name of the field, for the error.

    Raises:
        ValueError: the value is no time.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (datetime, date)):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    try:
        number = float(value)
    except (TypeError, ValueError):
        try:
            return to_time(datetime.fromisoformat(str(value).strip()), name)
        except ValueError:
            raise ValueError(f"{name} {value!r} is neither Unix seconds nor an ISO date") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} {value!r} is not a finite number")
    return number / 1000 if number >= _MILLISECONDS else number


def to_flag(value: Any, name: str) -> bool:
    """True or false, in any usual spelling. Raises ValueError for any other text."""
    text = to_text(value).casefold()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"{name} {value!r} is neither true nor false")


def to_list(value: Any) -> tuple[str, ...]:
    """A tuple of texts from a JSON array, or from text with ``|`` between its parts; each part once."""
    parts: Iterable[Any]
    if isinstance(value, str):
        loaded = _json_list(value)
        parts = value.split("|") if loaded is None else loaded
    elif isinstance(value, (list, tuple, set)):
        parts = value
    else:
        parts = [value]
    return tuple(dict.fromkeys(text for part in parts if (text := to_text(part)) and text.casefold() not in MISSING))


def _json_list(text: str) -> list[Any] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        loaded = json.loads(text)
    except ValueError:
        return None
    return loaded if isinstance(loaded, list) else None


class KindFinder:
    """Infers the kind of attribute that a column holds from all of its values."""

    def __init__(self, typed: bool) -> None:
        self.typed = typed
        self.seen = False
        self.numbers = True
        self.lists = False

    def see(self, value: Any) -> None:
        """Take one value into account."""
        if is_missing(value):
            return
        self.seen = True
        if isinstance(value, (list, tuple, set)):
            self.lists, self.numbers = True, False
        elif isinstance(value, str):
            self.numbers = self.numbers and not self.typed and to_number(value) is not None
            self.lists = self.lists or bool(_TIGHT_BAR.search(value)) or _json_list(value) is not None
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            self.numbers = False

    @property
    def kind(self) -> str | None:
        """text, number or list; None where no value was seen."""
        if not self.seen:
            return None
        return "list" if self.lists else "number" if self.numbers else "text"


def to_attribute(value: Any, kind: str, name: str) -> AttributeValue | None:
    """The value of an attribute, or None where the cell holds none.

    Args:
        value: the cell.
        kind: text, number or list.
        name: name of the attribute, for the error.

    Raises:
        ValueError: the kind is number, and the value is none.
    """
    if is_missing(value):
        return None
    if kind == "list":
        return to_list(value) or None
    if kind == "number":
        number = to_number(value) if isinstance(value, str) else to_finite(value, name)
        if number is None:
            raise ValueError(f"{name} {value!r} is not a number, as {name} is elsewhere")
        return int(number) if number == int(number) and abs(number) < 2**53 else number
    return to_text(value) or None
