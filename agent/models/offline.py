"""The offline planner: a chat model that needs no key and no network: it follows a policy instead of guessing words.

It reads the brief that ``prepare`` attaches to the request and the artifacts of the tools, and answers with the same
tool calls a language model would, so that the very same graph, tools, validator and trace run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from typing_extensions import override

from recmind.agent.planner import rules

NAME = "offline"

LINES = "recmind_lines"
"""Where ``inspire`` says what was explored, beside the brief, when it asks for another line of thought."""
BRIEF = "recmind_brief"
"""Where ``prepare`` leaves the brief among the request's ``additional_kwargs``; chat APIs never see it."""


class OfflinePlanner(BaseChatModel):
    """Plans in two turns: all look-ups and one ranking of what they find, then the final call. Costs no tokens.

    Asked whether another line of thought would help, it follows a rule; it ranks once all lines are explored.
    """

    model_name: str = NAME

    @property
    def _llm_type(self) -> str:
        return "recmind-offline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Itself: the policy knows its tools by name, their schemas are for models that read."""
        return self

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = sum(isinstance(message, AIMessage) for message in messages)
        calls = next_calls(_brief(messages), messages)
        message = AIMessage(
            content="" if calls else "NO",
            tool_calls=[
                {"name": name, "args": arguments, "id": f"offline_{turn}_{i}", "type": "tool_call"}
                for i, (name, arguments) in enumerate(calls)
            ],
            usage_metadata=UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0),
            response_metadata={"model_name": self.model_name, "finish_reason": "tool_calls"},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)


def next_calls(brief: Mapping[str, Any], messages: Sequence[BaseMessage]) -> list[rules.PlannedCall]:
    """What the policy does after these messages; nothing where it is asked for a line of thought and has none."""
    if explored := messages[-1].additional_kwargs.get(LINES):
        idea = rules.another_line(brief, explored)
        return [("explore", {"idea": idea})] if idea else []
    results = [message for message in messages if isinstance(message, ToolMessage)]
    ranked = next((m for m in reversed(results) if m.name == "rank_candidates"), None)
    if ranked is not None:
        rows = ranked.artifact["rows"] if isinstance(ranked.artifact, dict) else []
        rows = rows[: brief["k"] + rules.SPARE]
        return [rules.submission(brief, rows)]
    if results:
        return [rules.ranking(brief)]
    # Where nothing is thought over between the look-ups and the ranking, one turn holds both.
    return [*rules.look_ups(brief), *([rules.ranking(brief)] if brief["at_once"] else [])]


def _brief(messages: Sequence[BaseMessage]) -> Mapping[str, Any]:
    """The brief of the request, or one that holds no more than its words (the planner used on its own)."""
    for message in messages:
        if isinstance(message, HumanMessage) and BRIEF in message.additional_kwargs:
            brief: Mapping[str, Any] = message.additional_kwargs[BRIEF]
            return brief
    text = next((str(m.content) for m in messages if isinstance(m, HumanMessage)), "")
    return {
        "text": text,
        "likes": [],
        "favorites": [],
        "wishes": [],
        "bindings": [],
        "known_user": False,
        "again": False,
        "at_once": True,
        "k": 10,
    }
