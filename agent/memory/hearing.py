"""Reads a message of a thread: what it means after what was said before, and what is remembered because of it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recmind.agent.memory.thread import Thread
from recmind.agent.preferences.keeping import settle_statements
from recmind.agent.state import AgentContext
from recmind.agent.understanding import TitleMention
from recmind.agent.understanding.follow_up import FollowUp, follow_up
from recmind.agent.understanding.references import OutOfRange, Talked, referred
from recmind.data.records import Interaction
from recmind.data.text import normalize

HAD = "seen"
"""The kind of interaction that is stored for "I have seen that"."""
_ANY = re.compile(
    r"(?:no idea|whatever|any(?:thing)?(?: (?:goes|is fine|will do|of them))?|you (?:choose|decide|pick)|up to you"
    r"|(?:i )?(?:do not|dont) (?:know|care|mind)|no preference|none|either|all of them|skip)(?: please)?"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message after it was read."""

    follow_up: FollowUp
    thread: Thread
    """The thread with the changes that the message makes; the turn itself is added once there is an answer."""
    notes: tuple[str, ...] = ()
    """What was remembered because of the message, a sentence each."""


def hear(said: str, thread: Thread, context: AgentContext) -> Heard:
    """What the message means in its thread. Lasting preferences and items that the person has had are kept at once.

    Args:
        said: the message, or the reply to a question.
        thread: the conversation so far.
        context: the request's context.
    """
    store, finder, history = context.store, context.engines.titles, context.engines.history
    settled = settle_statements(_reply(said, thread), context.user_id, store, finder)
    talked = Talked(tuple(TitleMention(s.item_id, s.title, s.title) for s in thread.shown), thread.focus)
    known = context.user_id is not None and history.profile(context.user_id).known
    heard = follow_up(
        settled.query, thread.understanding, talked, store, finder, user_known=known, read=context.reading
    )
    notes = (*settled.notes, *heard.notes, *_kept_as_had(heard.had, context))
    had = (*thread.had, *(mention.item_id for mention in heard.had if mention.item_id not in thread.had))
    aside = (*(() if heard.fresh else thread.aside), *(mention.item_id for mention in heard.aside))
    changed = replace(
        thread,
        understanding=heard.understanding,
        shown=() if heard.fresh else thread.shown,
        focus=heard.focus or (None if heard.fresh else thread.focus),
        had=had,
        aside=tuple(dict.fromkeys(aside)),
    )
    return Heard(heard, changed, notes)


def _reply(said: str, thread: Thread) -> str:
    """The message, or what it means as the reply to a question: a choice by its number, or no preference."""
    if not thread.choices:
        return said
    key = normalize(said)
    if _ANY.fullmatch(key):
        return ""
    offered = Talked(tuple(TitleMention(choice, choice, choice) for choice in thread.choices))
    try:
        chosen = referred(f"number {key}" if key.isdigit() else said, offered)
    except OutOfRange:
        return said
    return " or ".join(mention.title for mention in chosen) if chosen else said


def _kept_as_had(had: Sequence[TitleMention], context: AgentContext) -> list[str]:
    """Sentences about the items that the person has had; for a named user each is stored, unless it is known."""
    if not had:
        return []
    if context.user_id is not None:
        known = context.engines.history.consumed(context.user_id)
        moment = time.time()
        context.store.interactions.add(
            Interaction(context.user_id, mention.item_id, HAD, None, moment)
            for mention in had
            if mention.item_id not in known
        )
    titles = " and ".join(mention.title for mention in had)
    return [f"Noted that you have had {titles}{'' if context.user_id is not None else ', for this conversation'}."]
