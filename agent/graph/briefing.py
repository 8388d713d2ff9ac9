"""Reading a request: what its words mean, who asks and what binds, as one ``Brief`` for all later steps."""

from __future__ import annotations

from recmind.agent.preferences.keeping import settle_statements
from recmind.agent.state import AgentContext
from recmind.agent.understanding import Understanding, understand
from recmind.data.conditions import Condition, parse_condition
from recmind.data.errors import ConditionError
from recmind.tools.brief import Brief, Constraint


def make_brief(context: AgentContext) -> Brief:
    """The brief of the request, read here or as a conversation has heard it. What the person states for good is kept
    at once.
    """
    heard, notes, query = context.heard, context.notes, context.query
    if heard is None:
        settled = settle_statements(query, context.user_id, context.store, context.engines.titles)
        notes, query = settled.notes, settled.query
    history = context.engines.history
    known = any(history.profile(user_id).known for user_id in context.people)
    understanding = heard or _understood(query, context, known=known)
    consumed = frozenset[str]().union(*map(history.consumed, context.people))
    # "Again" is not meant of what they did not like.
    disliked = frozenset[str]().union(*map(history.disliked, context.people))
    barred = disliked if understanding.again else consumed
    preferences, loved = _preferences(context)
    likes = tuple(mention.item_id for mention in understanding.likes)
    unlikes = tuple(mention.item_id for mention in understanding.unlikes)
    wishes = tuple(Constraint(wish.words, wish.conditions) for wish in understanding.wishes)
    if not (wishes or likes or understanding.text):
        # What they love counts where the request leaves it open.
        wishes = loved
    return Brief(
        text=understanding.text,
        likes=likes,
        unlikes=unlikes,
        bindings={b.label: Constraint(b.words, b.conditions) for b in understanding.bindings},
        wishes={f"w{n}": wish for n, wish in enumerate(wishes, 1)},
        standing=(*context.filters, *(c for part in preferences for c in part.conditions)),
        preferences=preferences,
        excluded=context.exclude.union(barred, *map(history.refused, context.people), likes, unlikes),
        consumed=consumed,
        known_user=known,
        again=understanding.again,
        surprise=understanding.surprise,
        count=understanding.count,
        meaning=understanding.meaning(),
        empty=understanding.empty,
        unseen=understanding.unseen,
        unused=understanding.unused,
        notes=notes,
    )


def _understood(query: str, context: AgentContext, *, known: bool) -> Understanding:
    """What the words mean; who chose a model by it has read them already."""
    read = context.reading
    if read is not None and read.query == query:
        return read
    return understand(query, context.store, context.engines.titles, user_known=known)


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
