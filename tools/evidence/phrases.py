"""The wording of evidence: the only home of the noun phrases that reasons are made of, each with its proof."""

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
    """Evidence that the item has this value."""
    return Evidence("metadata", value_phrase(attribute, value), {"attribute": attribute, "value": value})


def history(
    interaction: Interaction, title: str, *, stars: bool = True, member: int = 0, against: bool = False
) -> Evidence:
    """Evidence that the user did this with that item.

    Args:
        interaction: what the user did.
        title: title of the item.
        stars: whether values of the kind are stars, up to five.
        member: the user's number within a group, from 1. The text then names the user, and a model reads the number. 0
            for one person alone.
        against: whether the interaction speaks against the item.
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
    """Evidence that the user takes items with this value more often than expected.

    Args:
        attribute: as ``recmind.tools.engines.profile.ValueTaste`` names it.
        value: the value; a year stands for its decade.
        count: the number of the user's items that have the value.
        lift: the user's share of such items, divided by the expected share.
        less: the user likes such items less than others.
    """
    text = f"{attribute_label(attribute)} {value} ({count} of your items)"
    data = {"attribute": attribute, "value": value, "count": count, "lift": lift, "less": less}
    return Evidence("history", text, data)


def collaborative(because: Sequence[tuple[str, str, float]], score: float) -> Evidence:
    """Evidence that people with the same past items also took this one.

    Args:
        because: item id, title and share of the score of each past item, strongest first; the text names the first two.
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
    """Evidence that the item's text is close to the query, or holds words of it.

    Args:
        query: what was searched for.
        field: the field of the item that holds the words.
        words: words of the query that the item holds.
        similarity: cosine of text and query; None where it is not known.
    """
    text = (
        f"text that mentions {series([quoted(w) for w in words[:3]])}"
        if words
        else f"a description close to {quoted(query)}"
    )
    proof: dict[str, object] = {"query": query, "field": field, "words": list(words)}
    proof["similarity"] = None if similarity is None else round(float(similarity), 4)
    return Evidence("semantic", text, proof)


def semantic_like(item_id: str, title: str, similarity: float) -> Evidence:
    """Evidence that the item's text is close to that of an item which the request names.

    Args:
        item_id: id of the item that the request names.
        title: its title.
        similarity: cosine of the two texts.
    """
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
    """Evidence of how many interactions there are with the item, and of their mean value.

    Args:
        count: number of interactions.
        mean: mean of their values; None where none has one.
        kind: the kind of all interactions; None where there are several kinds.
        since: start of the period that was counted, in Unix seconds; None for no start.
        until: its end, in Unix seconds; None for no end.
    """
    text = f"{count} {counted('interaction' if kind is None else kind, count)}"
    if mean is not None:
        text += f" {'of' if count == 1 else 'averaging'} {format_number(round(mean, 1))}"
    return Evidence(
        "popularity",
        text,
        {"count": count, "mean": None if mean is None else round(mean, 3), "since": since, "until": until},
    )


def request(words: str, condition: str = "") -> Evidence:
    """Evidence that the item meets these words of the request."""
    return Evidence("request", f"your wish for {quoted(words)}", {"words": words, "condition": condition})


def preference(text: str, condition: str) -> Evidence:
    """Evidence that the item meets a preference that the user stated."""
    return Evidence("preference", f"your stated preference {quoted(text)}", {"text": text, "condition": condition})
