"""What search found as rows for the slate: which words of the request are in an item, and how near it is."""

from __future__ import annotations

from collections.abc import Sequence

from recmind.data.conditions import Condition
from recmind.tools import phrases
from recmind.tools.findings import NO_FOCUS, Focus, found, unmet
from recmind.tools.search import ItemSearch, SearchHit
from recmind.tools.slate import Evidence, Findings

CLOSE = 0.25
"""A cosine similarity below this is no evidence: unrelated texts reach it too."""


def search_findings(
    hits: Sequence[SearchHit],
    search: ItemSearch,
    *,
    query: str = "",
    like: Sequence[str] = (),
    conditions: Sequence[Condition] = (),
    focus: Focus = NO_FOCUS,
    shown: int = 10,
) -> Findings:
    """The hits as rows for the slate, each with what was found in it.

    Args:
        hits: what ``search.ask`` found.
        search: the search that found them.
        query: the words that were asked for.
        like: ids of the items to resemble.
        conditions: those that the search was given, for the note on an empty result.
        focus: what the request is about, so that fitting facts are named first.
        shown: how many rows the model reads.
    """
    ids = [hit.item_id for hit in hits]
    liked = search.store.items.get_many(like)
    near = {item_id: search.similarities(search.vector(item_id), ids).tolist() for item_id in liked}
    rows: list[tuple[str, list[Evidence], dict[str, float]]] = []
    for place, hit in enumerate(hits):
        facts: list[Evidence] = []
        close = hit.similarity is not None and hit.similarity >= CLOSE
        if query.strip() and (hit.words or close):
            field = hit.field or "description"
            facts.append(phrases.semantic(query, field=field, words=hit.words, similarity=hit.similarity))
        facts += [
            phrases.semantic_like(item_id, liked[item_id].name, similarities[place])
            for item_id, similarities in near.items()
            if similarities[place] >= CLOSE
        ]
        scores = {"search": hit.score} if hit.similarity is None else {"search": hit.score, "semantic": hit.similarity}
        rows.append((hit.item_id, facts, scores))
    note = "" if rows else _nothing(search, query, like, conditions)
    return found(search.store, "search_items", rows, note=note, focus=focus, shown=shown)


def _nothing(search: ItemSearch, query: str, like: Sequence[str], conditions: Sequence[Condition]) -> str:
    if not query.strip() and not like:
        return "Nothing was asked for: search needs words, or items to resemble."
    if conditions and not search.store.items.count(conditions):
        return unmet(search.store, conditions)
    return "Nothing that may be recommended is near to that. Loosen a condition, or describe it in other words."
