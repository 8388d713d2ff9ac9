"""A user's past as the engines are asked with it: a weighted sequence of interactions, newest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.data.signals import weights

DAY_S = 86_400.0


class SequenceItem(NamedTuple):
    """A past item as the model is asked with it."""

    item_number: int
    weight: float
    """That of ``recmind.data.signals``: above 0 leads to candidates, 0 is context, below 0 is left out."""
    age: int
    """0 is the newest interaction, counted over all of them."""
    at: float = math.nan
    """Unix seconds, or NaN."""


@dataclass(frozen=True, slots=True)
class UserSequences:
    """The sequences of many users as columns, one user's after another's: what ``SequenceItem`` says of each item."""

    starts: Int64s
    """Where the past of each user begins; one more than there are users."""
    item_numbers: Int64s
    weights: Float64s
    ages: Float64s
    at: Float64s

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(cls, arrays: InteractionArrays, user_numbers: npt.NDArray[Any], settings: Settings) -> UserSequences:
        """As ``sequence_of`` gives them for each of these users, in their order."""
        begins, ends = (np.searchsorted(arrays.user_numbers, user_numbers, side=side) for side in ("left", "right"))
        lengths = ends - begins
        steps = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = np.repeat(ends, lengths) - 1 - steps
        of_users = arrays.rows(rows)
        weight = weights(of_users, settings)
        graded = np.array([settings.graded(name) for name in arrays.kind_names], dtype=np.bool_)
        says = (weight != 0) | graded[of_users.kinds]
        kept = np.concatenate(([0], np.cumsum(says)))[np.concatenate(([0], np.cumsum(lengths)))]
        columns = (weight[says].astype(np.float64), steps[says].astype(np.float64), of_users.at[says])
        return cls(kept.astype(np.int64), of_users.item_numbers[says].astype(np.int64), *columns)

    @classmethod
    def joined(cls, pasts: Sequence[Sequence[SequenceItem]]) -> UserSequences:
        """Those that are given one by one."""
        starts = np.concatenate(([0], np.cumsum([len(past) for past in pasts]))).astype(np.int64)
        table = np.array([tuple(item) for past in pasts for item in past], dtype=np.float64).reshape(-1, 4)
        return cls(starts, table[:, 0].astype(np.int64), *table[:, 1:].T)

    def rows(self, first: int, last: int) -> UserSequences:
        """Those from the first user to before the last."""
        entries = slice(self.starts[first], self.starts[last])
        columns = (column[entries] for column in (self.weights, self.ages, self.at))
        return UserSequences(self.starts[first : last + 1] - self.starts[first], self.item_numbers[entries], *columns)


def sequence_of(
    arrays: InteractionArrays, settings: Settings, kind: str | None = None
) -> tuple[tuple[SequenceItem, ...], Float32s]:
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
    return tuple(map(SequenceItem, *(column.tolist() for column in columns))), values


def sequences_of(
    arrays: InteractionArrays, user_numbers: npt.NDArray[Any], settings: Settings, kind: str | None = None
) -> Iterator[tuple[tuple[SequenceItem, ...], Float32s]]:
    """``sequence_of`` for each of these users, in their order."""
    for bounds in np.searchsorted(arrays.user_numbers, np.column_stack((user_numbers, user_numbers + 1))).tolist():
        yield sequence_of(arrays.rows(slice(*bounds)), settings, kind)


def days_before(at: Float64s, starts: npt.NDArray[Any] | None = None) -> Float64s:
    """Days before the newest of these times, or of those of the same user; 0 where a time is unknown.

    ``starts`` says where each user's times begin; not given, all are one user's.
    """
    if not len(at):
        return np.zeros(0)
    begins = np.zeros(1, np.int64) if starts is None else starts
    newest = np.maximum.reduceat(np.where(np.isnan(at), -np.inf, at), begins)
    return np.nan_to_num((np.repeat(newest, np.diff(np.append(begins, len(at)))) - at) / DAY_S)
