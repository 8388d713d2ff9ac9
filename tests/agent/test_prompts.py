"""What a model reads, kept word for word, so that a change of wording is a readable diff.

``RECMIND_UPDATE_SNAPSHOTS=1 scripts/test tests/agent/test_prompts.py`` writes the snapshots anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from recmind import prompts
from recmind.tools.chat.toolbox import schemas
from tests.agent.scripted import ScriptedModel, calls

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("RECMIND_UPDATE_SNAPSHOTS") == "1"
LETTERS_PER_TOKEN = 4


def agrees(name: str, text: str) -> bool:
    path = SNAPSHOTS / name
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


def conversation(open_demo) -> str:
    """All that a model reads in a request of two look-ups, an answer with faults, and its mending."""
    faulty = {"recommendations": [{"item": "c1", "cites": [], "reason": "Made by Ridley Scott in 1979."}]}
    mended = {"recommendations": [{"item": "c1", "cites": ["e1"], "reason": "Goes well with {e1}."}]}
    model = ScriptedModel(
        turns=[
            calls(
                ("filter_items", {"where": ["q1", "genres=Science Fiction"], "n": 3}),
                ("filter_items", {"where": ["genres=Comdy"]}),
            ),
            calls(("submit_recommendations", faulty)),
            calls(("submit_recommendations", mended)),
        ],
        heard=[],
    )
    open_demo(model).recommend("a space film like Alien, no musicals", user_id="ada", k=1)
    return "\n\n".join(f"=== {message.type}\n{message.content}" for message in model.heard[-1])


def test_the_model_reads_the_recorded_conversation(open_demo):
    assert agrees("conversation.txt", conversation(open_demo))


def test_the_model_reads_the_recorded_tool_schemas():
    assert agrees("tools.json", json.dumps(schemas(), indent=1, ensure_ascii=False) + "\n")


def test_tool_schemas_are_terse():
    assert len(json.dumps(schemas())) / LETTERS_PER_TOKEN < 950


def test_no_tool_can_name_a_user():
    names = {name for tool in schemas() for name in tool["function"]["parameters"]["properties"]}
    assert not {name for name in names if "user" in name or name == "desk"}


def test_a_template_names_every_missing_value():
    with pytest.raises(prompts.PromptError, match=r"missing values for \['candidates'\], no placeholders for \['x'\]"):
        prompts.render("nudge", x=1)
