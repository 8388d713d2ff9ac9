"""The JSON Schema of an answer, as ``recmind schema`` prints it: the promise about ``recmind recommend --json``."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from recmind.agent.answer import Answer


class _Promised(GenerateJsonSchema):
    """Leaves out what only describes input: defaults, and a title for every property."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic's signature
        return False


ANSWER: dict[str, Any] = {
    "$schema": _Promised.schema_dialect,
    **TypeAdapter(Answer).json_schema(mode="serialization", schema_generator=_Promised),
    "description": "What `recmind recommend --json` prints.",
}
"""JSON Schema, draft 2020-12, made from the types in ``answer.py``. Answers may gain properties; none is removed."""
