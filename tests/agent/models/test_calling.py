"""Real ChatOpenAI clients against a real server: every way in which an endpoint can fail, in every way of asking it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda

from recmind.agent.models.calling import ModelFailure, acall_model, call_model
from recmind.agent.models.factory import open_model
from recmind.agent.models.replies import ESTIMATED
from recmind.data.settings import Limits
from tests import endpoint as served
from tests.agent.scripted import ScriptedModel
from tests.endpoint import Endpoint, Reply, calls, says

MESSAGES = [HumanMessage("something cosy")]
MODES = ["plain", "stream", "async plain", "async stream"]

Ask = Callable[..., AIMessage]


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(mode: str) -> Ask:
    def ask(model: Any, messages: Any = MESSAGES, *, seconds: float = 5.0, **details: Any) -> AIMessage:
        deadline = time.monotonic() + seconds
        stream = mode.endswith("stream")
        if mode.startswith("async"):
            return asyncio.run(
                acall_model(model, messages, None, deadline, name="openai:any", stream=stream, **details)
            )
        return call_model(model, messages, None, deadline, name="openai:any", stream=stream, **details)

    return ask


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with Endpoint() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


@pytest.fixture
def model(endpoint: Endpoint) -> Any:
    return open_model("openai:any", Limits(seconds=10))


def search_items(query: str) -> str:
    """Items whose text fits the query."""
    return query


def failure(ask: Ask, model: Any, **details: Any) -> ModelFailure:
    """What the call fails with; every failure is one line that can be shown as it is."""
    with pytest.raises(ModelFailure) as caught:
        ask(model, **details)
    told = str(caught.value)
    assert "\n" not in told
    assert "Traceback" not in told
    assert "openai:any" in told
    assert told.endswith(".")
    assert len(told) < 450
    return caught.value


def test_words_come_with_usage_and_with_what_makes_answers_repeatable(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(says("A warm blanket and a film."))
    message = ask(model)
    assert type(message) is AIMessage
    assert message.content == "A warm blanket and a film."
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 7
    assert ESTIMATED not in message.response_metadata
    (body,) = endpoint.requests
    assert (body["temperature"], body["seed"], body["model"]) == (0.0, 7, "any")


def test_tool_calls_come_whole_and_the_conversation_goes_on(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(
        calls(("search_items", {"query": "cosy"}), ("search_items", {"query": "warm"})),
        lambda body: says(f"{len(body['messages'])} messages, {len(body['tools'])} tool"),
    )
    bound = model.bind_tools([search_items])
    first = ask(bound)
    assert [(call["name"], call["args"]) for call in first.tool_calls] == [
        ("search_items", {"query": "cosy"}),
        ("search_items", {"query": "warm"}),
    ]
    answers = [ToolMessage("c1", tool_call_id=call["id"]) for call in first.tool_calls]
    assert ask(bound, [*MESSAGES, first, *answers]).content == "4 messages, 1 tool"


def test_junk_arguments_are_invalid_calls_never_mended_ones(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(calls(("search_items", '{"query": "cosy fi'), ("search_items", '{"query": "b"}')))
    message = ask(model)
    assert [call["args"] for call in message.invalid_tool_calls] == ['{"query": "cosy fi']
    assert [call["args"] for call in message.tool_calls] == [{"query": "b"}]


def test_arguments_that_are_json_within_json_are_read(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(calls(("search_items", json.dumps('{"query": "heist"}')), ("search_items", json.dumps("heist"))))
    message = ask(model)
    assert [call["args"] for call in message.tool_calls] == [{"query": "heist"}]
    assert [call["args"].removeprefix("no object: ") for call in message.invalid_tool_calls] == ['"heist"']


def test_missing_usage_is_estimated_and_says_so(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(says("four" * 10, usage=False))
    message = ask(model)
    assert message.response_metadata[ESTIMATED] is True
    assert message.usage_metadata == {"input_tokens": 4, "output_tokens": 11, "total_tokens": 15}


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (served.bad_key(), "bad_key", "did not accept the key in OPENAI_API_KEY (401)"),
        (served.no_such_model(), "no_model", "does not exist there (404) (The model `any` does not exist"),
        (served.quota_used_up(), "rate_limit", "the quota is used up"),
        (served.context_too_long(), "context_too_long", "maximum context length is 8192 tokens"),
        (served.fails(400, "any does not support tools"), "rejected", "(400) (any does not support tools)"),
        (served.server_error(), "server_error", "failed (500)"),
        (served.html(), "bad_reply", "Check the model and that OPENAI_BASE_URL is right"),
        (Reply(body="{"), "bad_reply", "gave no usable answer"),
        (Reply(body='{"choices": null}'), "bad_reply", "gave no usable answer"),
        (Reply(body="[]"), "bad_reply", "gave no usable answer"),
        (says("half an answ", finish_reason="length"), "truncated", "was cut off (length)"),
        (says("", finish_reason="content_filter"), "refusal", "withheld its answer (content_filter)"),
        (calls(("search_items", {"query": "x" * 80}), finish_reason="length"), "truncated", "was cut off (length)"),
        (calls(("search_items", {"query": "x" * 80}), cut_after=4), "truncated", "broke off"),
        (Reply(), "bad_reply", "gave an empty answer"),
    ],
)
def test_failures_are_told_apart(
    endpoint: Endpoint, ask: Ask, monkeypatch: pytest.MonkeyPatch, reply: Reply, kind: str, words: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests-0123456789")
    endpoint.enqueue(*[reply] * 3)
    failed = failure(ask, open_model("openai:any"))
    assert failed.kind == kind
    assert words in str(failed)
    assert "sk-" not in str(failed)


def test_a_server_that_wants_a_key_when_none_is_set(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(served.bad_key())
    failed = failure(ask, model)
    assert failed.kind == "no_key"
    assert str(failed) == f"openai:any at {endpoint.url} needs a key (401), and OPENAI_API_KEY is not set. Set it."


def test_a_stream_that_ends_before_it_is_complete(endpoint: Endpoint, model: Any, ask: Ask, mode: str) -> None:
    endpoint.enqueue(calls(("search_items", {"query": "x" * 80}), end_after=6))
    if mode.endswith("stream"):
        assert failure(ask, model).kind == "truncated"
    else:
        assert ask(model).tool_calls[0]["args"] == {"query": "x" * 80}


def test_a_refusal_is_told_as_one(endpoint: Endpoint, model: Any, ask: Ask, mode: str) -> None:
    endpoint.enqueue(served.refuses())
    failed = failure(ask, model)
    # LangChain drops the refusal from streams; what is left is an answer with nothing in it.
    assert failed.kind == ("bad_reply" if mode.endswith("stream") else "refusal")
    assert "refus" in str(failed)


@pytest.mark.parametrize("reply", [says("late", wait_s=30), says("it never ends " * 9, stall_after=2)])
def test_the_deadline_holds_against_silence(endpoint: Endpoint, model: Any, ask: Ask, reply: Reply) -> None:
    endpoint.enqueue(reply)
    failed = failure(ask, model, seconds=0.4)
    assert failed.kind == "timeout"
    assert "within 0.4 s" in str(failed)


def test_the_deadline_holds_against_a_trickle(endpoint: Endpoint, model: Any, ask: Ask, mode: str) -> None:
    endpoint.enqueue(says("drip " * 200, pause_s=0.02))
    if mode.endswith("stream"):
        assert failure(ask, model, seconds=0.4).kind == "timeout"


def test_a_deadline_in_the_past_sends_nothing(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    assert failure(ask, model, seconds=-1.0).kind == "timeout"
    assert endpoint.requests == []


def test_waiting_for_a_rate_limit_ends_at_the_deadline(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(served.rate_limited(30), says("at last"))
    assert failure(ask, model, seconds=0.5).kind == "timeout"


def test_a_short_wait_is_waited(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(served.rate_limited(0.1), says("at last"))
    assert ask(model).content == "at last"


def test_a_rate_limit_that_stays_says_when_to_try_again(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(*[served.rate_limited(0.1)] * 3)
    failed = failure(ask, model)
    assert failed.kind == "rate_limit"
    assert "Try again in 0.1 s." in str(failed)


def test_one_bad_moment_of_the_server_is_forgiven(endpoint: Endpoint, model: Any, ask: Ask) -> None:
    endpoint.enqueue(served.server_error(503), says("back"))
    assert ask(model).content == "back"


def test_where_no_server_answers_its_address_is_told(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    with Endpoint() as gone:
        monkeypatch.setenv("OPENAI_BASE_URL", gone.url)
    failed = failure(ask, open_model("openai:any"))
    assert failed.kind == "no_server"
    assert f"no server answers at {gone.url}" in str(failed)


def test_one_model_serves_several_event_loops(endpoint: Endpoint, model: Any) -> None:
    endpoint.enqueue(says("one"), says("two"), says("three"))
    told = [asyncio.run(acall_model(model, MESSAGES)).content for _ in range(3)]
    assert told == ["one", "two", "three"]


class Nesting(BaseCallbackHandler):
    """Notes which run started which, and the tokens."""

    run_inline = True

    def __init__(self) -> None:
        self.parents: dict[Any, Any] = {}
        self.names: dict[Any, str] = {}
        self.tokens: list[str] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self._note(kwargs)

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self._note(kwargs)

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)

    def _note(self, kwargs: Any) -> None:
        self.parents[kwargs["run_id"]] = kwargs.get("parent_run_id")
        self.names[kwargs["run_id"]] = kwargs.get("name") or ""


def test_runs_nest_and_tokens_are_heard(endpoint: Endpoint, model: Any, mode: str) -> None:
    endpoint.enqueue(says("a stream of several tokens"))
    heard, stream = Nesting(), mode.endswith("stream")
    config: Any = {"callbacks": [heard]}

    def step(_: str) -> Any:
        return call_model(model, MESSAGES, None, time.monotonic() + 5, stream=stream)

    async def astep(_: str) -> Any:
        return await acall_model(model, MESSAGES, None, time.monotonic() + 5, stream=stream)

    if mode.startswith("async"):
        asyncio.run(RunnableLambda(astep, name="step").ainvoke("x", config))
    else:
        RunnableLambda(step, name="step").invoke("x", config)
    outer = next(run for run, name in heard.names.items() if name == "step")
    assert [parent for run, parent in heard.parents.items() if run != outer] == [outer]
    assert "".join(heard.tokens) == ("a stream of several tokens" if stream else "")


def test_a_model_without_an_asynchronous_side_cannot_hold_up_the_event_loop() -> None:
    released, said = threading.Event(), []

    def hang(_: Any) -> AIMessage:
        said.append(released.wait(60))
        return AIMessage("late")

    async def main() -> None:
        await acall_model(ScriptedModel(script=hang), MESSAGES, None, time.monotonic() + 0.2)

    with pytest.raises(ModelFailure, match=r"ScriptedModel did not answer within 0\.2 s"):
        asyncio.run(main())
    assert said == [], "the caller waited for the model"
    released.set()


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("choices"), RuntimeError("two\nlines"), TypeError()])
def test_whatever_a_handed_in_model_raises_becomes_a_failure(error: Exception, ask: Ask) -> None:
    with pytest.raises(ModelFailure) as caught:
        ask(ScriptedModel(turns=[error]))
    assert caught.value.kind == "bad_reply"
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error
    assert "Traceback" in "".join(traceback.format_exception(caught.value))


def test_cancelling_the_caller_cancels_the_call(endpoint: Endpoint, model: Any) -> None:
    endpoint.enqueue(says("late", wait_s=60))

    async def main() -> None:
        task = asyncio.create_task(acall_model(model, MESSAGES, None, time.monotonic() + 50))
        while not endpoint.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
