"""The settings of a workspace, read from ``recmind.toml``; every default is in this one module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from recmind.data.choices import Strategy, Strictness
from recmind.data.errors import InputError, WorkspaceError

Positive = Literal["above_mean", "threshold", "always", "weak", "never", "negative"]


class KindMeaning(BaseModel):
    """The meaning of interactions of one kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    positive: Positive = "always"
    """When an interaction is positive. above_mean: at or above the user's own mean of that kind; threshold: at or above
    ``threshold``; always; weak: always, but with a small weight; never: it says nothing; negative: it speaks against
    the item."""
    threshold: float | None = None
    """For ``threshold``: the smallest positive value, in the units of the kind."""
    consumed: bool = True
    """Whether the user has had the item, so that it is recommended again only if asked for."""
    refused: bool = False
    """Whether the user does not want the item, so that it is not recommended until a later interaction says
    otherwise."""


DEFAULT_KINDS = {
    "rating": KindMeaning(positive="above_mean"),
    "purchase": KindMeaning(),
    "like": KindMeaning(),
    "view": KindMeaning(positive="weak"),
    "taken": KindMeaning(),
    "dislike": KindMeaning(positive="negative", consumed=False, refused=True),
    "skip": KindMeaning(positive="never", consumed=False, refused=True),
    "skipped": KindMeaning(positive="never", consumed=False, refused=True),
    "seen": KindMeaning(positive="never"),
}
UNKNOWN_KIND = KindMeaning()
"""The meaning of kinds that the settings do not name: positive and consumed."""


class Limits(BaseModel):
    """The most that one request may spend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_calls: int = Field(default=8, ge=1)
    tool_calls: int = Field(default=24, ge=0)
    tokens: int = Field(default=60_000, ge=1)
    cost_usd: float | None = Field(default=None, ge=0)
    """US dollars; None: no limit of its own. With a limit, a model whose price is not known is not asked."""
    seconds: float = Field(default=60.0, gt=0)

    def changed(self, others: Mapping[str, float | None]) -> Limits:
        """These limits with others in place of those that they name.

        Args:
            others: new limits by name.

        Raises:
            InputError: a name does not exist or a value is not allowed.
        """
        try:
            return Limits.model_validate({**self.model_dump(), **others})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            known = ", ".join(type(self).model_fields)
            raise InputError(f"limits: {name}: {first['msg']}. There are: {known}.") from None


class DailyLimits(BaseModel):
    """The most that all requests of one user may spend in a day, which begins at midnight UTC; None: not limited.

    Requests that name no user share one account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    cost_usd: float | None = Field(default=None, ge=0)
    """US dollars. With a limit, a model whose price is not known is not asked."""


class Price(BaseModel):
    """The price of a chat model, in US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """Price of input that the provider has cached; None: as for other input."""
    output: float = Field(ge=0)


class TraceSettings(BaseModel):
    """Which traces of requests are kept, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample: float = Field(default=1.0, ge=0, le=1)
    """The share of requests that leave a trace, 0 to 1; failed requests and those that the fallback answers always
    do."""
    content: Literal["full", "timings"] = "full"
    """full: everything. timings: only what ran, how long, tokens, cost and kinds of errors; no words of anybody."""
    redact_fields: tuple[str, ...] = ()
    """Patterns of the names of fields whose values are never written (``query``, ``*_email``); keys and passwords never
    are."""
    redact_patterns: tuple[str, ...] = ()
    """Regular expressions whose matches are never written."""
    days: float = Field(default=90.0, gt=0)
    """Age in days above which traces are deleted."""
    mib: float = Field(default=512.0, gt=0)
    """Size of the file in MiB above which the oldest traces are deleted."""

    @field_validator("redact_patterns")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return patterns


class Memory(BaseModel):
    """How much of a conversation is remembered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int = Field(default=400, ge=0)
    """About the most tokens that a model reads of the conversation so far; the oldest part of a longer one is summed
    up."""


class CacheSettings(BaseModel):
    """Which results are cached; with ``--no-cache`` a request neither reads nor writes a cache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look_ups: bool = True
    responses: bool = True
    """Whether replies of chat models are cached, if they are the same each time (temperature 0)."""
    answers: bool = False
    """Whether whole answers are cached. Off by default, so that a repeated question is answered anew."""


class Settings(BaseModel):
    """All settings of a workspace; a field that ``recmind.toml`` does not name keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: dict[str, KindMeaning] = Field(default_factory=dict)
    """The meaning of each kind of interaction; added to the defaults, by name."""
    allow_repeats: bool = False
    """Whether consumed items may be recommended again without being asked for (groceries, music)."""
    encoder: str = "default"
    """``default`` (all-MiniLM-L6-v2), or any sentence-transformers model by name or path."""
    model: str | None = None
    """The chat model to ask, as ``provider:name``; None: the offline planner."""
    strategy: Strategy = "react"
    """How the agent looks things up, if a request does not say."""
    strictness: Strictness = "strict"
    """How the words of reasons are checked, if a request does not say."""
    limits: Limits = Limits()
    daily: DailyLimits = DailyLimits()
    prices: dict[str, Price] = Field(default_factory=dict)
    """Prices by full model name (``openai:gpt-4o-mini``); they override those that RecMind knows."""
    traces: TraceSettings = TraceSettings()
    memory: Memory = Memory()
    caches: CacheSettings = CacheSettings()
    hidden_attributes: tuple[str, ...] = (
        "id", "*_id", "imdbid", "tmdbid", "asin", "isbn*", "sku", "ean", "upc", "gtin", "url", "*_url", "uri", "link",
        "links", "image", "images", "image_*", "poster*", "thumbnail*", "other_titles", "original_title",
    )  # fmt: skip
    """Patterns of the names of hidden attributes: they are kept and can be filtered by, but are neither searched nor
    learned from."""
    title_attributes: tuple[str, ...] = ("other_titles", "original_title")
    """Attributes whose values are further titles, by which an item can be found."""

    def kind(self, name: str) -> KindMeaning:
        """The meaning of interactions of this kind."""
        return self.kinds.get(name) or DEFAULT_KINDS.get(name) or UNKNOWN_KIND

    def consumed(self, kind: str) -> bool:
        """Whether a user with such an interaction has had the item and should not get it again."""
        return not self.allow_repeats and self.kind(kind).consumed

    def graded(self, kind: str) -> bool:
        """Whether such interactions have values that say how much the user liked the item."""
        return self.kind(kind).positive in ("above_mean", "threshold")

    def hidden(self, attribute: str) -> bool:
        """Whether the attribute is hidden: neither searched nor learned from."""
        return _hidden(attribute.casefold(), self.hidden_attributes)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings in this file; the defaults where the file does not exist.

        Args:
            path: a TOML file.

        Raises:
            WorkspaceError: the file cannot be read; the message gives the place and the reason.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise WorkspaceError(f"{path}: {place}: {first['msg']}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise WorkspaceError(f"{path}: {error}") from None


@lru_cache(maxsize=4096)
def _hidden(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits any pattern; cached, because it is asked for every attribute of every item."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
