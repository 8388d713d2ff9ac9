"""Whatever passes through a run becomes JSON: bounded, without secrets, and never an exception."""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ToolMessage
from pydantic import BaseModel, SecretStr

from recmind.agent.tracing.store.plain import CALL, MODEL, SLATE, Bounds, Plainer
from recmind.agent.tracing.store.redaction import REDACTED, SECRET_NAMES, Redaction, has_secret_field, secrets_in
from recmind.data.settings import TraceSettings
from recmind.tools.evidence.slate import Evidence, Finding, Findings


class Color(Enum):
    RED = "red"


class Odd:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Liar(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


@dataclass(frozen=True, slots=True)
class Pair:
    left: Any
    right: Any = field(default_factory=dict)


class Shop(BaseModel):
    name: str
    token: SecretStr = SecretStr("hidden-value")


def plain(value: Any, bounds: Bounds = CALL) -> Any:
    return json.loads(Plainer(bounds, Redaction()).json(value))


def test_ordinary_values_stay_as_they_are() -> None:
    value = {"text": "é \U0001f600", "n": 3, "x": 0.5, "none": None, "yes": True, "list": [1, [2]], "pair": {"a": {}}}
    assert plain(value) == value


def test_things_of_every_kind_become_plain() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    number = uuid.uuid4()
    value = {
        "tuple": (1, 2),
        "set": {1},
        "deque": deque([1]),
        "enum": Color.RED,
        "date": moment,
        "uuid": number,
        "dataclass": Pair(1, MappingProxyType({"a": Pair(2)})),
        "pydantic": Shop(name="a"),
        "array": np.arange(3),
        "number": np.float32(0.5),
        "bytes": b"1234",
        "class": Odd,
        "error": ValueError("bad"),
        3: "key",
    }
    assert plain(value) == {
        "tuple": [1, 2],
        "set": [1],
        "deque": [1],
        "enum": "red",
        "date": "2026-01-02T03:04:05+00:00",
        "uuid": str(number),
        "dataclass": {"left": 1, "right": {"a": {"left": 2, "right": {}}}},
        "pydantic": {"name": "a", "token": "**********"},
        "array": [0, 1, 2],
        "number": 0.5,
        "bytes": "(4 bytes)",
        "class": "Odd",
        "error": {"error": "ValueError", "message": "bad"},
        "3": "key",
    }


def test_messages_have_the_form_that_langsmith_receives() -> None:
    message = AIMessage("hi", tool_calls=[{"name": "a", "args": {"x": 1}, "id": "c", "type": "tool_call"}])
    expected = json.loads(json.dumps(message.to_json()))
    found = plain(message, MODEL)
    assert found["id"] == ["langchain", "schema", "messages", "AIMessage"]
    assert found["kwargs"] == {name: part for name, part in expected["kwargs"].items() if part not in ([], {}, None)}


def test_odd_objects_do_not_cost_their_neighbors() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    found = plain({"odd": Odd(), "liar": Liar(a=1), "nan": float("nan"), "big": 10**30, "loop": loop, "good": "kept"})
    assert found["odd"] == "(Odd that could not be written: RuntimeError)"
    assert found["liar"] == "(Liar that could not be written: RuntimeError)"
    assert (found["nan"], found["big"], found["good"]) == ("nan", str(10**30), "kept")


@pytest.mark.parametrize("text", ["lone \ud800 surrogate", "nul \x00 byte", "\u2028"])
def test_any_text_can_be_stored(text: str) -> None:
    made = Plainer(CALL, Redaction()).json({"t": text})
    made.encode("utf-8")
    assert json.loads(made)["t"].startswith(text[:3])


@pytest.mark.parametrize("bounds", [MODEL, CALL, SLATE])
def test_size_is_bounded_and_says_what_is_missing(bounds: Bounds) -> None:
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    huge = {
        "text": "x" * 5_000_000,
        "deep": deep,
        "wide": [{"n": n} for n in range(100_000)],
        **dict.fromkeys(map(str, range(5000)), 1),
    }
    made = Plainer(bounds, Redaction()).json(huge)
    assert len(made) < 250_000
    assert "(5000000 characters)" in made
    assert "of 100000)" in made or "more)" in made


def test_long_findings_are_cut_and_models_see_no_artifacts() -> None:
    rows = tuple(Finding(f"i{n}", f"Title {n}", evidence=(Evidence("metadata", "genre X"),)) for n in range(200))
    message = ToolMessage("text", tool_call_id="c", artifact=Findings("search_items", rows))
    kept = plain({"output": message})["output"]["kwargs"]["artifact"]["rows"]
    assert len(kept) == CALL.parts + 1
    assert (kept[0]["title"], kept[-1]) == ("Title 0", "… (175 more)")
    assert "artifact" not in plain(message, MODEL)["kwargs"]


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), parts, max_size=4)
        | st.builds(Pair, parts, parts)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_the_swift_way_writes_what_the_careful_way_writes(value: Any) -> None:
    careful = Bounds(0, CALL.text, CALL.parts, CALL.depth, CALL.values)
    assert plain({"v": value}, CALL) == plain({"v": value}, careful)


@pytest.mark.parametrize(
    "value",
    [
        {"api_key": "abcdefgh"},
        {"headers": {"Authorization": "Basic abcdefgh"}},
        {"x": Pair({"OPENAI_API_KEY": "abcdefgh"})},
        [{"password": b"abcdefgh"}],
        {"deep": [[[{"client_secret": "abcdefgh"}]]]},
        {"text": "the header was Bearer abcdefgh12345"},
        {"text": "Incorrect API key provided: sk-abcdefgh12345."},
        {"text": "my key is abcdefgh-of-the-environment"},
    ],
)
@pytest.mark.parametrize("bounds", [MODEL, CALL, SLATE])
def test_secrets_are_never_written(value: Any, bounds: Bounds) -> None:
    secrets = secrets_in({"SOME_API_KEY": "abcdefgh-of-the-environment", "PLAIN": "abcdefgh"})
    made = Plainer(bounds, Redaction(secrets)).json(value)
    assert "abcdefgh" not in made or "(dict)" in made or "(list" in made
    assert REDACTED in made or "(" in made


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_every_secret_name_is_found_in_json(name: str) -> None:
    assert has_secret_field(json.dumps({f"My-{name.upper()}2 é": "x"}, ensure_ascii=False).encode())
    assert not has_secret_field(json.dumps({"text": name}).encode())


def test_words_that_only_look_like_secrets_are_kept() -> None:
    value = {
        "title": "The Secret Garden",
        "prompt_tokens": 12,
        "text": "a risk-averse-investor-guide-to-desk-bound-jobs",
        "key": "C major",
    }
    assert plain(value) == value


def test_short_values_of_the_environment_do_not_garble_text() -> None:
    assert secrets_in({"LOCAL_API_KEY": "none", "A_TOKEN": "long-enough", "B_TOKEN": "even-longer-one"}) == (
        "even-longer-one",
        "long-enough",
    )


def test_what_the_settings_name_is_never_written() -> None:
    settings = TraceSettings(redact_fields=("*_email", "age"), redact_patterns=(r"\b\d{3}-\d{4}\b", "Mr\\. \\w+"))
    rules = Redaction.of(settings)
    value = {
        "User_Email": ["a@b.example"],
        "age": 33,
        "none": {"age": None, "call 555-1234": 1},
        "text": 'ask Mr. Smith "at\n555-1234"',
    }
    assert json.loads(Plainer(CALL, rules).json(value)) == {
        "User_Email": REDACTED,
        "age": REDACTED,
        "none": {"age": None, f"call {REDACTED}": 1},
        "text": f'ask {REDACTED} "at\n{REDACTED}"',
    }
    assert Plainer(CALL, rules).line("33 years", "age") == REDACTED
    assert Plainer(CALL, rules).line("Mr. Smith", "query") == REDACTED
