"""Runs a request of the past once more, with what its model said then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from recmind.agent.answer import Answer
from recmind.agent.memory.thread import Thread
from recmind.agent.models.recorded import recorded_model
from recmind.agent.options import TRACED, Options
from recmind.agent.serving.requests import Requests
from recmind.agent.tracing import TraceTree
from recmind.agent.tracing.records import CARRIED
from recmind.data.errors import InputError


def replayed(tree: TraceTree, requests: Requests) -> Answer:
    """The answer to the request of this trace, run again with the recorded replies.

    A request of a conversation is read against what had been carried over by then; the thread itself is neither read
    nor changed.

    Args:
        tree: the trace.
        requests: answers the request.

    Raises:
        InputError: the trace kept too little of its request.
    """
    asked = tree.root.run.inputs
    if not asked:
        raise InputError(f"Trace {tree.summary.trace_id} kept only timings: there is no request to run again.")
    if asked.get("cached"):
        raise InputError(f"Trace {tree.summary.trace_id} holds a remembered answer: no model was asked then.")
    options = {name: asked[name] for name in ("user_id", "aggregation", *TRACED) if name in asked} | {
        "model": recorded_model(tree)
    }
    if "aggregation" in options:
        options["user_ids"] = json.loads(options.pop("user_id"))
    carried = None
    if "thread_id" in asked:
        options["thread"], carried = asked["thread_id"], _carried(tree)
    return requests.answer(requests.read(tree.summary.query, cast(Options, options), carried=carried))


def _carried(tree: TraceTree) -> dict[str, Any]:
    """The conversation as it was before the request; empty if the request began it."""
    kept = tree.root.run.extra.get(CARRIED, {})
    try:
        if kept:
            Thread.from_json(kept)
    except ValidationError:
        raise InputError(
            f"Trace {tree.summary.trace_id} did not keep its whole conversation: it cannot be read as it was then."
        ) from None
    return dict(kept) if isinstance(kept, Mapping) else {}
