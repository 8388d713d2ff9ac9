"""Checks independently whether an answer is valid: it trusts neither the agent nor the tools."""

from __future__ import annotations

from collections.abc import Collection

from recmind.agent.answer import Answer, Recommendation
from recmind.agent.validation.evidence_checks import holds
from recmind.data.conditions import matches
from recmind.data.records import Item
from recmind.tools.brief import Brief
from recmind.tools.context import RequestContext
from recmind.tools.evidence.slate import Evidence


def faults(
    answer: Answer, context: RequestContext, brief: Brief, candidates: Collection[str] | None = None
) -> tuple[int, int]:
    """How many recommendations are of invalid items, and how many of the others have a reason that is not proved.

    An item is invalid if it does not exist, is not available, comes twice, was consumed or ruled out, breaks a filter
    or a stored preference, or is not a candidate. A reason is proved if it names evidence and every piece of it holds
    when checked again against catalogue, history and index. Constraints read from the words are not checked: a model
    may drop them, and says so in the message.

    Args:
        answer: the agent's answer.
        context: the request's context, with store and engines.
        brief: what binds the request.
        candidates: ids of the only items allowed; None allows all.
    """
    items = context.store.items.get_many(found.item_id for found in answer.recommendations)
    seen: set[str] = set()
    invalid = unproved = 0
    for found in answer.recommendations:
        item = items.get(found.item_id)
        allowed = found.item_id not in seen and (candidates is None or found.item_id in candidates)
        seen.add(found.item_id)
        if item is None or not allowed or not _fits(item, brief):
            invalid += 1
        elif not _proved(found, item, context, brief):
            unproved += 1
    return invalid, unproved


def _fits(item: Item, brief: Brief) -> bool:
    return (
        item.available
        and item.item_id not in brief.excluded
        and all(matches(condition, item) for condition in brief.standing)
    )


def _proved(found: Recommendation, item: Item, context: RequestContext, brief: Brief) -> bool:
    facts = [Evidence(proof.kind, proof.text, proof.data) for proof in found.evidence]
    return bool(found.reason.strip() and facts) and all(holds(fact, item, context, brief) for fact in facts)
