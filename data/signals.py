"""The only home of what an interaction says about its user's taste."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from recmind.data.arrays import Bools, Float32s, Float64s, Int32s
from recmind.data.catalogue import InteractionArrays
from recmind.data.records import Interaction
from recmind.data.settings import Settings

WEAK = 0.3
"""The weight of a weak sign, such as a view; a clear sign weighs 1."""
LOW_FEELING = -0.4
"""In standard deviations from the user's mean: an item with a lower value was not to their taste."""
POOR_STARS, MIDDLING_STARS = 2.0, 3.0
"""Stars up to the first speak against an item, whoever gives them; stars above the second never do."""

Deed = tuple[str, str, float | None]
"""What a user did with an item: item id, kind and value of the interaction."""


def weights(arrays: InteractionArrays, settings: Settings) -> Float32s:
    """What each interaction says about its item, float32 in the order of the arrays.

    Above 0: for the item (1 is clear, 0.3 a weak sign); 0: nothing; below 0: against it. A rating (``above_mean``) is 1
    at or above the user's own mean of that kind, and 0 below it. An interaction without a value counts as positive.

    Args:
        arrays: all interactions of each user in it: the means are taken over them.
        settings: say what each kind means.
    """
    result = np.zeros(len(arrays), dtype=np.float32)
    for number, name in enumerate(arrays.kind_names):
        meaning = settings.kind(name)
        of_kind = arrays.kinds == number
        match meaning.positive:
            case "always":
                result[of_kind] = 1
            case "weak":
                result[of_kind] = WEAK
            case "negative":
                result[of_kind] = -1
            case "threshold":
                least = 0.0 if meaning.threshold is None else meaning.threshold
                values = arrays.values[of_kind]
                result[of_kind] = np.isnan(values) | (values >= least)
            case "above_mean":
                result[of_kind] = _above_mean(arrays.user_numbers[of_kind], arrays.values[of_kind])
            case "never":
                pass
    return result


def against(past: Iterable[Interaction], settings: Settings, star_kinds: Collection[str]) -> frozenset[Deed]:
    """The interactions of one user that speak against their item, so that they are no reason for another.

    These are dislikes, refusals, and values clearly below the user's own mean or the threshold.

    Args:
        past: all interactions of the user.
        settings: say what each kind means.
        star_kinds: kinds whose values are stars, up to five.
    """
    by_kind: dict[str, list[Interaction]] = {}
    for interaction in past:
        by_kind.setdefault(interaction.kind, []).append(interaction)
    found: set[Deed] = set()
    for kind, done in by_kind.items():
        meaning = settings.kind(kind)
        if meaning.positive == "negative" or meaning.refused:
            found.update((i.item_id, kind, i.value) for i in done)
        if not settings.graded(kind):
            continue
        valued = [(i.item_id, i.value) for i in done if i.value is not None]
        values = np.array([value for _, value in valued], dtype=np.float64)
        if meaning.positive == "threshold":
            low = values < (0.0 if meaning.threshold is None else meaning.threshold)
        else:
            low = standardized(values) < LOW_FEELING
        if kind in star_kinds:
            low = (values <= POOR_STARS) | (low & (values <= MIDDLING_STARS))
        found.update((item_id, kind, value) for (item_id, value), is_low in zip(valued, low, strict=True) if is_low)
    return frozenset(found)


def standardized(values: Float64s) -> Float64s:
    """One user's values of a kind in standard deviations from their mean, cut to -2 to 2; float64."""
    if not len(values):
        return values
    spread: Float64s = (values - values.mean()) / max(float(values.std()), 0.25)
    return spread.clip(-2, 2)


def _above_mean(users: Int32s, values: Float32s) -> Bools:
    if not len(users):
        return np.zeros(0, dtype=np.bool_)
    _, places = np.unique(users, return_inverse=True)
    known = ~np.isnan(values)
    exact = np.where(known, values, 0).astype(np.float64)
    count = np.bincount(places, weights=known)
    mean = np.bincount(places, weights=exact) / np.maximum(count, 1)
    # Without the small tolerance, equal ratings could fall below their own rounded mean.
    return ~known | (exact >= mean[places] - 1e-6)
