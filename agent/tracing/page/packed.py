"""Traces on their way to the page: JSON in which what repeats stands once, compressed where a file carries it."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

LONG = 100
"""Bytes of JSON from which a text, a list or a mapping is written once and pointed to."""

MARK = "§"
"""The only field of a mapping that points. A field that begins with it by itself gets another in front."""


def lines(value: Any) -> bytes:
    """Lines of JSON: the parts, of which each may point to earlier ones by number, and at last the value itself.

    A trace says most things several times: every model call reads the conversation again. The page puts it together.
    """
    parts: dict[bytes, int] = {}
    told = _told(value, parts)
    return b"\n".join([*parts, told])


def line(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same as one line, for rows that have little in common: ten times as fast. No name may begin with the mark."""
    return orjson.dumps(rows)


def packed(data: bytes) -> str:
    """The bytes, compressed, in letters that no HTML parser minds."""
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
