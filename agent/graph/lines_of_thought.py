"""Lines of thought: what each has explored, as the next decision reads it, and how a further one begins.

The strategy ``self-inspiring`` follows RecMind (arXiv 2308.14296): a plan may branch at every step, and what any branch
has found stays known. Here all lines share one slate; each is a conversation of its own that opens with the request and
an account of the lines before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool

from recmind import prompts
from recmind.agent.models.text_tool_calls import with_text_tool_calls, without_thoughts
from recmind.agent.planner.task import ExploredLines
from recmind.agent.state import AgentContext, LineOfThought, State
from recmind.data.text import normalize
from recmind.data.wording import first_few
from recmind.tools.evidence.slate import Entry, Slate
from recmind.tools.ranking.group import in_turns

RESERVED = 4
"""Model calls that must be left where a question is asked: it, the look-ups it leads to, the final call, a repair."""
TOLD_ROWS, TOLD_FACTS = 6, 4
"""Candidates of each line that an account tells of, and facts of each."""
TOLD_HANDLES = 8
"""Rows of each look-up that an account names."""
LONGEST_IDEA = 200
"""Letters."""
EXPLORE = "explore"

_NO = re.compile(r"\W*(no|none|nothing|enough|stop|submit|done)\b", re.IGNORECASE)
_YES = re.compile(r"\W*yes\b\W*(.*)", re.IGNORECASE | re.DOTALL)


def explore(idea: str) -> str:
    """Begin another line of thought."""
    return idea


ANOTHER: BaseTool = StructuredTool.from_function(explore, name=EXPLORE)
"""How a model says that another line of thought would help; it is never run."""


def question(state: State, context: AgentContext) -> HumanMessage:
    """Whether another line of thought would help, given all that every line has explored."""
    brief = state["brief"]
    return HumanMessage(
        prompts.render(
            "inspire",
            query=context.query or "(none: recommend what fits the person)",
            meaning=brief.meaning,
            k=context.wanted(brief),
            account=_account(state, facts=0),
        )
    )


def explored(state: State) -> ExploredLines:
    """The same account for a planner that reads no prompt."""
    lines = _conversations(state)
    steps = list(_steps(lines))
    return ExploredLines(
        ideas=tuple(line.idea for line in lines),
        tools=tuple(name for name, *_ in steps),
        least=min((len(handles) for *_, handles in steps), default=0),
    )


def idea_of(message: AIMessage, state: State) -> str:
    """The line of thought that the model's answer asks for, or an empty text: none, or one that was taken already."""
    message = with_text_tool_calls(message, (EXPLORE,))
    text = without_thoughts(message.text)
    idea = next((str(call["args"].get("idea") or "") for call in message.tool_calls if call["name"] == EXPLORE), "")
    if not idea and not _NO.match(text) and (said := _YES.match(text)):
        idea = said[1].strip() or "another view of the same request"
    idea = " ".join(idea.split())[:LONGEST_IDEA]
    taken = {normalize(line.idea) for line in _conversations(state)}
    return idea if normalize(idea) and normalize(idea) not in taken else ""


def begun(state: State, idea: str) -> tuple[list[AnyMessage], LineOfThought]:
    """The conversation of a further line, and the line that it leaves behind."""
    lines = _conversations(state)
    system, request = lines[0].messages[:2]
    account = _account(state, facts=TOLD_FACTS)
    human = HumanMessage(prompts.render("line", request=request.content, account=account, idea=idea))
    return [system, human], lines[-1]


def _conversations(state: State) -> list[LineOfThought]:
    """All lines of thought, the present one last. The first opens with the request itself."""
    return [*state.get("lines", ()), LineOfThought(state.get("line", ""), tuple(state["messages"]))]


def _steps(lines: Sequence[LineOfThought]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Each look-up of the lines: tool, call, what it said where it failed, handles of the rows it showed."""
    for line in lines:
        called = {
            call["id"]: call
            for message in line.messages
            if isinstance(message, AIMessage)
            for call in message.tool_calls
        }
        for message in line.messages:
            call = called.get(message.tool_call_id) if isinstance(message, ToolMessage) else None
            if call is None or not isinstance(message, ToolMessage):
                continue
            arguments = ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in call["args"].items() if v)
            rows = message.artifact["rows"] if isinstance(message.artifact, dict) else []
            said = str(message.content).splitlines()[0][:120] if message.status == "error" or not rows else ""
            yield call["name"], f"{call['name']}({arguments})", said, [row["handle"] for row in rows]


def _account(state: State, *, facts: int) -> str:
    """What every line has explored: its look-ups, and its first candidates, each told of once."""
    slate, told, spelled, parts = state["slate"], set[str](), set[int](), []
    for number, line in enumerate(_conversations(state), 1):
        parts.append(f"Line {number}: {line.idea or 'the first look-ups'}")
        steps = list(_steps([line]))
        parts += [f"- {call}: {said or first_few(handles, TOLD_HANDLES)}" for _, call, said, handles in steps]
        found = in_turns([handles for *_, handles in steps])
        best = [h for h in found if h not in told and slate.entries[h].role == "candidate"]
        for handle in list(dict.fromkeys(best))[:TOLD_ROWS]:
            told.add(handle)
            parts.append(_row(slate.entries[handle], slate, facts, spelled))
    return "\n".join(parts)


def _row(entry: Entry, slate: Slate, facts: int, spelled: set[int]) -> str:
    summary = f" ({entry.summary})" if entry.summary else ""
    numbers = entry.evidence[:facts]
    # What several rows share is spelled out once; behind that its number is enough.
    shown = "; ".join(f"e{n}" if n in spelled else f"e{n} {slate.told(n)}" for n in numbers)
    spelled.update(numbers)
    return f"{entry.handle} {entry.short_title}{summary}{f': {shown}' if shown else ''}"
