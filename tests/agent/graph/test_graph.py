"""Whole requests through the graph, with a model whose turns are written here."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from recmind.agent.models.calling import ModelFailure
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from recmind.data.importers import import_table
from recmind.data.records import Interaction, Preference
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.chat.submit import SUBMIT
from recmind.tools.chat.toolbox import ALL_TOOLS
from recmind.tools.index.build import build_index
from tests.agent.scripted import (
    COMEDIES,
    POPULAR,
    ScriptedModel,
    calls,
    candidates_told,
    looks_up_then_submits,
    scripted,
    submission,
    submits_candidates,
    tool_replies,
)
from tests.worlds import item_ids

# -- how a request goes ----------------------------------------------------------------------------------------------


def test_a_request_takes_two_model_calls(demo: RecMind):
    model = looks_up_then_submits(COMEDIES, POPULAR, ("search_items", {"query": "space"}))
    answer = demo.recommend("comedies", k=3, model=model)
    assert (answer.source, answer.fallback_cause, answer.repairs) == ("agent", None, ())
    assert (answer.usage.model_calls, answer.usage.tool_calls) == (2, 3)
    assert len(answer.recommendations) == 3
    assert all("Comedy" in demo.store.items.get(i).attributes["genres"] for i in item_ids(answer.recommendations))
    assert all(found.evidence and found.reason == "It comes well recommended." for found in answer.recommendations)
    assert [m.name for m in tool_replies(model)] == ["filter_items", "popular_items", "search_items"]


def test_look_ups_of_one_turn_run_side_by_side(demo: RecMind, monkeypatch):
    engine = demo.engines.popular
    real, at_work, met = type(engine).recommend, threading.Barrier(3), []

    def waits_for_the_others(self, *args, **kwargs):
        if len(met) < 3:
            met.append(at_work.wait(60))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(engine), "recommend", waits_for_the_others)
    model = looks_up_then_submits(POPULAR, POPULAR, POPULAR, k=1)
    demo.recommend("", k=1, model=model)
    assert [m.status for m in tool_replies(model)] == ["success"] * 3
    assert sorted(met) == [0, 1, 2]


def test_a_ranking_is_of_what_the_same_turn_found(demo: RecMind):
    model = looks_up_then_submits(("rank_candidates", {"n": 3}), COMEDIES, POPULAR)
    answer = demo.recommend("comedies", k=3, model=model)
    ranking, comedies, popular = tool_replies(model)
    assert [m.name for m in tool_replies(model)] == ["rank_candidates", "filter_items", "popular_items"]
    found = {row["handle"] for message in (comedies, popular) for row in message.artifact["rows"]}
    assert len(ranking.artifact["rows"]) == 3
    assert {row["handle"] for row in ranking.artifact["rows"]} <= found
    assert answer.usage.model_calls == 2


def test_a_final_call_beside_look_ups_waits(demo: RecMind):
    beside = scripted(calls(COMEDIES, submission("c1")), calls(submission("c1", "c2")))
    answer = demo.recommend("", k=2, model=beside)
    assert [m.status for m in tool_replies(beside, 1)] == ["success", "error"]
    assert "same turn" in tool_replies(beside, 1)[1].content
    assert answer.usage.model_calls >= 2


def test_an_answer_is_mended_by_the_model_once(demo: RecMind):
    def script(messages):
        if not candidates_told(messages):
            return calls(COMEDIES)
        if isinstance(messages[-1], ToolMessage) and messages[-1].name == SUBMIT:
            return submits_candidates(messages, 2)
        return calls(submission("c1", "c2", reason="Won 11 Oscars."))

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("comedies", k=2, model=model)
    assert (answer.source, answer.repairs, answer.usage.model_calls) == ("agent", (), 3)
    assert "digits outside a slot" in tool_replies(model)[-1].content


def test_what_the_model_does_not_mend_is_settled_and_told(demo: RecMind):
    model = scripted(calls(COMEDIES), calls(submission("c1", "c1", "c9999", "c2", reason="Won 11 Oscars.")))
    answer = demo.recommend("comedies", k=3, model=model)
    assert (answer.source, answer.usage.model_calls, len(answer.recommendations)) == ("agent", 3, 3)
    told = " ".join(answer.repairs)
    assert all(words in told for words in ("Rewrote the reason", "Left out a second", "'c9999'", "Added"))
    assert all("Oscars" not in found.reason and found.reason for found in answer.recommendations)


def test_fewer_than_qualify_are_filled_up(demo: RecMind):
    narrow = ("filter_items", {"where": ["title=Alien"]})
    answer = demo.recommend("", k=3, model=looks_up_then_submits(narrow, k=1))
    assert item_ids(answer.recommendations)[0] == "alien-1979"
    assert len(answer.recommendations) == 3
    assert "Added" in answer.repairs[0]
    assert "instead of" not in answer.message


def test_an_empty_submission_is_filled_up(demo: RecMind):
    answer = demo.recommend("comedies", k=3, model=scripted(calls(submission())))
    assert len(answer.recommendations) == 3
    assert answer.repairs


def test_plain_text_gets_one_nudge(demo: RecMind):
    stubborn = scripted(AIMessage("Watch Heat."))
    answer = demo.recommend("comedies", k=3, model=stubborn)
    assert (answer.source, answer.usage.model_calls, len(answer.recommendations)) == ("fallback", 2, 3)
    assert "did not submit" in answer.fallback_cause
    assert "did not submit" in answer.message
    assert isinstance(stubborn.heard[1][-1], HumanMessage)

    def learns(messages):
        if isinstance(messages[-1], HumanMessage) and len(messages) == 2:
            return AIMessage("Watch Heat.")
        return submits_candidates(messages) if candidates_told(messages) else calls(COMEDIES)

    answer = demo.recommend("comedies", k=3, model=ScriptedModel(script=learns, heard=[]))
    assert (answer.source, answer.repairs) == ("agent", ())


# -- calls that cannot be answered -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("delete_everything", {}), "There is no tool 'delete_everything'"),
        (("filter_items", {}), "where"),
        (("filter_items", {"where": 3}), "where"),
        (("filter_items", {"where": ["year>>1990"]}), "year"),
        (("filter_items", {"where": ["color=red"]}), "There is no attribute 'color'"),
        (("filter_items", {"where": ["q7"]}), "There is no label 'q7'"),
        (("popular_items", {"since": "soon"}), "is no day"),
        (("popular_items", {"n": 10**9}), "n:"),
        (("search_items", {"like": ["c77"]}), "'c77' is no handle"),
        (("user_history", {"order": "random"}), "order is 'random'"),
        ((SUBMIT, {}), "could not be read"),
        ((SUBMIT, {"recommendations": "c1"}), "could not be read"),
    ],
    ids=str,
)
def test_the_model_is_told_what_was_wrong_with_a_call(demo: RecMind, call, told):
    def script(messages):
        if len(messages) == 2:
            return calls(call)
        return submits_candidates(messages) if candidates_told(messages) else calls(COMEDIES)

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("", k=3, model=model)
    assert told in tool_replies(model, 1)[0].content
    assert tool_replies(model, 1)[0].status == "error"
    assert (answer.source, len(answer.recommendations)) == ("agent", 3)


def test_every_call_is_answered_readable_or_not(demo: RecMind):
    broken = AIMessage(
        "",
        tool_calls=[{"name": "popular_items", "args": {}, "id": "a", "type": "tool_call"}],
        invalid_tool_calls=[
            {"name": SUBMIT, "args": "{'", "id": "b", "error": None, "type": "invalid_tool_call"},
            {"name": None, "args": None, "id": "c", "error": None, "type": "invalid_tool_call"},
        ],
    )
    model = scripted(broken, calls(submission("c1", "c2", "c3")))
    demo.recommend("", k=3, model=model)
    assert [m.tool_call_id for m in tool_replies(model, 1)] == ["a", "b", "c"]
    assert "no valid JSON" in tool_replies(model, 1)[1].content


def test_a_call_without_an_id_is_run(demo: RecMind):
    nameless = AIMessage("", tool_calls=[{"name": "popular_items", "args": {}, "id": None, "type": "tool_call"}])
    model = scripted(nameless, calls(submission("c1")))
    demo.recommend("", k=1, model=model)
    assert tool_replies(model, 1)[0].artifact["rows"]


def test_an_engine_that_breaks_costs_one_look_up(demo: RecMind, monkeypatch):
    def broken(self, *args, **kwargs):
        raise ZeroDivisionError("secret of the engine")

    monkeypatch.setattr(type(demo.engines.popular), "recommend", broken)
    model = looks_up_then_submits(POPULAR, COMEDIES)
    answer = demo.recommend("", k=3, model=model)
    assert (answer.source, len(answer.recommendations)) == ("agent", 3)
    assert tool_replies(model)[0].content == "popular_items failed; go on without it."


def test_of_several_final_calls_the_first_readable_one_counts(demo: RecMind):
    def script(messages):
        chosen = candidates_told(messages)
        return calls((SUBMIT, {}), submission(chosen[0]), submission(chosen[1])) if chosen else calls(COMEDIES)

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("", k=1, model=model)
    first = demo.recommend("", k=1, model=looks_up_then_submits(COMEDIES, k=1))
    assert item_ids(answer.recommendations) == item_ids(first.recommendations)


# -- caps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "turn", "cause"),
    [
        ({"model_calls": 2}, calls(POPULAR), "the limit of 2 model calls was reached"),
        ({"tokens": 50}, calls(POPULAR), "the limit of 50 tokens was reached"),
        ({"model_calls": 1}, calls(submission()), None),
    ],
    ids=["model calls", "tokens", "enough"],
)
def test_a_cap_ends_in_the_fallback(open_demo, limits, turn, cause):
    answer = open_demo(scripted(turn), **limits).recommend("comedies", k=3)
    assert answer.fallback_cause == cause
    assert answer.source == ("fallback" if cause else "agent")
    assert cause is None or cause in answer.message
    assert answer.usage.model_calls <= limits.get("model_calls", 1)
    assert len(answer.recommendations) == 3


def test_look_ups_beyond_the_cap_are_not_run(open_demo):
    model = looks_up_then_submits(*[POPULAR] * 5)
    answer = open_demo(model, tool_calls=3).recommend("", k=3)
    assert answer.usage.tool_calls == 3
    assert [m.status for m in tool_replies(model)] == ["success"] * 3 + ["error"] * 2
    assert "the limit of 3 tool calls is reached" in tool_replies(model)[-1].content
    assert answer.source == "agent"


def test_a_slow_model_is_not_waited_for(open_demo):
    released, said = threading.Event(), []

    def script(messages):
        said.append(released.wait(60))
        return calls(POPULAR)

    recmind = open_demo(ScriptedModel(script=script, heard=[]), seconds=1)
    recmind.recommend("comedies", k=1, model="offline")  # the engines are read before the clock counts
    answer = recmind.recommend("comedies", k=3)
    assert said == [], "the answer waited for the model"
    released.set()
    assert answer.source == "fallback"
    assert "did not answer" in answer.fallback_cause
    assert len(answer.recommendations) == 3


def test_a_slow_look_up_is_not_waited_for(open_demo, monkeypatch):
    recmind = open_demo(scripted(calls(POPULAR)), seconds=1)
    recmind.recommend("comedies", k=1, model="offline")
    real, released, found = type(recmind.engines.popular).recommend, threading.Event(), []

    def slow(self, *args, **kwargs):
        found.append(released.wait(60))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(recmind.engines.popular), "recommend", slow)
    answer = recmind.recommend("comedies", user_id="ada", k=3)
    assert found == [], "the answer waited for the look-up"
    released.set()
    assert answer.fallback_cause == "the limit of 1 seconds was reached"


def test_a_model_that_fails_ends_in_the_fallback_or_where_it_is_off_in_its_error(demo: RecMind, open_demo):
    answer = demo.recommend("comedies", k=3, model=scripted(ConnectionError("refused")))
    assert (answer.source, len(answer.recommendations)) == ("fallback", 3)
    assert "ScriptedModel" in answer.fallback_cause
    assert answer.fallback_cause in answer.message
    strict = open_demo(scripted(ConnectionError("refused")), fallback=False)
    with pytest.raises(ModelFailure):
        strict.recommend("comedies")
    with pytest.raises(ModelFailure):
        asyncio.run(strict.arecommend("comedies"))
    with pytest.raises(ModelFailure):
        list(strict.stream("comedies"))


# -- what binds ------------------------------------------------------------------------------------------------------


def test_a_constraint_that_the_model_sets_aside_is_told(demo: RecMind):
    answer = demo.recommend("westerns made after 2030", k=2, model=looks_up_then_submits(k=2, dropped=["q1", "q2"]))
    assert len(answer.recommendations) == 2
    assert "The model set “westerns” aside" in answer.message


def test_a_constraint_that_the_model_only_ignores_binds(demo: RecMind):
    horror = ("filter_items", {"where": ["genres=Horror"]})
    answer = demo.recommend("no horror", k=2, model=looks_up_then_submits(horror, k=2))
    assert "aside" not in answer.message
    assert all("Horror" not in demo.store.items.get(i).attributes["genres"] for i in item_ids(answer.recommendations))


def test_the_callers_filter_cannot_be_given_up(demo: RecMind):
    model = looks_up_then_submits(("popular_items", {}), dropped=["q1", "year>2100", "filters"])
    answer = demo.recommend("comedies", k=3, filters=["year>2100"], model=model)
    assert answer.recommendations == ()
    assert "year>2100" in answer.message


def test_a_stated_preference_binds_and_cannot_be_given_up(demo: RecMind):
    demo.store.preferences.put(Preference("ada", "no comedies for me", "genres!=Comedy"))
    model = looks_up_then_submits(POPULAR, dropped=["q1", "genres!=Comedy"])
    answer = demo.recommend("", user_id="ada", k=3, model=model)
    assert len(answer.recommendations) == 3
    assert all("Comedy" not in demo.store.items.get(i).attributes["genres"] for i in item_ids(answer.recommendations))
    assert "no comedies for me" in answer.message


def test_exclusions_bind(demo: RecMind):
    first = item_ids(demo.recommend("comedies", k=3).recommendations)
    second = item_ids(demo.recommend("comedies", k=3, exclude=first).recommendations)
    assert len(second) == 3
    assert not set(first) & set(second)


def test_wrong_input_is_refused(demo: RecMind):
    for wrong in ({"k": 0}, {"k": 101}, {"filters": ["year"]}, {"filters": ["color=red"]}, {"model": "nobody"}):
        with pytest.raises(InputError):
            demo.recommend("", **wrong)


def test_no_tool_takes_a_user():
    for tool in ALL_TOOLS:
        assert not [name for name in tool.tool_call_schema.model_json_schema()["properties"] if "user" in name]


def test_another_users_history_is_out_of_reach(demo: RecMind):
    model = scripted(calls(("user_history", {"user_id": "ada", "user": "ada"})), calls(submission()))
    demo.recommend("", k=1, model=model)
    assert "Nobody is named" in tool_replies(model, 1)[0].content


# -- people ----------------------------------------------------------------------------------------------------------


def test_unknown_and_missing_users_are_answered(demo: RecMind):
    unknown, missing = demo.recommend("", user_id="nobody", k=3), demo.recommend("", k=3)
    assert item_ids(unknown.recommendations) == item_ids(missing.recommendations)
    assert len(item_ids(missing.recommendations)) == 3
    assert "'nobody'" in unknown.message
    assert "No user was named" in missing.message


def test_text_that_cannot_be_encoded_is_no_error(demo: RecMind):
    answer = demo.recommend("comedies \ud800", user_id="\ud800", exclude=["\ud800"], k=2)
    assert len(answer.recommendations) == 2
    assert demo.traces.tree(answer.trace_id).summary.user_id == "?"


@pytest.mark.parametrize("name", ["user_id", "item_id", "kind"])
def test_feedback_that_cannot_be_encoded_is_refused(demo: RecMind, name: str):
    said = {"user_id": "ada", "item_id": next(demo.store.items.all())[1].item_id, "kind": "like", name: "a\ud800"}
    with pytest.raises(InputError, match=f"{name} is .* cannot be kept: it contains an unpaired surrogate"):
        demo.feedback(**said)


def test_feedback_changes_the_next_answer(demo: RecMind):
    before = item_ids(demo.recommend("", user_id="new", k=3).recommendations)
    demo.feedback("new", before[0], "rating", 5)
    after = demo.recommend("", user_id="new", k=3)
    assert before[0] not in item_ids(after.recommendations)
    assert len(item_ids(after.recommendations)) == 3
    assert "Nothing is known" not in after.message
    with pytest.raises(InputError):
        demo.feedback("new", "no-such-film")


def test_asked_for_more_than_qualify_all_come_and_the_message_counts_them(demo: RecMind):
    conditions = ["genres=Western", "year<1960"]
    there_are = len([i for _, i in demo.store.items.all() if qualifies(i)])
    answer = demo.recommend("", k=50, filters=conditions)
    assert 0 < len(answer.recommendations) == there_are
    assert f"{there_are} item" in answer.message
    assert "year<1960" in answer.message


def qualifies(item) -> bool:
    return item.available and "Western" in item.attributes["genres"] and item.attributes["year"] < 1960


@pytest.fixture
def tiny(tmp_path: Path):
    """Four books from a file."""
    table = tmp_path / "books.csv"
    rows = ["item_id,title,subject", "b1,Tea,Cooking", "b2,Bread,Cooking", "b3,Stars,Science", "b4,Moss,Nature"]
    table.write_text("\n".join(rows))
    workspace = Workspace.open(tmp_path / "tiny", create=True)
    with Store(workspace.database, workspace.settings) as store:
        import_table(store, items=table)
        build_index(workspace, store)
    with RecMind.open(workspace.home) as recmind:
        yield recmind


def test_a_user_who_had_everything(tiny: RecMind):
    assert len(tiny.recommend("", user_id="u", k=4).recommendations) == 4
    for place, item_id in enumerate(("b1", "b2", "b3", "b4"), 1):
        tiny.feedback("u", item_id, "rating", place)
    for model in (None, scripted(calls(POPULAR), calls(submission("c1", "r1", "b1")))):
        answer = tiny.recommend("", user_id="u", k=2, model=model)
        assert answer.recommendations == ()
        assert "history" in answer.message
    again = tiny.recommend("something I liked before, again", user_id="u", k=2)
    assert len(again.recommendations) == 2


def test_a_catalogue_without_any_interaction(tiny: RecMind):
    answer = tiny.recommend("a book on science", k=4)
    assert item_ids(answer.recommendations)[0] == "b3"
    assert len(answer.recommendations) == 4 or "instead of 4" in answer.message


def test_an_item_of_no_known_attribute_can_still_be_told_of(tiny: RecMind):
    tiny.store.interactions.add([Interaction("x", "b4", "purchase", None, 1_700_000_000)])
    assert "b4" in item_ids(tiny.recommend("", k=4).recommendations)


# -- other ways in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["a funny film in space", "like Alien, but no horror", ""])
def test_async_gives_the_same_answer(demo: RecMind, query):
    plain = demo.recommend(query, user_id="ada", k=5, cache=False)
    awaited = asyncio.run(demo.arecommend(query, user_id="ada", k=5, cache=False))
    assert awaited.recommendations == plain.recommendations
    assert (awaited.message, awaited.usage, awaited.source) == (plain.message, plain.usage, plain.source)


def test_async_serves_requests_side_by_side(demo: RecMind):
    async def all_at_once():
        return await asyncio.gather(*(demo.arecommend("comedies", user_id=u, k=2) for u in ("ada", "bea", None)))

    alone = [demo.recommend("comedies", user_id=user, k=2).recommendations for user in ("ada", "bea", None)]
    assert [answer.recommendations for answer in asyncio.run(all_at_once())] == alone


def test_the_events_of_a_stream(demo: RecMind):
    events = list(demo.stream("comedies", k=2, model=looks_up_then_submits(COMEDIES, POPULAR, k=2)))
    kinds = [event.kind for event in events]
    assert kinds[:2] == ["understood", "thinking"]
    assert kinds[2:6].count("tool_started") == kinds[2:6].count("tool_finished") == 2
    assert kinds[-5:] == ["thinking", "item_validated", "item_validated", "validated", "done"]
    assert len(events[-1].data["answer"].recommendations) == 2
    failing = [event.kind for event in demo.stream("comedies", k=2, model=scripted(OSError("down")))]
    assert "fallback" in failing
    with pytest.raises(InputError):
        list(demo.stream("", k=0))


def test_callbacks_see_the_run(demo: RecMind):
    class Seen(BaseCallbackHandler):
        def __init__(self):
            self.models, self.tools = 0, []

        def on_chat_model_start(self, serialized, messages, **kwargs):
            self.models += 1

        def on_tool_start(self, serialized, input_str, **kwargs):
            self.tools.append(serialized["name"])

    seen = Seen()
    demo.recommend("comedies", k=2, model=looks_up_then_submits(COMEDIES, k=2), callbacks=[seen])
    assert (seen.models, seen.tools) == (2, ["filter_items"])


def test_the_trace_of_an_answer_is_kept(demo: RecMind):
    answer = demo.recommend("comedies", k=2)
    assert demo.traces.tree(answer.trace_id).summary.query == "comedies"
