"""prepare: reads the request, and writes down for the model what is known before the first call."""

from __future__ import annotations

from dataclasses import replace

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from recmind import prompts
from recmind.agent.graph.briefing import make_brief
from recmind.agent.graph.steady import steady
from recmind.agent.state import AgentContext, Event, State
from recmind.agent.validation.evidence_checks import proved_of_person
from recmind.agent.wording import group_fits
from recmind.agent.wording.taste_summary import taste_summary
from recmind.tools.brief import Brief
from recmind.tools.chat.catalogue_summary import describe_catalogue, example_condition
from recmind.tools.evidence.slate import Slate
from recmind.tools.lookups import LookUps

REMEMBERED = 6
"""Past items put on the slate as references, the user's favorites first."""


@steady
def prepare(state: State, runtime: Runtime[AgentContext]) -> State:
    """The brief, the first references on the slate, and the opening messages."""
    context = runtime.context
    brief = make_brief(context)
    slate = _references(state["slate"], brief, context)
    if not brief.likes:
        brief = replace(brief, favorites=_favorites(slate))
    if context.emit:
        context.emit(Event("understood", brief.meaning))
    told = (context.people or (None,)) if context.mode == "explanation-first" else ()
    understood = tuple(taste_summary(context, user_id, proved_of_person) for user_id in told)
    if context.emit:
        for person in understood:
            context.emit(Event("understood", person.text))
    human = prompts.render(
        "request",
        query=context.query or "(none: recommend what fits the person)",
        earlier=f"\nEarlier in this conversation, oldest first\n{context.earlier}\n" if context.earlier else "",
        meaning=brief.meaning,
        readings=_readings(brief),
        who="Group" if context.members else "Person",
        profile=_profile(context) if brief.known_user else "Nothing is known of them.",
        references=_listed(slate),
        k=context.wanted(brief),
    )
    return State(
        messages=[SystemMessage(_system(context)), HumanMessage(human)],
        understood=understood,
        brief=brief,
        slate=slate,
        read=frozenset(slate.entries),
        submission=None,
        repaired=False,
    )


def _profile(context: AgentContext) -> str:
    """What is known of the person, or of each member of the group, for a model to read."""
    profiles = [context.engines.history.profile(user_id) for user_id in context.people]
    return group_fits.digest(profiles) if context.members else profiles[0].digest()


def _references(slate: Slate, brief: Brief, context: AgentContext) -> Slate:
    """The slate with what the request names and what the user thinks most of, to be cited."""
    look_ups = LookUps(context, brief, slate)
    if brief.likes:
        slate, _ = slate.merged(look_ups.named(brief.likes))
    if brief.known_user and not brief.again:
        found = look_ups.call("user_history", {"order": "highest", "n": REMEMBERED})
        # Of a short history the highest may be low.
        praised = tuple(row for row in found.rows if not any(fact.against for fact in row.evidence))
        slate, _ = slate.merged(replace(found, rows=praised))
    return slate


def _favorites(slate: Slate) -> tuple[str, ...]:
    """The references that the user's past speaks for."""
    past = {n for n, fact in enumerate(slate.evidence, 1) if fact.kind == "history" and not fact.against}
    references = (entry for entry in slate.entries.values() if entry.role == "reference")
    return tuple(entry.item_id for entry in references if past.intersection(entry.evidence))


def _system(context: AgentContext) -> str:
    """The part of the prompt that is the same for every request on this catalogue, so that providers can cache it."""
    catalogue = context.store.catalogue()
    return prompts.render(
        "system",
        items=catalogue.items,
        catalogue=describe_catalogue(catalogue),
        example_condition=example_condition(catalogue),
    )


def _readings(brief: Brief) -> str:
    lines = [
        f"{label} {part.words!r}: {' and '.join(map(str, part.conditions))} (binds)"
        for label, part in brief.bindings.items()
    ]
    lines += [
        f"{label} {part.words!r}: {' or '.join(map(str, part.conditions))} (wish)"
        for label, part in brief.wishes.items()
    ]
    lines += [f"Always binds: {condition}" for condition in brief.standing]
    if brief.again:
        lines.append("Items of the person's history may be recommended.")
    return "\n".join(lines) + ("\n" if lines else "")


def _listed(slate: Slate) -> str:
    if not slate.entries:
        return ""
    lines = []
    for entry in slate.entries.values():
        facts = "; ".join(f"e{n} {slate.told(n)}" for n in entry.evidence[:3])
        lines.append(f"{entry.handle} {entry.short_title}{f': {facts}' if facts else ''}")
    return "\nReferences\n" + "\n".join(lines) + "\n"
