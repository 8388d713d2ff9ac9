"""The JSON Schema of an answer says exactly what answers look like."""

import dataclasses

import jsonschema
import pytest

from recmind.agent.answer import Answer, Fit, Portrait, Proof, Recommendation, Usage
from recmind.agent.schema import ANSWER

FULL = Answer(
    query="funny",
    user_id="7",
    recommendations=(
        Recommendation(
            1,
            "c1",
            "Clue",
            0.9,
            "A comedy.",
            (Proof("metadata", "genre Comedy", {"value": "Comedy"}),),
            0.4,
            (Fit("7", 0.5),),
        ),
        Recommendation(2, "c2", "", 0.1, "Another.", ()),
    ),
    message="Funny.",
    source="fallback",
    model="offline",
    trace_id="0199",
    question="Which one?",
    choices=("a", "b"),
    thread="t",
    fallback_cause="no answer",
    repairs=("One was dropped.",),
    usage=Usage(1, 2, 3, 4, 0.5),
    latency_ms=1.5,
    understood=(Portrait("7", "You like comedies.", (Proof("history", "your liking for Clue"),)),),
)
LEAST = Answer("", None, (), "", "agent", "offline", "0199")


def problems(answer: dict) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(ANSWER).iter_errors(answer)]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(ANSWER)


@pytest.mark.parametrize("answer", [FULL, LEAST], ids=["full", "least"])
def test_answers_meet_it(answer):
    assert problems(jsonable(answer.to_dict())) == []


@pytest.mark.parametrize("record", [Answer, Recommendation, Proof, Fit, Portrait, Usage])
def test_every_field_is_promised_and_described_and_nothing_else(record):
    schema = ANSWER if record is Answer else ANSWER["$defs"][record.__name__]
    assert set(schema["properties"]) == set(schema["required"]) == {field.name for field in dataclasses.fields(record)}
    assert all(told["description"] for told in schema["properties"].values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "magic"),
        ("usage", {}),
        ("latency_ms", -1),
        ("recommendations", [{"rank": 0}]),
        ("trace_id", None),
        ("repairs", "none"),
        ("aggregation", "most"),
        ("understood", [{"user_id": "7", "text": "", "evidence": [{"kind": "rumour", "text": "", "data": {}}]}]),
    ],
)
def test_what_is_wrong_is_found(name, value):
    assert problems({**jsonable(FULL.to_dict()), name: value})


def test_answers_may_grow():
    assert problems({**jsonable(FULL.to_dict()), "mood": "good"}) == []


def jsonable(value):
    """The value after a trip through JSON: tuples become lists."""
    if isinstance(value, dict):
        return {key: jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    return value
