"""Reads the contents of a run: the messages of a model call, the rows of a look-up, the text of an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recmind.agent.tracing.records import RunRecord, TraceNode, TraceTree


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A tool call that a model asked for."""

    name: str
    arguments: Any = None
    """Values by name, or anything else that the model wrote."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One message of a conversation, whatever form it was kept in."""

    role: str
    """LangChain's name for it: system, human, ai, tool."""
    text: str = ""
    calls: tuple[TracedCall, ...] = ()
    unreadable: int = 0
    """The number of further calls that were not valid JSON."""
    name: str = ""
    """The tool that answers."""
    call_id: str = ""
    """The id of the call that is answered."""
    failed: bool = False
    """Whether the tool answered with an error."""


@dataclass(frozen=True, slots=True)
class TracedFindings:
    """The result of a look-up."""

    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """The rows that were kept."""
    total: int = 0
    """The number of all rows."""
    text: str = ""
    """The text beside the rows."""

    @property
    def titles(self) -> list[str]:
        """The titles of the rows that were kept."""
        return [str(row["title"]) for row in self.rows if row.get("title")]


def messages_read(run: RunRecord) -> list[TracedMessage]:
    """The conversation that a model call was given."""
    batches = run.inputs.get("messages")
    if isinstance(batches, list) and batches:
        return [_message(kept) for kept in _list(batches[0])]
    return [TracedMessage("human", text_of(prompt)) for prompt in _list(run.inputs.get("prompts"))]


def messages_said(run: RunRecord) -> list[TracedMessage]:
    """What a model call answered."""
    found = []
    for batch in _list(run.outputs.get("generations")):
        for generation in _list(batch):
            if isinstance(generation, Mapping):
                kept = generation.get("message")
                found.append(
                    _message(kept) if kept is not None else TracedMessage("ai", text_of(generation.get("text")))
                )
    return found


def found_by(run: RunRecord) -> TracedFindings:
    """The result of a look-up."""
    output = run.outputs.get("output", run.outputs.get("documents"))
    message = _parts(output)
    artifact = message.get("artifact")
    rows = _list(artifact.get("rows")) if isinstance(artifact, Mapping) else ()
    kept = [row for row in rows if isinstance(row, Mapping)]
    return TracedFindings(kept, len(kept) + _left_out(rows), text_of(message.get("content") if message else output))


def steps_of_request(tree: TraceTree) -> tuple[TraceNode, ...]:
    """The steps of the request's own graph, which a conversation runs in its step ``answer``."""
    for child in tree.root.children:
        if child.run.name == "answer":
            for graph in child.children:
                if graph.children:
                    return graph.children
    return tree.root.children


def handles(tree: TraceTree) -> dict[str, str]:
    """The titles of all entries of the slate at the end of a request, by handle."""
    slate = tree.root.run.outputs.get("slate")
    entries = slate.get("entries") if isinstance(slate, Mapping) else None
    if not isinstance(entries, Mapping):
        return {}
    return {str(handle): text_of(entry.get("title")) for handle, entry in entries.items() if isinstance(entry, Mapping)}


def model_of(run: RunRecord) -> str:
    """The model that a call asked, by its own name; empty if the call does not say."""
    parameters = run.extra.get("invocation_params")
    if run.run_type != "llm" or not isinstance(parameters, Mapping):
        return ""
    return text_of(parameters.get("model") or parameters.get("model_name"))


def question_of(outputs: Mapping[str, Any]) -> str:
    """The question that a request, or one of its steps, asked the person; empty if it asked none.

    Choices that the question does not name itself are added.
    """
    asked = outputs.get("asked") or outputs.get("question")
    if not isinstance(asked, Mapping):
        return ""
    text = text_of(asked.get("text"))
    unsaid = [choice for choice in map(str, _list(asked.get("choices"))) if choice not in text]
    return f"{text} ({', '.join(unsaid)})" if unsaid else text


def is_routing(node: TraceNode) -> bool:
    """Whether the step only chose the next one: it shows nothing that the next step does not show."""
    run = node.run
    hidden = "langsmith:hidden" in run.tags or any(tag.startswith("seq:step") for tag in run.tags)
    return hidden and run.run_type == "chain" and not node.children and not run.error


def own_words(error: str) -> str:
    """The text of an error, without the traceback that is kept after it."""
    return error.partition("Traceback (most recent call last)")[0].strip() or error


def text_of(content: Any) -> str:
    """The text of a message's content, which may be a list of blocks."""
    if isinstance(content, list):
        return " ".join(str(block.get("text", "")) if isinstance(block, Mapping) else str(block) for block in content)
    return "" if content is None else str(content)


def spoken(arguments: Any) -> str:
    """The arguments of a call as a person would write them: ``query="heist", n=5``."""
    if not isinstance(arguments, Mapping):
        return str(arguments)
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())


def _message(kept: Any) -> TracedMessage:
    parts = _parts(kept)
    if not parts:
        return TracedMessage("?", text_of(kept))
    calls = tuple(
        TracedCall(str(call.get("name") or ""), call.get("args"), str(call.get("id") or ""))
        for call in _list(parts.get("tool_calls"))
        if isinstance(call, Mapping)
    )
    return TracedMessage(
        role=str(parts.get("type") or "?"),
        text=text_of(parts.get("content")),
        calls=calls,
        unreadable=len(_list(parts.get("invalid_tool_calls"))),
        name=str(parts.get("name") or ""),
        call_id=str(parts.get("tool_call_id") or ""),
        failed=parts.get("status") == "error",
    )


def _left_out(rows: Sequence[Any]) -> int:
    """The number of rows left out, from the note at the end of a cut list."""
    last = rows[-1] if rows else None
    if isinstance(last, str) and last.startswith("… ("):
        left_out = last[3:].split(" ", 1)[0]
        return int(left_out) if left_out.isdigit() else 0
    return 0


def _parts(value: Any) -> Mapping[str, Any]:
    """The fields of a message, whatever form it was kept in."""
    if not isinstance(value, Mapping):
        return {}
    inner = value.get("kwargs")
    return inner if isinstance(inner, Mapping) else value


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
