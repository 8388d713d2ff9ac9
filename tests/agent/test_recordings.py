"""Whole requests that were answered by hand, as a capable, a small and a hostile model would: replayed word for word.

A recording holds the request and the model's replies in order. Handles shift when engines change, so that what is
asserted is what has to hold whatever they lead to; how much a model reads is bounded here, too, and so is how often a
capable one is called.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from recmind.agent.recommender import RecMind
from recmind.tools.chat.toolbox import schemas
from tests.agent.scripted import ScriptedModel, calls, looks_up_side_by_side

RECORDINGS = {
    path.stem: json.loads(path.read_text("utf-8")) for path in Path(__file__).parent.glob("recordings/*.json")
}
LETTERS_PER_TOKEN = 4
CALL_TOKENS, PLAIN_TOKENS = 3_500, 6_000
"""What a model reads at most in one call, and in all calls of a plain request."""


def replayed(name: str) -> tuple[ScriptedModel, dict[str, Any]]:
    """A model that gives the recorded replies, the last of them for ever, and the request."""
    recording = RECORDINGS[name]
    turns = [
        calls(*((c["name"], c["arguments"]) for c in reply.get("tool_calls", [])), content=reply.get("content", ""))
        if reply.get("tool_calls")
        else AIMessage(reply["content"])
        for reply in recording["replies"]
    ]
    return ScriptedModel(turns=turns, heard=[]), {"query": recording["query"], **recording["options"]}


def tokens_read(model: ScriptedModel) -> list[int]:
    """Of each call, counted as an endpoint would: letters of the whole body, ASCII, by four."""
    tools = len(json.dumps(schemas()))
    return [
        (tools + sum(len(json.dumps([m.type, m.content, getattr(m, "tool_calls", [])])) for m in heard))
        // LETTERS_PER_TOKEN
        for heard in model.heard
    ]


def of_catalogue(name: str) -> list[str]:
    return sorted(recording for recording, said in RECORDINGS.items() if said["catalogue"] == name)


def check(recmind: RecMind, name: str) -> None:
    model, request = replayed(name)
    answer = recmind.recommend(model=model, **request)
    assert len(answer.recommendations) == request["k"]
    assert len({found.item_id for found in answer.recommendations}) == request["k"]
    assert all(found.evidence and found.reason for found in answer.recommendations)
    consumed = set[str]().union(*map(recmind.store.interactions.consumed_ids, answer.user_ids))
    assert not consumed & {found.item_id for found in answer.recommendations}
    assert all(len(found.fits) == len(request.get("user_ids", ())) for found in answer.recommendations)
    read = tokens_read(model)
    assert max(read) <= CALL_TOKENS


@pytest.mark.parametrize("name", of_catalogue("demo"))
def test_recordings_are_answered_on_the_demo_catalogue(demo: RecMind, name: str):
    check(demo, name)


@pytest.mark.parametrize("name", of_catalogue("movielens"))
def test_recordings_are_answered_on_movielens(movielens_home: Path, name: str):
    with RecMind.open(movielens_home) as recmind:
        check(recmind, name)


def check_plain(recmind: RecMind, user_id: str):
    model = looks_up_side_by_side(query="thinking machines", k=5)
    answer = recmind.recommend("a smart science fiction film about machines", user_id=user_id, k=5, model=model)
    assert (answer.source, answer.usage.model_calls, answer.repairs) == ("agent", 2, ())
    read = tokens_read(model)
    assert max(read) <= CALL_TOKENS
    assert sum(read) <= PLAIN_TOKENS


def test_a_capable_model_needs_two_calls_on_the_demo_catalogue(demo: RecMind):
    check_plain(demo, "ada")


def test_a_capable_model_needs_two_calls_on_movielens(movielens_home: Path):
    with RecMind.open(movielens_home) as recmind:
        check_plain(recmind, "1")
