"""The message of an answer: how the request was understood, what could not be done, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recmind.agent.state import AgentContext, Verdict
from recmind.agent.wording import group_fits
from recmind.data.conditions import Condition, resolve_condition
from recmind.data.wording import quoted
from recmind.tools.brief import Brief
from recmind.tools.evidence.loosening import loosening

FAR = 0.29
"""If no recommendation is more similar to the request than this, the catalogue has nothing like it."""


def write_message(brief: Brief, verdict: Verdict, context: AgentContext, *, cause: str | None) -> str:
    """The message: a few plain sentences.

    Args:
        brief: what binds the request, and how it was understood.
        verdict: the result of the checks, with what is recommended.
        context: the request's context.
        cause: why the fallback answered; None if the model did.
    """
    sentences = [_taken_as(brief), *brief.unused]
    sentences += [
        f"The model set {quoted(brief.bindings[label].words)} aside, so an item may go against it."
        for label in verdict.dropped
    ]
    if context.members:
        sentences += group_fits.sentences(brief, context)
    elif context.user_id is not None and not brief.known_user:
        sentences.append(
            f"Nothing is known of user {context.user_id!r} yet, so this rests on the request and on what others like."
        )
    elif brief.empty and brief.known_user and not brief.again:
        sentences.append("Nothing in particular was asked for, so this rests on what is known of your taste.")
    elif brief.empty and not brief.known_user:
        sentences.append("No user was named, so this is what others like most.")
    if brief.preferences:
        stated = ", ".join(quoted(part.words) for part in brief.preferences)
        sentences.append(f"Kept to what you once stated: {stated}.")
    if _nothing_close(brief, verdict, context):
        sentences.append("Nothing in this catalogue comes close to that, so these are only the nearest I found.")
    if len(verdict.chosen) < context.wanted(brief):
        sentences.append(_shortfall(brief, verdict, context))
    if cause:
        sentences.append(f"The model did not answer ({cause}); the ranker chose instead.")
    return " ".join(sentence for sentence in sentences if sentence)


def _taken_as(brief: Brief) -> str:
    if brief.empty and not (brief.again or brief.unseen):
        return ""
    return f"I took this to mean: {brief.meaning}"


def _nothing_close(brief: Brief, verdict: Verdict, context: AgentContext) -> bool:
    """Whether the request consists only of words to search for, and no recommendation matches them."""
    if not brief.text or not verdict.chosen or brief.likes or brief.wishes or brief.bindings:
        return False
    search = context.engines.search
    near = search.similarities(search.query_vector(brief.text), [chosen.item_id for chosen in verdict.chosen])
    return bool(np.nan_to_num(near, nan=1.0).max() < FAR)


def _advice(conditions: Sequence[Condition], brief: Brief, context: AgentContext) -> str:
    """The one condition to drop, and how many items that gives; empty if dropping one does not help."""
    catalogue = context.store.catalogue()
    resolved = [resolve_condition(condition, catalogue) for condition in conditions]
    return loosening(context.store, resolved, brief.excluded)


def _shortfall(brief: Brief, verdict: Verdict, context: AgentContext) -> str:
    """Why there are fewer items than asked for, and which condition to loosen."""
    found = len(verdict.chosen)
    conditions = brief.binding_conditions(frozenset(verdict.dropped))
    said = f"{found or 'No'} item{'' if found == 1 else 's'} instead of {context.wanted(brief)}:"
    if conditions:
        advice = _advice(conditions, brief, context) if len(conditions) > 1 else ""
        listed = " and ".join(str(condition) for condition in conditions[:4])
        more = "nothing else in the catalogue" if found else "nothing in the catalogue"
        if brief.excluded & brief.consumed:
            more += " that you do not know already"
        return f"{said} {more} meets {listed}{'' if not advice else f'; {advice}'}."
    if brief.consumed and not brief.again:
        return f"{said} the rest of the catalogue is already in the user's history or was ruled out."
    return f"{said} no more of the catalogue qualifies."
