"""What collaborative filtering found, as rows for the slate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recmind.data.store.store import Store
from recmind.tools import phrases
from recmind.tools.collaborative import CollaborativeHit
from recmind.tools.findings import NO_FOCUS, Focus, found
from recmind.tools.slate import Evidence, Findings

CLOSE = 0.4
"""Texts with a lower cosine are not called close: what links them is what goes with a third item."""


def collaborative_findings(
    store: Store,
    hits: Sequence[CollaborativeHit],
    *,
    similarity: Callable[[str, str], float] | None = None,
    focus: Focus = NO_FOCUS,
    seeds: Sequence[str] = (),
    shown: int = 10,
) -> Findings:
    """The hits as rows for the slate, each with the past items that led there.

    Args:
        store: where titles and attributes are read.
        hits: what ``ask`` or ``ask_seeds`` found.
        similarity: of the texts of two items by id; without it nothing is said of what texts alone link.
        focus: what the request is about.
        seeds: ids of the items that were asked with, where not with a user's history; for the note alone.
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
            facts = [phrases.semantic_like(near.item_id, near.name, close)] if close >= CLOSE else []
        rows.append((ids[hit.item_number], facts, {"collaborative": hit.score}))
    note = ""
    if not rows:
        of_what = "these items" if seeds else "this person's history"
        note = f"Nothing goes with {of_what} here. Loosen a condition, or use search_items or popular_items."
    return found(store, "collaborative_filtering", rows, note=note, focus=focus, shown=shown)
