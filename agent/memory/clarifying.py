"""The question that is asked back if a request leaves everything open, with choices from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import TYPE_CHECKING

import numpy as np

from recmind.agent.state import Question
from recmind.agent.understanding import Understanding
from recmind.agent.understanding.vocabulary import AttributeRole, Vocabulary
from recmind.data.arrays import Int64s
from recmind.data.conditions import Condition
from recmind.data.wording import attribute_label
from recmind.tools.context import RequestContext

if TYPE_CHECKING:
    from recmind.data.store.store import Store

CHOICES = 5
LEAST_CHOICES = 2
CONSIDERED = 20
"""The choices are found among this many values of an attribute, the most common ones."""
THIN = 5
"""With fewer meaningful interactions than this, the history is not enough to answer an open request."""
_ASKABLE: tuple[AttributeRole, ...] = ("kind", "soft", "other")
"""Directors and languages are not asked for: people first want to say what they are in the mood for."""


def clarifying_question(understanding: Understanding, context: RequestContext) -> Question | None:
    """The question to ask, or None if the request or the history says enough, or the catalogue offers no choices."""
    if not understanding.empty or context.filters:
        return None
    if context.engines.history.signals(context.user_id).size >= THIN:
        return None
    found = telling_choices(context.store)
    if found is None:
        return None
    attribute, choices = found
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
    text = f"Which {attribute_label(attribute)} would you like: {listed}? Say anything else as well, or “you choose”."
    return Question(text, choices, attribute)


def telling_choices(store: Store) -> tuple[str, tuple[str, ...]] | None:
    """The attribute and the few values that divide the catalogue best, or None if there are none.

    The best division has the highest entropy: most items have one of the values, and each value about equally many. The
    parts are the items of each choice that no earlier choice has, and the rest.
    """
    vocabulary, best = Vocabulary(store), None
    everything = store.items.matching()
    for attribute, role in vocabulary.roles.items():
        if role not in _ASKABLE:
            continue
        choices, sizes = _parted(store, attribute, everything)
        if len(choices) < LEAST_CHOICES:
            continue
        score = _entropy([*sizes, len(everything) - sum(sizes)])
        if best is None or score > best[0]:
            best = score, attribute, choices
    return None if best is None else (best[1], tuple(best[2]))


def _parted(store: Store, attribute: str, everything: Int64s) -> tuple[list[str], list[int]]:
    """The values that together cover the most items, chosen one after the other, and how many items each adds."""
    having = {
        value: store.items.matching([Condition(attribute, "=", value)])
        for value, items in store.attributes.values(attribute, CONSIDERED)
        if items > 1 or len(everything) < CONSIDERED
    }
    choices: list[str] = []
    sizes: list[int] = []
    left = everything
    while having and len(choices) < CHOICES:
        gains = {value: int(np.isin(left, numbers, assume_unique=True).sum()) for value, numbers in having.items()}
        value = max(gains, key=lambda candidate: gains[candidate])
        if not gains[value]:
            break
        choices.append(value)
        sizes.append(gains[value])
        left = left[np.isin(left, having.pop(value), assume_unique=True, invert=True)]
    return choices, sizes


def _entropy(sizes: Sequence[int]) -> float:
    total = sum(sizes)
    return -sum(size / total * log2(size / total) for size in sizes if size) if total else 0.0
