"""Requests of conversations in traces: told as other requests are, and run again as they were then."""

from __future__ import annotations

import orjson
import pytest

from recmind.agent.recommender import RecMind
from recmind.agent.tracing.export.json_lines import langsmith_lines, otlp_line
from recmind.agent.tracing.page.views import details
from recmind.agent.tracing.views.candidates import candidates, growth, submission_checks
from recmind.agent.tracing.views.differing import differ
from recmind.agent.tracing.views.render import render_tree
from recmind.data.errors import InputError
from tests.agent.scripted import ScriptedModel, calls

ASKED = calls(("ask_person", {"question": "Funny or sad?", "choices": ["comedy", "drama"]}))
LOOKED_UP = calls(("filter_items", {"where": ["genres=Comedy"], "n": 5}))
PICKED = calls(
    ("submit_recommendations", {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "Has {e1}."}]})
)


def runs_again(rec: RecMind, trace_id: str) -> bool:
    """Whether the request takes the same steps to the same answer."""
    again = rec.replay(trace_id)
    found = differ(rec.traces.tree(trace_id), rec.traces.tree(again.trace_id))
    return found.parted is None and all(part.same for part in found.answer)


@pytest.mark.parametrize("by_model", [False, True])
def test_asking_the_person_back_is_no_error(open_demo, by_model) -> None:
    rec = open_demo(ScriptedModel(turns=[ASKED])) if by_model else open_demo()
    query = "something for my brother" if by_model else "what should I watch tonight"
    asked = rec.recommend(query, mode="conversational", k=2)
    tree = rec.traces.tree(asked.trace_id)
    assert [run.error for run in tree.runs() if run.error] == []
    shown = render_tree(tree)
    assert f"asked the person: {asked.question}" in shown
    assert ", asked the person back\n" in shown
    assert "Interrupt" not in render_tree(tree, full=True)
    assert {orjson.loads(line)["status"] for line in langsmith_lines(tree)} == {"success"}
    spans = orjson.loads(otlp_line(tree))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {span["status"]["code"] for span in spans} == {1}
    (counted,) = rec.traces.stats(())
    assert (counted.failed, counted.failed_tools, counted.fallbacks) == (0, 0, 0)
    view = details(tree)
    assert view["answer"]["question"].startswith(asked.question)
    assert next(run["hint"] for run in view["runs"] if run["name"] == "ask").startswith("asked the person: ")
    assert [run["name"] for run in view["runs"] if run["error"]] == []


def test_a_request_of_a_thread_is_told_as_any_other(open_demo) -> None:
    rec = open_demo()
    alone = rec.traces.tree(rec.recommend("a comedy from the 90s", k=2, cache=False).trace_id)
    rec.recommend("a comedy", thread="t", k=2)
    within = rec.traces.tree(rec.recommend("from the 90s", thread="t", k=2).trace_id)
    for tree in (alone, within):
        assert len(candidates(tree)) > 2
        assert [one.rank for one in candidates(tree)[:3]] == [1, 2, None]
        assert [one.passed for one in submission_checks(tree)] == [2]
        assert growth(tree)
    assert set(within.root.run.outputs) == set(alone.root.run.outputs)
    shown = render_tree(within)
    assert "\nThread   t, after 1 request\n" in shown
    assert "heard  From the 90s (year 1990 to 1999); comedy." in shown
    assert "\nSaid     I took this to mean: From the 90s" in shown
    assert shown.count("check  2 passed") == 1


def test_the_fallback_of_a_thread_is_known_as_one(open_demo) -> None:
    rec = open_demo(ScriptedModel(turns=[ValueError("odd reply")]))
    rec.recommend("a comedy", thread="t", k=2)
    (summary,) = rec.traces.list(source="fallback")
    assert "odd reply" in render_tree(rec.traces.tree(summary.trace_id))


def test_a_conversation_runs_again_from_any_of_its_requests(open_demo) -> None:
    rec = open_demo()
    said = ("a comedy, nothing violent", "from the 90s", "why the second?", "I have seen that", "more like the first")
    ids = [rec.recommend(words, thread="t", k=3).trace_id for words in said]
    before = rec.threads.get("t")
    assert [runs_again(rec, trace_id) for trace_id in ids] == [True] * len(said)
    assert rec.threads.get("t") == before
    assert [summary.thread_id for summary in rec.threads.all()] == ["t"]


def test_a_question_and_its_reply_run_again(open_demo) -> None:
    rec = open_demo()
    asked = rec.recommend("", mode="conversational", k=2)
    answered = rec.resume(asked.thread, "2")
    assert runs_again(rec, asked.trace_id)
    assert runs_again(rec, answered.trace_id)
    assert rec.threads.waiting(asked.thread) is None


def test_a_model_that_asked_and_read_the_reply_says_it_again(open_demo) -> None:
    rec = open_demo(ScriptedModel(turns=[ASKED, LOOKED_UP, PICKED]))
    asked = rec.recommend("something for my brother", mode="conversational", thread="t", k=1)
    answered = rec.resume("t", "comedy")
    assert (asked.question, answered.source) == ("Funny or sad?", "agent")
    assert runs_again(rec, asked.trace_id)
    assert runs_again(rec, answered.trace_id)


def test_a_long_conversation_is_kept_short(open_demo) -> None:
    rec = open_demo()
    for _ in range(3):
        rec.recommend("show me more", thread="t", k=100)
    last = rec.recommend("nothing violent", thread="t", k=100)
    assert runs_again(rec, last.trace_id)


def test_a_group_runs_again(open_demo) -> None:
    rec = open_demo()
    assert runs_again(rec, rec.recommend("a comedy", user_ids=["ada", "bo"], k=2).trace_id)


def test_a_remembered_answer_cannot_run_again(open_demo, demo_copy) -> None:
    (demo_copy / "recmind.toml").write_text("[caches]\nanswers = true\n")
    rec = open_demo()
    first, second = (rec.recommend("a comedy", k=2) for _ in range(2))
    assert runs_again(rec, first.trace_id)
    with pytest.raises(InputError, match="holds a remembered answer"):
        rec.replay(second.trace_id)
