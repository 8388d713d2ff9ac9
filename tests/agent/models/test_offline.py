"""The offline planner as a chat model: what it is given, and what it does with nothing but messages."""

from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from recmind.agent.models.offline import ALONE, OfflinePlanner
from recmind.agent.planner.rules import PAST, SPARE
from recmind.agent.planner.task import ExploredLines, PlannerTask
from recmind.agent.recommender import RecMind
from recmind.tools.brief import Brief
from recmind.tools.evidence.slate import Slate
from tests.agent.scripted import ScriptedModel

ASKED = [SystemMessage("You recommend."), HumanMessage("a film about space")]


def called(model: OfflinePlanner) -> list[tuple[str, dict]]:
    return [(call["name"], call["args"]) for call in model.invoke(ASKED).tool_calls]


def test_on_its_own_it_plans_for_the_words() -> None:
    name, given = called(OfflinePlanner())[0]
    assert (name, given["query"]) == ("search_items", "a film about space")
    assert called(OfflinePlanner())[-1] == ("rank_candidates", {"n": ALONE + SPARE})


def test_it_plans_for_the_task_that_it_is_given() -> None:
    planner = OfflinePlanner()
    given = planner.with_task(PlannerTask(Brief(text="space"), Slate(), 3))
    assert called(given)[0][1]["query"] == "space"
    assert called(given)[-1] == ("rank_candidates", {"n": 3 + SPARE})
    assert called(planner)[-1] == ("rank_candidates", {"n": ALONE + SPARE})


def test_the_ranking_waits_where_look_ups_are_thought_over() -> None:
    given = OfflinePlanner().with_task(PlannerTask(Brief(text="space"), Slate(), 3, at_once=False))
    assert "rank_candidates" not in [name for name, _ in called(given)]


@pytest.mark.parametrize(("known", "calls"), [(True, [("explore", {"idea": PAST})]), (False, [])])
def test_asked_for_a_line_of_thought_it_names_one_or_says_no(known, calls) -> None:
    explored = ExploredLines(("",), ("search_items",), 9)
    task = PlannerTask(Brief(text="space", known_user=known), Slate(), 3, explored=explored)
    answer = OfflinePlanner().with_task(task).invoke(ASKED)
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == calls
    assert answer.content == ("" if calls else "NO")


def test_equal_messages_do_not_make_equal_tasks() -> None:
    set_llm_cache(InMemoryCache())
    try:
        for wanted in (3, 4):
            given = OfflinePlanner().with_task(PlannerTask(Brief(text="space"), Slate(), wanted))
            assert called(given)[-1] == ("rank_candidates", {"n": wanted + SPARE})
    finally:
        set_llm_cache(None)


class Listener(BaseCallbackHandler):
    """Keeps the messages of each model call."""

    def __init__(self) -> None:
        self.heard: list[list[BaseMessage]] = []

    def on_chat_model_start(self, serialized: Any, messages: list[list[BaseMessage]], **kwargs: Any) -> None:
        self.heard += messages


def test_its_messages_are_those_of_any_model(demo: RecMind) -> None:
    heard, other = Listener(), ScriptedModel(turns=[AIMessage("")])
    demo.recommend("a film about space", user_id="ada", k=2, callbacks=[heard])
    demo.recommend("a film about space", user_id="ada", k=2, model=other)
    assert [message.content for message in heard.heard[0]] == [message.content for message in other.heard[0]]
    assert not any(message.additional_kwargs for message in heard.heard[0])
