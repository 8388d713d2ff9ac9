"""A run in OpenInference's terms: the kind of a span and its attributes.

https://github.com/Arize-ai/openinference/tree/main/spec
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from recmind.agent.tracing.records import RunRecord, TraceSummary
from recmind.agent.tracing.views.run_contents import TracedMessage, messages_read, messages_said, text_of

KINDS = {"llm": "LLM", "tool": "TOOL", "retriever": "RETRIEVER", "embedding": "EMBEDDING", "chain": "CHAIN"}
"""The kind by the type of a run; the root is an AGENT."""

ROLES = {"human": "user", "ai": "assistant"}
"""LangChain's names of roles that OpenInference names differently."""

Attributes = dict[str, str | int | float | bool | Sequence[str]]


def attributes_of(run: RunRecord, summary: TraceSummary) -> Attributes:
    """The attributes of a run's span.

    Args:
        run: the run.
        summary: the summary of its request.
    """
    root = run.parent_run_id is None
    found: Attributes = {"openinference.span.kind": "AGENT" if root else KINDS.get(run.run_type, "CHAIN")}
    found |= _payload("input", run.inputs) | _payload("output", run.outputs)
    if root:
        found |= _root(run, summary)
    elif run.run_type == "llm":
        found |= _model_call(run)
    elif run.run_type == "tool":
        found |= {"tool.name": run.name, "tool.parameters": _json(run.inputs)}
        if call_id := run.extra.get("tool_call_id"):
            found["tool_call.id"] = str(call_id)
    elif run.run_type == "retriever":
        found |= _documents(run)
    if run.tags:
        found["tag.tags"] = list(run.tags)
    return found


def _root(run: RunRecord, summary: TraceSummary) -> Attributes:
    """The request in words, so that a list of traces can be read."""
    found: Attributes = {"input.value": summary.query, "input.mime_type": "text/plain", "metadata": _json(run.inputs)}
    if message := run.outputs.get("message"):
        found |= {"output.value": str(message), "output.mime_type": "text/plain"}
    if summary.user_id is not None:
        found["user.id"] = summary.user_id
    return found


def _model_call(run: RunRecord) -> Attributes:
    parameters = run.extra.get("invocation_params")
    parameters = dict(parameters) if isinstance(parameters, Mapping) else {}
    tools = parameters.pop("tools", None)
    found: Attributes = {}
    if name := parameters.get("model") or parameters.get("model_name"):
        found["llm.model_name"] = str(name)
    if parameters:
        found["llm.invocation_parameters"] = _json(parameters)
    for place, tool in enumerate(tools if isinstance(tools, list) else []):
        found[f"llm.tools.{place}.tool.json_schema"] = _json(tool)
    for which, messages in (("input", messages_read(run)), ("output", messages_said(run))):
        for place, message in enumerate(messages):
            found |= _message(f"llm.{which}_messages.{place}.message", message)
    counts = (("prompt", run.tokens.prompt), ("completion", run.tokens.completion), ("total", run.tokens.total))
    found |= {f"llm.token_count.{name}": count for name, count in counts if count is not None}
    if run.tokens.cost is not None:
        found["llm.cost.total"] = run.tokens.cost
    return found


def _message(prefix: str, message: TracedMessage) -> Attributes:
    found: Attributes = {f"{prefix}.role": ROLES.get(message.role, message.role)}
    if message.text:
        found[f"{prefix}.content"] = message.text
    if message.name:
        found[f"{prefix}.name"] = message.name
    if message.call_id:
        found[f"{prefix}.tool_call_id"] = message.call_id
    for place, call in enumerate(message.calls):
        begin = f"{prefix}.tool_calls.{place}.tool_call"
        found |= {
            f"{begin}.id": call.id,
            f"{begin}.function.name": call.name,
            f"{begin}.function.arguments": _json(call.arguments),
        }
    return found


def _documents(run: RunRecord) -> Attributes:
    documents = run.outputs.get("documents")
    found: Attributes = {}
    for place, kept in enumerate(documents if isinstance(documents, list) else []):
        parts = kept.get("kwargs", kept) if isinstance(kept, Mapping) else {}
        found[f"retrieval.documents.{place}.document.content"] = text_of(parts.get("page_content", kept))
    return found


def _payload(which: str, value: Mapping[str, Any]) -> Attributes:
    return {f"{which}.value": _json(value), f"{which}.mime_type": "application/json"} if value else {}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
