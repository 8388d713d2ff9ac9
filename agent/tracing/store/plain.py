"""Turns any value that passes through a run into JSON of bounded size, and never fails."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

import orjson

from recmind.agent.tracing.store.redaction import (
    REDACTED,
    Redaction,
    has_secret_field,
    is_secret,
    marks_of,
    redacted,
    secrets_in,
)

_SWIFTEST = orjson.OPT_NON_STR_KEYS
"""orjson writes dataclasses itself."""
_SWIFT = _SWIFTEST | orjson.OPT_PASSTHROUGH_DATACLASS
"""orjson passes dataclasses to ``_fragment``, which cuts them."""

Plain = Any
"""None, bool, int, float, str, or lists and string-keyed dicts of them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of one payload is kept. A note takes the place of what is left out."""

    size: int
    """Payloads of up to this many characters of JSON are kept whole; larger ones are cut by the bounds below."""
    text: int
    """The most characters of one text."""
    parts: int
    """The most elements of one list or mapping."""
    depth: int
    """The most levels of nesting."""
    values: int
    """The most lists, mappings and objects in the whole payload."""
    artifacts: bool = True
    """Whether the artifacts of tool messages are kept; no model ever reads them."""


MODEL = Bounds(size=200_000, text=40_000, parts=100, depth=14, values=2_000, artifacts=False)
"""For a model call: everything that it read and said."""
CALL = Bounds(size=24_000, text=20_000, parts=25, depth=12, values=500)
"""For a look-up, and for the whole request: what was asked and found."""
SLATE = Bounds(size=1_000_000, text=1_000, parts=1_000, depth=10, values=10_000)
"""For the slate: everything that was found for a request, with the evidence."""


class Plainer:
    """Makes the JSON texts of one trace within the same bounds.

    It remembers what it has converted, because the same messages and findings appear in many runs.

    Args:
        bounds: how much of a payload is kept.
        redaction: what is never written; None: the secrets of the environment.
        unchecked: if given, payloads written without cutting are added to it instead of being searched for secrets: a
            caller with many payloads searches them all at once with ``suspicious``, and makes them again without it if
            that is true.
    """

    def __init__(
        self, bounds: Bounds = CALL, redaction: Redaction | None = None, unchecked: list[bytes] | None = None
    ) -> None:
        self.bounds = bounds
        self.redaction = Redaction(secrets_in()) if redaction is None else redaction
        self.unchecked = unchecked
        self.secrets = self.redaction.secrets
        self._marks = tuple(mark.encode("utf-8", "replace") for mark in marks_of(self.secrets))
        self._known: dict[int, tuple[Any, Plain]] = {}
        self._fragments: dict[int, tuple[Any, orjson.Fragment]] = {}
        self._fields: dict[type, tuple[str, ...]] = {}
        self._left = 0
        self._cuts = 0

    def json(self, value: Any) -> str:
        """The value as JSON text, without secrets."""
        text = self._json(value)
        return _dumps(self.redaction.applied(orjson.loads(text))) if self.redaction.own else text

    def _json(self, value: Any) -> str:
        if type(value) in (dict, list) and not value:
            return "{}" if type(value) is dict else "[]"
        data = self._swift(value)
        if data is not None:
            text = data.decode()
            if self.unchecked is not None:
                self.unchecked.append(data)
                return text
            return redacted(text, self.secrets) if self._marked(data) else text
        self._left = self.bounds.values
        try:
            text = _dumps(self._plain(value, 0))
        except Exception as error:  # noqa: BLE001  a strange object must not prevent the trace
            text = _dumps(_unreadable(value, error))
        return redacted(text, self.secrets)

    def _swift(self, value: Any) -> bytes | None:
        """The JSON of a value that needs no cutting and holds nothing secret or unusual; None for any other.

        Most payloads are like this, and orjson writes them some fifty times faster than the careful way.
        """
        if not self.bounds.size:
            return None
        try:
            data = orjson.dumps(value, default=self._fragment, option=_SWIFT)
        except (orjson.JSONEncodeError, TypeError, ValueError, RecursionError):
            return None
        if len(data) > self.bounds.size or (self.unchecked is None and has_secret_field(data)):
            return None
        return data

    def suspicious(self, data: bytes) -> bool:
        """Whether JSON contains anything that looks like a secret."""
        return self._marked(data) or has_secret_field(data)

    def _marked(self, data: bytes) -> bool:
        # Searching bytes is several times faster than searching text that is not all ASCII.
        return any(mark in data for mark in self._marks)

    def _fragment(self, value: Any) -> orjson.Fragment:
        """Messages, dataclasses and frozen sets as JSON; the long lists of a dataclass are cut.

        Raises:
            TypeError: the value is none of these.
        """
        known = self._fragments.get(id(value))
        if known is None:
            made: Any
            if hasattr(type(value), "is_lc_serializable"):
                made, option = self._langchain(value), _SWIFT
            elif is_dataclass(value):
                made = {name: self._shortened(getattr(value, name)) for name in self._names(value)}
                option = _SWIFTEST
            elif isinstance(value, frozenset):
                made, option = self._shortened(list(value)), _SWIFTEST
            else:
                raise TypeError(type(value).__name__)
            known = self._fragments[id(value)] = (
                value,
                orjson.Fragment(orjson.dumps(made, default=self._fragment, option=option)),
            )
        return known[1]

    def _names(self, value: Any) -> tuple[str, ...]:
        """The names of a dataclass's fields."""
        names = self._fields.get(type(value))
        if names is None:
            names = self._fields[type(value)] = tuple(field.name for field in fields(value))
        return names

    def _shortened(self, value: Any) -> Any:
        if isinstance(value, (tuple, list)) and len(value) > self.bounds.parts:
            return [*value[: self.bounds.parts], f"… ({len(value) - self.bounds.parts} more)"]
        return value

    def line(self, text: str, field: str = "") -> str:
        """The text of a field, bounded and without secrets.

        Args:
            text: the text.
            field: the name of the field, which may be one that is never written.
        """
        return self.redaction.line(_short(text, self.bounds.text).encode("utf-8", "replace").decode(), field)

    def _plain(self, value: Any, depth: int) -> Plain:  # noqa: PLR0911  the most common types return first
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is str:
            return value if len(value) <= self.bounds.text else _short(value, self.bounds.text)
        if kind is int:
            # Most JSON readers lose digits of numbers beyond 64 bits.
            return value if -(2**63) <= value < 2**63 else str(value)
        if kind is float:
            return value if value - value == 0 else str(value)
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        self._left -= 1
        if self._left < 0 or depth >= self.bounds.depth:
            self._cuts += 1
            return (
                f"({kind.__name__} of {len(value)})" if isinstance(value, (list, tuple, dict)) else f"({kind.__name__})"
            )
        cuts = self._cuts
        try:
            plain = self._converted(value, depth)
        except Exception as error:  # noqa: BLE001  a strange object must not prevent its neighbors
            plain = _unreadable(value, error)
        if cuts == self._cuts:
            # Only values that were not cut: elsewhere there may be more room. Holding the object keeps its id unique.
            self._known[id(value)] = (value, plain)
        return plain

    def _converted(self, value: Any, depth: int) -> Plain:  # noqa: PLR0911, PLR0912  one branch for each kind of thing
        kind = type(value)
        if kind is dict:
            return self._mapping(value, depth)
        if kind is list or kind is tuple:
            return self._list(value, depth)
        if isinstance(value, type):
            return value.__name__
        if isinstance(value, Enum):
            return self._plain(value.value, depth + 1)
        if isinstance(value, str):
            return _short(str.__str__(value), self.bounds.text)
        if hasattr(kind, "is_lc_serializable"):
            # The wrapping counts as one level, so that messages do not use up the depth of their contents.
            return self._mapping(self._langchain(value), depth - 1)
        if is_dataclass(value):
            return self._mapping({name: getattr(value, name, None) for name in self._names(value)}, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if hasattr(kind, "model_dump"):
            return self._mapping(value.model_dump(), depth)
        if isinstance(value, BaseException):
            return {"error": kind.__name__, "message": _short(str(value), self.bounds.text)}
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"({len(value)} bytes)"
        if hasattr(kind, "tolist"):  # NumPy and similar
            size = getattr(value, "size", 0)
            return self._plain(value.tolist(), depth) if size <= self.bounds.parts else f"({kind.__name__} of {size})"
        if isinstance(value, Collection):
            return self._list(value, depth)
        return _short(str(value), 200)

    def _langchain(self, value: Any) -> dict[str, Any]:
        """The form in which LangSmith receives LangChain's objects: class path and arguments."""
        if not hasattr(value, "tool_calls") and not hasattr(value, "content"):
            return dict(value.to_json())
        # Messages have no secret fields: this gives the same without LangChain's slow search for them.
        arguments = {name: part for name, part in vars(value).items() if part is not None and part not in ("", [], {})}
        if not self.bounds.artifacts:
            arguments.pop("artifact", None)
        return {"lc": 1, "type": "constructor", "id": value.lc_id(), "kwargs": arguments}

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> Plain:
        plain: dict[str, Plain] = {}
        for n, (key, part) in enumerate(list(value.items())):
            if n == self.bounds.parts:
                plain["…"] = f"({len(value) - n} more)"
                break
            name = key if type(key) is str else str(key)
            if isinstance(part, (str, bytes)) and part and is_secret(name):
                plain[name] = REDACTED
            else:
                plain[name] = self._plain(part, depth + 1)
        return plain

    def _list(self, value: Collection[Any], depth: int) -> Plain:
        plain: list[Plain] = []
        for n, part in enumerate(value):
            if n == self.bounds.parts:
                plain.append(f"… ({len(value) - n} more)")
                break
            plain.append(self._plain(part, depth + 1))
        return plain


def _dumps(plain: Plain) -> str:
    try:
        return orjson.dumps(plain).decode()
    except orjson.JSONEncodeError:
        # Unpaired surrogates: UTF-8 cannot encode them, and databases reject them.
        return json.dumps(plain, ensure_ascii=False, check_circular=False).encode("utf-8", "replace").decode()


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def _unreadable(value: Any, error: Exception) -> str:
    return f"({type(value).__name__} that could not be written: {type(error).__name__})"
