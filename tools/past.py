"""A user's past as the engines are asked with it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.catalogue import InteractionArrays
from data.settings import Settings
from data.signals import weights


class Past(NamedTuple):
    """A past item as the model is asked with it."""

    item_number: int
    weight: float
    """That of ``data.signals``: above 0 leads to candidates, 0 is context, below 0 is left out."""
    age: int
    """0 is the newest interaction, counted over all of them."""
    at: float = math.nan
    """Unix seconds, or NaN."""


def past_of(
    arrays: InteractionArrays, settings: Settings, kind: str | None = None
) -> tuple[tuple[Past, ...], npt.NDArray[np.float32]]:
    """One user's past, newest first, and the values of the interactions of one kind, NaN for others.

    A rating that is not positive is context (weight 0); other interactions that say nothing (skip, seen) are left out.
    """
    if not len(arrays):
        return (), np.empty(0, np.float32)
    weight = weights(arrays, settings)
    graded = np.array([is_graded(settings, name) for name in arrays.kind_names], dtype=np.bool_)
    says = np.flatnonzero((weight != 0) | graded[arrays.kinds])[::-1]
    columns = (arrays.item_numbers[says], weight[says], len(arrays) - 1 - says, arrays.at[says])
    of_kind = np.array([name == kind for name in arrays.kind_names], dtype=np.bool_)[arrays.kinds[says]]
    values = np.where(of_kind, arrays.values[says], np.float32(np.nan)).astype(np.float32)
    return tuple(map(Past, *(column.tolist() for column in columns))), values


def is_graded(settings: Settings, kind: str) -> bool:
    """Whether interactions of this kind have values that say how much the user liked the item."""
    return settings.kind(kind).positive in ("above_mean", "threshold")
