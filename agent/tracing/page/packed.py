"""Packs traces for the page: JSON in which repeated parts are written once, compressed if it goes into a file."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

LONG = 100
"""A text, a list or a mapping with at least this many bytes of JSON is written once and referred to."""

MARK = "§"
"""The only field of a mapping that is a reference. Fields that begin with this sign get another one in front."""


def lines(value: Any) -> bytes:
    """Lines of JSON: parts, which may refer to earlier parts by number, and in the last line the value itself.

    A trace repeats most things: every model call reads the conversation again. The page puts the value together.
    """
    parts: dict[bytes, int] = {}
    told = _told(value, parts)
    return b"\n".join([*parts, told])


def line(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same in one line, for rows with little in common: ten times as fast. No name may begin with the mark."""
    return orjson.dumps(rows)


def packed(data: bytes) -> str:
    """The bytes, compressed, as letters that no HTML parser changes."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _told(value: Any, parts: dict[bytes, int]) -> bytes:
    if isinstance(value, Mapping):
        fields = [(str(name), _told(part, parts)) for name, part in value.items()]
        data = b"{%b}" % b",".join(b"%b:%b" % (_name(name), part) for name, part in fields)
    elif isinstance(value, (list, tuple)):
        data = b"[%b]" % b",".join([_told(part, parts) for part in value])
    else:
        data = orjson.dumps(value)
    if len(data) < LONG:
        return data
    return b'{"%b":%d}' % (MARK.encode(), parts.setdefault(data, len(parts)))


def _name(name: str) -> bytes:
    return orjson.dumps(f"{MARK}{name}" if name.startswith(MARK) else name)
