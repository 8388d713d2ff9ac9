"""Which model ``auto:CHEAP,STRONG`` comes down to."""

from __future__ import annotations

import pytest

from recmind.agent.models.routing import Route, read_route, route
from recmind.agent.understanding import Binding, TitleMention, Understanding, Wish
from recmind.data.conditions import parse_condition
from recmind.data.errors import InputError

COMEDY = (parse_condition("genres=Comedy"),)


def test_a_route_names_two_models() -> None:
    assert read_route("auto:openai:small, openai:qwen3:8b") == ("openai:small", "openai:qwen3:8b")
    assert read_route("openai:auto:x,y") is None
    for name in ("auto:", "auto:openai:a", "auto:a,", "auto:a,b,c"):
        with pytest.raises(InputError, match="does not name two models"):
            read_route(name)


@pytest.mark.parametrize(
    ("understanding", "expected"),
    [
        (Understanding("", empty=True), Route("offline", "the request says nothing that a model could weigh")),
        (
            Understanding("tonight", empty=True, again=True),
            Route("offline", "the request says nothing that a model could weigh"),
        ),
        (
            Understanding("comedies", bindings=(Binding("q1", "comedies", COMEDY),)),
            Route("cheap", "plain: few parts, all of them read"),
        ),
        (
            Understanding(
                "x",
                bindings=(Binding("q1", "a", COMEDY), Binding("q2", "b", COMEDY)),
                wishes=(Wish("funny", COMEDY),),
                likes=(TitleMention("heat", "Heat", "heat"),),
            ),
            Route("strong", "hard: 2 conditions and 1 wish and 1 title"),
        ),
        (
            Understanding("x", text="a letter nobody opened for many long years"),
            Route("strong", "hard: 8 words to search by"),
        ),
        (
            Understanding("x", unused=("I could not find “foo” in this catalogue.",)),
            Route("strong", "hard: 1 part that could not be used"),
        ),
        (Understanding("word " * 40), Route("strong", "hard: 40 words in all")),
    ],
)
def test_the_harder_a_request_the_stronger_the_model(understanding: Understanding, expected: Route) -> None:
    assert route(understanding, "cheap", "strong") == expected
