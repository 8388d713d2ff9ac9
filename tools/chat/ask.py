"""The call that asks the person back: what a model may ask, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

ASK = "ask_person"
"""The name of the tool; a model has it only where it may ask."""
MOST_CHOICES = 5


class AskArguments(BaseModel):
    """The arguments of the call."""

    question: str = Field(min_length=1, max_length=300, description="One short question.")
    choices: list[str] = Field(
        default_factory=list, description="Two to five values of the catalogue to choose from, as it spells them."
    )


class AskError(ValueError):
    """The arguments cannot be read; the message is for the model."""


def parse_question(arguments: Mapping[str, Any]) -> AskArguments:
    """The question that these arguments hold.

    Raises:
        AskError: a field is missing or of the wrong type.
    """
    try:
        return AskArguments.model_validate(arguments)
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]]
        raise AskError(f"{ASK} could not be read ({'; '.join(places)}).") from error
