"""The policy of the offline planner: what it looks up, and when another line of thought pays."""

from dataclasses import replace

import pytest

from recmind.agent.planner import rules
from recmind.agent.planner.task import ExploredLines, PlannerTask
from recmind.data.conditions import parse_condition
from recmind.tools.brief import Brief, Constraint
from recmind.tools.evidence.slate import Finding, Findings, Slate

FUNNY = Constraint("funny", (parse_condition("moods=funny"),))
SLATE, _ = Slate().merged(
    Findings("prepare", tuple(Finding(item_id, item_id, role="reference") for item_id in ("alien", "heat")))
)
ALIEN, HEAT = (entry.handle for entry in SLATE.entries.values())


def task(**read) -> PlannerTask:
    return PlannerTask(Brief(**read), SLATE, 3)


def test_items_of_the_brief_become_handles_of_the_slate() -> None:
    assert task().handles(("heat", "unknown", "alien")) == [HEAT, ALIEN]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ({}, [("filter_items", {"where": []}), ("popular_items", {"where": []})]),
        (
            {"text": "space", "known_user": True},
            [("search_items", {"query": "space", "where": []}), ("collaborative_filtering", {"where": []})],
        ),
        (
            {"likes": ("alien",), "wishes": {"w1": FUNNY}, "bindings": {"q1": FUNNY}, "known_user": True},
            [
                ("collaborative_filtering", {"like": [ALIEN], "where": ["q1"]}),
                ("search_items", {"query": "", "like": [ALIEN], "where": ["q1"]}),
                ("search_items", {"query": "", "like": [ALIEN], "where": ["q1", "w1"]}),
                ("filter_items", {"where": ["q1", "w1"]}),
            ],
        ),
        (
            {"again": True, "known_user": True, "bindings": {"q1": FUNNY}},
            [
                ("user_history", {"order": "highest", "where": ["q1"]}),
                ("collaborative_filtering", {"where": ["q1"]}),
                ("filter_items", {"where": ["q1"]}),
            ],
        ),
    ],
    ids=["open", "words of a known user", "like a title", "again"],
)
def test_a_request_is_looked_up(read, expected) -> None:
    assert rules.look_ups(task(**read)) == [(name, {**given, "n": rules.READ}) for name, given in expected]


def test_a_line_of_thought_has_look_ups_of_its_own() -> None:
    space = replace(task(text="space", favorites=("heat",)), line=rules.FAVORITES)
    assert rules.look_ups(space) == [("search_items", {"query": "space", "like": [HEAT], "where": [], "n": rules.READ})]


@pytest.mark.parametrize(
    ("read", "explored", "idea"),
    [
        ({}, ExploredLines(("",), ("search_items",), 5), ""),
        ({}, ExploredLines(("",), ("search_items",), 1), rules.WIDER),
        ({"known_user": True}, ExploredLines(("",), ("search_items",), 5), rules.PAST),
        ({"known_user": True}, ExploredLines(("",), ("collaborative_filtering",), 5), ""),
        ({"text": "space", "favorites": ("heat",)}, ExploredLines(("",), (), 5), rules.FAVORITES),
        ({"text": "space", "favorites": ("heat",)}, ExploredLines(("", rules.FAVORITES), (), 5), ""),
    ],
)
def test_another_line_is_begun_where_it_pays(read, explored, idea) -> None:
    assert rules.another_line(task(**read), explored) == idea


def test_as_many_rows_are_submitted_as_are_wanted() -> None:
    rows = [{"handle": f"c{n}", "evidence": [[n, "metadata"]]} for n in range(1, 6)]
    rows.insert(1, {"handle": "c9", "evidence": []})
    _, arguments = rules.submission(rows, 2)
    assert [pick["item"] for pick in arguments["recommendations"]] == ["c1", "c2"]
