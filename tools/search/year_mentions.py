"""The years that a text mentions ("late 90s", "2004"), and how near an item's own year is to them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from recmind.data.arrays import Float32s
from recmind.data.catalogue import Catalogue
from recmind.data.records import Item
from recmind.tools.engines.attributes import is_year

YearRange = tuple[int, int]
"""The first and the last year, both included."""

FADES_OVER = 8.0
"""In years: the distance at which nearness has fallen to 1/e. Of 525 requests that name years, half include the item's
own year, and four fifths are at most five years off."""
UNKNOWN_YEAR = 0.3
"""The nearness of an item whose year is not known."""

_DECADE = re.compile(
    r"(?:\b(early|mid|late|beginning|end)[\s-]+(?:of\s+)?(?:the\s+)?)?(?<![\w$€£])['’]?(1[89]|20)?(\d0)\s?['’]?s\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\w$€£.,:])((?:18|19|20)\d\d)(?!\d|\s?['’]?s\b|[.,]\d)")
_PARTS = {"early": (0, 3), "beginning": (0, 3), "mid": (3, 7), "late": (6, 9), "end": (6, 9)}


def mentioned_years(text: str) -> list[YearRange]:
    """The years and decades that the text names, in its order: "early 80s" is (1980, 1983)."""
    found: list[tuple[int, YearRange]] = []
    for match in _DECADE.finditer(text):
        part, century, decade = match[1], match[2], int(match[3])
        # Without a century, "20s" to "90s" are in the 1900s, and "00s" and "10s" in the 2000s.
        start = 100 * int(century) + decade if century else (1900 if decade >= 20 else 2000) + decade
        first, last = _PARTS[part.lower()] if part else (0, 9)
        found.append((match.start(), (start + first, start + last)))
    found += [(match.start(), (int(match[1]), int(match[1]))) for match in _YEAR.finditer(text)]
    return [years for _, years in sorted(found)]


def year_nearness(years: Float32s, ranges: Sequence[YearRange]) -> Float32s:
    """The nearness of each year to the nearest of the ranges, float32, 0 to 1: 1 within a range, falling with the
    distance.

    Args:
        years: float32: years; NaN for an unknown one, which gets ``UNKNOWN_YEAR``.
        ranges: the years mentioned; without any, the nearness is 0.
    """
    if not ranges:
        return np.zeros(len(years), dtype=np.float32)
    off = np.min([np.maximum(np.maximum(first - years, years - last), 0) for first, last in ranges], axis=0)
    near = np.exp(-off / FADES_OVER)
    return np.where(np.isnan(near), UNKNOWN_YEAR, near).astype(np.float32)


def year_attribute(catalogue: Catalogue) -> str | None:
    """The attribute that says which year an item is of (the one that most items have), or None where there is none."""
    years = [attribute for attribute in catalogue.attributes if is_year(attribute)]
    return min(years, key=lambda attribute: (-attribute.items, attribute.name)).name if years else None


def year_of(item: Item, attribute: str | None) -> float:
    """The item's year, or NaN where it has none."""
    value = item.attributes.get(attribute) if attribute is not None else None
    return float(value) if isinstance(value, int | float) else math.nan
