"""The final call: what the model submits, and how it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from recmind.tools.chat.faults import faults

MOST_PICKS = 200
"""The most picks of one submission that are read: twice the largest ``k``."""

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
    """A final call: picks, best first, and the labels of request constraints that the model gave up."""

    picks: tuple[Pick, ...]
    dropped: tuple[str, ...] = ()

    def joined(self, other: Submission) -> Submission:
        """This submission followed by the picks of another one for items that it does not hold."""
        known = {pick.item.casefold() for pick in self.picks}
        added = (pick for pick in other.picks if pick.item.casefold() not in known)
        return Submission((*self.picks, *added), tuple(dict.fromkeys((*self.dropped, *other.dropped))))


class SubmissionError(ValueError):
    """The arguments of a final call cannot be read; the message is for the model."""


_OTHER_NAMES = {
    "item": ("handle", "id", "item_id", "candidate"),
    "cites": ("cite", "evidence", "citations"),
    "reason": ("reasoning", "explanation", "why"),
}
"""Other names that models sometimes use for the fields of a pick."""


class PickArguments(BaseModel):
    """One recommendation."""

    item: str = Field(description="Handle of a candidate, e.g. c7.")
    cites: list[str] = Field(default_factory=list, description="Its evidence, beside that in slots: e12.")
    reason: str = Field(description="One sentence to the person. Facts only as slots: {e12}, {title:r1}.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        given = {str(name): part for name, part in value.items()}
        for field, others in _OTHER_NAMES.items():
            other = next((name for name in others if name in given), None)
            if field not in given and other is not None:
                given[field] = given[other]
        return {"cites": [], "reason": "", **{name: part for name, part in given.items() if part is not None}}

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

    @field_validator("recommendations", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return value
        return [value] if isinstance(value, dict) else value

    dropped: list[str] = Field(
        default_factory=list, description="Labels (q1) of request constraints you had to give up; usually empty."
    )


def parse_submission(arguments: Mapping[str, Any]) -> Submission:
    """The submission in these arguments.

    Args:
        arguments: the arguments of the call, as the model wrote them.

    Raises:
        SubmissionError: a field is missing or of the wrong type; the message names the first three such fields.
    """
    try:
        given = SubmitArguments.model_validate(arguments)
    except ValidationError as error:
        raise SubmissionError(
            f"{SUBMIT} could not be read ({faults(error)}). "
            'Call it again as {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "..."}]}.'
        ) from error
    return Submission(
        tuple(Pick(p.item.strip(), _numbers(p.cites), p.reason) for p in given.recommendations[:MOST_PICKS]),
        tuple(label.strip().lower() for label in given.dropped),
    )


def _numbers(cites: list[str]) -> tuple[int, ...]:
    found = (re.fullmatch(r"\W*e?(\d{1,6})\W*", cite.strip(), re.IGNORECASE) for cite in cites)
    return tuple(dict.fromkeys(int(match[1]) for match in found if match))
