"""Evidence checked again against catalogue and history: the validator does not take a tool's word for it either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data.conditions import Condition, matches
from data.records import Item
from data.text import normalize
from tools.context import Brief, RequestContext
from tools.slate import Evidence

TOLERANCE = 0.01
"""How far a measured value may be from the recorded one, which is rounded."""

Prover = Callable[[Mapping[str, Any], Item, RequestContext, Brief], bool]


def holds(evidence: Evidence, item: Item, context: RequestContext, brief: Brief) -> bool:
    """Whether this evidence is true of the item, by the store itself. Evidence of an unknown kind is not."""
    prover = PROVERS.get(evidence.kind)
    return prover is not None and prover(evidence.data, item, context, brief)


def _request(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    words = data.get("words")
    asked = [all(matches(c, item) for c in part.conditions) for part in brief.bindings.values() if part.words == words]
    wished = [any(matches(c, item) for c in part.conditions) for part in brief.wishes.values() if part.words == words]
    return any(asked) or any(wished)


def _preference(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    stated = {part.words: part.conditions for part in brief.preferences}
    conditions = stated.get(str(data.get("text")), ())
    return bool(conditions) and all(matches(condition, item) for condition in conditions)


def _history(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    if context.user_id is None:
        return False
    done = context.store.interactions(context.user_id, item_id=str(data.get("item_id")))
    return any(i.kind == data.get("kind") and i.value == data.get("value") for i in done)


def _collaborative(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    sources = [str(source["item_id"]) for source in data.get("because", ())]
    return bool(sources) and all(source in brief.consumed or source in brief.likes for source in sources)


def _semantic(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    words = data.get("words") or ()
    if words:
        text = set(normalize(searchable(item)).split())
        if not all(set(normalize(word).split()) <= text for word in words):
            return False
    similarity = data.get("similarity")
    if similarity is None:
        return bool(words)
    search, like = context.engines.search, data.get("like")
    asked = search.vector(str(like)) if like else search.query_vector(str(data.get("query", "")), brief.likes)
    measured = [search.similarities(asked, [item.item_id])[0]]
    if not like and brief.likes:
        measured.append(search.similarities(search.query_vector(str(data.get("query", ""))), [item.item_id])[0])
    return any(abs(float(m) - float(similarity)) < TOLERANCE for m in measured)


def _metadata(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    value = data.get("value")
    if not isinstance(value, str | int | float):
        return False
    return matches(Condition(str(data.get("attribute")), "=", value), item)


def _popularity(data: Mapping[str, Any], item: Item, context: RequestContext, brief: Brief) -> bool:
    store, count, mean = context.store, data.get("count"), data.get("mean")
    since, until = data.get("since"), data.get("until")
    numbers = list(store.numbers_of([item.item_id]).values())
    counts = store.statistics(numbers)
    if since is not None or until is not None:
        counts = store.popularity_between(since, until)
    place = np.flatnonzero(counts.item_numbers == numbers[0])
    if not len(place) or int(counts.interactions[place[0]]) != count:
        return False
    return mean is None or abs(float(counts.means[place[0]]) - float(mean)) < TOLERANCE


def searchable(item: Item) -> str:
    """All text of an item that search may quote."""
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
