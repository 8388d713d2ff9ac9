"""Values that users contributed to the attributes of items, such as tags, combined into one list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable


def combined(given: Iterable[tuple[Hashable, str]]) -> tuple[str, ...]:
    """The contributed values, those that most users gave first, ties in the order given.

    Spellings that differ only in case are one value, written as most users did; a user counts once for it.

    Args:
        given: (user, value) pairs.
    """
    spellings: dict[str, dict[Hashable, str]] = {}
    for user, value in given:
        spellings.setdefault(value.casefold(), {}).setdefault(user, value)
    found = []
    for by_user in sorted(spellings.values(), key=len, reverse=True):
        counts = Counter(by_user.values())
        found.append(max(counts, key=counts.__getitem__))
    return tuple(found)
