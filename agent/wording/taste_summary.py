"""What is understood of a person, said before the items: sentences made of facts that are proved like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recmind.agent.answer import Portrait, Proof
from recmind.data.wording import series
from recmind.tools.context import RequestContext
from recmind.tools.engines.profile import Profile, ValueTaste, star_kinds
from recmind.tools.evidence import phrases
from recmind.tools.evidence.slate import Evidence

TASTES, DISLIKES, FAVORITES = 3, 2, 2
"""How many of each are told at most."""


Holds = Callable[[Evidence, RequestContext, str], bool]
"""Whether a fact about this user can be proved again."""


def taste_summary(context: RequestContext, user_id: str | None, holds: Holds) -> Portrait:
    """What is known of this user, each fact with its proof; a fact that does not hold is not told."""
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
    """What the user did with the items they think most of."""
    stars = star_kinds(context.store)
    rows = {
        row.item_id: row for row in reversed(context.engines.history.interactions(user_id, order="highest", n=None))
    }
    return [
        phrases.history(row.interaction, row.title, stars=row.interaction.kind in stars)
        for item in profile.favorites[:FAVORITES]
        if (row := rows.get(item.item_id))
    ]
