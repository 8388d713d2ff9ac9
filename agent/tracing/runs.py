"""The runs of one request as LangChain reports them, with the fields LangSmith gives them.

LangChain has a tracer class to build on. But it makes a validated LangSmith object of every run, which takes as long as
all other tracing of a request with twenty-five runs, and few of its fields are needed.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from typing_extensions import override

from recmind.agent.tracing.records import Tokens

Metadata = dict[str, Any]


@dataclass(slots=True, eq=False)
class ListenedRun:
    """A run that has begun."""

    id: str
    parent_run_id: str | None
    """None for the root."""
    trace_id: str
    """The root's id."""
    parent: ListenedRun | None
    name: str
    run_type: str
    start_time: datetime
    inputs: dict[str, Any]
    extra: dict[str, Any]
    tags: list[str]
    outputs: dict[str, Any] = field(default_factory=dict)
    end_time: datetime | None = None
    error: str | None = None
    usage: Tokens = field(default_factory=Tokens)
    """The tokens of a model call, as far as the endpoint reports them."""

    _order: str = ""

    @property
    def dotted_order(self) -> str:
        """Start times and ids from the root down to this run, joined by dots."""
        if not self._order:
            own = f"{self.start_time:%Y%m%dT%H%M%S%fZ}{self.id}"
            self._order = f"{self.parent.dotted_order}.{own}" if self.parent else own
        return self._order


class RunListener(BaseCallbackHandler, ABC):
    """Notes every run of the requests that it is a callback of, and calls ``finished`` when a root has ended.

    Inputs and outputs are kept as objects; nothing may change them afterwards. They are converted in ``finished``, or
    later.
    """

    run_inline = True
    """Asynchronous runs call back in the event loop's own thread: in order, and without a thread switch."""

    def __init__(self) -> None:
        self.runs: list[ListenedRun] = []
        """In the order in which they began."""
        self._by_id: dict[UUID, ListenedRun] = {}

    @abstractmethod
    def finished(self, root: ListenedRun, runs: Sequence[ListenedRun]) -> None:
        """Called when this root has ended, with or without an error.

        Args:
            root: the run of the whole request.
            runs: copies of all its runs, parents before children; a model call that was given up may still go on, and
                what it says from now on is not part of the request.
        """

    def _begin(
        self,
        run_type: str,
        inputs: dict[str, Any],
        serialized: Mapping[str, Any] | None,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Metadata | None,
        name: str | None,
        extra: dict[str, Any],
    ) -> None:
        text = str(run_id)
        # A run with an unknown parent is a root.
        parent = self._by_id.get(parent_run_id) if parent_run_id is not None else None
        run = ListenedRun(
            id=text,
            parent_run_id=parent.id if parent else None,
            trace_id=parent.trace_id if parent else text,
            parent=parent,
            name=name or _called(serialized or {}),
            run_type=run_type,
            start_time=datetime.now(UTC),
            inputs=inputs,
            extra={**extra, "metadata": metadata} if metadata else extra,
            tags=list(tags or ()),
        )
        self._by_id[run_id] = run
        self.runs.append(run)

    def _end(self, run_id: UUID, outputs: dict[str, Any] | None = None, error: BaseException | None = None) -> None:
        run = self._by_id.get(run_id)
        if run is None:
            return
        if outputs is not None:
            run.outputs = outputs
        if error is not None:
            run.error = f"{type(error).__name__}: {error}\n\n{''.join(traceback.format_exception(error))}".strip()
        run.end_time = datetime.now(UTC)
        if run.parent is None:
            mine = [run if each is run else replace(each, extra=dict(each.extra)) for each in list(self.runs)]
            self.finished(run, [each for each in mine if each.trace_id == run.id])

    # What LangChain calls while a request runs.

    @override
    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Metadata | None = None,
        run_type: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        given = dict(inputs) if isinstance(inputs, dict) else {"input": inputs}
        self._begin(run_type or "chain", given, serialized, run_id, parent_run_id, tags, metadata, name, kwargs)

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, dict(outputs) if isinstance(outputs, dict) else {"output": outputs})

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, error=error)

    on_tool_error = on_retriever_error = on_chain_error

    @override
    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Metadata | None = None,
        inputs: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"input": input_str} if inputs is None else dict(inputs)
        self._begin("tool", given, serialized, run_id, parent_run_id, tags, metadata, name, kwargs)

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, {"output": output})

    @override
    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Metadata | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"query": query}
        self._begin("retriever", given, serialized, run_id, parent_run_id, tags, metadata, name or "Retriever", kwargs)

    @override
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any) -> None:
        self._end(run_id, {"documents": documents})

    @override
    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Metadata | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin("llm", {"prompts": prompts}, serialized, run_id, parent_run_id, tags, metadata, name, kwargs)

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: Metadata | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._begin("llm", {"messages": messages}, serialized, run_id, parent_run_id, tags, metadata, name, kwargs)

    @override
    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Notes when the first token came; the whole text is in the outputs."""
        run = self._by_id.get(run_id)
        if run is not None and "first_token_s" not in run.extra:
            run.extra["first_token_s"] = (datetime.now(UTC) - run.start_time).total_seconds()

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._by_id.get(run_id)
        if run is not None:
            run.usage = _usage(response)
        self._end(run_id, _said(response))

    @override
    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, response: LLMResult | None = None, **kwargs: Any
    ) -> None:
        self._end(run_id, _said(response) if response is not None else None, error)


def _called(serialized: Mapping[str, Any]) -> str:
    """The name of what runs; its class if it has no name."""
    return str(serialized.get("name") or (serialized.get("id") or ["Unnamed"])[-1])


def _said(response: LLMResult) -> dict[str, Any]:
    generations = [[_parts(generation) for generation in batch] for batch in response.generations]
    return {"generations": generations, "llm_output": response.llm_output}


def _parts(generation: Any) -> dict[str, Any]:
    parts = {name: getattr(generation, name, None) for name in ("text", "generation_info", "message")}
    return {name: part for name, part in parts.items() if part is not None}


def _usage(response: LLMResult) -> Tokens:
    """The tokens of all generations. Their cost is known only if the endpoint reports it, because prices change."""
    tokens = Tokens()
    for batch in response.generations:
        for generation in batch:
            usage: Any = getattr(getattr(generation, "message", None), "usage_metadata", None)
            if usage:
                found = (usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens", "total_cost"))
                tokens += Tokens(*found)
    return tokens
