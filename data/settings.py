"""The settings of a workspace: ``recmind.toml``, with every default in this one place."""

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
    """What an interaction of one kind says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    positive: Positive = "always"
    """above_mean: positive at or above the user's own mean of that kind; threshold: at or above ``threshold``; always;
    weak: positive, but little; never: says nothing; negative: speaks against the item."""
    threshold: float | None = None
    """For ``threshold``: the smallest positive value, in the units of the kind."""
    consumed: bool = True
    """Whether the user has had the item, so that it is not recommended again unless asked for."""
    refused: bool = False
    """Whether the user does not want the item, so that it is not recommended until they say something else of it."""


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
"""A kind that the settings do not name: positive and consumed."""


class Limits(BaseModel):
    """What one request may spend."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_calls: int = Field(default=8, ge=1)
    tool_calls: int = Field(default=24, ge=0)
    tokens: int = Field(default=60_000, ge=1)
    cost_usd: float | None = Field(default=None, ge=0)
    """US dollars; None: as much as the other limits allow. A model whose price is not known is not asked under it."""
    seconds: float = Field(default=60.0, gt=0)

    def changed(self, others: Mapping[str, float | None]) -> Limits:
        """These limits with others in place of those that they name. InputError where one cannot be."""
        try:
            return Limits.model_validate({**self.model_dump(), **others})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            known = ", ".join(type(self).model_fields)
            raise InputError(f"limits: {name}: {first['msg']}. There are: {known}.") from None


class DailyLimits(BaseModel):
    """What all requests of one user may spend in a day, which begins at midnight UTC; None: not limited.

    Requests that name nobody share one account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    cost_usd: float | None = Field(default=None, ge=0)
    """A model whose price is not known is not asked under it."""


class Price(BaseModel):
    """What a chat model takes, in US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """For what the provider had read before; None: as for any other input."""
    output: float = Field(ge=0)


class TraceSettings(BaseModel):
    """What is kept of requests, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample: float = Field(default=1.0, ge=0, le=1)
    """The share of requests that leave a trace; those that fail, and those that the fallback answers, always do."""
    content: Literal["full", "timings"] = "full"
    """timings: what ran, how long, tokens, cost and kinds of errors; no word of a request or an answer."""
    redact_fields: tuple[str, ...] = ()
    """Names of fields whose values are never written (``query``, ``user_id``, ``*_email``), besides keys and
    passwords."""
    redact_patterns: tuple[str, ...] = ()
    """Regular expressions whose matches are never written."""
    days: float = Field(default=90.0, gt=0)
    """Older traces are thrown away."""
    mib: float = Field(default=512.0, gt=0)
    """Of larger files the oldest traces are thrown away."""

    @field_validator("redact_patterns")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns


class Memory(BaseModel):
    """What is remembered of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int = Field(default=400, ge=0)
    """About how many tokens a model is told of the conversation so far; of a longer one the oldest is summed up."""


class CacheSettings(BaseModel):
    """What is remembered of requests; ``--no-cache`` remembers and recalls nothing for one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    look_ups: bool = True
    responses: bool = True
    """The replies of chat models that answer the same each time (temperature 0)."""
    answers: bool = False
    """Whole answers. Off, so that a question asked again is answered again."""


class Settings(BaseModel):
    """Everything that a workspace can be told; a field that ``recmind.toml`` does not name keeps its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: dict[str, KindMeaning] = Field(default_factory=dict)
    """What each kind of interaction means; added to the defaults, by name."""
    allow_repeats: bool = False
    """True: what was consumed may be recommended again without asking (groceries, music)."""
    encoder: str = "default"
    """``default`` (all-MiniLM-L6-v2), or any sentence-transformers model by name or path."""
    model: str | None = None
    """The chat model to ask, as ``provider:name``; None: the offline planner."""
    strategy: Strategy = "react"
    """How the agent looks things up where a request does not say."""
    strictness: Strictness = "strict"
    """How the words of reasons are checked where a request does not say."""
    limits: Limits = Limits()
    daily: DailyLimits = DailyLimits()
    prices: dict[str, Price] = Field(default_factory=dict)
    """By a model's name as it is asked for (``openai:gpt-4o-mini``); they come before those that RecMind knows."""
    traces: TraceSettings = TraceSettings()
    memory: Memory = Memory()
    caches: CacheSettings = CacheSettings()
    hidden_attributes: tuple[str, ...] = (
        "id", "*_id", "imdbid", "tmdbid", "asin", "isbn*", "sku", "ean", "upc", "gtin", "url", "*_url", "uri", "link",
        "links", "image", "images", "image_*", "poster*", "thumbnail*", "other_titles", "original_title",
    )  # fmt: skip
    """Patterns of attributes that are kept and can be filtered by, but are no words of a description: they are neither
    searched nor learned from."""
    title_attributes: tuple[str, ...] = ("other_titles", "original_title")
    """Attributes whose values are titles too, by which an item can be found."""

    def kind(self, name: str) -> KindMeaning:
        """What interactions of this kind mean."""
        return self.kinds.get(name) or DEFAULT_KINDS.get(name) or UNKNOWN_KIND

    def consumed(self, kind: str) -> bool:
        """Whether a user with such an interaction has had the item."""
        return not self.allow_repeats and self.kind(kind).consumed

    def graded(self, kind: str) -> bool:
        """Whether such interactions have values that say how much the user liked the item."""
        return self.kind(kind).positive in ("above_mean", "threshold")

    def hidden(self, attribute: str) -> bool:
        """Whether the attribute is no words of a description."""
        return _hidden(attribute.casefold(), self.hidden_attributes)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings in this file, the defaults where there is none.

        Raises WorkspaceError with the place and the reason where the file cannot be read.
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
    """Remembered: it is asked of every attribute of every item."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
