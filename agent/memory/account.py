"""A short summary of the conversation for a model: the last answer in full, older ones in a line each."""

from __future__ import annotations

from recmind.agent.memory.thread import Thread, Turn
from recmind.agent.models.replies import LETTERS_PER_TOKEN
from recmind.data.wording import first_few, quoted
from recmind.tools.evidence.slate import Slate

TITLES = 3
"""The number of titles told for an older answer."""
FACTS = 3
"""The number of pieces of evidence told for an item of the last answer."""


def account(thread: Thread, slate: Slate, tokens: int) -> str:
    """A summary of the conversation so far within about ``tokens`` tokens; empty if nothing fits.

    The last answer is told item by item, with the handles and the evidence that the slate has for it; older answers in
    a line each; the oldest are only counted if there is no room.

    Args:
        thread: the conversation.
        slate: the slate of the new request, with the items of the last answer.
        tokens: the size of the summary, approximately.
    """
    room = tokens * LETTERS_PER_TOKEN
    lines: list[str] = []
    turns = thread.turns
    for place in range(len(turns) - 1, -1, -1):
        line = _told(turns[place], slate if place == len(turns) - 1 else None)
        if len(line) > room:
            line = _told(turns[place], None)
        if len(line) > room:
            break
        room -= len(line) + 1
        lines.insert(0, line)
    left = thread.dropped + len(turns) - len(lines)
    if left and lines:
        lines.insert(0, f"({left} earlier {'request' if left == 1 else 'requests'}, not told here)")
    return "\n".join(lines)


def _told(turn: Turn, slate: Slate | None) -> str:
    said = f"- {quoted(turn.said)}" if turn.said.strip() else "- (no words)"
    if turn.question is not None:
        return f"{said}: you asked back: {turn.question}"
    if slate is None:
        titles = first_few((found.title for found in turn.shown), TITLES)
        return f"{said}: {titles or 'nothing found'}"
    return "\n".join([f"{said}, answered with", *(_shown(found.item_id, found.title, slate) for found in turn.shown)])


def _shown(item_id: str, title: str, slate: Slate) -> str:
    entry = slate.of_item(item_id)
    if entry is None:
        return f"  {title} (ruled out by now)"
    facts = "; ".join(f"e{n} {fact.text}" for n in entry.evidence[:FACTS] if (fact := slate.fact(n)))
    return f"  {entry.handle} {entry.title}: {facts}" if facts else f"  {entry.handle} {entry.title}"
