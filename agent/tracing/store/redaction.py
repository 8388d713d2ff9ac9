"""Removes keys, passwords and fields that the settings name from everything that is written or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from recmind.data.settings import TraceSettings

REDACTED = "[redacted]"

SECRET_NAMES = (
    *("authorization", "password", "passwd", "secret", "credential", "cookie"),
    *(f"{what}{joint}token" for what in ("access", "auth", "refresh", "bearer") for joint in ("", "_", "-")),
    *(f"api{joint}key" for joint in ("", "_", "-")),
)
"""A field whose name contains one of these is never kept. Plain "token" is not among them: traces count tokens."""

_SIGN_BYTES = tuple(sign.encode() for sign in ("authoriz", "passw", "secret", "credential", "cookie", "api"))
_TOKEN = b"token"
"""Every name above contains one of these, so that few substrings are searched for in texts that mostly have none. All
but the last are rare; "token" occurs in every trace, so each occurrence is checked."""
_NAME_BYTES = tuple(name.encode() for name in SECRET_NAMES)
_TOKEN_NAMES = tuple(name.removesuffix(_TOKEN) for name in _NAME_BYTES if name.endswith(_TOKEN))

_REST_OF_KEY = re.compile(rb'[^"]*"\s*:')
"""Follows such a name in JSON text if it is a key, or part of one."""

_SECRET_VARIABLE = re.compile(r"(_API_KEY|_ACCESS_KEY|_TOKEN|_SECRET|_PASSWORD)$")

# (a text that every match contains, so that most texts need only a substring search; the pattern)
_SECRET_SHAPES = (
    ("sk-", re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_\-]{12,}")),
    ("earer ", re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=\-]{8,}")),
    ("lsv2_", re.compile(r"(?<![A-Za-z0-9])lsv2_[A-Za-z0-9_]{12,}")),
)

SHORTEST_SECRET = 8
"""Shorter values of environment variables are words ("none", "local"); replacing them would spoil texts."""


def secrets_in(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The values of the environment's keys, tokens and passwords, longest first."""
    found = {
        value
        for name, value in environment.items()
        if len(value) >= SHORTEST_SECRET and _SECRET_VARIABLE.search(name.upper())
    }
    return tuple(sorted(found, key=len, reverse=True))


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    lowered = name.lower()
    return any(part in lowered for part in SECRET_NAMES)


def has_secret_field(data: bytes) -> bool:
    """Whether JSON has a field that holds a secret."""
    lowered = data.lower()
    for sign in _SIGN_BYTES:
        if sign in lowered and any(_is_key(lowered, name) for name in _NAME_BYTES if sign in name and name in lowered):
            return True
    place = lowered.find(_TOKEN)
    while place >= 0:
        if lowered.endswith(_TOKEN_NAMES, 0, place) and _REST_OF_KEY.match(lowered, place + len(_TOKEN)):
            return True
        place = lowered.find(_TOKEN, place + 1)
    return False


def _is_key(lowered: bytes, name: bytes) -> bool:
    place = lowered.find(name)
    while place >= 0:
        if _REST_OF_KEY.match(lowered, place + len(name)):
            return True
        place = lowered.find(name, place + 1)
    return False


def marks_of(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Texts of which at least one is in any text that ``redacted`` would change."""
    return (*secrets, *(sign for sign, _ in _SECRET_SHAPES))


def redacted(text: str, secrets: tuple[str, ...]) -> str:
    """The text without these secrets, and without anything shaped like a key.

    Args:
        text: the text.
        secrets: values to remove.
    """
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, REDACTED)
    for sign, shape in _SECRET_SHAPES:
        if sign in text:
            text = shape.sub(REDACTED, text)
    return text


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is never written: secrets of the environment, anything shaped like a key, and what the settings name."""

    secrets: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """Names of fields in lower case; ``*`` stands for any letters."""
    patterns: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(cls, settings: TraceSettings) -> Redaction:
        """The rules of these settings, with the secrets that the environment holds now."""
        return cls(
            secrets_in(),
            tuple(name.lower() for name in settings.redact_fields),
            tuple(re.compile(pattern) for pattern in settings.redact_patterns),
        )

    @property
    def own(self) -> bool:
        """Whether the settings name any fields or patterns."""
        return bool(self.fields or self.patterns)

    def line(self, text: str, field: str = "") -> str:
        """The text of this field without what is never written."""
        if text and self._named(field):
            return REDACTED
        text = redacted(text, self.secrets)
        for pattern in self.patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def applied(self, plain: Any, field: str = "") -> Any:
        """The same for JSON values at any depth."""
        if isinstance(plain, str):
            return self.line(plain, field)
        if plain not in (None, [], {}) and self._named(field):
            return REDACTED
        if isinstance(plain, list):
            return [self.applied(part) for part in plain]
        if isinstance(plain, dict):
            return {self.line(name): self.applied(part, name) for name, part in plain.items()}
        return plain

    def _named(self, field: str) -> bool:
        return bool(self.fields) and any(fnmatchcase(field.lower(), name) for name in self.fields)
