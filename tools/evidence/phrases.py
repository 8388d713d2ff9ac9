"""How evidence reads: the one home of the noun phrases that reasons are made of, and of the proof behind each."""

from __future__ import annotations

from collections.abc import Sequence

from recmind.data.records import Interaction
from recmind.data.text import format_number
from recmind.data.wording import attribute_label, counted, quoted, series, value_phrase
from recmind.tools.evidence.slate import Evidence

_HISTORY = {
    "purchase": "your purchase of",
    "taken": "your taking of",
    "view": "your view of",
    "like": "your liking for",
    "dislike": "your dislike of",
    "skip": "your skipping of",
    "skipped": "your skipping of",
    "seen": "your having seen",
    "play": "your playing of",
    "click": "your click on",
}


def metadata(attribute: str, value: str | float) -> Evidence:
    """That the item has this value."""
    return Evidence("metadata", value_phrase(attribute, value), {"attribute": attribute, "value": value})


def history(
    interaction: Interaction, title: str, *, stars: bool = True, member: int = 0, against: bool = False
) -> Evidence:
    """That the user did this with that item; ``stars`` where values of the kind are stars up to five, ``against``
    where it speaks against the item.

    ``member`` is the user's number within a group, from 1: the text names the user then, and a model reads the number.
    """
    kind, value = interaction.kind, interaction.value
    if kind == "rating" and value is not None:
        written = format_number(round(value, 2))
        text = (
            f"your {written}-star rating of {title}"
            if stars and value <= 5
            else f"your rating of {written} for {title}"
        )
    else:
        deed = _HISTORY.get(kind) or f"your {kind.replace('_', ' ')} of"
        text = f"{deed} {title}"
    data = {"item_id": interaction.item_id, "kind": kind, "value": value, "at": interaction.at}
    if against:
        data["against"] = True
    if not member:
        return Evidence("history", text, data)
    deed = text.removeprefix("your ")
    named = {**data, "user_id": interaction.user_id}
    return Evidence("history", f"{interaction.user_id}'s {deed}", named, f"member {member}'s {deed}")


def taste(attribute: str, value: str, count: int, lift: float, *, less: bool = False) -> Evidence:
    """That the user takes to items with this value more often than others do or, with ``less``, likes them less.

    Args:
        attribute: as ``recmind.tools.engines.profile.ValueTaste`` names it.
        value: the same; a year stands for its decade.
        count: the number of the user's items behind it.
        lift: how many times the expected share.
        less: it is a dislike.
    """
    text = f"{attribute_label(attribute)} {value} ({count} of your items)"
    data = {"attribute": attribute, "value": value, "count": count, "lift": lift, "less": less}
    return Evidence("history", text, data)


def collaborative(because: Sequence[tuple[str, str, float]], score: float) -> Evidence:
    """That people with the same past items also took this one.

    Args:
        because: (item id, title, share of the score) of the past items, the strongest first; the first two are named.
        score: 0 to 1, relative to the best candidate of the same answer.
    """
    titles = [title for _, title, _ in because[:2]]
    proof = [{"item_id": item_id, "weight": round(share, 4)} for item_id, _, share in because]
    return Evidence(
        "collaborative",
        f"what people who chose {' and '.join(titles)} also chose",
        {"because": proof, "score": round(score, 4)},
    )


def semantic(
    query: str, *, field: str = "description", words: Sequence[str] = (), similarity: float | None = None
) -> Evidence:
    """That the item's text is close to the query, or holds words of it."""
    text = (
        f"text that mentions {series([quoted(w) for w in words[:3]])}"
        if words
        else f"a description close to {quoted(query)}"
    )
    proof: dict[str, object] = {"query": query, "field": field, "words": list(words)}
    proof["similarity"] = None if similarity is None else round(float(similarity), 4)
    return Evidence("semantic", text, proof)


def semantic_like(item_id: str, title: str, similarity: float) -> Evidence:
    """That the item's text is close to that of an item which the request names."""
    return Evidence(
        "semantic",
        f"a description close to that of {title}",
        {"query": "", "like": item_id, "field": "description", "words": [], "similarity": round(float(similarity), 4)},
    )


def popularity(
    count: int,
    mean: float | None = None,
    *,
    kind: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> Evidence:
    """How many interactions there are with the item, and their mean value; ``kind`` where all are of one kind."""
    text = f"{count} {counted('interaction' if kind is None else kind, count)}"
    if mean is not None:
        text += f" {'of' if count == 1 else 'averaging'} {format_number(round(mean, 1))}"
    return Evidence(
        "popularity",
        text,
        {"count": count, "mean": None if mean is None else round(mean, 3), "since": since, "until": until},
    )


def request(words: str, condition: str = "") -> Evidence:
    """That the item meets these words of the request."""
    return Evidence("request", f"your wish for {quoted(words)}", {"words": words, "condition": condition})


def preference(text: str, condition: str) -> Evidence:
    """That the item meets what the user once stated."""
    return Evidence("preference", f"your stated preference {quoted(text)}", {"text": text, "condition": condition})
