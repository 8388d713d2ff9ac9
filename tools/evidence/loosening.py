"""What to say about an empty result: its cause, and which condition to drop."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from recmind.data.conditions import Condition
from recmind.data.store.store import Store


def loosening(store: Store, conditions: Sequence[Condition], exclude: Collection[str] = frozenset()) -> str:
    """Which single condition to drop, and how many items are left then: ``without year>=1990 there are 12``.

    It names the three that give most. Empty where dropping any one condition gives no more items.

    Args:
        store: where items are counted.
        conditions: the conditions that were asked for.
        exclude: item ids that must not come.
    """
    there_are = store.items.count(conditions, exclude=exclude)
    gains = []
    for place, condition in enumerate(conditions):
        more = store.items.count((*conditions[:place], *conditions[place + 1 :]), exclude=exclude)
        if more > there_are:
            gains.append((more, -place, condition))
    gains.sort(reverse=True, key=lambda gain: gain[:2])
    return "; ".join(f"without {condition} there are {more}" for more, _, condition in gains[:3])


def unmet(store: Store, conditions: Sequence[Condition], exclude: Collection[str] = frozenset()) -> str:
    """A sentence about an empty result: the cause, and what to loosen.

    Args:
        store: where items are counted.
        conditions: the conditions that were asked for.
        exclude: item ids that must not come.
    """
    if not conditions:
        return "Nothing is left: every item is excluded." if exclude else "The catalogue has no available item."
    listed = " and ".join(str(condition) for condition in conditions)
    matching = store.items.count(conditions)
    if matching:
        cause = (
            f"All {matching} items that meet {listed} are excluded."
            if matching > 1
            else (f"The only item that meets {listed} is excluded.")
        )
    else:
        cause = f"No item meets {listed}."
    advice = loosening(store, conditions, exclude)
    return f"{cause} {advice[0].upper()}{advice[1:]}." if advice else f"{cause} Drop several conditions."
