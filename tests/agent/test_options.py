"""``RequestOptions`` alone says what can be asked: whoever asks wrongly is told so by ``InputError``."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from click import Context
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel

from recmind.agent.cli import cli
from recmind.agent.options import BATCH, FIELDS, TAKEN_OVER, TRACED, USES, Options, RequestOptions, default
from recmind.agent.recommender import RecMind
from recmind.agent.serving.batch_file import batch_file
from recmind.data.conditions import Condition, parse_condition
from recmind.data.errors import InputError, RecMindError

HUGE = 10**5000
"""So large that Python refuses to write it down."""
NESTED: Any = [[[{"a": [None]}]]]
NOT_TEXT = (7, 0.5, True, b"ada", ["ada"], {"a": 1}, NESTED, HUGE, object())
NOT_WORDS = (*NOT_TEXT, "", "loud", "DIRECT")
NOT_LISTS = (None, 7, True, "ada", b"ada", {"a": 1}, [7], ["ada", None], [["ada"]], NESTED, [HUGE], object())
NOT_TRUTHS = (None, 0, 1, 0.0, "true", "", [], math.nan, HUGE)
WRONG: dict[str, tuple[Any, ...]] = {
    "user_id": NOT_TEXT,
    "user_ids": NOT_LISTS,
    "aggregation": (None, *NOT_WORDS),
    "k": (None, 0, -1, 101, "2", 2.0, 2.5, True, math.nan, math.inf, [2], {"k": 2}, HUGE, -HUGE, int, object()),
    "filters": (*NOT_LISTS, [Condition(1, "=", "x")], [Condition("year", "=", ["x"])], [Condition("a", "?", "x")]),
    "exclude": NOT_LISTS,
    "diversity": (None, -0.1, 1.1, "0.5", True, math.nan, math.inf, -math.inf, [0.5], HUGE, NESTED, 1j),
    "mode": (None, *NOT_WORDS),
    "thread": NOT_TEXT,
    "ask": NOT_TRUTHS,
    "model": (7, True, b"openai:any", ["openai:any"], {"name": "any"}, NESTED, object(), BaseChatModel),
    "strategy": NOT_WORDS,
    "strictness": NOT_WORDS,
    "limits": (
        None, 3, "model_calls=3", ["model_calls"], [("model_calls", 3)], {"model_calls": "3"}, {"model_calls": True},
        {"model_calls": NESTED}, {7: 3}, {HUGE: 3}, {"seconds": math.nan}, {"seconds": math.inf}, {"model_calls": 0},
        {"model_calls": -HUGE}, {"colour": 3}, {"model_calls": None}, {"model_calls": 2.5},
    ),
    "cache": NOT_TRUTHS,
    "callbacks": (*NOT_LISTS, [BaseCallbackHandler], [print]),
}  # fmt: skip
CASES = [
    pytest.param(name, value, id=f"{name}-{n}") for name, values in WRONG.items() for n, value in enumerate(values)
]
IN_FILES = [case for case in CASES if case.values[0] in BATCH]


@pytest.fixture(scope="module")
def rec(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = shutil.copytree(demo_home, tmp_path_factory.mktemp("options") / "demo")
    with RecMind.open(home) as opened:
        yield opened


def test_there_are_wrong_values_for_every_option():
    assert set(WRONG) == set(FIELDS)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_wrong_value_is_an_input_error_that_names_the_option(rec: RecMind, name: str, value: Any):
    with pytest.raises(InputError) as wrong:
        rec.recommend("a comedy", **{name: value})
    told = str(wrong.value)
    assert name in told
    assert len(told) < 300
    ((place, outcome),) = rec.batch([{"query": "a comedy", name: value}])
    assert (place, type(outcome), str(outcome)) == (0, type(wrong.value), told)


def test_a_wrong_value_is_a_bad_line_of_a_batch_file(rec: RecMind, tmp_path: Path):
    lines = []
    for case in IN_FILES:
        name, value = case.values
        try:
            lines.append(json.dumps({name: value}))
        except (TypeError, ValueError):  # no JSON can hold it
            continue
    assert len(lines) > 90
    (tmp_path / "asked.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError) as wrong:
        batch_file(rec, tmp_path / "asked.jsonl", tmp_path / "answers.jsonl")
    assert wrong.value.problems
    bad = {problem.line for problem in wrong.value.problems}
    # A limit that no request can have is known by the workspace alone, when the request is asked.
    good = [json.loads(line) for number, line in enumerate(lines, 1) if number not in bad]
    assert all([*request] == ["limits"] for request in good)


def test_a_line_of_a_batch_file_may_hold_what_json_can(rec: RecMind, tmp_path: Path):
    asked = {
        "query": "a comedy", "user_id": None, "user_ids": ["ada"], "aggregation": "average", "k": 2,
        "filters": ["year<2000"], "exclude": ["c1"], "diversity": 0.5, "mode": "direct",
        "model": "offline", "strategy": "react", "strictness": "lenient", "limits": {"tool_calls": 9}, "cache": False,
    }  # fmt: skip
    assert set(asked) == set(BATCH)
    (tmp_path / "asked.jsonl").write_text(json.dumps(asked))
    done = batch_file(rec, tmp_path / "asked.jsonl", tmp_path / "answers.jsonl")
    (line,) = map(json.loads, (tmp_path / "answers.jsonl").read_text().splitlines())
    assert (done.errors, line["user_ids"], len(line["recommendations"])) == (0, ["ada"], 2)


@pytest.mark.parametrize("junk", [*NOT_TEXT, None], ids=lambda value: type(value).__name__)
def test_a_query_is_a_text(rec: RecMind, junk: Any):
    with pytest.raises(InputError, match=r"query is .*; give a text"):
        rec.recommend(junk)
    assert [type(outcome) for _, outcome in rec.batch([{"query": junk}, junk, {junk: 1} if junk is None else 3])] == (
        [InputError] * 3
    )


ODD: tuple[dict[str, Any], ...] = (
    {"user_id": "\ud800\0"}, {"user_id": ""}, {"user_id": "x" * 10**6}, {"user_ids": ["", ""]}, {"user_ids": {"ada"}},
    {"exclude": ["", "\ud800", "x" * 10**6]}, {"exclude": (str(n) for n in range(3))}, {"diversity": 1},
    {"exclude": np.array(["c1"])}, {"k": np.int64(2), "diversity": np.float32(0.5)}, {"thread": ""},
    {"thread": "\0\ud800"}, {"thread": "x" * 10**6}, {"model": ""}, {"model": "\ud800"}, {"model": "x" * 10**6},
    {"filters": ["", "\ud800", "=" * 1000]}, {"filters": [Condition("year", ">=", 1990)]},
    {"filters": {"year>=1990"}}, {"filters": ["year>=1" + "0" * 5000]}, {"limits": {"tokens": HUGE}},
    {"limits": {"seconds": 1e300}}, {"limits": {"seconds": 1e300}, "thread": "long"}, {"limits": {"seconds": 5e-324}},
    {"limits": {"cost_usd": None}}, {"limits": {"seconds": HUGE}}, {"limits": {"tool_calls": 0}},
)  # fmt: skip


@pytest.mark.parametrize("options", ODD, ids=range(len(ODD)))
def test_what_is_odd_is_answered_or_refused_but_never_a_surprise(rec: RecMind, options: dict[str, Any]):
    with suppress(RecMindError):
        assert rec.recommend("a comedy", **options).message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"k": 0}, "k is 0; ask for 1 to 100 recommendations."),
        ({"k": "5"}, "k is '5'; give a whole number from 1 to 100."),
        ({"diversity": 2}, "diversity is 2; give a number from 0 to 1."),
        ({"user_id": 42}, "user_id is 42; give a text, or None."),
        ({"cache": 0}, "cache is 0; give True or False."),
        ({"exclude": ["a", 7]}, "exclude[1] is 7; give a list of item ids, each a text."),
        ({"limits": {"tokens": "9"}}, "limits['tokens'] is '9'; give numbers by name, such as {'model_calls': 3}."),
        ({"model": 3}, "model is 3; give the name of a chat model, or a LangChain chat model."),
        ({"diversty": 0.5}, "There is no option 'diversty'; did you mean 'diversity'?"),
        ({"colour": "red"}, f"There is no option 'colour'; there are: {', '.join(FIELDS)}."),
        ({"user_ids": "ada" * 100}, f"user_ids is '{('ada' * 100)[:59]}...; give a list of user ids, each a text."),
    ],
    ids=str,
)
def test_errors_say_the_option_the_value_and_what_is_allowed(options: dict[str, Any], told: str):
    with pytest.raises(InputError) as wrong:
        RequestOptions.read(options)
    assert str(wrong.value) == told


def test_type_checkers_know_the_same_options():
    # What only type checkers import.
    names = {
        "Model": str | BaseChatModel | None,
        "Filter": str | Condition,
        "Callback": BaseCallbackHandler,
    }
    known, model = get_type_hints(Options, None, names), get_type_hints(RequestOptions, None, names)
    for name, kind in model.items():
        if get_origin(kind) is tuple:
            model[name] = Sequence[get_args(kind)[0]]
    assert known == model
    assert list(known) == list(FIELDS)


def test_every_option_is_documented_and_has_its_default():
    assert all(option.description for option in FIELDS.values())
    assert RequestOptions() == RequestOptions.read({}) == RequestOptions(**{name: default(name) for name in FIELDS})
    schema = RequestOptions.model_json_schema()
    assert set(schema["properties"]) == set(FIELDS) - {"callbacks"}
    assert (schema["properties"]["k"]["minimum"], schema["properties"]["k"]["maximum"]) == (1, 100)
    assert schema["additionalProperties"] is False


def test_every_option_is_on_the_command_line():
    command = cli.commands["recommend"]
    params = {param.name for param in command.get_params(Context(command))}
    assert {name for name, uses in USES.items() if uses.flag} - params == {"user_id", "ask"}


def test_where_each_option_is_used():
    assert set(BATCH) == {"query", *FIELDS} - {"thread", "ask", "callbacks"}
    assert TAKEN_OVER == ("k", "filters", "exclude", "diversity", "mode")
    assert set(TRACED) == {
        "k", "filters", "exclude", "diversity", "mode", "ask", "strategy", "strictness", "limits",
    }  # fmt: skip
    assert set(RequestOptions().words()) == set(FIELDS) - {"cache", "callbacks"}


def test_a_trace_keeps_what_is_not_as_usual():
    assert RequestOptions().traced(strategy="react", strictness="strict") == {"k": 10}
    asked = RequestOptions.read({"k": 3, "filters": ["year>=1990"], "ask": False, "limits": {"model_calls": 1}})
    told = asked.traced(
        strategy="self-inspiring", strictness="lenient", filters=(parse_condition("year>=1990"),), exclude=("a", "b")
    )
    assert told == {
        "k": 3, "filters": ["year>=1990"], "ask": False, "limits": {"model_calls": 1}, "exclude": ["a", "b"],
        "strategy": "self-inspiring", "strictness": "lenient",
    }  # fmt: skip
    assert isinstance(told["limits"], Mapping)
    assert json.dumps(told)
