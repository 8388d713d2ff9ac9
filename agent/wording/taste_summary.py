"""A summary of a person's taste, said before the items: sentences made of facts that are checked like all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recmind.agent.answer import Portrait, Proof
from recmind.data.wording import series
from recmind.tools.context import RequestContext
from recmind.tools.engines.profile import Profile, ValueTaste, star_kinds
from recmind.tools.evidence import phrases
from recmind.tools.evidence.slate import Evidence

TASTES, DISLIKES, FAVORITES = 3, 2, 2
"""At most this many of each are told."""


Holds = Callable[[Evidence, RequestContext, str], bool]
"""Checks whether a fact about this user is true."""


def taste_summary(context: RequestContext, user_id: str | None, holds: Holds) -> Portrait:
    """What is known about this user, each fact with its proof; a fact that does not hold is left out.

    Args:
        context: the request's context.
        user_id: the user it is about; None for nobody.
        holds: checks each fact again.
    """
    history = context.engines.history
    profile = history.profile(user_id)
    if user_id is None or not profile.known:
        return Portrait(user_id, "Nothing is known of you yet." if user_id is not None else "Nobody was named.")
    told: list[Evidence] = []

    def proved(facts: list[Evidence]) -> list[str]:
        holding = [fact for fact in facts if holds(fact, context, user_id)]
        told.extend(holding)
        return [fact.text for fact in holding]

    def facts(tastes: Sequence[ValueTaste], *, less: bool = False) -> list[Evidence]:
        return [phrases.taste(t.attribute, t.value, t.count, t.lift, less=less) for t in tastes]

    parts = (
        ("You take to", facts(profile.tastes[:TASTES])),
        ("You care less for", facts(profile.disliked[:DISLIKES], less=True)),
        ("Among the best for you:", _favorites(context, user_id, profile)),
        ("Kept to:", [phrases.preference(p.text, p.condition) for p in profile.preferences if p.binds]),
    )
    sentences = [f"{opening} {series(held)}." for opening, found in parts if (held := proved(found))]
    text = " ".join(sentences) or "There is too little history to tell a taste."
    return Portrait(user_id, text, tuple(Proof(fact.kind, fact.text, dict(fact.data)) for fact in told))


def _favorites(context: RequestContext, user_id: str, profile: Profile) -> list[Evidence]:
    """What the user did with their favorite items."""
    stars = star_kinds(context.store)
    rows = {
        row.item_id: row for row in reversed(context.engines.history.interactions(user_id, order="highest", n=None))
    }
    return [
        phrases.history(row.interaction, row.title, stars=row.interaction.kind in stars)
        for item in profile.favorites[:FAVORITES]
        if (row := rows.get(item.item_id))
    ]
