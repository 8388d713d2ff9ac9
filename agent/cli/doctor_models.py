"""``recmind doctor --model``: calls a chat model, or both models of ``auto:CHEAP,STRONG``."""

from __future__ import annotations

import time
from collections.abc import Iterator

from langchain_core.messages import HumanMessage

from recmind.agent.cli.checks import Check
from recmind.agent.models.calling import call_model
from recmind.agent.models.factory import open_model
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.models.replies import ESTIMATED
from recmind.agent.models.routing import read_route, rule
from recmind.agent.models.text_tool_calls import with_text_tool_calls
from recmind.data.errors import RecMindError
from recmind.data.settings import Limits

QUESTION = "What is the weather in Paris? Call the tool to find out."


def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: the city's name.
    """
    return city


def model_checks(wanted: str, limits: Limits) -> Iterator[Check]:
    """A check of each named model by one call; for two models also which requests go to which.

    Args:
        wanted: a model's name, or ``auto:CHEAP,STRONG``.
        limits: ``limits.seconds`` is how long one call may take.
    """
    try:
        pair = read_route(wanted)
    except RecMindError as error:
        yield Check("model", "broken", str(error))
        return
    if pair is None:
        yield from _asked(wanted, "model", limits)
        return
    for what, name in zip(("cheap model", "strong model"), pair, strict=True):
        yield from _asked(name, what, limits)
    yield Check("routing", "ok", rule(*pair))


def _asked(name: str, what: str, limits: Limits) -> Iterator[Check]:
    """Asks the model once to call a tool: checks that it answers and calls the tool, and says what that cost."""
    if name == OFFLINE:
        yield Check(what, "ok", "the offline planner, which asks nobody")
        return
    begun = time.monotonic()
    try:
        model = open_model(name, limits)
        told = call_model(
            model.bind_tools([weather]), [HumanMessage(QUESTION)], deadline=begun + limits.seconds, name=name
        )
    except RecMindError as error:
        yield Check(what, "broken", str(error))
        return
    except NotImplementedError:
        yield Check(what, "broken", f"{name} takes no tools; RecMind needs a model that calls them")
        return
    yield Check(what, "ok", f"{name} answered in {time.monotonic() - begun:.1f} s")
    message = with_text_tool_calls(told, [weather.__name__])
    if calls := message.tool_calls:
        called = f"called {calls[0]['name']} with {calls[0]['args']}"
        as_text = "; it writes its calls as text, which RecMind reads but cannot rely on"
        yield Check(
            f"{what} tools", "ok" if told.tool_calls else "note", called if told.tool_calls else called + as_text
        )
    else:
        yield Check(
            f"{what} tools", "broken", "made no tool call when asked for one; RecMind needs a model that calls tools"
        )
    usage = message.usage_metadata
    if usage and not message.response_metadata.get(ESTIMATED):
        yield Check(f"{what} usage", "ok", f"{usage['input_tokens']} tokens read, {usage['output_tokens']} written")
    else:
        yield Check(
            f"{what} usage", "note", "does not report its usage; tokens and cost are estimated from the letters"
        )
