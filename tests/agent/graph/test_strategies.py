"""Self-inspiring: further lines of thought, of which nothing that any of them found is thrown away."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from recmind.tools.chat.submit import SUBMIT
from tests.agent.scripted import ScriptedModel, calls

COMEDIES = ("filter_items", {"where": ["genres=Comedy"], "n": 3})
WESTERNS = ("filter_items", {"where": ["genres=Western"], "n": 3})
IDEA = "westerns that are funny"


def asks(messages) -> bool:
    return "Would another line of thought" in messages[-1].content


def model_of(*answers, k: int = 3) -> ScriptedModel:
    """Looks comedies up, gives these answers when it is asked for another line (the last for ever), looks westerns up
    in a further line, and submits the first item of each line."""
    left = list(answers)

    def script(messages):
        if asks(messages):
            return left.pop(0) if len(left) > 1 else left[0]
        rows = [row for m in messages if isinstance(m, ToolMessage) and m.artifact for row in m.artifact["rows"]]
        further = "Follow this further line" in messages[1].content
        if not rows:
            return calls(WESTERNS if further else COMEDIES)
        picked = [("c1", 1), (rows[0]["handle"], rows[0]["evidence"][0][0])] if further else [("c1", 1)]
        return calls((SUBMIT, {"recommendations": [
            {"item": item, "cites": [f"e{cite}"], "reason": f"Offers {{e{cite}}}."} for item, cite in picked
        ]}))  # fmt: skip

    return ScriptedModel(script=script, heard=[])


def ids(answer) -> list[str]:
    return [found.item_id for found in answer.recommendations]


def test_a_further_line_sees_all_and_loses_nothing(demo: RecMind):
    model = model_of(AIMessage(f"YES: {IDEA}"), AIMessage("NO"))
    answer = demo.recommend("", k=2, model=model, strategy="self-inspiring")
    assert (answer.source, answer.repairs) == ("agent", ())
    assert (answer.usage.model_calls, answer.usage.tool_calls) == (5, 2)
    first, second = (demo.store.items.get(item_id) for item_id in ids(answer))
    assert "Comedy" in first.attributes["genres"]
    assert "Western" in second.attributes["genres"]
    looked, asked, begun, asked_again, decided = model.heard
    assert [len(messages) for messages in model.heard] == [2, 1, 2, 1, 4]
    assert [type(message) for message in begun] == [SystemMessage, HumanMessage]
    assert begun[0] == looked[0]
    assert begun[1].content.startswith(looked[1].content.rstrip())
    account = begun[1].content
    assert 'Line 1: the first look-ups\n- filter_items(where=["genres=Comedy"], n=3): c1, c2, c3\nc1 ' in account
    assert f"Follow this further line of thought now: {IDEA}" in account
    assert "e1 " in account
    assert f"Line 2: {IDEA}\n- filter_items(where=[" in asked_again[0].content
    assert "Line 2" not in asked[0].content
    assert decided[:2] == begun


@pytest.mark.parametrize(
    "answer",
    [
        calls(("explore", {"idea": IDEA})),
        AIMessage(f"YES: {IDEA}"),
        AIMessage(f'<tool_call>{{"name": "explore", "arguments": {{"idea": "{IDEA}"}}}}</tool_call>'),
        AIMessage(f"<think>No, hm.</think>yes, {IDEA}"),
    ],
    ids=["call", "words", "spoken call", "thinking"],
)
def test_an_idea_is_read_however_it_is_said(demo: RecMind, answer):
    model = model_of(answer, AIMessage("NO"))
    demo.recommend("", k=2, model=model, strategy="self-inspiring")
    assert IDEA in model.heard[2][1].content


@pytest.mark.parametrize("answer", ["NO", "No, that is enough.", "Enough.", "Hm, maybe.", "Watch Heat."])
def test_no_other_line_is_begun_without_an_idea(demo: RecMind, answer):
    model = model_of(AIMessage(answer))
    given = demo.recommend("", k=1, model=model, strategy="self-inspiring")
    assert [len(messages) for messages in model.heard] == [2, 1, 4]
    assert (given.source, given.usage.model_calls) == ("agent", 3)


def test_the_caps_hold_for_all_lines_together(open_demo):
    def script(messages):
        count = len(model.heard)
        return AIMessage(f"YES: idea number {count}") if asks(messages) else calls(COMEDIES)

    model = ScriptedModel(script=script, heard=[])
    answer = open_demo(model, model_calls=7).recommend("", k=2, strategy="self-inspiring")
    assert answer.usage.model_calls == 7
    assert [asks(messages) for messages in model.heard] == [False, True, False, True, False, False, False]
    assert answer.fallback_cause == "the limit of 7 model calls was reached"
    assert len(answer.recommendations) == 2


def test_the_same_idea_twice_is_no_idea(demo: RecMind):
    model = model_of(AIMessage(f"YES: {IDEA}"))
    demo.recommend("", k=2, model=model, strategy="self-inspiring")
    assert [asks(messages) for messages in model.heard] == [False, True, False, True, False]


def test_a_question_that_fails_ends_nothing(demo: RecMind):
    answer = demo.recommend("", k=1, model=model_of(OSError("down")), strategy="self-inspiring")
    assert (answer.source, answer.usage.model_calls) == ("agent", 3)


def test_the_offline_planner_begins_lines_that_pay(demo: RecMind):
    react = demo.recommend("like Alien, but funny", user_id="ada", k=3)
    inspired = demo.recommend("like Alien, but funny", user_id="ada", k=3, strategy="self-inspiring")
    assert react.usage.model_calls == 2
    assert inspired.source == "agent"
    assert inspired.usage.model_calls <= 8
    space = demo.recommend("a film about space", user_id="ada", k=3, strategy="self-inspiring")
    heard = [event.text for event in demo.stream("a film about space", user_id="ada", k=3, strategy="self-inspiring")]
    assert "another line of thought: what is like their favorites" in heard
    assert space.usage.tool_calls > demo.recommend("a film about space", user_id="ada", k=3).usage.tool_calls
    open_request = demo.recommend("", k=3, strategy="self-inspiring")
    assert ids(open_request) == ids(demo.recommend("", k=3))


def test_async_goes_the_same_way(demo: RecMind):
    def options() -> dict:
        model = model_of(AIMessage(f"YES: {IDEA}"), AIMessage("NO"))
        return {"k": 2, "model": model, "strategy": "self-inspiring", "cache": False}

    plain = demo.recommend("", **options())
    awaited = asyncio.run(demo.arecommend("", **options()))
    assert (awaited.recommendations, awaited.usage) == (plain.recommendations, plain.usage)


def test_the_settings_choose_where_a_request_does_not(demo_copy):
    (demo_copy / "recmind.toml").write_text('strategy = "self-inspiring"\n')
    with RecMind.open(demo_copy) as recmind:
        model = model_of(AIMessage("NO"))
        recmind.recommend("", k=1, model=model)
        assert len(model.heard) == 3
        recmind.recommend("", k=1, model=(plain := model_of(AIMessage("NO"))), strategy="react")
        assert len(plain.heard) == 2
        with pytest.raises(InputError, match="strategy is 'guess'; it is one of react, self-inspiring"):
            recmind.recommend("", strategy="guess")
