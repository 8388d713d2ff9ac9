"""Requests to ``auto:CHEAP,STRONG``: what was read to choose a model is not read again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import recmind.agent.understanding.reading
from recmind.agent.recommender import RecMind
from tests.endpoint import Endpoint, says

AUTO = "auto:openai:cheap,openai:strong"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were read, in order."""
    texts: list[str] = []
    real = recmind.agent.understanding.reading.read_request

    def counted(text: str):
        texts.append(text)
        return real(text)

    monkeypatch.setattr(recmind.agent.understanding.reading, "read_request", counted)
    return texts


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with Endpoint(always=says("no call")) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        yield


@pytest.mark.parametrize("options", [{}, {"user_id": "ada"}, {"user_ids": ["ada", "bea"]}, {"thread": "t"}], ids=str)
@pytest.mark.parametrize("query", ["", "a comedy I have not seen"])
def test_a_request_is_read_once(demo: RecMind, readings, query, options):
    answer = demo.recommend(query, k=1, model=AUTO, **options)
    assert readings == [query]
    assert (answer.model == "offline") == (not query)
    again = {**options, "thread": "u"} if "thread" in options else options
    named = demo.recommend(query, k=1, model=answer.model, **again)
    assert named.message == answer.message
    assert named.recommendations == answer.recommendations


def test_what_is_stated_for_good_is_no_part_of_what_is_read(demo: RecMind, readings):
    answer = demo.recommend("A comedy. No horror please, ever.", user_id="ada", k=1, model=AUTO)
    assert readings.count("A comedy.") == 1
    assert "A comedy. No horror please, ever." not in readings
    assert [stated.condition for stated in demo.preferences("ada")] == ["genres!=Horror"]
    assert answer.model == "openai:cheap"


def test_in_a_thread_what_was_said_before_counts(demo: RecMind):
    hard = "a funny western or a tense heist like Heat and Alien, no horror"
    first, others = (demo.recommend(said, thread="t", k=1, model=AUTO) for said in (hard, "another one"))
    assert first.model == others.model == "openai:strong"
    assert demo.recommend("start over", thread="t", k=1, model=AUTO).model == "openai:cheap"
