"""A chat model whose words are written in the test: a list of turns, or a function of the conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

Turn = AIMessage | Exception
Script = Callable[[list[BaseMessage]], Turn]


def calls(*wanted: tuple[str, dict[str, Any]], content: str = "") -> AIMessage:
    """A message that calls these tools."""
    return AIMessage(
        content=content,
        tool_calls=[
            {"name": name, "args": arguments, "id": f"call_{i}", "type": "tool_call"}
            for i, (name, arguments) in enumerate(wanted)
        ],
    )


class ScriptedModel(BaseChatModel):
    """Answers with ``turns`` one after the other, the last one for ever, or with what ``script`` says."""

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
