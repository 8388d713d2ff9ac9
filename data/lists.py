"""Several things in one text: the first few of them, or all with a word before the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def first_few(values: Iterable[str], n: int = 3) -> str:
    """The first ``n`` values joined by commas, and how many more there are: ``a, b, c and 2 more``."""
    shown = list(values)
    more = len(shown) - n
    return ", ".join(shown[:n]) + (f" and {more} more" if more > 0 else "")


def series(parts: Sequence[str], link: str = "and", *, comma: bool = False) -> str:
    """``a``, ``a and b``, ``a, b and c``; an empty text for nothing.

    Args:
        parts: what is listed.
        link: the word before the last.
        comma: put a comma before that word, too, where there are three parts or more.
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])}{',' if comma and len(parts) > 2 else ''} {link} {parts[-1]}"
