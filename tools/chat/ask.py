"""The call with which a model asks the person back: its arguments, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from recmind.tools.chat.faults import faults

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
    """The question in these arguments.

    Args:
        arguments: the arguments of the call, as the model wrote them.

    Raises:
        AskError: a field is missing or of the wrong type; the message names the first three such fields.
    """
    try:
        return AskArguments.model_validate(arguments)
    except ValidationError as error:
        raise AskError(f"{ASK} could not be read ({faults(error)}).") from error
