"""Limits of a request and of a day: what is spent is told, and the ranker answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from recmind.agent.models.failures import ModelFailure
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from tests.agent.scripted import ScriptedModel, calls
from tests.endpoint import Endpoint, says

POPULAR = calls(("popular_items", {}))
PRICES = "[prices.ScriptedModel]\ninput = 1000\noutput = 2000\ncached_input = 100\n"


def looking_up(input_tokens: int = 1000, output_tokens: int = 100, cached: int = 0) -> ScriptedModel:
    """Looks things up for ever, and says what it used."""
    usage = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "input_token_details": {"cache_read": cached},
    }
    return ScriptedModel(turns=[POPULAR.model_copy(update={"usage_metadata": usage})])


def opened(home: Path, settings: str) -> RecMind:
    (home / "recmind.toml").write_text(settings)
    return RecMind.open(home)


def asked_both_ways(rec: RecMind, query: str, **options):
    """The answer of ``recommend``, then that of ``arecommend``."""
    return rec.recommend(query, **options), asyncio.run(rec.arecommend(query, **options))


def disclosed(answer, cause: str) -> None:
    assert (answer.source, answer.fallback_cause) == ("fallback", cause)
    assert cause in answer.message
    assert answer.recommendations


@pytest.mark.parametrize(
    ("limits", "cause", "model_calls"),
    [
        ({"model_calls": 2}, "the limit of 2 model calls was reached", 2),
        ({"tokens": 1500}, "the limit of 1500 tokens was reached", 2),
        ({"cost_usd": 1.3}, "the limit of $1.3 was reached", 2),
        ({"cost_usd": 0}, "the limit of $0 was reached", 0),
        ({"seconds": 1e-9}, "the limit of 1e-09 seconds was reached", 0),
    ],
    ids=str,
)
def test_limits_of_one_request(demo_copy: Path, limits, cause, model_calls) -> None:
    with opened(demo_copy, PRICES) as rec:
        for answer in asked_both_ways(rec, "comedies", k=2, model=looking_up(), limits=limits):
            disclosed(answer, cause)
            assert answer.usage.model_calls == model_calls
            assert answer.usage.cost_usd == pytest.approx(1.2 * model_calls)


def test_tool_calls_may_be_limited_for_one_request(demo: RecMind) -> None:
    answer = demo.recommend("comedies", k=2, model=looking_up(), limits={"tool_calls": 1, "model_calls": 3})
    assert (answer.usage.tool_calls, answer.usage.model_calls) == (1, 3)


@pytest.mark.parametrize("limits", [{"model_calls": 0}, {"model_calls": 2.5}, {"wishes": 3}], ids=str)
def test_limits_that_are_none(demo: RecMind, limits) -> None:
    with pytest.raises(InputError, match=r"limits: .*There are: model_calls, tool_calls, tokens, cost_usd, seconds"):
        demo.recommend("comedies", limits=limits)


def test_what_is_not_known_is_not_nothing(demo_copy: Path) -> None:
    with RecMind.open(demo_copy) as rec:
        answer = rec.recommend("comedies", k=2, model=looking_up(), limits={"model_calls": 1})
        assert (answer.usage.input_tokens, answer.usage.cost_usd) == (1000, None)
        told = "the price of ScriptedModel is not known; state it under prices in recmind.toml"
        for answer in asked_both_ways(rec, "comedies", k=2, model=looking_up(), limits={"cost_usd": 1}):
            disclosed(answer, f"the limit of $1 cannot be kept: {told}")
            assert (answer.usage.model_calls, answer.usage.cost_usd) == (0, 0.0)
        assert rec.recommend("comedies", k=2, limits={"cost_usd": 0}).usage.cost_usd == 0.0
    with opened(demo_copy, "[daily]\ncost_usd = 1") as rec:
        disclosed(rec.recommend("comedies", model=looking_up()), f"the limit of $1 a day cannot be kept: {told}")


def test_what_the_provider_had_read_before_costs_less(demo_copy: Path) -> None:
    with opened(demo_copy, PRICES) as rec:
        answer = rec.recommend("comedies", model=looking_up(cached=600), limits={"model_calls": 1})
        assert answer.usage.cost_usd == pytest.approx(0.4 + 0.06 + 0.2)


@pytest.mark.parametrize(
    ("failure", "cost"),
    [
        (ModelFailure("rate_limit", "Later."), 0.0),
        (ModelFailure("timeout", "Late."), None),
        (
            ModelFailure("refusal", "No.", usage={"input_tokens": 100, "output_tokens": 0, "total_tokens": 100}),
            pytest.approx(0.1),
        ),
    ],
    ids=["turned away", "not known", "known"],
)
def test_what_a_failure_costs(demo_copy: Path, failure, cost) -> None:
    with opened(demo_copy, PRICES) as rec:
        answer = rec.recommend("comedies", model=ScriptedModel(turns=[failure]))
        disclosed(answer, str(failure))
        assert answer.usage.cost_usd == cost


@pytest.mark.parametrize(
    ("daily", "told"),
    [("model_calls = 3", "3 model calls"), ("tokens = 3000", "3000 tokens"), ("cost_usd = 3.5", "$3.5")],
)
def test_limits_of_a_day_hold_over_requests_and_openings(demo_copy: Path, daily, told) -> None:
    settings = f"{PRICES}[daily]\n{daily}\n"
    with opened(demo_copy, settings) as rec:
        assert rec.recommend("", user_id="ada", model=looking_up(), limits={"model_calls": 2}).usage.model_calls == 2
    with opened(demo_copy, settings) as rec:
        cause = f"the limit of {told} a day for this user was reached"
        disclosed(rec.recommend("", user_id="ada", model=looking_up()), cause)
        disclosed(asyncio.run(rec.arecommend("", user_id="ada", model=looking_up())), cause)
        assert rec.recommend("", user_id="bea", model=looking_up(), limits={"model_calls": 1}).usage.model_calls == 1
        assert rec.recommend("", user_id="ada").source == "agent"
        nobody = [rec.recommend("", model=looking_up()) for _ in range(2)][-1]
        disclosed(nobody, f"the limit of {told} a day for requests that name no user was reached")


def test_nothing_is_counted_where_nothing_is_limited(demo: RecMind) -> None:
    demo.recommend("", user_id="ada", model=looking_up())
    with demo.store.database.writing() as conn:
        assert conn.execute("SELECT * FROM spending").fetchall() == []


def test_the_offline_planner_is_not_counted(demo_copy: Path) -> None:
    with opened(demo_copy, "[daily]\nmodel_calls = 0") as rec:
        assert rec.recommend("", user_id="ada").source == "agent"


def test_an_account_that_cannot_be_read_is_told(demo_copy: Path) -> None:
    with opened(demo_copy, "[daily]\nmodel_calls = 5") as rec:
        with rec.store.database.writing() as conn:
            conn.execute("DROP TABLE spending")
        answer = rec.recommend("", user_id="ada", model=looking_up())
        assert answer.fallback_cause == "what was spent today could not be looked up: no such table: spending"


def test_prices_are_read_from_the_settings(demo_copy: Path) -> None:
    model = ScriptedModel(turns=[AIMessage("Watch Heat.", usage_metadata=looking_up().turns[0].usage_metadata)])
    with opened(demo_copy, PRICES) as rec:
        answer = rec.recommend("comedies", model=model)
        assert (answer.usage.model_calls, answer.usage.cost_usd) == (2, pytest.approx(2.4))


def test_a_request_may_have_more_time_than_the_settings_give(open_demo, monkeypatch):
    rec = open_demo(seconds=0.5)
    with Endpoint([says("no call", wait_s=1.5)] * 2) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        answer = rec.recommend("comedies", k=1, model="openai:any", limits={"seconds": 60}, cache=False)
    assert answer.fallback_cause == "the model did not submit recommendations"
    assert (answer.usage.model_calls, len(endpoint.requests)) == (2, 2)
