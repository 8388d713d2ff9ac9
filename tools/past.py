"""A user's past as the engines are asked with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data.catalogue import InteractionArrays
from data.settings import Settings
from data.signals import weights

DAY_S = 86_400.0


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
    graded = np.array([settings.graded(name) for name in arrays.kind_names], dtype=np.bool_)
    says = np.flatnonzero((weight != 0) | graded[arrays.kinds])[::-1]
    columns = (arrays.item_numbers[says], weight[says], len(arrays) - 1 - says, arrays.at[says])
    of_kind = np.array([name == kind for name in arrays.kind_names], dtype=np.bool_)[arrays.kinds[says]]
    values = np.where(of_kind, arrays.values[says], np.float32(np.nan)).astype(np.float32)
    return tuple(map(Past, *(column.tolist() for column in columns))), values


def pasts_of(
    arrays: InteractionArrays, user_numbers: npt.NDArray[Any], settings: Settings, kind: str | None = None
) -> Iterator[tuple[tuple[Past, ...], npt.NDArray[np.float32]]]:
    """``past_of`` for each of these users, in their order."""
    for bounds in np.searchsorted(arrays.user_numbers, np.column_stack((user_numbers, user_numbers + 1))).tolist():
        yield past_of(arrays.rows(slice(*bounds)), settings, kind)


def days_before(at: npt.NDArray[np.float64], starts: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float64]:
    """Days before the newest of these times, or of those of the same user; 0 where a time is unknown.

    ``starts`` says where each user's times begin; not given, all are one user's.
    """
    if not len(at):
        return np.zeros(0)
    begins = np.zeros(1, np.int64) if starts is None else starts
    newest = np.maximum.reduceat(np.where(np.isnan(at), -np.inf, at), begins)
    return np.nan_to_num((np.repeat(newest, np.diff(np.append(begins, len(at)))) - at) / DAY_S)
