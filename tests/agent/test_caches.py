"""What is remembered of requests: it costs nothing, it is told, and it ends with what it was made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recmind.agent.caches import Caches
from recmind.agent.recommender import RecMind
from recmind.data.errors import InputError
from tests.endpoint import Endpoint, Json, Reply, calls, says

MODEL = "openai:any"
SUBMISSION = {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "It fits."}]}


def good(body: Json) -> Reply:
    """Looks comedies up, then submits the first."""
    if body["messages"][-1]["role"] == "tool":
        return calls(("submit_recommendations", SUBMISSION))
    return calls(("filter_items", {"where": ["genres=Comedy"]}))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with Endpoint([good] * 40) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


@pytest.fixture
def opened(demo_copy: Path) -> Iterator[Callable[..., RecMind]]:
    rooms: list[RecMind] = []

    def open_it(settings: str = "") -> RecMind:
        (demo_copy / "recmind.toml").write_text(f'{settings}\n[prices."{MODEL}"]\ninput = 1\noutput = 1\n')
        rooms.append(RecMind.open(demo_copy))
        return rooms[-1]

    yield open_it
    for room in rooms:
        room.close()


def used(answer) -> tuple[int, int, int, int]:
    usage = answer.usage
    return usage.model_calls, usage.cached_model_calls, usage.tool_calls, usage.cached_tool_calls


def test_replies_are_remembered_by_all_processes_and_cost_nothing(endpoint: Endpoint, opened) -> None:
    first = opened().recommend("comedies", user_id="ada", k=1, model=MODEL)
    assert used(first) == (2, 0, 1, 0)
    assert first.usage.cost_usd > 0
    rec = opened()
    for again in (
        rec.recommend("comedies", user_id="ada", k=1, model=MODEL),
        asyncio.run(rec.arecommend("comedies", user_id="ada", k=1, model=MODEL)),
    ):
        assert used(again)[:2] == (2, 2)
        assert (again.usage.input_tokens, again.usage.output_tokens, again.usage.cost_usd) == (0, 0, 0.0)
        assert again.recommendations == first.recommendations
    assert len(endpoint.requests) == 2
    replies = [run for run in rec.traces.tree(again.trace_id).runs() if run.run_type == "llm"]
    assert [run.tokens.total for run in replies] == [0, 0]
    assert all("recmind_cached" in str(run.outputs) for run in replies)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("comedies", {"user_id": "ada", "cache": False}),
        ("comedies, please", {"user_id": "ada"}),
        ("comedies", {"user_id": "bea"}),
        ("comedies", {"user_id": "ada", "model": "openai:other"}),
        ("comedies", {"user_id": "ada", "filters": ["year>1980"]}),
    ],
    ids=str,
)
def test_another_question_is_asked_anew(endpoint: Endpoint, opened, query, options) -> None:
    rec = opened()
    rec.recommend("comedies", user_id="ada", k=1, model=MODEL)
    other = rec.recommend(query, **{"k": 1, "model": MODEL, **options})
    assert used(other)[1] == 0
    assert len(endpoint.requests) == 4


def test_the_settings_may_turn_it_off(endpoint: Endpoint, opened) -> None:
    rec = opened("[caches]\nresponses = false\nlook_ups = false")
    assert [used(rec.recommend("comedies", k=1, model=MODEL)) for _ in range(2)] == [(2, 0, 1, 0)] * 2
    assert len(endpoint.requests) == 4


def test_a_remembered_reply_is_not_counted_for_the_day(endpoint: Endpoint, opened) -> None:
    rec = opened("[daily]\nmodel_calls = 3")
    answers = [rec.recommend("comedies", user_id="ada", k=1, model=MODEL) for _ in range(3)]
    assert [used(answer)[:2] for answer in answers] == [(2, 0), (2, 2), (2, 2)]
    assert rec.recommend("westerns", user_id="ada", k=1, model=MODEL).usage.model_calls == 1


def test_failures_are_not_remembered(endpoint: Endpoint, opened) -> None:
    endpoint.script[:0] = [Reply(refusal="No."), says("", finish_reason="length"), says("", finish_reason="length")]
    rec = opened()
    assert [rec.recommend("comedies", k=1, model=MODEL).source for _ in range(3)] == ["fallback", "fallback", "agent"]


def test_look_ups_are_remembered_until_something_is_written(demo: RecMind) -> None:
    first = demo.recommend("comedies", user_id="ada", k=3)
    again = demo.recommend("comedies", user_id="ada", k=3)
    assert first.usage.cached_tool_calls == 0
    assert again.usage.cached_tool_calls == again.usage.tool_calls == first.usage.tool_calls
    assert again.recommendations == first.recommendations
    tools = [run for run in demo.traces.tree(again.trace_id).runs() if run.run_type == "tool"]
    assert all('"cached": true' in str(run.outputs).replace("'", '"').replace("True", "true") for run in tools)
    events = [event for event in demo.stream("comedies", user_id="ada", k=3) if event.kind == "tool_finished"]
    assert all(event.data["cached"] for event in events)
    for other in ({"user_id": "bea"}, {"k": 4}, {"diversity": 0.5}, {"exclude": [first.recommendations[0].item_id]}):
        assert demo.recommend("comedies", **{"user_id": "ada", "k": 3, **other}).usage.cached_tool_calls == 0
    demo.feedback("ada", first.recommendations[0].item_id, "like")
    after = demo.recommend("comedies", user_id="ada", k=3)
    assert after.usage.cached_tool_calls == 0
    assert first.recommendations[0].item_id not in [found.item_id for found in after.recommendations]
    assert demo.recommend("comedies", user_id="ada", k=3, cache=False).usage.cached_tool_calls == 0


def test_whole_answers_are_remembered_where_the_settings_say_so(opened) -> None:
    rec = opened("[caches]\nanswers = true")
    first = rec.recommend("comedies", user_id="ada", k=3)
    events = list(rec.stream("comedies", user_id="ada", k=3))
    assert [event.kind for event in events] == ["cached", "done"]
    for again in (
        rec.recommend("comedies", user_id="ada", k=3),
        asyncio.run(rec.arecommend("comedies", user_id="ada", k=3)),
        events[-1].data["answer"],
        opened("[caches]\nanswers = true").recommend("comedies", user_id="ada", k=3),
    ):
        assert again.usage.cached
        assert used(again) == (0, 0, 0, 0)
        assert again.usage.cost_usd == 0.0
        assert (again.recommendations, again.message, again.source) == (
            first.recommendations, first.message, first.source,
        )  # fmt: skip
        assert again.trace_id != first.trace_id
        tree = rec.traces.tree(again.trace_id)
        assert (tree.summary.runs, tree.summary.source, tree.root.run.inputs["cached"]) == (1, "agent", True)
    for other in ({"k": 2}, {"user_id": "bea"}, {"cache": False}, {"diversity": 0.1}):
        assert not rec.recommend("comedies", **{"user_id": "ada", "k": 3, **other}).usage.cached
    rec.feedback("ada", first.recommendations[0].item_id, "like")
    after = rec.recommend("comedies", user_id="ada", k=3)
    assert not after.usage.cached
    assert after.recommendations != first.recommendations


def test_whole_answers_are_not_remembered_otherwise(demo: RecMind) -> None:
    assert [demo.recommend("comedies", k=1).usage.cached for _ in range(2)] == [False, False]
    with pytest.raises(InputError):
        demo.recommend("comedies", k=0)


def test_an_erased_user_leaves_nothing_behind(endpoint: Endpoint, opened, demo_copy: Path) -> None:
    rec = opened("[caches]\nanswers = true")
    for user_id in ("ada", "bea"):
        rec.recommend("comedies", user_id=user_id, k=1, model=MODEL)
    caches = Caches(rec.workspace)
    assert (caches.forget_user("ada"), caches.forget_user("ada")) == (3, 0)
    assert not rec.recommend("comedies", user_id="ada", k=1, model=MODEL).usage.cached
    assert rec.recommend("comedies", user_id="bea", k=1, model=MODEL).usage.cached
    assert caches.forget_user("bea") == 3
    for file in (demo_copy / "cache").glob("answers.db*"):
        assert b'"bea"' not in file.read_bytes()


def test_a_damaged_cache_costs_no_answer(endpoint: Endpoint, opened, demo_copy: Path) -> None:
    rec = opened("[caches]\nanswers = true")
    (demo_copy / "cache").mkdir(exist_ok=True)
    for name in ("responses.db", "answers.db"):
        (demo_copy / "cache" / name).write_bytes(b"no database" * 500)
    assert [rec.recommend("comedies", k=1, model=MODEL).source for _ in range(2)] == ["agent"] * 2
    assert rec.recommend("comedies", k=1, model=MODEL).usage.cached
