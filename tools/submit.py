"""The final call: what the model submits, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator

MOST_PICKS = 200
"""Picks of one submission that are read: twice what can be asked for."""

SUBMIT = "submit_recommendations"
"""The name of the final tool."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One item the model chose, as it wrote it; nothing in it is trusted yet."""

    item: str
    """A handle, ``c7``."""
    cites: tuple[int, ...]
    """Evidence numbers."""
    reason: str
    """Text with slots for facts: ``Meets {e5}; close to {title:r1}.``"""


@dataclass(frozen=True, slots=True)
class Submission:
    """A final call: picks in order, best first, and the labels of request constraints that the model gave up."""

    picks: tuple[Pick, ...]
    dropped: tuple[str, ...] = ()


class SubmissionError(ValueError):
    """The arguments of a final call cannot be read; the message is for the model."""


class PickArguments(BaseModel):
    """One recommendation."""

    item: str = Field(description="Handle of a candidate, e.g. c7.")
    cites: list[str] = Field(description="Evidence of that candidate, of a reference or of the request: e12.")
    reason: str = Field(description="One sentence to the person. Facts only as slots: {e12}, {title:r1}.")

    @field_validator("item", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @field_validator("cites", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        if isinstance(value, str):
            return re.split(r"[,\s]+", value.strip())
        if isinstance(value, list):
            return [str(v) if isinstance(v, int) else v for v in value]
        return value


class SubmitArguments(BaseModel):
    """The arguments of the final call."""

    recommendations: list[PickArguments] = Field(description="Best first.")
    dropped: list[str] = Field(
        default_factory=list, description="Labels (q1) of request constraints you had to give up; usually empty."
    )


def parse_submission(arguments: Mapping[str, Any]) -> Submission:
    """The submission these arguments hold.

    Raises:
        SubmissionError: a field is missing or of the wrong type; the message names the first three such places.
    """
    try:
        given = SubmitArguments.model_validate(arguments)
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]]
        raise SubmissionError(
            f"{SUBMIT} could not be read ({'; '.join(places)}). "
            'Call it again as {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "..."}]}.'
        ) from error
    return Submission(
        tuple(Pick(p.item.strip(), _numbers(p.cites), p.reason) for p in given.recommendations[:MOST_PICKS]),
        tuple(label.strip().lower() for label in given.dropped),
    )


def _numbers(cites: list[str]) -> tuple[int, ...]:
    found = (re.fullmatch(r"\W*e?(\d{1,6})\W*", cite.strip(), re.IGNORECASE) for cite in cites)
    return tuple(dict.fromkeys(int(match[1]) for match in found if match))
