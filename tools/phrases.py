"""How evidence reads: the one home of the noun phrases that reasons are made of, and of the proof behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recmind.data.records import Interaction
from recmind.data.text import format_number
from recmind.tools.slate import Evidence

QUOTE_LENGTH = 60
"""Longer words of a request are cut here, at a word."""

_UNITS = frozenset(
    {"minutes", "hours", "seconds", "days", "pages", "pieces", "grams", "kilograms", "inches", "players"}
)
"""Numbers with these names read "117 minutes"; all others read "year 1979"."""
_SAME_IN_PLURAL = frozenset({"series", "species", "news", "cast", "status", "canvas", "lens", "gas", "bus", "ss"})
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
_PLURALS = {"like": "likes", "dislike": "dislikes", "seen": "viewers", "view": "views", "purchase": "purchases"}


def attribute_label(attribute: str) -> str:
    """The attribute's name for one value of it: ``genres`` is ``genre``, ``running_time`` is ``running time``."""
    name = " ".join(attribute.replace("_", " ").replace("-", " ").split())
    last = name.rsplit(" ", 1)[-1].casefold()
    if last in _SAME_IN_PLURAL or last.endswith(("ss", "us", "is")) or len(last) < 4:
        return name
    if last.endswith("ies"):
        return name if last in ("movies",) else name[:-3] + "y"
    if last.endswith(("ches", "shes", "sses", "xes")):
        return name[:-2]
    return name[:-1] if last.endswith("s") else name


def value_phrase(attribute: str, value: str | float) -> str:
    """One attribute value as a noun phrase: ``genre Comedy``, ``year 1979``, ``117 minutes``."""
    if isinstance(value, str):
        return f"{attribute_label(attribute)} {value}"
    written = format_number(round(float(value), 2))
    if attribute.casefold() in _UNITS:
        return f"{written} {attribute.casefold()}"
    label = attribute if not attribute.casefold().endswith("s") else attribute_label(attribute)
    return f"{label.replace('_', ' ')} {written}"


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
        attribute: as ``recmind.tools.profile.Taste`` names it.
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
        f"text that mentions {joined([quoted(w) for w in words[:3]])}"
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


def counted(kind: str, count: int) -> str:
    """The kind of interaction as a counted noun: ``rating``, ``ratings``."""
    noun = kind.replace("_", " ")
    return noun if count == 1 and noun != "seen" else _PLURALS.get(noun, f"{noun}s")


def request(words: str, condition: str = "") -> Evidence:
    """That the item meets these words of the request."""
    return Evidence("request", f"your wish for {quoted(words)}", {"words": words, "condition": condition})


def preference(text: str, condition: str) -> Evidence:
    """That the item meets what the user once stated."""
    return Evidence("preference", f"your stated preference {quoted(text)}", {"text": text, "condition": condition})


def quoted(text: str) -> str:
    """The words in quotation marks, cut to ``QUOTE_LENGTH`` at a word."""
    words = " ".join(text.split())
    if len(words) > QUOTE_LENGTH:
        words = words[:QUOTE_LENGTH].rsplit(" ", 1)[0] + " …"
    return f"“{words}”"


def summary(attributes: Mapping[str, Sequence[str | float]]) -> str:
    """What the model reads of an item beside its title: ``1999 · Comedy, Sci-Fi``; values only."""
    parts = [", ".join(v if isinstance(v, str) else format_number(v) for v in values) for values in attributes.values()]
    return " · ".join(part for part in parts if part)


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
