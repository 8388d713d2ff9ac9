"""The recommendations of an answer, made from a verdict, each with the evidence it cites."""

from __future__ import annotations

from recmind.agent.answer import Proof, Recommendation
from recmind.agent.state import AgentContext, State
from recmind.agent.wording.group_fits import fits_of, with_fits


def recommended(state: State, context: AgentContext) -> tuple[Recommendation, ...]:
    """The chosen items, best first, with a confidence if one has been learned."""
    slate, chosen = state["slate"], state["verdict"].chosen
    confidences = context.engines.confidences(context.user_id, [found.item_id for found in chosen])
    fits = {found.item_id: fits_of(slate.of_item(found.item_id), context) for found in chosen}
    return tuple(
        Recommendation(
            rank=rank,
            item_id=found.item_id,
            title=found.title,
            score=found.score,
            reason=with_fits(found.reason, fits[found.item_id]),
            evidence=tuple(
                Proof(fact.kind, fact.text, dict(fact.data)) for n in found.cites if (fact := slate.fact(n))
            ),
            confidence=confidences.get(found.item_id),
            fits=fits[found.item_id],
        )
        for rank, found in enumerate(chosen, 1)
    )
