"""What an answer says beside its items: what the request was taken to mean, and what could not be done and why."""

from __future__ import annotations

from agent.state import AgentContext, Verdict
from agent.understanding import Understanding
from tools.context import Brief


def write_message(
    understanding: Understanding, brief: Brief, verdict: Verdict, context: AgentContext, *, cause: str | None
) -> str:
    """A few plain sentences."""
    sentences = [_taken_as(understanding), *understanding.unused]
    sentences += [f"Gave up {brief.bindings[label].words!r} to find anything." for label in verdict.dropped]
    if context.user_id is not None and not brief.known_user:
        sentences.append(
            f"Nothing is known of user {context.user_id!r} yet, so this rests on the request and on what others like."
        )
    elif context.user_id is None and understanding.empty:
        sentences.append("No user was named, so this is what others like most.")
    if brief.preferences:
        stated = ", ".join(f"“{part.words}”" for part in brief.preferences)
        sentences.append(f"Kept to what you once stated: {stated}.")
    if len(verdict.chosen) < context.k:
        sentences.append(_shortfall(brief, verdict, context))
    if cause:
        sentences.append(f"The model did not answer ({cause}); the ranker chose instead.")
    return " ".join(sentence for sentence in sentences if sentence)


def _taken_as(understanding: Understanding) -> str:
    meaning = understanding.meaning()
    return f"I took this to mean: {meaning}" if meaning else ""


def _shortfall(brief: Brief, verdict: Verdict, context: AgentContext) -> str:
    """Why there are fewer items than asked for, and which condition to loosen."""
    found = len(verdict.chosen)
    conditions = brief.binding_conditions(frozenset(verdict.dropped))
    said = f"{found or 'No'} item{'' if found == 1 else 's'} instead of {context.k}:"
    if conditions:
        advice = context.engines.filter.loosen(conditions, exclude=brief.excluded)
        listed = " and ".join(str(condition) for condition in conditions[:4])
        return f"{said} no more of the catalogue meets {listed}{'' if not advice else f'; {advice}'}."
    if brief.consumed and not brief.again:
        return f"{said} the rest of the catalogue is already in the user's history or was ruled out."
    return f"{said} no more of the catalogue qualifies."
