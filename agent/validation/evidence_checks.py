"""Checks evidence again against catalogue and history: the validator does not trust the tools either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from recmind.data.conditions import Condition, matches
from recmind.data.records import Item
from recmind.data.text import normalize, stem
from recmind.tools.brief import Brief
from recmind.tools.context import RequestContext
from recmind.tools.engines.profile import build_profile
from recmind.tools.evidence.slate import Evidence

TOLERANCE = 0.01
"""The largest difference between a measured value and the recorded one, which is rounded."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """Evidence about an item, and what it is checked against."""

    data: Mapping[str, Any]
    item: Item
    context: RequestContext
    brief: Brief


Prover = Callable[[_Claim], bool]


def holds(evidence: Evidence, item: Item, context: RequestContext, brief: Brief) -> bool:
    """Whether this evidence is true of the item, checked against the store. Evidence of an unknown kind is not.

    Args:
        evidence: the evidence.
        item: the item it is about.
        context: the request's context, with store and engines.
        brief: what binds the request.
    """
    prover = PROVERS.get(evidence.kind)
    return prover is not None and prover(_Claim(evidence.data, item, context, brief))


def speaks_against(evidence: Evidence, context: RequestContext, brief: Brief) -> bool:
    """Whether this evidence is no reason in favor, checked against the store.

    Evidence speaks against an item if it is what a person did with an item that they rated low or refused, or what goes
    only with such items. Items that the request itself asks to resemble are an exception.

    Args:
        evidence: the evidence.
        context: the request's context, with store and engines.
        brief: what binds the request.
    """
    data, history = evidence.data, context.engines.history
    if evidence.kind == "history" and "attribute" in data:
        return bool(data.get("less"))
    if evidence.kind == "history":
        deed = (str(data.get("item_id")), str(data.get("kind")), data.get("value"))
        return deed[0] not in brief.likes and deed in history.against(data.get("user_id", context.user_id))
    sources = (
        {str(source["item_id"]) for source in data.get("because", ())} if evidence.kind == "collaborative" else set()
    )
    if evidence.kind == "semantic" and data.get("like"):
        sources = {str(data["like"])}
    return bool(sources) and sources.isdisjoint(brief.likes) and sources <= history.disliked(context.user_id)


def proved_of_person(evidence: Evidence, context: RequestContext, user_id: str) -> bool:
    """Whether this evidence about a user alone (an interaction, a taste, a stated preference) is true by the store.

    Args:
        evidence: the evidence.
        context: the request's context, with store and engines.
        user_id: the user it is about.
    """
    data = evidence.data
    if evidence.kind == "preference":
        return any(
            (p.text, p.condition) == (data["text"], data["condition"])
            for p in context.store.preferences.of_user(user_id)
        )
    if "attribute" not in data:
        return _did(context, user_id, data)
    measured = build_profile(context.store, user_id)
    return any(
        (taste.attribute, taste.value, taste.count, taste.lift)
        == (data["attribute"], data["value"], data["count"], data["lift"])
        for taste in (measured.disliked if data["less"] else measured.tastes)
    )


def _did(context: RequestContext, user_id: str, data: Mapping[str, Any]) -> bool:
    done = context.store.interactions.of_user(user_id, item_id=str(data.get("item_id")))
    return any(i.kind == data.get("kind") and i.value == data.get("value") for i in done)


def _request(claim: _Claim) -> bool:
    words = claim.data.get("words")
    asked = [
        all(matches(c, claim.item) for c in part.conditions)
        for part in claim.brief.bindings.values()
        if part.words == words
    ]
    wished = [
        any(matches(c, claim.item) for c in part.conditions)
        for part in claim.brief.wishes.values()
        if part.words == words
    ]
    return any(asked) or any(wished)


def _preference(claim: _Claim) -> bool:
    stated = {part.words: part.conditions for part in claim.brief.preferences}
    conditions = stated.get(str(claim.data.get("text")), ())
    return bool(conditions) and all(matches(condition, claim.item) for condition in conditions)


def _history(claim: _Claim) -> bool:
    user_id = claim.data.get("user_id", claim.context.user_id)
    return user_id in claim.context.people and _did(claim.context, user_id, claim.data)


def _collaborative(claim: _Claim) -> bool:
    store, model = claim.context.store, claim.context.engines.collaborative
    sources = [str(source["item_id"]) for source in claim.data.get("because", ())]
    numbers = store.items.numbers_of([claim.item.item_id, *sources])
    if not sources or len(numbers) < len({claim.item.item_id, *sources}):
        return False
    return all(model.leads_to(numbers[source], numbers[claim.item.item_id]) for source in sources)


def _semantic(claim: _Claim) -> bool:
    words = claim.data.get("words") or ()
    if words:
        stems = _stems_of(searchable(claim.item))
        if not all(stem(part) in stems for word in words for part in normalize(word).split()):
            return False
    similarity = claim.data.get("similarity")
    if similarity is None:
        return bool(words)
    search, query, like = claim.context.engines.search, str(claim.data.get("query", "")), claim.data.get("like")
    if like:
        asked = [search.vector(str(like))]
    else:
        asked = [search.query_vector(query, likes) for likes in dict.fromkeys((claim.brief.likes, ()))]
    measured = (search.similarities(vector, [claim.item.item_id])[0] for vector in asked)
    return any(abs(float(m) - float(similarity)) < TOLERANCE for m in measured)


@lru_cache(maxsize=1024)
def _stems_of(text: str) -> frozenset[str]:
    """The stems of the text's words, as search compares them; cached, because the best items come again and again."""
    return frozenset(map(stem, normalize(text).split()))


def _metadata(claim: _Claim) -> bool:
    value = claim.data.get("value")
    if not isinstance(value, str | int | float):
        return False
    return matches(Condition(str(claim.data.get("attribute")), "=", value), claim.item)


def _popularity(claim: _Claim) -> bool:
    store, count, mean = claim.context.store, claim.data.get("count"), claim.data.get("mean")
    since, until = claim.data.get("since"), claim.data.get("until")
    numbers = list(store.items.numbers_of([claim.item.item_id]).values())
    counts = store.counts.of_items(numbers)
    if since is not None or until is not None:
        counts = store.counts.between(since, until)
    place = np.flatnonzero(counts.item_numbers == numbers[0])
    if not len(place) or int(counts.interactions[place[0]]) != count:
        return False
    return mean is None or abs(float(counts.means[place[0]]) - float(mean)) < TOLERANCE


def searchable(item: Item) -> str:
    """All text of an item that a search result may quote."""
    values = (v if isinstance(v, tuple) else (str(v),) for v in item.attributes.values())
    return " ".join([item.title, item.description, *(text for value in values for text in value)])


PROVERS: Mapping[str, Prover] = {
    "request": _request,
    "preference": _preference,
    "history": _history,
    "collaborative": _collaborative,
    "semantic": _semantic,
    "metadata": _metadata,
    "popularity": _popularity,
}
