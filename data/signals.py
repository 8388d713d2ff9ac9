"""What an interaction says about the taste of its user; the one home of that meaning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data.catalogue import InteractionArrays
from data.settings import Settings

WEAK = 0.3
"""The weight of a sign like a view beside a clear one of 1."""


def weights(arrays: InteractionArrays, settings: Settings) -> npt.NDArray[np.float32]:
    """What each interaction says, in the order of the arrays.

    Above 0: for the item (1 is clear, 0.3 a weak sign); 0: nothing; below 0: against it. A rating (``above_mean``) is
    1 at or above the user's own mean of that kind among the interactions given, and 0 below it: pass all of a user's
    interactions. One without a value counts as positive.
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


def _above_mean(users: npt.NDArray[np.int32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    if not len(users):
        return np.zeros(0, dtype=np.bool_)
    _, places = np.unique(users, return_inverse=True)
    known = ~np.isnan(values)
    exact = np.where(known, values, 0).astype(np.float64)
    count = np.bincount(places, weights=known)
    mean = np.bincount(places, weights=exact) / np.maximum(count, 1)
    # Without the small allowance, equal ratings could fall below their own rounded mean.
    return ~known | (exact >= mean[places] - 1e-6)
