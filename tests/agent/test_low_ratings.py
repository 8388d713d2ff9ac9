"""What a person rated low is no reason for anything, with a model that cites it and without one."""

from __future__ import annotations

import re

import pytest
from langchain_core.messages import ToolMessage

from recmind.agent.recommender import RecMind
from recmind.data.records import Interaction
from recmind.tools.chat.submit import SUBMIT
from tests.agent.scripted import ScriptedModel, calls

LOW = ("heat-1995", "alien-1979")


@pytest.fixture
def rec(demo: RecMind) -> RecMind:
    """The demo with somebody who rated two films low and two high."""
    ids = [item.item_id for _, item in demo.store.items.all() if item.item_id not in LOW]
    rated = [*((item_id, 1.0) for item_id in LOW), *((item_id, 5.0) for item_id in ids[:2])]
    demo.store.interactions.add(
        Interaction("somebody new", item_id, "rating", value, 1_700_000_000.0 + n)
        for n, (item_id, value) in enumerate(rated)
    )
    return demo


def tells(reason: str, mended: str = "") -> ScriptedModel:
    """Reads the history, the lowest first, then recommends a comedy for this reason; ``{low}`` is the number of the
    rating of Heat, ``{ref}`` its handle. ``mended`` is what it says when that comes back."""

    def script(messages):
        if len(messages) == 2:
            return calls(("user_history", {"order": "lowest", "n": 4}), ("filter_items", {"where": ["genres=Comedy"]}))
        told = next(m for m in messages if isinstance(m, ToolMessage) and m.name == "user_history").content
        low = re.search(r"^(r\d+) Heat .*?\be(\d+) your 1-star rating of Heat", told, re.MULTILINE)
        rows = next(m for m in messages if isinstance(m, ToolMessage) and m.name == "filter_items").artifact["rows"]
        own = rows[0]["evidence"][0][0]
        said = mended if len(messages) > 5 else reason
        filled = said.replace("{low}", f"{{e{low[2]}}}").replace("{own}", f"{{e{own}}}").replace("{ref}", low[1])
        return calls((SUBMIT, {"recommendations": [{"item": rows[0]["handle"], "cites": [], "reason": filled}]}))

    return ScriptedModel(script=script, heard=[])


LIES = (
    "Fits {low}.",
    "Offers {own} and takes you back to {low}.",
    "Close to {title:{ref}}, with {own}.",
    "Unlike {low}.",
)


@pytest.mark.parametrize("lie", LIES)
def test_a_low_rating_goes_back_once_and_is_rewritten_then(rec: RecMind, lie: str):
    stubborn = tells(lie, mended=lie)
    answer = rec.recommend("a comedy", user_id="somebody new", k=1, model=stubborn)
    assert (answer.source, len(stubborn.heard)) == ("agent", 3)
    assert answer.repairs == (f"Rewrote the reason for {answer.recommendations[0].title} from evidence.",)
    assert "Heat" not in answer.recommendations[0].reason
    assert not any(proof.data.get("against") for proof in answer.recommendations[0].evidence)
    back = stubborn.heard[-1][-1].content
    assert "is no reason for" in back or "cites nothing in its favor" in back
    assert "Write for example: " in back
    assert "1-star" not in back.split("Write for example: ")[1]


def test_a_model_may_mend_it(rec: RecMind):
    answer = rec.recommend(
        "a comedy", user_id="somebody new", k=1, model=tells(LIES[0], "Unlike {low}, it offers {own}.")
    )
    assert (answer.repairs, answer.usage.model_calls) == ((), 3)
    assert answer.recommendations[0].reason.startswith("Unlike your 1-star rating of Heat, it offers ")


@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_as_a_contrast_it_may_be_cited(rec: RecMind, strictness: str):
    model = tells("Unlike {low}, it offers {own}.")
    answer = rec.recommend("a comedy", user_id="somebody new", k=1, model=model, strictness=strictness)
    assert (answer.repairs, answer.usage.model_calls) == ((), 2)
    cited = {proof.text: proof.data.get("against", False) for proof in answer.recommendations[0].evidence}
    assert cited["your 1-star rating of Heat"] is True
    assert list(cited.values()).count(False) == 1


def test_leniently_it_is_rewritten_at_once(rec: RecMind):
    answer = rec.recommend("a comedy", user_id="somebody new", k=1, model=tells(LIES[1]), strictness="lenient")
    assert answer.usage.model_calls == 2
    assert answer.repairs == (f"Rewrote the reason for {answer.recommendations[0].title} from evidence.",)
    assert "Heat" not in answer.recommendations[0].reason


@pytest.mark.parametrize("query", ["", "films I have seen before, again", "something like Heat"])
@pytest.mark.parametrize("strategy", ["react", "self-inspiring"])
def test_without_a_model_it_is_never_a_reason(rec: RecMind, query: str, strategy: str):
    answer = rec.recommend(query, user_id="somebody new", k=4, strategy=strategy)
    assert answer.repairs == ()
    assert len(answer.recommendations) == 4
    for found in answer.recommendations:
        assert "1-star" not in found.reason
        assert not any(proof.data.get("against") for proof in found.evidence)


def test_again_is_not_meant_of_what_they_did_not_like(rec: RecMind):
    answer = rec.recommend("films I have seen before, again", user_id="somebody new", k=4)
    assert not {found.item_id for found in answer.recommendations} & set(LOW)
    liked = rec.store.interactions.consumed_ids("somebody new") - set(LOW)
    assert liked <= {found.item_id for found in answer.recommendations}


def test_nor_is_it_in_the_fallback_and_in_a_group(rec: RecMind):
    silent = ScriptedModel(turns=[RuntimeError("down")], heard=[])
    for answer in (
        rec.recommend("films I have seen before, again", user_id="somebody new", k=4, model=silent),
        rec.recommend("films we have seen before, again", user_ids=["somebody new", "ada"], k=30),
    ):
        assert not any(proof.data.get("against") for found in answer.recommendations for proof in found.evidence)
