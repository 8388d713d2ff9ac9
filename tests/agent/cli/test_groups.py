"""``recmind recommend`` for several people at once: what is printed, and what is refused."""

from __future__ import annotations

import re
from statistics import mean

import jsonschema
import pytest

from recmind.agent.schema import ANSWER

GROUP = ("recommend", "a comedy", "--user", "ann", "--user", "bob", "--user", "eve", "-k", "3")
TOLD = {"average": "the average of", "least-misery": "the lowest of", "most-pleasure": "the highest of"}
AS_ONE = {"average": mean, "least-misery": min, "most-pleasure": max}


@pytest.mark.parametrize("aggregation", TOLD)
def test_an_answer_for_a_group_is_printed_as_json(recmind, home, aggregation):
    done = recmind(*GROUP, "--aggregation", aggregation, "--home", home, "--json")
    assert (done.code, done.err) == (0, "")
    jsonschema.Draft202012Validator(ANSWER).validate(done.json)
    told = done.json
    assert (told["user_id"], told["user_ids"], told["aggregation"]) == (None, ["ann", "bob", "eve"], aggregation)
    assert len(told["recommendations"]) == 3
    assert "clue" not in [found["item_id"] for found in told["recommendations"]], "eve has seen it"
    for found in told["recommendations"]:
        assert [fit["user_id"] for fit in found["fits"]] == ["ann", "bob", "eve"]
        fits = [fit["fit"] for fit in found["fits"]]
        assert all(0 <= fit <= 1 for fit in fits)
        assert found["score"] == pytest.approx(AS_ONE[aggregation](fits), abs=1e-4)
    scores = [found["score"] for found in told["recommendations"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("aggregation", "told"), TOLD.items())
def test_an_answer_for_a_group_is_printed_as_text(recmind, home, aggregation, told):
    done = recmind(*GROUP, "--aggregation", aggregation, "--home", home)
    assert (done.code, done.err) == (0, "")
    assert f"For ann, bob and eve together: the score is {told} their fits" in done.out
    assert "What any of them once stated binds for all." in done.out
    assert len(re.findall(r"Fits ann [01]\.\d\d, bob [01]\.\d\d, eve [01]\.\d\d\.", done.out)) == 3


def test_somebody_named_twice_counts_once(recmind, home):
    done = recmind("recommend", "a comedy", "--user", "ann", "--user", "ann", "-k", "1", "--home", home, "--json")
    assert (done.json["user_id"], done.json["user_ids"], done.json["aggregation"]) == ("ann", ["ann"], None)
    assert done.json["recommendations"][0]["fits"] == []


def test_one_person_has_nothing_to_aggregate(recmind, home):
    done = recmind("recommend", "--user", "ann", "--aggregation", "least-misery", "--home", home, "--json")
    assert (done.code, done.json["aggregation"]) == (0, None)
    assert done.err == "recmind: --aggregation changes nothing: it takes several people, each with --user\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--aggregation", "most"], "'most' is not one of 'average', 'least-misery', 'most-pleasure'"),
        (["--thread", "t"], "A conversation belongs to one person"),
        (["--mode", "conversational"], "A conversation belongs to one person"),
        (["--user", ""], "One of the 4 people has no name"),
        ([word for n in range(10) for word in ("--user", f"u{n}")], "13 people are named; a group has 12 at most"),
    ],
    ids=["aggregation", "thread", "mode", "no name", "too many"],
)
def test_wrong_use_is_one_line(recmind, home, words, told):
    done = recmind(*GROUP, *words, "--home", home)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") == 1
    as_json = recmind(*GROUP, *words, "--home", home, "--json")
    assert (as_json.code, as_json.err) == (2, "")
    assert told in as_json.json["error"]
