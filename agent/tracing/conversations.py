"""Gives a request in a conversation the same trace as any other request, and adds what was carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from recmind.agent.tracing.records import CARRIED
from recmind.agent.tracing.runs import ListenedRun

TURNS = 25
"""The number of earlier turns that are kept with a request; older ones are only counted."""

_OF_A_TURN = ("said", "question", "meaning", "at")
_SHOWN = ("rank", "item_id", "title", "score")


def as_request(root: ListenedRun, runs: Sequence[ListenedRun]) -> tuple[ListenedRun, Sequence[ListenedRun]]:
    """The runs with the answer in the place where requests without a conversation have it; other runs are unchanged.

    The state of the whole conversation passes through each of its steps. It is kept only once, as it was before the
    request.

    Args:
        root: the run of the whole request.
        runs: all its runs.
    """
    if "thread_id" not in (root.extra.get("metadata") or {}):
        return root, runs
    before = next((run.inputs.get("thread") for run in runs if run.name == "listen" and run.parent is root), None)
    extra = {**root.extra, CARRIED: _carried(before)} if before else root.extra
    told = replace(root, outputs=_answered(root.outputs), extra=extra)
    steps = [_step(run) if run.parent is root else run for run in runs]
    return told, [told if run is root else run for run in steps]


def _answered(state: Mapping[str, Any]) -> dict[str, Any]:
    """The final state of the request's own graph, and the question if one is asked back."""
    answer = {
        name: value for name, value in (state.get("result") or {}).items() if name not in ("question", "recommended")
    }
    return {**answer, "question": state["question"]} if state.get("question") else answer


def _step(run: ListenedRun) -> ListenedRun:
    """A step without the conversation that passed through it."""
    outputs: dict[str, Any] = {}
    if (heard := run.outputs.get("heard")) is not None:
        outputs["heard"] = {"meaning": heard.follow_up.understanding.meaning(), "notes": list(heard.notes)}
    if (question := run.outputs.get("question")) is not None:
        outputs["question"] = question
    if run.name == "ask":
        outputs |= {name: run.outputs[name] for name in ("asked", "said") if name in run.outputs}
    return replace(run, outputs=outputs)


def _carried(thread: Mapping[str, Any]) -> dict[str, Any]:
    """The conversation without the reasons of earlier answers: only those of the last one are used."""
    turns = thread["turns"]
    kept = [
        {
            **{name: turn[name] for name in _OF_A_TURN},
            "shown": [{**{name: one[name] for name in _SHOWN}, "reason": ""} for one in turn["shown"]],
        }
        for turn in turns[-TURNS:]
    ]
    return {**thread, "turns": kept, "dropped": thread["dropped"] + len(turns) - len(kept)}
