"""Whole requests to an endpoint on good days and bad ones: from Python and on the command line, each has its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from recmind.agent.recommender import RecMind
from tests import endpoint as served
from tests.endpoint import Endpoint, Json, Reply, calls, says

MODEL = "openai:any"
LOOK_UP = ("filter_items", {"where": ["genres=Comedy"]})
SUBMISSION = {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "It fits."}]}
AS_TEXT = '{"name": "filter_items", "arguments": {"where": ["genres=Comedy"]}}'
PATIENT_S, HURRIED_S = 120, 1.5
"""Limits of a request: for what has to end by itself, and for what never would."""


@dataclass(frozen=True)
class Day:
    """What the endpoint does first; afterwards it behaves."""

    first: tuple[Reply, ...] = ()
    cause: str | None = None
    """What the fallback says, or None where the agent answers."""
    always: Reply = field(default_factory=Reply)
    """Details of every reply of the day."""
    calls: int = 1
    seconds: float = PATIENT_S

    def good(self, body: Json) -> Reply:
        """A look-up first, a submission when it was answered."""
        answered = any(message["role"] == "tool" for message in body["messages"])
        names = [("submit_recommendations", SUBMISSION)] if answered else [LOOK_UP] * self.calls
        return replace(self.always, tool_calls=calls(*names).tool_calls)


DAYS = {
    "normal": Day(),
    "slow": Day(always=Reply(wait_s=0.2, pause_s=0.001)),
    "parallel calls": Day(calls=3),
    "no usage": Day(always=Reply(usage=False)),
    "tool calls as text": Day((says(AS_TEXT),)),
    "one 500": Day((served.server_error(),)),
    "one 429": Day((served.rate_limited(0.01),)),
    "never answers": Day((Reply(wait_s=3600),), "did not answer within", seconds=HURRIED_S),
    "stalled midway": Day((calls(LOOK_UP, stall_after=3),), "did not answer within", seconds=HURRIED_S),
    "cut in the arguments": Day((calls(LOOK_UP, cut_after=4),) * 4, "broke off"),
    "401": Day((served.bad_key(),), "did not accept the key in OPENAI_API_KEY (401)"),
    "429 with Retry-After": Day((served.rate_limited(0.01),) * 2, "too many requests. Try again in 0.01 s"),
    "429 for an hour": Day((served.rate_limited(3600),) * 2, "too many requests. Try again in 3600 s"),
    "quota": Day((served.quota_used_up(),) * 2, "the quota is used up"),
    "500": Day((served.server_error(),) * 2, "failed (500)"),
    "a proxy's 502": Day((served.html(502),) * 2, "failed (502)"),
    "a proxy's login": Day((served.html(407),), "no server answers at http://127.0.0.1"),
    "context too long": Day((served.context_too_long(),), "The conversation is too long"),
    "a web page": Day((served.html(),), "gave no usable answer"),
    "no such model": Day((served.no_such_model(),), "does not exist there (404)"),
    "refusal": Day((served.refuses(),), "refused to answer: I can't help with that."),
    "refusal in words": Day((says("I can't help with that."),) * 2, "did not submit recommendations"),
    "filtered": Day((says("", finish_reason="content_filter"),), "withheld its answer (content_filter)"),
    "too long an answer": Day((calls(LOOK_UP, finish_reason="length"),) * 2, "was cut off (length)"),
}
STREAMED = {
    **{name: day for name, day in DAYS.items() if name != "refusal"},
    "refusal": Day((served.refuses(),), "gave an empty answer"),
    "ended in the arguments": Day((calls(LOOK_UP, end_after=4),) * 2, "broke off: its stream ended too early"),
}


def check(told: Json, day: Day) -> None:
    """Whole, and told as what it is."""
    # That a deadline ended the waiting is what the cause says: the reply itself would have come an hour later.
    assert told["latency_ms"] > 0
    found = [found["item_id"] for found in told["recommendations"]]
    assert len(found) == len(set(found)) == 2
    assert all(found["reason"] and found["evidence"] for found in told["recommendations"])
    if day.cause is None:
        assert (told["source"], told["fallback_cause"]) == ("agent", None)
        assert told["usage"]["input_tokens"] > 100
        assert told["usage"]["tool_calls"] == day.calls
    else:
        assert told["source"] == "fallback"
        # A busy machine may use up a short limit before the model is asked.
        late = f"the limit of {HURRIED_S} seconds was reached" if day.seconds == HURRIED_S else day.cause
        assert day.cause in told["fallback_cause"] or told["fallback_cause"] == late
        assert told["fallback_cause"] in told["message"]
        assert "\n" not in told["fallback_cause"]


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_on_the_command_line(recmind, home, monkeypatch, day: Day):
    with Endpoint([*day.first, *[day.good] * 5]) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-some-key")
        words = ("a comedy", "-k", "2", "--model", MODEL, "--limit", f"seconds={day.seconds}", "--home", home, "--json")
        done = recmind("recommend", *words)
    assert (done.code, done.err) == (0, "")
    check(done.json, day)


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_as_events_under_an_event_loop(home, monkeypatch, day: Day):
    async def told() -> list:
        with RecMind.open(home, model=MODEL) as rec:
            return [event async for event in rec.astream("a comedy", k=2, limits={"seconds": day.seconds})]

    with Endpoint([*day.first, *[day.good] * 5]) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-some-key")
        events = asyncio.run(told())
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1], kinds.count("done")) == ("understood", "done", 1)
    assert ("fallback" in kinds) == (day.cause is not None)
    assert kinds.count("item_validated") == 2
    check(events[-1].data["answer"].to_dict(), day)


@pytest.mark.parametrize("day", STREAMED.values(), ids=STREAMED)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "async"])
def test_from_python_with_a_model_that_streams(home, day: Day, asynchronous: bool):
    with Endpoint([*day.first, *[day.good] * 5]) as endpoint, RecMind.open(home) as rec:
        model: Any = ChatOpenAI(
            model="any", base_url=endpoint.url, api_key="k", streaming=True, stream_usage=True, max_retries=1
        )
        asked = {"query": "a comedy", "k": 2, "model": model, "limits": {"seconds": day.seconds}}
        answer = asyncio.run(rec.arecommend(**asked)) if asynchronous else rec.recommend(**asked)
    assert all(body.get("stream") for body in endpoint.requests)
    check(answer.to_dict(), day)
