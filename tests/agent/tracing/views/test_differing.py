"""Where two runs of one request part, and where it only looks so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from recmind.agent.tracing.records import REPLAYED, TraceNode, TraceTree
from recmind.agent.tracing.views.differing import differ
from tests.agent.tracing.page.made import tree


def prepared(brief: dict[str, Any], *, model: str = "openai:any") -> TraceTree:
    """A request whose first step made this brief."""
    made = tree(1)
    first, *others = made.root.children
    prepare = replace(first.run, name="prepare", run_type="chain", outputs={"brief": brief})
    root = replace(made.root.run, inputs={**made.root.run.inputs, "model": model})
    return TraceTree(made.summary, TraceNode(root, (TraceNode(prepare), *others)))


def test_sets_have_no_order() -> None:
    assert differ(prepared({"consumed": ["a", "b"]}), prepared({"consumed": ["b", "a"]})).parted is None
    assert differ(prepared({"consumed": ["a", "b"]}), prepared({"consumed": ["a", "c"]})).parted == 0
    assert differ(prepared({"likes": ["a", "b"]}), prepared({"likes": ["b", "a"]})).parted == 0


def test_of_a_set_that_was_cut_its_size_counts() -> None:
    cut, other, larger = (["a", "… (30 more)"], ["b", "… (30 more)"], ["a", "… (31 more)"])
    assert differ(prepared({"consumed": cut}), prepared({"consumed": other})).parted is None
    assert differ(prepared({"consumed": cut}), prepared({"consumed": larger})).parted == 0


def test_a_replay_has_the_same_model() -> None:
    found = differ(prepared({}), prepared({}, model=f"openai:any{REPLAYED}"))
    assert all(part.same for part in found.request)
