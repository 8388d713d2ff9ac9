"""The tools as a chat model sees them: the only module that knows LangChain.

The docstring of each tool is prompt text, sent as ``schemas`` cuts it. A tool returns a ``Findings`` artifact and
changes no state; ``act`` merges it into the slate and renders the rows that the model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, cast

from langchain_core.callbacks import CallbackManager
from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, BeforeValidator, Field
from typing_extensions import override

from recmind.tools.chat.ask import ASK, AskArguments
from recmind.tools.chat.submit import SUBMIT, SubmitArguments
from recmind.tools.evidence.slate import Entry, Findings, Slate
from recmind.tools.lookup_cache import RememberedLookUps
from recmind.tools.lookups import LookUps


class Desk:
    """The look-ups of one request, injected into a tool; neither shown to the model nor kept in a trace.

    No dataclass, so that pydantic passes it through unchanged: walking through it took 3 ms a call.
    """

    __slots__ = ("look_ups",)

    def __init__(self, look_ups: LookUps | RememberedLookUps) -> None:
        self.look_ups = look_ups


DESK = "desk"
"""Name of the argument of every look-up that no model sees."""

Asking = Annotated[Any, InjectedToolArg]
Result = tuple[str, Findings]

# Small models write a single text in place of a list.
_Listed = BeforeValidator(lambda value: [value] if isinstance(value, str) else value)

# The system prompt says once what `where`, `like` and `n` mean, so that not every tool has to.
Where = Annotated[Sequence[str], _Listed]
Like = Annotated[Sequence[str], _Listed]
Count = Annotated[int, Field(ge=1, le=50)]

RANKING = "rank_candidates"
"""The tool whose rows are in a meaningful order, so that all of them are shown."""
SHOWN_EVIDENCE = 6
"""The most pieces of evidence that a row shows to a model; the slate holds all."""


def search_items(desk: Asking, query: str = "", like: Like = (), where: Where = (), n: Count = 10) -> Result:
    """Search items by meaning and words: plots, themes, uses, moods. `like` adds the likeness to items."""
    return _found(desk, "search_items", query=query, like=like, where=where, n=n)


def filter_items(
    desk: Asking,
    where: Where,
    sort: Annotated[
        str, Field(description="popularity, value, recent, or an attribute with asc or desc.")
    ] = "popularity",
    n: Count = 10,
) -> Result:
    """List the items that meet conditions on their attributes."""
    return _found(desk, "filter_items", where=where, sort=sort, n=n)


def collaborative_filtering(desk: Asking, like: Like = (), where: Where = (), n: Count = 10) -> Result:
    """Items that people with the same taste took up: as this person's history, or as the items in `like`."""
    return _found(desk, "collaborative_filtering", like=like, where=where, n=n)


def popular_items(
    desk: Asking,
    where: Where = (),
    since: Annotated[str, Field(description="From this day on, 2016-01-31 or 2016.")] = "",
    until: Annotated[str, Field(description="Up to this day.")] = "",
    n: Count = 10,
) -> Result:
    """Items that most people took up and valued, over all times or in a period."""
    return _found(desk, "popular_items", where=where, since=since, until=until, n=n)


def user_history(
    desk: Asking,
    kind: Annotated[str, Field(description="rating, purchase, view, ...; empty for all.")] = "",
    where: Where = (),
    order: Annotated[str, Field(description="newest, oldest, highest or lowest.")] = "newest",
    since: str = "",
    until: str = "",
    n: Count = 10,
) -> Result:
    """What this person did before, as references. The profile in the request already sums it up."""
    return _found(desk, "user_history", kind=kind, where=where, order=order, since=since, until=until, n=n)


def item_details(
    desk: Asking,
    items: Annotated[Sequence[str], _Listed, Field(description="Handles, or titles even if misspelt.")],
) -> Result:
    """Everything the catalogue says of a few items."""
    return _found(desk, "item_details", items=items)


def rank_candidates(
    desk: Asking,
    wishes: Annotated[
        Sequence[str], _Listed, Field(description='Wishes to weigh: "w1" or conditions; empty for those read.')
    ] = (),
    n: Count = 10,
) -> Result:
    """Order all candidates, this turn's too, by taste, likeness, wishes, popularity and novelty."""
    return _found(desk, "rank_candidates", wishes=wishes, n=n)


def submit_recommendations(**_: Any) -> str:
    """Final call, alone in its turn: the recommended candidates, best first, each with evidence and reason."""
    return ""


def _found(desk: Desk, tool: str, **arguments: Any) -> Result:
    findings = desk.look_ups.call(tool, arguments)
    return findings.note, findings


class _LookUp(StructuredTool):
    """A tool whose function takes a desk and its arguments, and nothing of LangChain."""

    @override
    def invoke(
        self, input: str | dict[str, Any] | ToolCall, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Any:
        """The result of a call, as a message with the findings as its artifact, equal to ``StructuredTool.invoke``.

        The original inspects signatures and type hints four times a call to find injected arguments, which took longer
        than many look-ups.

        Args:
            input: a tool call; anything else goes to the original.
            config: LangChain's configuration of the run.
            **kwargs: for the original.
        """
        if not isinstance(input, dict) or input.get("type") != "tool_call" or self.func is None:
            return super().invoke(input, config, **kwargs)
        call, config = cast(ToolCall, input), ensure_config(config)
        asked = {name: value for name, value in call["args"].items() if name != DESK}
        manager = CallbackManager.configure(config["callbacks"], None, False, config["tags"], None, config["metadata"])
        described = {"name": self.name, "description": self.description}
        run = manager.on_tool_start(described, str(asked), inputs=asked, tool_call_id=call["id"])
        try:
            note, findings = self.func(**self._read(call["args"]))
        except BaseException as error:
            run.on_tool_error(error, tool_call_id=call["id"])
            raise
        message = ToolMessage(note, artifact=findings, tool_call_id=call["id"], name=self.name)
        run.on_tool_end(message, name=self.name)
        return message

    def _read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the schema reads them, with its defaults. Raises pydantic's ValidationError."""
        schema = self.args_schema
        assert isinstance(schema, type)
        assert issubclass(schema, BaseModel)
        read = schema.model_validate(arguments)
        return {name: getattr(read, name) for name in schema.model_fields}


def _tool(function: Callable[..., Result]) -> BaseTool:
    return _LookUp.from_function(function, response_format="content_and_artifact")


TOOLS: tuple[BaseTool, ...] = tuple(
    _tool(function)
    for function in (
        search_items,
        collaborative_filtering,
        filter_items,
        popular_items,
        user_history,
        item_details,
        rank_candidates,
    )
)
"""The look-ups."""

FINAL: BaseTool = StructuredTool.from_function(submit_recommendations, name=SUBMIT, args_schema=SubmitArguments)
"""The final call; ``act`` reads its arguments and never runs it."""

ALL_TOOLS: tuple[BaseTool, ...] = (*TOOLS, FINAL)

_UNSAID = ("default", "minimum", "maximum", "title")
"""Parts of a schema that are left out, because they cost tokens at every call; an error message names a broken
limit."""


def schemas(tools: Sequence[BaseTool] = ALL_TOOLS) -> list[dict[str, Any]]:
    """The tools as a chat model is sent them, in OpenAI's format: names, types, and what cannot be guessed."""
    return [_terse(convert_to_openai_tool(tool)) for tool in tools]


def _terse(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_terse(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = schema.get("properties")
    kept = {key: _terse(part) for key, part in schema.items() if key not in _UNSAID and key != "properties"}
    if isinstance(named, dict):
        kept["properties"] = {name: _terse(part) for name, part in named.items()}
    return kept


def ask_person(question: str, choices: list[str]) -> None:
    """Ask the person one question, where the request leaves open what they want. Call it alone, before any look-up."""


ASKING: BaseTool = StructuredTool.from_function(ask_person, name=ASK, args_schema=AskArguments)
"""The tool that a model gets beside ``ALL_TOOLS`` where it may ask back; ``act`` reads its arguments and never runs
it."""


def render_rows(
    findings: Findings, entries: Sequence[Entry], slate: Slate, before: Slate, read: Collection[str]
) -> str:
    """A tool's result as the model reads it: a line for each row, evidence with its numbers.

    Args:
        findings: the result of the tool.
        entries: the slate's entry of each row.
        slate: the slate with the findings.
        before: the slate without them.
        read: handles of ``before`` that the model has read about; only new evidence is shown for them.
    """
    lines = [findings.note] if findings.note else []
    told: set[int] = set()
    known: list[str] = []
    for entry in entries[: findings.shown]:
        old = before.entries.get(entry.handle) if entry.handle in read else None
        new = [n for n in entry.evidence if old is None or n not in old.evidence]
        # Evidence that several rows share is spelled out once; after that its number is enough.
        first = [n for n in new if n not in told][:SHOWN_EVIDENCE]
        facts = [f"e{n} {slate.told(n)}" if n in first else f"e{n}" for n in new if n in told or n in first]
        told.update(first)
        if old and not facts and findings.tool != RANKING:
            known.append(entry.handle)
            continue
        head = entry.handle if old else f"{entry.handle} {entry.short_title}"
        summary = f" ({entry.summary})" if entry.summary and not old else ""
        lines.append(f"{head}{summary}: {'; '.join(facts)}" if facts else f"{head}{summary}")
    if known:
        lines.append(f"Also, as told before: {', '.join(known)}.")
    hidden = len(findings.rows) - findings.shown
    if hidden > 0:
        lines.append(f"… and {hidden} more on the slate.")
    return "\n".join(lines) or "Nothing found."
