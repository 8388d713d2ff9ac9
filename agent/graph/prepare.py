"""prepare: everything that is known before the first model call.

What the words mean, who asks, what binds the request, what the catalogue is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from recmind import prompts
from recmind.agent.graph.steady import steady
from recmind.agent.models.offline import BRIEF
from recmind.agent.planner import fallback_ranking
from recmind.agent.preferences.keeping import settle_statements
from recmind.agent.state import AgentContext, Event, State
from recmind.agent.understanding import Understanding, understand
from recmind.agent.validation.evidence_checks import proved_of_person
from recmind.agent.wording import group_fits
from recmind.agent.wording.taste_summary import taste_summary
from recmind.data.conditions import Condition, parse_condition
from recmind.data.errors import ConditionError
from recmind.tools.brief import Brief, Constraint
from recmind.tools.chat.catalogue_summary import describe_catalogue, example_condition
from recmind.tools.engines.profile import Profile
from recmind.tools.evidence.slate import Slate
from recmind.tools.lookups import LookUps

REMEMBERED = 6
"""Past items put on the slate as references, the user's favorites first."""


@steady
def prepare(state: State, runtime: Runtime[AgentContext]) -> State:
    """The understanding, the brief, the first references on the slate, and the opening messages."""
    context = runtime.context
    heard, notes = state.get("understanding"), state.get("notes", ())
    if heard is None:
        settled = settle_statements(context.query, context.user_id, context.store, context.engines.titles)
        notes = settled.notes
    history = context.engines.history
    consumed = frozenset[str]().union(*map(history.consumed, context.people))
    profiles = [history.profile(user_id) for user_id in context.people]
    known = any(profile.known for profile in profiles)
    understanding = heard or _read(settled.query, context, known=known)
    brief = _brief(understanding, context, consumed, known_user=known)
    slate = _references(state["slate"], brief, context)
    if context.emit:
        context.emit(Event("understood", understanding.meaning() or "an open request"))
    told = (context.people or (None,)) if context.mode == "explanation-first" else ()
    understood = tuple(taste_summary(context, user_id, proved_of_person) for user_id in told)
    if context.emit:
        for person in understood:
            context.emit(Event("understood", person.text))
    human = HumanMessage(
        prompts.render(
            "request",
            query=context.query or "(none: recommend what fits the person)",
            earlier=f"\nEarlier in this conversation, oldest first\n{context.earlier}\n" if context.earlier else "",
            meaning=understanding.meaning() or "an open request",
            readings=_readings(brief),
            who="Group" if context.members else "Person",
            profile=_profile(profiles, context) if known else "Nothing is known of them.",
            references=_listed(slate),
            k=context.wanted(brief),
        ),
        additional_kwargs={
            BRIEF: {
                **fallback_ranking.described(brief, slate, context.wanted(brief)),
                "at_once": context.strategy != "self-inspiring",
            }
        },
    )
    return State(
        messages=[SystemMessage(_system(context)), human],
        understanding=understanding,
        understood=understood,
        notes=notes,
        brief=brief,
        slate=slate,
        read=frozenset(slate.entries),
        submission=None,
        repaired=False,
    )


def _read(query: str, context: AgentContext, *, known: bool) -> Understanding:
    """What the request means; who chose a model by it has read it already."""
    read = context.reading
    if read is not None and read.query == query:
        return read
    return understand(query, context.store, context.engines.titles, user_known=known)


def _profile(profiles: Sequence[Profile], context: AgentContext) -> str:
    """What is known of the person, or of each member of the group, for a model to read."""
    return group_fits.digest(profiles) if context.members else profiles[0].digest()


def _brief(understanding: Understanding, context: AgentContext, consumed: frozenset[str], *, known_user: bool) -> Brief:
    preferences, loved = _preferences(context)
    likes = tuple(mention.item_id for mention in understanding.likes)
    unlikes = tuple(mention.item_id for mention in understanding.unlikes)
    wishes = tuple(Constraint(wish.words, wish.conditions) for wish in understanding.wishes)
    if not (wishes or likes or understanding.text):
        # What they love counts where the request leaves it open.
        wishes = loved
    # "Again" is not meant of what they did not like.
    disliked = frozenset[str]().union(*map(context.engines.history.disliked, context.people))
    barred = disliked if understanding.again else consumed
    return Brief(
        text=understanding.text,
        likes=likes,
        unlikes=unlikes,
        bindings={b.label: Constraint(b.words, b.conditions) for b in understanding.bindings},
        wishes={f"w{n}": wish for n, wish in enumerate(wishes, 1)},
        standing=(*context.filters, *(c for part in preferences for c in part.conditions)),
        preferences=preferences,
        excluded=context.exclude.union(barred, *map(context.engines.history.refused, context.people), likes, unlikes),
        consumed=consumed,
        known_user=known_user,
        again=understanding.again,
        surprise=understanding.surprise,
        count=understanding.count,
    )


def _preferences(context: AgentContext) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...]]:
    """What the users stated, and what they love; a preference that can no longer be read cannot bind."""
    by_words: dict[tuple[bool, str], list[Condition]] = {}
    for preference in (stated for user_id in context.people for stated in context.store.preferences.of_user(user_id)):
        try:
            condition = parse_condition(preference.condition)
        except ConditionError:
            continue
        by_words.setdefault((preference.binds, preference.text), []).append(condition)
    parts = [(binds, Constraint(words, tuple(conditions))) for (binds, words), conditions in by_words.items()]
    return tuple(part for binds, part in parts if binds), tuple(part for binds, part in parts if not binds)


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
