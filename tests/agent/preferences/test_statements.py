"""What is stated for good is told from what is wanted now, and only where it is worded so."""

import pytest

from recmind.agent.preferences.statements import Statements, read_statements


@pytest.mark.parametrize(
    ("query", "rest", "keep"),
    [
        ("no horror please, ever", "", ("no horror",)),
        ("No horror, ever!", "", ("No horror",)),
        ("a comedy, and no horror ever again", "a comedy", ("no horror",)),
        ("I never want anything over two hours", "", ("nothing over two hours",)),
        ("never recommend horror", "", ("no horror",)),
        ("Please never show me westerns again.", "", ("no westerns",)),
        ("don't ever show me anything with gore", "", ("nothing with gore",)),
        ("never anything over 3 hours ever", "", ("nothing over 3 hours",)),
        ("remember that I love Kurosawa", "", ("I love Kurosawa",)),
        ("please remember: nothing violent", "", ("nothing violent",)),
        ("from now on only films in English", "", ("only films in English",)),
        ("only films in English from now on", "", ("only films in English",)),
        ("In general, no musicals", "", ("no musicals",)),
        ("A comedy. I never want another war film. Not long!", "A comedy. Not long!", ("no war film",)),
    ],
)
def test_what_is_worded_for_good_is_kept(query, rest, keep):
    assert read_statements(query) == Statements(rest, keep)


@pytest.mark.parametrize(
    "query",
    [
        "no horror",
        "nothing over two hours please",
        "the best film ever",
        "the best film with no budget ever",
        "have you ever seen a western",
        "I've never seen a western",
        "something I have never seen",
        "a film about a man who never wants to die",
        "people who never want children",
        "remember I have seen Alien",
        "forget it",
        "a nevertheless good film",
        "",
    ],
)
def test_everything_else_is_for_now(query):
    assert read_statements(query) == Statements(query)


@pytest.mark.parametrize(
    ("query", "forget"),
    [
        ("forget that I said no horror", "no horror"),
        ("Please forget my preference for no horror.", "no horror"),
        ("forget that I never want anything over two hours", None),
        ("drop my rule: no westerns", "no westerns"),
    ],
)
def test_what_was_stated_is_taken_back(query, forget):
    assert read_statements(query).forget == (() if forget is None else (forget,))


def test_without_a_user_a_statement_holds_now():
    assert read_statements("a comedy, no horror ever").now == "a comedy. no horror"
