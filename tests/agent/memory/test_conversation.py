"""Conversations over the demo: with the offline planner, with a model whose words are written here, and questions."""

from __future__ import annotations

import asyncio

import pytest

from recmind.agent.answer import Answer
from recmind.agent.memory.account import account
from recmind.agent.memory.clarifying import telling_choices
from recmind.agent.memory.thread import Thread, Turn
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from recmind.tools.evidence.slate import Slate
from tests import worlds
from tests.agent.scripted import ScriptedModel, calls


def talk(rec: RecMind, *messages: str, user_id: str | None = None, k: int = 3, **options) -> list[Answer]:
    """The answers to these messages of one thread."""
    return [rec.recommend(said, user_id=user_id, thread="t", k=k, **options) for said in messages]


def ids(answer: Answer) -> list[str]:
    return [found.item_id for found in answer.recommendations]


def values(rec: RecMind, answer: Answer, attribute: str) -> list:
    return [item.attributes[attribute] for item in rec.store.items.get_many(ids(answer)).values()]


def test_a_conversation_of_somebody_unnamed(demo):
    first, milder, why, seen, like, shorter, nineties, fresh = talk(
        demo,
        "a science fiction film, no horror",
        "less violent",
        "why the second?",
        "I have seen that",
        "more like the third",
        "something shorter",
        "from the 90s instead",
        "start over",
    )
    assert all(answer.thread == "t" for answer in (first, why, fresh))
    assert not any("violent" in moods for moods in values(demo, milder, "moods"))
    assert why.message.startswith(f"{milder.recommendations[1].title} was number 2 in the last list.")
    assert (why.recommendations, why.usage.model_calls) == ((milder.recommendations[1],), 0)
    assert all(proof.text in why.message for proof in milder.recommendations[1].evidence)
    assert seen.message.startswith(f"Noted that you have had {milder.recommendations[1].title}, for this conversation.")
    assert milder.recommendations[1].item_id not in ids(seen)
    assert (
        like.message
        == f"I took this to mean: Like {seen.recommendations[2].title}; less violent; no horror; science fiction."
    )
    middle = sorted(values(demo, like, "minutes"))[1]
    assert all(minutes < middle for minutes in values(demo, shorter, "minutes"))
    assert all(1990 <= year <= 1999 for year in values(demo, nineties, "year"))
    assert not any("Horror" in genres for genres in values(demo, nineties, "genres"))
    assert milder.recommendations[1].item_id not in ids(nineties)
    assert fresh.message == "No user was named, so this is what others like most."


def test_what_a_named_user_has_seen_is_kept_for_good(demo):
    first, second = talk(demo, "a comedy", "I've seen the first two", user_id="ada")
    assert {i.kind for item_id in ids(first)[:2] for i in demo.store.interactions.of_user("ada", item_id=item_id)} == {
        "seen"
    }
    assert not set(ids(first)[:2]) & set(ids(second))
    assert not set(ids(first)[:2]) & set(ids(demo.recommend("a comedy", user_id="ada", k=20)))


def test_more_of_the_same_shows_others_and_the_caller_still_binds(demo):
    first, more, most = talk(demo, "a comedy", "show me more", "more", filters=["year>=2000"])
    assert len({*ids(first), *ids(more), *ids(most)}) == 9
    assert all(year >= 2000 for answer in (first, more, most) for year in values(demo, answer, "year"))


def test_not_that_director(demo):
    first, other = talk(demo, "a film by Hitchcock", "not that director", k=2)
    assert all("Alfred Hitchcock" in directors for directors in values(demo, first, "directors"))
    assert not any("Alfred Hitchcock" in directors for directors in values(demo, other, "directors"))


def test_what_is_stated_for_good_in_a_thread_is_kept_and_taken_back(demo):
    kept, gone = talk(demo, "no horror please, ever", "forget that I said no horror", user_id="ada")
    assert kept.message.startswith("I keep in mind for you: “no horror”")
    assert gone.message.startswith("Forgotten, as you asked: “no horror”.")
    assert demo.preferences("ada") == []


def test_threads_do_not_mix_and_requests_without_one_leave_none(demo):
    demo.recommend("a comedy", k=3)
    assert not demo.workspace.threads.exists()
    demo.recommend("a comedy", k=3, thread="one")
    other = demo.recommend("shorter", k=3, thread="two")
    assert "comedy" not in other.message.casefold()
    with pytest.raises(InputError, match="belongs to another user"):
        demo.recommend("shorter", thread="one", user_id="ada")


def test_a_thread_goes_on_in_another_process_and_in_an_event_loop(demo, demo_copy):
    (first,) = talk(demo, "a comedy, nothing violent")
    demo.close()
    with RecMind.open(demo_copy) as again:
        answer = asyncio.run(again.arecommend("from the 90s", thread="t", k=3))
        assert answer.message == "I took this to mean: From the 90s (year 1990 to 1999); nothing violent; comedy."
        *_, done = again.stream("why the first?", thread="t")
        assert done.data["answer"].recommendations == answer.recommendations[:1]
    assert len(first.recommendations) == 3


def test_one_question_is_asked_where_everything_is_open(demo):
    asked, answered = talk(demo, "what should I watch tonight", "2", mode="conversational", filters=["year>=1980"][:0])
    assert asked.question == (
        "Which mood would you like: funny, thoughtful, dark, exciting or romantic? "
        "Say anything else as well, or “you choose”."
    )
    assert (asked.choices, asked.recommendations) == (("funny", "thoughtful", "dark", "exciting", "romantic"), ())
    assert (answered.question, len(answered.recommendations)) == (None, 3)
    assert all({"thoughtful", "mind-bending"} & set(moods) for moods in values(demo, answered, "moods"))


@pytest.mark.parametrize("reply", ["you choose", "", "no idea", "anything"])
def test_it_is_never_asked_twice_in_a_row(demo, reply):
    asked, answered = talk(demo, "", reply, mode="conversational")
    assert asked.question
    assert (answered.question, len(answered.recommendations)) == (None, 3)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {"mode": "direct"}),
        ("", {"mode": "conversational", "ask": False}),
        ("", {"mode": "conversational", "user_id": "ada"}),
        ("", {"mode": "conversational", "filters": ["year>=1980"]}),
        ("a comedy", {"mode": "conversational"}),
        ("surprise me", {"mode": "conversational"}),
        ("nothing violent", {"mode": "conversational"}),
    ],
)
def test_nothing_is_asked_where_it_is_forbidden_or_enough_is_known(demo, query, options):
    answer = demo.recommend(query, k=3, **options)
    assert (answer.question, answer.choices, len(answer.recommendations)) == (None, (), 3)


def test_a_reply_takes_over_the_options_of_the_request(demo):
    asked = demo.recommend("", mode="conversational", k=2, exclude=["alien-1979"])
    assert asked.thread
    assert demo.threads.waiting(asked.thread) == {"k": 2, "exclude": ["alien-1979"], "mode": "conversational"}
    answer = demo.resume(asked.thread, "horror")
    assert (len(answer.recommendations), answer.thread) == (2, asked.thread)
    with pytest.raises(InputError, match="No question waits for a reply"):
        demo.resume(asked.thread, "horror")


def test_a_question_waits_for_another_process_and_an_event_loop(demo, demo_copy):
    (asked,) = talk(demo, "", mode="conversational")
    demo.close()
    with RecMind.open(demo_copy) as again:
        assert [summary.waiting for summary in again.threads.all()] == [True]
        answer = asyncio.run(again.arecommend("funny", thread="t"))
    assert asked.question
    assert (answer.question, len(answer.recommendations)) == (None, 3)


def test_a_model_reads_the_conversation_and_what_it_was_shown_stays_provable(open_demo):
    offline = open_demo()
    first = offline.recommend("a comedy", thread="t", k=2)
    picks = [
        {"item": "c1", "cites": ["e1"], "reason": "Offers {e1}."},
        {"item": "c2", "cites": ["e1"], "reason": "Offers {e1}."},
    ]
    model = ScriptedModel(turns=[calls(("submit_recommendations", {"recommendations": picks}))])
    answer = offline.recommend("less violent", thread="t", k=2, model=model)
    human = model.heard[0][1].content
    assert "Earlier in this conversation, oldest first\n- “a comedy”, answered with\n  c1 " in human
    assert "Understood as: Less violent; comedy." in human
    assert (answer.repairs, answer.source, ids(answer)) == ((), "agent", ids(first))


def test_a_long_conversation_is_summed_up_within_its_tokens(demo):
    (answer,) = talk(demo, "a comedy")
    thread = Thread(None)
    for n in range(30):
        thread = thread.with_turn(Turn(f"request number {n}", shown=answer.recommendations))
    told = account(thread, Slate(), 200)
    assert len(told) <= 200 * 4 + 60
    assert told.splitlines()[0].endswith("earlier requests, not told here)")
    assert "request number 29" in told
    assert "request number 3”" not in told
    assert account(thread, Slate(), 0) == ""


def test_choices_come_from_any_catalogue(tmp_path):
    with worlds.garden_tools(tmp_path) as store:
        attribute, choices = telling_choices(store)
    assert attribute in ("categories", "brand", "color", "material")
    assert 2 <= len(choices) <= 5


ASKED = calls(("ask_person", {"question": "Funny or sad?", "choices": ["Comedy", "no such thing", "drama"]}))
PICKED = calls(("search_items", {"query": "a happy family"}))


def test_a_model_asks_back_where_it_may_and_goes_on_with_the_reply(open_demo):
    rec = open_demo()
    model = ScriptedModel(turns=[ASKED])
    asked = rec.recommend("something for my brother", thread="t", mode="conversational", model=model, k=2)
    assert (asked.question, asked.choices) == ("Funny or sad?", ("Comedy", "Drama"))
    assert (asked.recommendations, asked.usage.model_calls) == ((), 1)
    picks = [{"item": "c1", "cites": ["e1"], "reason": "Offers {e1}."}]
    model = ScriptedModel(turns=[PICKED, calls(("submit_recommendations", {"recommendations": picks}))])
    answer = rec.resume("t", "comedy", model=model)
    assert (answer.question, answer.source, len(answer.recommendations)) == (None, "agent", 2)
    assert "you asked back: Funny or sad?" in model.heard[0][1].content
    assert all("Comedy" in genres for genres in values(rec, answer, "genres"))


@pytest.mark.parametrize("options", [{}, {"mode": "conversational", "ask": False}])
def test_a_model_cannot_ask_where_it_may_not(open_demo, options):
    model = ScriptedModel(turns=[ASKED, calls(("submit_recommendations", {"recommendations": []}))])
    answer = open_demo().recommend("something for my brother", thread="t", model=model, k=2, **options)
    assert (answer.question, len(answer.recommendations)) == (None, 2)
    assert "There is no tool 'ask_person'" in model.heard[1][-1].content
