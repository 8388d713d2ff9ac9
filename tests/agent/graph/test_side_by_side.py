"""Many requests at a time, and what is told of a request while it runs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from recmind.agent.models.failures import ModelFailure
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from tests.agent.scripted import COMEDIES, ScriptedModel, looks_up_then_submits
from tests.endpoint import Endpoint, says


async def events_of(rec: RecMind, query: str, **options) -> list:
    return [event async for event in rec.astream(query, **options)]


def test_both_streams_tell_the_same(demo: RecMind):
    plain = list(demo.stream("comedies", k=2, model=looks_up_then_submits(COMEDIES, k=2)))
    awaited = asyncio.run(events_of(demo, "comedies", k=2, model=looks_up_then_submits(COMEDIES, k=2)))
    assert [(event.kind, event.text) for event in awaited] == [(event.kind, event.text) for event in plain]
    assert [event.kind for event in plain] == [
        "understood", "thinking", "tool_started", "tool_finished", "candidates", "thinking",
        "item_validated", "item_validated", "validated", "done",
    ]  # fmt: skip
    answer = awaited[-1].data["answer"]
    assert answer.recommendations == plain[-1].data["answer"].recommendations
    assert [event.data["item_id"] for event in awaited if event.kind == "item_validated"] == [
        found.item_id for found in answer.recommendations
    ]
    found = next(event.data for event in awaited if event.kind == "candidates")
    assert found["count"] == found["new"] > 0
    finished = next(event.data for event in awaited if event.kind == "tool_finished")
    assert (finished["tool"], finished["rows"]) == ("filter_items", found["count"])


def test_errors_leave_an_asynchronous_stream(demo: RecMind, open_demo):
    with pytest.raises(InputError):
        asyncio.run(events_of(demo, "", k=0))
    with pytest.raises(ModelFailure):
        asyncio.run(events_of(open_demo(fallback=False), "", model=ScriptedModel(turns=[OSError("down")])))


def test_a_stream_that_nobody_reads_on_is_given_up(demo: RecMind):
    asked: list[int] = []

    def script(messages):
        asked.append(1)
        return looks_up_then_submits(COMEDIES).script(messages)

    async def first() -> str:
        events = demo.astream("comedies", model=ScriptedModel(script=script))
        kind = (await anext(events)).kind
        await events.aclose()
        return kind

    assert asyncio.run(first()) == "understood"
    assert len(asked) <= 1


def test_slow_look_ups_hold_up_nobody_else(demo: RecMind, monkeypatch):
    """Ten requests hang in a look-up, which is more than there are threads for steps; an eleventh is answered."""
    real, go_on, hanging = type(demo.engines.popular).recommend, threading.Event(), threading.Semaphore(0)

    def slow(self, *args, **kwargs):
        hanging.release()
        assert go_on.wait(60)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(demo.engines.popular), "recommend", slow)

    async def all_at_once():
        popular = ("popular_items", {})
        slow_ones = [
            asyncio.create_task(demo.arecommend(f"{n} films", k=1, model=looks_up_then_submits(popular, k=1)))
            for n in range(10)
        ]
        for _ in slow_ones:
            await asyncio.to_thread(hanging.acquire)
        quick = await demo.arecommend("comedies", k=1, model=looks_up_then_submits(COMEDIES, k=1))
        go_on.set()
        return quick, await asyncio.gather(*slow_ones)

    quick, slow_answers = asyncio.run(all_at_once())
    assert quick.source == "agent"
    assert [answer.source for answer in slow_answers] == ["agent"] * 10


def test_requests_to_a_slow_endpoint_wait_side_by_side(demo: RecMind, monkeypatch):
    """All are on their way before any has an answer: the endpoint holds them until the last has come."""
    together = threading.Barrier(12)

    def holds(_body):
        together.wait(60)
        return says("no call")

    with Endpoint([holds] * 12 + [says("no call")] * 12) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)

        async def all_at_once():
            return await asyncio.gather(*(demo.arecommend(f"{n} films", model="openai:any", k=1) for n in range(12)))

        answers = asyncio.run(all_at_once())
    assert [answer.usage.model_calls for answer in answers] == [2] * 12
    assert {answer.source for answer in answers} == {"fallback"}


@pytest.mark.parametrize(
    ("query", "model", "why"),
    [
        ("", "offline", "the request says nothing that a model could weigh"),
        ("comedies", "openai:cheap", "plain: few parts, all of them read"),
        ("a funny western or a tense heist like Heat and Alien, no horror", "openai:strong", "hard: "),
    ],
)
def test_auto_chooses_by_how_hard_a_request_is(demo: RecMind, monkeypatch, caplog, query, model, why):
    caplog.set_level("INFO")
    with Endpoint([says("no call")] * 2) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        events = list(demo.stream(query, user_id="ada", k=2, model="auto:openai:cheap,openai:strong"))
    answer = events[-1].data["answer"]
    assert answer.model == model
    assert answer.usage.model_choice.startswith(why)
    assert f"chose {model}: {why}" in caplog.text
    assert (events[0].kind, events[0].data["model"]) == ("routed", model)
    assert demo.traces.tree(answer.trace_id).summary.model == model
    assert demo.traces.tree(answer.trace_id).root.run.inputs["model_choice"] == answer.usage.model_choice
    assert {body["model"] for body in endpoint.requests} <= {model.removeprefix("openai:")}
    if model == "offline":
        assert answer.recommendations == demo.recommend(query, user_id="ada", k=2).recommendations
