"""Explanation first: what is said of a person is made of facts that the store proves."""

import pytest

from recmind.agent.recommender import RecMind
from recmind.agent.validation.evidence_checks import proved_of_person
from recmind.agent.wording.taste_summary import taste_summary
from recmind.data.errors import InputError
from recmind.data.records import Preference
from recmind.tools.evidence.slate import Evidence


def test_what_is_understood_comes_before_the_items(demo: RecMind):
    demo.store.preferences.put(Preference("ada", "no musicals please", "genres!=Musical"))
    events = list(demo.stream("a thriller", user_id="ada", k=2, mode="explanation-first"))
    answer = events[-1].data["answer"]
    (understood,) = answer.understood
    assert understood.user_id == "ada"
    assert [event.text for event in events if event.kind == "understood"][-1] == understood.text
    assert understood.text == (
        "You take to theme immigrants (3 of your items), genre Mystery (5 of your items) and mood tense (6 of your "
        "items). You care less for mood melancholy (4 of your items) and theme family bonds (3 of your items). "
        "Among the best for you: your 4-star rating of Do the Right Thing and your 4-star rating of Touch of Evil. "
        "Kept to: your stated preference “no musicals please”."
    )
    assert all(proof.text in understood.text for proof in understood.evidence)
    assert [proof.kind for proof in understood.evidence] == ["history"] * 7 + ["preference"]
    assert len(answer.recommendations) == 2


@pytest.mark.parametrize(
    ("user_id", "text"), [(None, "Nobody was named."), ("nobody", "Nothing is known of you yet.")], ids=str
)
def test_of_a_stranger_nothing_is_claimed(demo: RecMind, user_id, text):
    answer = demo.recommend("a thriller", user_id=user_id, k=1, mode="explanation-first")
    assert [(p.user_id, p.text, p.evidence) for p in answer.understood] == [(user_id, text, ())]


def test_a_direct_answer_tells_nothing_of_the_person(demo: RecMind):
    assert demo.recommend("a thriller", user_id="ada", k=1).understood == ()


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("history", "", {"attribute": "genres", "value": "Mystery", "count": 99, "lift": 2.2, "less": False}),
        Evidence("history", "", {"item_id": "alien-1979", "kind": "purchase", "value": None}),
        Evidence("preference", "", {"text": "no jokes", "condition": "genres!=Comedy"}),
    ],
    ids=["taste", "deed", "preference"],
)
def test_what_is_not_so_is_not_proved(demo: RecMind, evidence):
    context = demo._requests.read("", {"user_id": "ada"}).context
    assert not proved_of_person(evidence, context, "ada")
    assert taste_summary(context, "ada", lambda *_: False).text == "There is too little history to tell a taste."


def test_modes_that_there_are_not(demo: RecMind):
    with pytest.raises(InputError, match="mode is 'loud'; it is one of direct, conversational, explanation-first"):
        demo.recommend("", mode="loud")
