"""A chat model that repeats the replies of a trace, so that a request can be run again without its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr
from typing_extensions import override

from recmind.agent.tracing.records import REPLAYED, RunRecord, TraceTree
from recmind.agent.tracing.views.run_contents import own_words
from recmind.data.errors import InputError

_SAID = ("content", "tool_calls", "invalid_tool_calls", "usage_metadata", "response_metadata")
"""The fields of a message that are repeated."""


class RecordedError(Exception):
    """The recorded model call failed, or the recording has no further call."""


class RecordedModel(BaseChatModel):
    """Answers with the recorded replies one after the other; then it fails."""

    model_name: str
    """The name of the model that was recorded."""
    replies: tuple[Any, ...]
    """Messages; an error in place of a call that had failed."""
    _given: int = PrivateAttr(default=0)

    @property
    @override
    def _llm_type(self) -> str:
        return "recmind-recorded"

    @override
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self._given == len(self.replies):
            raise RecordedError(f"the recording ends after {self._given} replies")
        self._given += 1
        reply = self.replies[self._given - 1]
        if isinstance(reply, RecordedError):
            raise reply
        return ChatResult(generations=[ChatGeneration(message=reply)])


def recorded_model(tree: TraceTree) -> RecordedModel:
    """The model that repeats the replies of this trace.

    Args:
        tree: the trace.

    Raises:
        InputError: the trace kept only timings.
    """
    calls = [run for run in tree.runs() if run.run_type == "llm"]
    if calls and not any(run.outputs or run.error for run in calls):
        raise InputError(f"Trace {tree.summary.trace_id} kept only timings: there are no replies to repeat.")
    return RecordedModel(
        model_name=tree.summary.model.removesuffix(REPLAYED), replies=tuple(_reply(run) for run in calls)
    )


def _reply(run: RunRecord) -> AIMessage | RecordedError:
    if run.error:
        # Without the name of the recorded class: this exception has its own.
        return RecordedError(own_words(run.error).partition(": ")[2] or own_words(run.error))
    try:
        kept: Mapping[str, Any] = run.outputs["generations"][0][0]["message"]["kwargs"]
        return AIMessage(**{name: kept[name] for name in _SAID if name in kept} | {"content": kept.get("content", "")})
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"The reply of run {run.id} cannot be repeated from what the trace kept: {error}") from None
