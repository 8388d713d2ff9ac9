"""How names, values, counts and lists are written in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from recmind.data.text import format_number

QUOTE_LENGTH = 60
"""In characters: longer words of a request are cut at a word."""
_UNITS = frozenset(
    {"minutes", "hours", "seconds", "days", "pages", "pieces", "grams", "kilograms", "inches", "players"}
)
"""Numbers of attributes with these names are written "117 minutes"; all others "year 1979"."""
_SAME_IN_PLURAL = frozenset({"series", "species", "news", "cast", "status", "canvas", "lens", "gas", "bus", "ss"})
_PLURALS = {"like": "likes", "dislike": "dislikes", "seen": "viewers", "view": "views", "purchase": "purchases"}


def attribute_label(attribute: str) -> str:
    """The attribute's name for a single value: ``genres`` gives ``genre``, ``running_time`` gives ``running time``."""
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


def counted(kind: str, count: int) -> str:
    """The kind of interaction as a noun for this count: ``rating``, ``ratings``."""
    noun = kind.replace("_", " ")
    return noun if count == 1 and noun != "seen" else _PLURALS.get(noun, f"{noun}s")


def quoted(text: str) -> str:
    """The words in quotation marks, cut to ``QUOTE_LENGTH`` at a word."""
    words = " ".join(text.split())
    if len(words) > QUOTE_LENGTH:
        words = words[:QUOTE_LENGTH].rsplit(" ", 1)[0] + " …"
    return f"“{words}”"


def values_line(attributes: Mapping[str, Sequence[str | float]]) -> str:
    """The values of an item in one line, without the attributes' names: ``1999 · Comedy, Sci-Fi``."""
    parts = [", ".join([v if isinstance(v, str) else format_number(v) for v in vs]) for vs in attributes.values()]
    return " · ".join(filter(None, parts))


def first_few(values: Iterable[str], n: int = 3) -> str:
    """The first ``n`` values joined by commas, and how many more there are: ``a, b, c and 2 more``."""
    shown = list(values)
    more = len(shown) - n
    return ", ".join(shown[:n]) + (f" and {more} more" if more > 0 else "")


def series(parts: Sequence[str], link: str = "and", *, comma: bool = False) -> str:
    """The parts as a list in a sentence: ``a``, ``a and b``, ``a, b and c``; empty for no parts.

    Args:
        parts: the parts.
        link: the word before the last part.
        comma: put a comma before that word too, if there are three parts or more.
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])}{',' if comma and len(parts) > 2 else ''} {link} {parts[-1]}"
