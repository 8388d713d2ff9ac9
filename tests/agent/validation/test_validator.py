"""What a model gets wrong in form: calls as text, answers cut off, several answers, words that claim too much."""

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from recmind.agent.models.factory import open_model
from recmind.agent.recommender import RecMind
from recmind.tools.chat.submit import SUBMIT
from tests.agent.scripted import ScriptedModel, calls
from tests.endpoint import Endpoint, says
from tests.endpoint import calls as served

COMEDIES = ("filter_items", {"where": ["genres=Comedy"]})
PICKED = {"recommendations": [{"item": f"c{n}", "cites": ["e1"], "reason": "Offers {e1}."} for n in (1, 2)]}


def rows(messages) -> list[dict]:
    return [row for m in messages if isinstance(m, ToolMessage) and m.artifact for row in m.artifact["rows"]]


def picks(messages, k: int, reason: str = "Offers {own}.") -> list[dict]:
    chosen = []
    for row in rows(messages)[:k]:
        own = f"e{row['evidence'][0][0]}"
        chosen.append({"item": row["handle"], "cites": [own], "reason": reason.replace("own", own)})
    return chosen


@pytest.fixture
def asked_by_hand(demo: RecMind, monkeypatch: pytest.MonkeyPatch):
    """Asks a real client against a server with this script."""

    def ask(*script, k: int = 2, **options):
        with Endpoint(script) as endpoint:
            monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
            return demo.recommend("comedies", k=k, model=open_model("openai:any"), **options), endpoint.requests

    return ask


def spoken(body) -> str:
    """A final call as text, from what the tool messages of the request say."""
    told = next(m["content"] for m in body["messages"] if m["role"] == "tool")
    lines = [line for line in told.splitlines() if line.startswith("c")][:2]
    first = [(line.split()[0], line.split(": e")[1].split()[0]) for line in lines]
    return json.dumps(
        {"recommendations": [{"item": c, "cites": [f"e{e}"], "reason": f"Offers {{e{e}}}."} for c, e in first]}
    )


def test_a_model_that_writes_its_calls_as_text(asked_by_hand):
    answer, requests = asked_by_hand(
        says('<tool_call>{"name": "filter_items", "arguments": {"where": ["genres=Comedy"]}}</tool_call>'),
        lambda body: says(f"Here they are:\n```json\n{spoken(body)}\n```"),
    )
    assert (answer.source, answer.repairs, answer.usage.model_calls) == ("agent", (), 2)
    assert len(answer.recommendations) == 2
    assert [call["function"]["name"] for call in requests[1]["messages"][2]["tool_calls"]] == ["filter_items"]


def test_a_bare_list_of_picks_is_the_final_call(asked_by_hand):
    answer, _ = asked_by_hand(
        served(COMEDIES),
        lambda body: says(f"Final answer:\n{json.dumps(json.loads(spoken(body))['recommendations'])}"),
    )
    assert (answer.source, answer.repairs, answer.usage.model_calls) == ("agent", (), 2)
    assert len(answer.recommendations) == 2


def test_a_call_that_was_cut_off_is_asked_for_again(asked_by_hand):
    answer, requests = asked_by_hand(
        served(COMEDIES),
        served((SUBMIT, '{"recommendations": [{"item": "c1", "ci'), finish_reason="length"),
        lambda body: served((SUBMIT, spoken(body))),
    )
    assert (answer.source, answer.usage.model_calls, len(answer.recommendations)) == ("agent", 3, 2)
    assert requests[2]["messages"][-1]["content"].startswith("Your answer was too long and was cut off")
    assert requests[2]["messages"][-2] == {"role": "assistant", "content": "(cut off)"}


def test_one_that_is_cut_off_again_is_given_up(asked_by_hand):
    cut = says("I would say that", finish_reason="length")
    answer, _ = asked_by_hand(cut, cut)
    assert (answer.source, answer.usage.model_calls, len(answer.recommendations)) == ("fallback", 2, 2)
    assert "was cut off (length)" in answer.fallback_cause


def test_a_final_call_for_each_item_is_taken_together(demo: RecMind):
    def script(messages):
        if not rows(messages):
            return calls(COMEDIES)
        return calls(*((SUBMIT, {"recommendations": [pick]}) for pick in picks(messages, 3)))

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("comedies", k=3, model=model)
    assert (answer.source, answer.repairs, answer.usage.model_calls) == ("agent", (), 2)
    assert len({found.item_id for found in answer.recommendations}) == 3


@pytest.mark.parametrize(
    "write",
    [
        lambda chosen: {"recommendations": chosen},
        lambda chosen: {"recommendations": json.dumps(chosen)},
        lambda chosen: {
            "recommendations": [{"handle": p["item"], "evidence": p["cites"], "why": p["reason"]} for p in chosen]
        },
        lambda chosen: {"recommendations": [{**p, "cites": " ".join(p["cites"])} for p in chosen], "dropped": []},
        lambda chosen: {"recommendations": [{**p, "cites": None} for p in chosen]},
        lambda chosen: {"recommendations": chosen[0]},
    ],
    ids=["as asked", "as text", "other names", "one text", "only slots", "only one"],
)  # fmt: skip
def test_a_submission_is_read_as_it_is_meant(demo: RecMind, write):
    def script(messages):
        return calls((SUBMIT, write(picks(messages, 1)))) if rows(messages) else calls(COMEDIES)

    answer = demo.recommend("comedies", k=1, model=ScriptedModel(script=script, heard=[]))
    assert (answer.source, answer.repairs, answer.usage.model_calls) == ("agent", (), 2)


def test_the_findings_go_back_in_one_message_that_shows_how(demo: RecMind):
    def script(messages):
        if not rows(messages):
            return calls(COMEDIES)
        good, *others = picks(messages, 3)
        bad = [
            {**others[0], "reason": "Won 11 Oscars."},
            {"item": "c99", "reason": "Fine."},
            {"item": "r1", "reason": "x"},
        ]
        return calls((SUBMIT, {"recommendations": [good, *bad]}))

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("comedies", user_id="ada", k=3, model=model)
    (told,) = [m.content for m in model.heard[-1] if isinstance(m, ToolMessage) and m.name == SUBMIT]
    intro, *findings = told.splitlines()
    assert intro == (
        "Not accepted yet. Keep c1 as submitted. Mend the rest, then call `submit_recommendations` once more with the "
        "whole list:"
    )
    assert [finding.partition(" ")[2][:24] for finding in findings] == [
        "c2: digits outside a slo", "'c99' is not on the slat", "r1 is already in the use"
    ]  # fmt: skip
    assert "Write for example: Meets {e" in findings[0]
    assert "choose among c" in findings[1]
    assert len(answer.recommendations) == 3
    assert len(answer.repairs) == 4


@pytest.mark.parametrize(
    ("reason", "calls_made", "repairs"),
    [
        ("A funny comedy with {own}.", 2, 0),
        ("A horror film with {own}.", 2, 1),
        ("Won 11 Oscars, with {own}.", 2, 1),
        ("Made by Ridley Scott, with {own}.", 2, 1),
    ],
    ids=["true value", "untrue value", "digits", "name"],
)
def test_lenient_checks_let_true_words_pass(demo: RecMind, reason, calls_made, repairs):
    def script(messages):
        return calls((SUBMIT, {"recommendations": picks(messages, 1, reason)})) if rows(messages) else calls(COMEDIES)

    where = {"filters": ["moods=funny", "genres!=Horror"], "k": 1}
    lenient = demo.recommend("", model=ScriptedModel(script=script, heard=[]), strictness="lenient", **where)
    assert (lenient.usage.model_calls, len(lenient.repairs)) == (calls_made, repairs)
    assert ("funny comedy" in lenient.recommendations[0].reason) is (repairs == 0)
    strict = demo.recommend("", model=ScriptedModel(script=script, heard=[]), **where)
    assert (strict.usage.model_calls, len(strict.repairs)) == (3, 1)


def test_lenient_is_not_lenient_with_items(demo: RecMind):
    model = ScriptedModel(turns=[calls(COMEDIES), calls((SUBMIT, PICKED))], heard=[])
    answer = demo.recommend("", k=2, filters=["year>2100"], model=model, strictness="lenient")
    assert answer.recommendations == ()


def test_text_alone_gets_one_nudge_that_shows_how(demo: RecMind):
    model = ScriptedModel(turns=[AIMessage("Watch Heat.")], heard=[])
    assert demo.recommend("comedies", k=1, model=model).source == "fallback"
    nudge = model.heard[1][-1]
    assert isinstance(nudge, HumanMessage)
    assert '{"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "Offers {e1}."}]}' in nudge.content
