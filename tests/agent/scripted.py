"""A chat model whose words are written in the test: a list of turns, or a function of the conversation.

    scripted(calls(COMEDIES), calls(submission("c1", "c2")))   says these two turns, whatever it hears
    looks_up_then_submits(COMEDIES, POPULAR, k=2)               looks up, then submits the first two that it was told of
    ScriptedModel(script=script)                                says what ``script`` makes of the messages so far

Handles (``c1`` for the first candidate, ``e1`` for the first evidence) are those of ``recmind.tools.evidence.slate``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from recmind.tools.chat.submit import SUBMIT

Turn = AIMessage | Exception
Script = Callable[[list[BaseMessage]], Turn]
ToolCall = tuple[str, dict[str, Any]]
"""The name of a tool and its arguments."""

COMEDIES: ToolCall = ("filter_items", {"where": ["genres=Comedy"]})
POPULAR: ToolCall = ("popular_items", {})


def calls(*wanted: ToolCall, content: str = "") -> AIMessage:
    """A message that calls these tools.

    >>> [(call["name"], call["args"], call["id"]) for call in calls(POPULAR, COMEDIES).tool_calls]
    [('popular_items', {}, 'call_0'), ('filter_items', {'where': ['genres=Comedy']}, 'call_1')]
    """
    return AIMessage(
        content=content,
        tool_calls=[
            {"name": name, "args": arguments, "id": f"call_{i}", "type": "tool_call"}
            for i, (name, arguments) in enumerate(wanted)
        ],
    )


def submission(*handles: str, reason: str = "It comes well recommended.", dropped: Sequence[str] = ()) -> ToolCall:
    """The final call: these candidates, each with this reason.

    ``c2/e5`` is candidate c2 that cites e5; ``c2`` alone cites e1.

    >>> name, arguments = submission("c1", "c2/e5", reason="It is funny.", dropped=["q1"])
    >>> name
    'submit_recommendations'
    >>> arguments["recommendations"][1]
    {'item': 'c2', 'cites': ['e5'], 'reason': 'It is funny.'}
    >>> arguments["recommendations"][0]["cites"], arguments["dropped"]
    (['e1'], ['q1'])
    """
    chosen = []
    for handle in handles:
        item, _, cite = handle.partition("/")
        chosen.append({"item": item, "cites": [cite or "e1"], "reason": reason})
    return SUBMIT, {"recommendations": chosen, "dropped": list(dropped)}


def candidates_told(messages: Sequence[BaseMessage]) -> list[str]:
    """Every candidate that the tools told of, as ``submission`` takes it: with the first evidence of its own.

    Items that are no candidates (handles ``r1``, ...) and candidates without evidence are left out.

    >>> rows = [{"handle": "c1", "evidence": [[4, "genre Comedy"]]}, {"handle": "r1", "evidence": [[5, "year 1999"]]}]
    >>> candidates_told([ToolMessage("c1 ...", tool_call_id="call_0", artifact={"rows": rows})])
    ['c1/e4']
    """
    rows = [row for m in messages if isinstance(m, ToolMessage) and m.artifact for row in m.artifact["rows"]]
    return [f"{row['handle']}/e{row['evidence'][0][0]}" for row in rows if row["handle"][0] == "c" and row["evidence"]]


def submits_candidates(messages: Sequence[BaseMessage], k: int = 3, **details: Any) -> AIMessage:
    """A message that submits the first k different candidates that the tools told of; ``details`` as of ``submission``.

    >>> rows = [{"handle": handle, "evidence": [[1, "year 1999"]]} for handle in ("c2", "c2", "c1", "c3")]
    >>> heard = [ToolMessage("c2 ...", tool_call_id="call_0", artifact={"rows": rows})]
    >>> [chosen["item"] for chosen in submits_candidates(heard, k=2).tool_calls[0]["args"]["recommendations"]]
    ['c2', 'c1']
    """
    return calls(submission(*list(dict.fromkeys(candidates_told(messages)))[:k], **details))


def tool_replies(model: ScriptedModel, call: int = -1) -> list[ToolMessage]:
    """The tool messages that the model heard in one of its calls, by number; in the last one when none is said.

    >>> model = scripted(AIMessage("Well."))
    >>> _ = model.invoke([calls(POPULAR), ToolMessage("c1 Heat", tool_call_id="call_0")])
    >>> [message.content for message in tool_replies(model)]
    ['c1 Heat']
    """
    return [message for message in model.heard[call] if isinstance(message, ToolMessage)]


class ScriptedModel(BaseChatModel):
    """Answers with ``turns`` one after the other, the last one for ever, or with what ``script`` says.

    ``heard`` holds the messages of each call; a turn that is an exception is raised.
    """

    turns: Sequence[Any] = ()
    script: Any = None
    heard: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.heard.append(list(messages))
        turn = self.script(messages) if self.script else self.turns[min(len(self.heard), len(self.turns)) - 1]
        if isinstance(turn, Exception):
            raise turn
        # The same message object must not be handed out twice: the graph gives each an id.
        return ChatResult(generations=[ChatGeneration(message=turn.model_copy(update={"id": None}))])


def scripted(*turns: Turn) -> ScriptedModel:
    """A model that says these turns one after the other, and the last one for ever.

    >>> model = scripted(AIMessage("First."), AIMessage("Second."))
    >>> [model.invoke("?").content for _ in range(3)]
    ['First.', 'Second.', 'Second.']
    """
    return ScriptedModel(turns=turns)


def looks_up_then_submits(*look_ups: ToolCall, k: int = 3, **details: Any) -> ScriptedModel:
    """A model that makes these look-ups (``COMEDIES`` where none is given) and submits the first k candidates.

    ``details`` as of ``submission``.

    >>> looks_up_then_submits(POPULAR).invoke("popular films").tool_calls[0]["name"]
    'popular_items'
    """

    def script(messages: list[BaseMessage]) -> AIMessage:
        if candidates_told(messages):
            return submits_candidates(messages, k, **details)
        return calls(*(look_ups or (COMEDIES,)))

    return ScriptedModel(script=script)


def looks_up_side_by_side(*more: ToolCall, k: int, query: str = "") -> ScriptedModel:
    """A capable model: it searches, asks what goes with the past and what is popular within all that binds, and makes
    ``more`` look-ups, in one turn. Then it submits the first k candidates, each with the first fact it read of it.

    It searches for ``query``, or for the words of the request where that is empty.

    >>> asked = [AIMessage("system"), AIMessage("Request: a western\\nq1 'western': genres=Western (binds)")]
    >>> [call["args"].get("where") for call in looks_up_side_by_side(k=1).invoke(asked).tool_calls]
    [['q1'], ['q1'], ['q1']]
    """

    def script(messages: list[BaseMessage]) -> AIMessage:
        told = str(messages[1].content)
        read = "\n".join(str(message.content) for message in messages if message.type == "tool")
        if not read:
            binding = re.findall(r"^(q\d+) ", told, re.MULTILINE)
            words = re.search(r"^Request: (.*)$", told, re.MULTILINE)
            searched = {"query": query or (words[1] if words else ""), "where": binding, "n": 8}
            beside = (
                ("collaborative_filtering", {"where": binding, "n": 6}),
                ("popular_items", {"where": binding, "n": 6}),
            )
            return calls(("search_items", searched), *beside, *more)
        facts = dict(re.findall(r"^(c\d+) .*?\b(e\d+)\b", read, re.MULTILINE))
        picks = [{"item": item, "reason": f"It has {{{fact}}}."} for item, fact in list(facts.items())[:k]]
        return calls((SUBMIT, {"recommendations": picks}))

    return ScriptedModel(script=script)
