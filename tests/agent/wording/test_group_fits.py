"""Several people at once: what each stated binds, what any had is left out, and every member's fit is told."""

import asyncio
import re

import numpy as np
import pytest
from langchain_core.messages import ToolMessage

from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from recmind.data.records import Preference
from recmind.tools.chat.submit import SUBMIT
from recmind.tools.ranking.group import together
from recmind.tools.ranking.hybrid import Ranked
from tests.agent.scripted import ScriptedModel, calls

MEMBERS = ["ada", "bea", "carla"]


def ranking(**scores: float) -> list[Ranked]:
    return [Ranked(item_id, score, {}) for item_id, score in sorted(scores.items(), key=lambda pair: -pair[1])]


FIRST, SECOND = ranking(a=0.9, b=0.8, c=0.3, d=0.1, e=0.0), ranking(a=0.0, b=0.2, c=0.5, d=0.5, e=0.9)


@pytest.mark.parametrize(
    ("aggregation", "order", "best"),
    [
        ("average", "beacd", (0.5, 0.25 + 0.25)),
        ("least-misery", "cbdae", (0.5, 0.5)),
        ("most-pleasure", "aebcd", (1.0, 1.0)),
    ],
)
def test_fits_become_one_score(aggregation, order, best):
    ranked = together([FIRST, SECOND], aggregation)
    fits = {r.item_id: (r.parts["fit 1"], r.parts["fit 2"]) for r in ranked}
    assert fits == {"a": (1.0, 0.0), "b": (0.75, 0.25), "c": (0.5, 0.625), "d": (0.25, 0.625), "e": (0.0, 1.0)}
    how = {"average": np.mean, "least-misery": np.min, "most-pleasure": np.max}[aggregation]
    assert [r.score for r in ranked] == sorted((float(how(pair)) for pair in fits.values()), reverse=True)
    assert all(r.score == float(how(fits[r.item_id])) for r in ranked)


def test_every_members_fit_is_told(demo: RecMind):
    answer = demo.recommend("a funny film", user_ids=MEMBERS, k=4)
    assert (answer.user_id, answer.user_ids, answer.aggregation) == (None, tuple(MEMBERS), "average")
    assert len(answer.recommendations) == 4
    for found in answer.recommendations:
        assert [fit.user_id for fit in found.fits] == MEMBERS
        assert found.score == pytest.approx(np.mean([fit.fit for fit in found.fits]), abs=1e-3)
        told = ", ".join(f"{fit.user_id} {fit.fit:.2f}" for fit in found.fits)
        assert found.reason.endswith(f" Fits {told}.")
    assert "For ada, bea and carla together: the score is the average of their fits" in answer.message
    alone = demo.recommend("a funny film", user_ids=["ada"], k=4)
    assert alone.recommendations == demo.recommend("a funny film", user_id="ada", k=4).recommendations
    assert (alone.user_id, alone.aggregation, alone.recommendations[0].fits) == ("ada", None, ())


def test_what_any_member_had_or_stated_binds(demo: RecMind):
    demo.store.preferences.put(Preference("bea", "no comedies for me", "genres!=Comedy"))
    had = set[str]().union(*map(demo.store.interactions.consumed_ids, MEMBERS))
    answer = demo.recommend("", user_ids=MEMBERS, k=20, aggregation="least-misery")
    chosen = [found.item_id for found in answer.recommendations]
    assert len(chosen) == 20
    assert not had & set(chosen)
    assert all("Comedy" not in demo.store.items.get(item_id).attributes["genres"] for item_id in chosen)
    assert "no comedies for me" in answer.message
    assert "the lowest of their fits" in answer.message
    lowest = [min(fit.fit for fit in found.fits) for found in answer.recommendations]
    assert [found.score for found in answer.recommendations] == pytest.approx(lowest, abs=1e-3)


def test_a_model_reads_numbers_where_people_read_names(demo: RecMind):
    def script(messages):
        if len(messages) == 2:
            return calls(("user_history", {"n": 4}), ("collaborative_filtering", {"n": 4}))
        if len(messages) == 5:
            return calls(("rank_candidates", {"n": 3}))
        ranked = messages[-1]
        past = next(m for m in messages if isinstance(m, ToolMessage) and m.name == "user_history")
        cite = re.search(r"e(\d+) member 2's", str(messages[1].content) + past.content)[1]
        return calls((SUBMIT, {"recommendations": [
            {"item": row["handle"], "cites": [f"e{cite}"], "reason": f"Close to {{e{cite}}}."}
            for row in ranked.artifact["rows"][:2]
        ]}))  # fmt: skip

    model = ScriptedModel(script=script, heard=[])
    answer = demo.recommend("", user_ids=["ada", "bea"], k=2, model=model)
    assert (answer.source, answer.repairs) == ("agent", ())
    read = "\n".join(str(message.content) for message in model.heard[-1])
    assert "Member 1: 33 ratings" in read
    assert re.search(r"Member 2: .*[×0-9]\. Likes less: ", read), "no part is cut off in its middle"
    assert "member 2's" in read
    assert "Fits of members 1 to 2, ordered by average: c" in read
    assert not re.search(r"\b(ada|bea)\b", read)
    assert all(found.reason.startswith("Close to bea's ") for found in answer.recommendations)


def test_strangers_in_a_group_are_named(demo: RecMind):
    answer = demo.recommend("a thriller", user_ids=["ada", "nobody"], k=2, mode="explanation-first")
    assert "Nothing is known of 'nobody' yet" in answer.message
    assert [(person.user_id, bool(person.evidence)) for person in answer.understood] == [
        ("ada", True),
        ("nobody", False),
    ]
    awaited = asyncio.run(demo.arecommend("a thriller", user_ids=["ada", "nobody"], k=2))
    assert awaited.recommendations == answer.recommendations


def test_a_forgotten_member_takes_the_groups_traces_along(demo: RecMind):
    kept = demo.recommend("a thriller", user_ids=["ada", "bea"], k=1)
    gone = demo.recommend("a thriller", user_ids=["ada", "carla"], k=1)
    demo.traces.forget_user("carla")
    listed = [trace.trace_id for trace in demo.traces.list()]
    assert kept.trace_id in listed
    assert gone.trace_id not in listed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"user_id": "ada", "user_ids": ["bea"]}, "name one person, or several, not both"),
        ({"user_ids": "ada"}, "user_ids is 'ada'; give a list of user ids"),
        ({"user_ids": [str(n) for n in range(13)]}, "13 people are named; a group has 12 at most"),
        ({"user_ids": ["ada", "bea"], "aggregation": "most"}, "aggregation is 'most'; it is one of average"),
    ],
    ids=["both", "text", "many", "aggregation"],
)
def test_wrong_groups_are_refused(demo: RecMind, options, told):
    with pytest.raises(InputError, match=told):
        demo.recommend("", **options)
