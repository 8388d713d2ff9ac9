"""Turns the results of each engine into rows for the slate, with the evidence for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from recmind.data import wording
from recmind.data.conditions import Condition, resolve_condition
from recmind.data.store.store import Store
from recmind.tools.collaborative.model import CollaborativeHit
from recmind.tools.engines.attributes import only_kind
from recmind.tools.engines.details import DetailsRow
from recmind.tools.engines.filter import FilterRow
from recmind.tools.engines.history import HistoryRow
from recmind.tools.engines.popular import PopularItem
from recmind.tools.engines.profile import star_kinds
from recmind.tools.evidence import phrases
from recmind.tools.evidence.facts import NO_FOCUS, Focus, build_findings
from recmind.tools.evidence.loosening import unmet
from recmind.tools.evidence.slate import Evidence, Findings, Role
from recmind.tools.ranking.hybrid import Ranked
from recmind.tools.search.item_search import ItemSearch, SearchHit


def popular_findings(
    store: Store,
    items: Sequence[PopularItem],
    *,
    conditions: Sequence[Condition] = (),
    since: float | None = None,
    until: float | None = None,
    focus: Focus = NO_FOCUS,
    shown: int = 10,
) -> Findings:
    """Popular items as rows for the slate, each with its count and mean.

    Args:
        store: where titles and attributes are read.
        items: the result of ``PopularItems.recommend``.
        conditions: the conditions that it was given.
        since: start of the period that it was given, in Unix seconds; None for no start.
        until: end of the period that it was given, in Unix seconds; None for no end.
        focus: what the request is about.
        shown: how many rows the model reads.
    """
    note = ""
    if not items and (since is not None or until is not None):
        note = "Nobody took up such an item in that period. Leave the period out."
    elif not items:
        note = (
            unmet(store, conditions)
            if not store.items.count(conditions)
            else ("Nobody has taken up such an item yet. Use filter_items.")
        )
    kind = only_kind(store)
    rows = [
        (
            item.item_id,
            [phrases.popularity(item.count, item.mean, kind=kind, since=since, until=until)],
            {"popularity": item.score},
        )
        for item in items
    ]
    return build_findings(store, "popular_items", rows, note=note, focus=focus, shown=shown)


def filter_findings(
    store: Store,
    rows: Sequence[FilterRow],
    total: int,
    *,
    conditions: Sequence[Condition] = (),
    exclude: Collection[str] = frozenset(),
    focus: Focus | None = None,
    shown: int = 10,
) -> Findings:
    """Items that meet the conditions as rows for the slate, each with the values that meet them.

    An empty result says which single condition to drop, and how many items are left then.

    Args:
        store: where titles and attributes are read.
        rows: the result of ``ItemFilter.select``.
        total: the number of all items that it found.
        conditions: the conditions that it was given.
        exclude: the item ids that it left out.
        focus: what the request is about; None: the conditions alone.
        shown: how many rows the model reads.
    """
    catalogue = store.catalogue()
    wanted = tuple(resolve_condition(condition, catalogue) for condition in conditions)
    about = focus or NO_FOCUS
    about = Focus((*wanted, *about.conditions), about.constraints, about.wishes, about.tastes)
    kind = only_kind(store)
    given = [
        (
            row.item_id,
            [phrases.popularity(row.count, row.mean, kind=kind)] if row.count else [],
            {"popularity": row.popularity},
        )
        for row in rows
    ]
    note = f"{total} item{'' if total == 1 else 's'} in all." if total else unmet(store, wanted, exclude)
    return build_findings(store, "filter_items", given, note=note, focus=about, shown=shown)


def details_findings(
    store: Store,
    rows: Sequence[DetailsRow],
    *,
    role: Role = "reference",
    unknown: Sequence[str] = (),
    focus: Focus = NO_FOCUS,
) -> Findings:
    """Items with all that is worth citing about them.

    Args:
        store: where titles and attributes are read.
        rows: the result of ``ItemDetails.describe``.
        role: a reference by default, so that looking at an item does not make it a candidate.
        unknown: titles that were asked for and not found; the note names them.
        focus: what the request is about.
    """
    kind = only_kind(store)
    given: list[tuple[str, list[Evidence], dict[str, float]]] = [
        (row.item.item_id, [phrases.popularity(row.count, row.mean, kind=kind)] if row.count else [], {})
        for row in rows
    ]
    parts = [row.text for row in rows]
    if unknown:
        parts.append(f"The catalogue has nothing called {' or '.join(wording.quoted(title) for title in unknown[:3])}.")
    return build_findings(store, "item_details", given, note="\n\n".join(parts), role=role, focus=focus, most=8)


def history_findings(
    store: Store,
    rows: Sequence[HistoryRow],
    *,
    total: int | None = None,
    focus: Focus = NO_FOCUS,
    shown: int = 10,
    member: int = 0,
) -> Findings:
    """Past items as references for the slate, one row for an item, each with what the user did.

    Args:
        store: where titles and attributes are read.
        rows: the result of ``UserHistory.interactions``.
        total: the number of all interactions of the user; None where it is not known.
        focus: what the request is about.
        shown: how many rows the model reads.
        member: the user's number within a group, from 1; 0 for one person alone.
    """
    stars = star_kinds(store)
    facts: dict[str, list[Evidence]] = {}
    for row in rows:
        interaction = row.interaction
        fact = phrases.history(
            interaction, row.title, stars=interaction.kind in stars, member=member, against=row.against
        )
        facts.setdefault(interaction.item_id, []).append(fact)
    if rows:
        note = f"{len(rows)} of {total} interactions." if total is not None and total > len(rows) else ""
    elif total:
        note = f"None of this person's {total} interactions fits. Leave out the kind, the period or a condition."
    else:
        note = "This person has no history. Use popular_items or search_items."
    return build_findings(
        store,
        "user_history",
        [(item_id, found_facts, {}) for item_id, found_facts in facts.items()],
        note=note,
        role="reference",
        focus=focus,
        most=2,
        shown=shown,
    )


def rank_findings(store: Store, ranked: Sequence[Ranked], *, focus: Focus = NO_FOCUS, shown: int = 10) -> Findings:
    """The ranking as rows for the slate, best first, with the score (``score``) and each of its parts.

    Args:
        store: where titles and attributes are read.
        ranked: the result of ``HybridRanker.rank``, cut to the rows that are wanted.
        focus: what the request is about; the wishes that each item meets become evidence.
        shown: how many rows the model reads.
    """
    rows: list[tuple[str, list[Evidence], dict[str, float]]] = [
        (entry.item_id, [], {"score": entry.score, **entry.parts}) for entry in ranked
    ]
    note = "" if rows else "There are no candidates to rank. Look some up first."
    return build_findings(store, "rank_candidates", rows, note=note, focus=focus, shown=shown)


LEAST_SEARCH_SIMILARITY = 0.25
"""Least cosine similarity that counts as evidence: unrelated texts reach lower ones too."""


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
    """Hits of a search as rows for the slate, each with what was found in it.

    Args:
        hits: the result of ``ItemSearch.search``.
        search: the search that found them.
        query: the words that were searched for.
        like: ids of the items to resemble.
        conditions: the conditions that it was given, for the note on an empty result.
        focus: what the request is about.
        shown: how many rows the model reads.
    """
    ids = [hit.item_id for hit in hits]
    liked = search.store.items.get_many(like)
    near = {item_id: search.similarities(search.vector(item_id), ids).tolist() for item_id in liked}
    rows: list[tuple[str, list[Evidence], dict[str, float]]] = []
    for place, hit in enumerate(hits):
        facts: list[Evidence] = []
        close = hit.similarity is not None and hit.similarity >= LEAST_SEARCH_SIMILARITY
        if query.strip() and (hit.words or close):
            field = hit.field or "description"
            facts.append(phrases.semantic(query, field=field, words=hit.words, similarity=hit.similarity))
        facts += [
            phrases.semantic_like(item_id, liked[item_id].name, similarities[place])
            for item_id, similarities in near.items()
            if similarities[place] >= LEAST_SEARCH_SIMILARITY
        ]
        scores = {"search": hit.score} if hit.similarity is None else {"search": hit.score, "semantic": hit.similarity}
        rows.append((hit.item_id, facts, scores))
    note = "" if rows else _nothing_found(search, query, like, conditions)
    return build_findings(search.store, "search_items", rows, note=note, focus=focus, shown=shown)


def _nothing_found(search: ItemSearch, query: str, like: Sequence[str], conditions: Sequence[Condition]) -> str:
    if not query.strip() and not like:
        return "Nothing was asked for: search needs words, or items to resemble."
    if conditions and not search.store.items.count(conditions):
        return unmet(search.store, conditions)
    return "Nothing that may be recommended is near to that. Loosen a condition, or describe it in other words."


LEAST_LINK_SIMILARITY = 0.4
"""Least cosine similarity of texts that are called close: below it, a third item links them."""


def collaborative_findings(
    store: Store,
    hits: Sequence[CollaborativeHit],
    *,
    similarity: Callable[[str, str], float] | None = None,
    focus: Focus = NO_FOCUS,
    seeds: Sequence[str] = (),
    shown: int = 10,
) -> Findings:
    """Hits of collaborative filtering as rows for the slate, each with the past items that led to it.

    Args:
        store: where titles and attributes are read.
        hits: the result of ``Reranker.recommend`` or ``CollaborativeModel.recommend_from_seeds``.
        similarity: gives the cosine of the texts of two items by id; None: links by text alone get no evidence.
        focus: what the request is about.
        seeds: ids of the items that it was given in place of a user's history; for the note alone.
        shown: how many rows the model reads.
    """
    sources = [number for hit in hits for number, _ in hit.because]
    sources += [hit.alike for hit in hits if hit.alike is not None]
    ids = store.items.ids_of(dict.fromkeys((*(hit.item_number for hit in hits), *sources)))
    items = store.items.get_many(dict.fromkeys(ids[number] for number in sources if number in ids))
    rows: list[tuple[str, list[Evidence], dict[str, float]]] = []
    for hit in hits:
        if hit.item_number not in ids:
            continue
        because = [
            (item.item_id, item.name, share)
            for number, share in hit.because
            if (item := items.get(ids.get(number, ""))) is not None
        ]
        facts = [phrases.collaborative(because, hit.score)] if because else []
        near = items.get(ids.get(hit.alike, "")) if similarity is not None and hit.alike is not None else None
        if near is not None and similarity is not None:
            close = similarity(near.item_id, ids[hit.item_number])
            facts = [phrases.semantic_like(near.item_id, near.name, close)] if close >= LEAST_LINK_SIMILARITY else []
        rows.append((ids[hit.item_number], facts, {"collaborative": hit.score}))
    note = ""
    if not rows:
        of_what = "these items" if seeds else "this person's history"
        note = f"Nothing goes with {of_what} here. Loosen a condition, or use search_items or popular_items."
    return build_findings(store, "collaborative_filtering", rows, note=note, focus=focus, shown=shown)
