"""The offline planner: a chat model that needs no key and no network: it follows a policy instead of guessing words.

It is given the brief of the request, reads the artifacts of the tools, and answers with the same tool calls a language
model would, so that the very same graph, tools, validator and trace run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr
from typing_extensions import override

from recmind.agent.planner import rules
from recmind.agent.planner.task import PlannerTask
from recmind.tools.brief import Brief
from recmind.tools.evidence.slate import Slate

NAME = "offline"

ALONE = 10
"""Items that the planner recommends where nobody says how many."""


class OfflinePlanner(BaseChatModel):
    """Plans in two turns: all look-ups and one ranking of what they find, then the final call. Costs no tokens.

    Asked whether another line of thought would help, it follows a rule; it ranks once all lines are explored.
    """

    model_name: str = NAME
    cache: BaseCache | bool | None = False
    """Never: what it answers hangs on more than the messages, and costs nothing."""
    _task: PlannerTask | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "recmind-offline"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def with_task(self, task: PlannerTask) -> OfflinePlanner:
        """A planner that plans for this; one without a task makes do with the words of the first human message."""
        planner = self.model_copy()
        planner._task = task
        return planner

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
        calls = next_calls(self._task or _alone(messages), messages)
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


def next_calls(task: PlannerTask, messages: Sequence[BaseMessage]) -> list[rules.PlannedCall]:
    """What the policy does after these messages; nothing where it is asked for a line of thought and has none."""
    if task.explored is not None:
        idea = rules.another_line(task, task.explored)
        return [("explore", {"idea": idea})] if idea else []
    results = [message for message in messages if isinstance(message, ToolMessage)]
    ranked = next((m for m in reversed(results) if m.name == "rank_candidates"), None)
    if ranked is not None:
        rows = ranked.artifact["rows"] if isinstance(ranked.artifact, dict) else []
        rows = rows[: task.wanted + rules.SPARE]
        return [rules.submission(rows, task.wanted)]
    if results:
        return [rules.ranking(task.wanted)]
    # Where nothing is thought over between the look-ups and the ranking, one turn holds both.
    return [*rules.look_ups(task), *([rules.ranking(task.wanted)] if task.at_once else [])]


def _alone(messages: Sequence[BaseMessage]) -> PlannerTask:
    """What a planner plans for that is used on its own: the words of the request, and nothing else."""
    text = next((str(message.content) for message in messages if isinstance(message, HumanMessage)), "")
    return PlannerTask(Brief(text=text), Slate(), ALONE)
