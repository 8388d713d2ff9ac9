"""A user's past as the engines are asked with it: a weighted sequence of interactions, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.data.signals import weights

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class UserSequences:
    """The pasts of some users, or of one, as columns, one user's after another's; nothing changes afterwards."""

    starts: Int64s
    """Where the past of each user begins; one more than there are users."""
    item_numbers: Int64s
    weights: Float64s
    """Those of ``recmind.data.signals``: above 0 leads to candidates, 0 is context, below 0 is left out."""
    ages: Float64s
    """0 is the newest interaction, counted over all of the user's."""
    at: Float64s
    """Unix seconds, or NaN."""

    @property
    def users(self) -> int:
        """How many users there are."""
        return len(self.starts) - 1

    @property
    def size(self) -> int:
        """How many past items there are in all."""
        return len(self.item_numbers)

    @property
    def owners(self) -> Int64s:
        """Of each past item the place of its user."""
        return np.repeat(np.arange(self.users), np.diff(self.starts))

    @classmethod
    def of(cls, arrays: InteractionArrays, user_numbers: npt.NDArray[Any], settings: Settings) -> UserSequences:
        """The pasts of these users, in their order: what ``with_values`` gives, without the values.

        Args:
            arrays: all interactions, sorted by user, time and position.
            user_numbers: the users that are wanted; an unknown user has an empty past.
            settings: say what each kind of interaction weighs.
        """
        return cls.with_values(arrays, user_numbers, settings, None)[0]

    @classmethod
    def with_values(
        cls, arrays: InteractionArrays, user_numbers: npt.NDArray[Any], settings: Settings, kind: str | None
    ) -> tuple[UserSequences, Float32s]:
        """The pasts of these users, and float32 values of the interactions of one kind, NaN for others.

        A rating that is not positive is context (weight 0); other interactions that say nothing (skip, seen) are left
        out. An unknown user has an empty past.

        Args:
            arrays: all interactions, sorted by user, time and position.
            user_numbers: the users that are wanted, in the order of the answer.
            settings: say what each kind of interaction weighs.
            kind: the kind whose values are wanted; None: none.
        """
        begins, ends = (np.searchsorted(arrays.user_numbers, user_numbers, side=side) for side in ("left", "right"))
        lengths = ends - begins
        steps = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        of_users = arrays.rows(np.repeat(ends, lengths) - 1 - steps)
        weight = weights(of_users, settings)
        graded = np.array([settings.graded(name) for name in arrays.kind_names], dtype=np.bool_)
        says = (weight != 0) | graded[of_users.kinds]
        kept = np.concatenate(([0], np.cumsum(says)))[np.concatenate(([0], np.cumsum(lengths)))]
        columns = (weight[says].astype(np.float64), steps[says].astype(np.float64), of_users.at[says])
        found = cls(kept.astype(np.int64), of_users.item_numbers[says].astype(np.int64), *columns)
        of_kind = np.array([name == kind for name in arrays.kind_names], dtype=np.bool_)[of_users.kinds[says]]
        return found, np.where(of_kind, of_users.values[says], np.float32(np.nan)).astype(np.float32)

    def rows(self, first: int, last: int) -> UserSequences:
        """Those from the first user to before the last."""
        entries = slice(self.starts[first], self.starts[last])
        columns = (column[entries] for column in (self.weights, self.ages, self.at))
        return UserSequences(self.starts[first : last + 1] - self.starts[first], self.item_numbers[entries], *columns)

    def days(self) -> Float64s:
        """Of each past item how many days it lies before the newest one of its user; 0 where a time is unknown."""
        return days_before(self.at, self.starts[:-1][np.diff(self.starts) > 0])

    def newest_day(self) -> Float64s:
        """Of each user the day of the newest interaction, since 1970; NaN where no time is known."""
        newest, filled = np.full(self.users, -np.inf), np.diff(self.starts) > 0
        if self.size:
            times = np.where(np.isnan(self.at), -np.inf, self.at)
            newest[filled] = np.maximum.reduceat(times, self.starts[:-1][filled])
        return np.where(np.isinf(newest), np.nan, newest) / DAY_S

    def least(self, values: Float64s) -> Float64s:
        """Beside each past item the least value of its user's."""
        lengths = np.diff(self.starts)
        filled = lengths > 0
        least = np.minimum.reduceat(values, self.starts[:-1][filled]) if len(values) else values
        return np.repeat(least, lengths[filled])

    def heaviest(self, values: Float64s, n: int) -> Float64s:
        """The values with all but the n largest of each user set to 0; none is below 0."""
        counts = np.diff(np.concatenate(([0], np.cumsum(values > 0)))[self.starts])
        longer = np.flatnonzero(counts > n).tolist()
        kept = values.copy() if longer else values
        for user in longer:
            own = slice(self.starts[user], self.starts[user + 1])
            kept[own][np.argsort(-values[own], kind="stable")[n:]] = 0.0
        return kept


NO_PAST = UserSequences(np.zeros(2, np.int64), np.empty(0, np.int64), *(np.empty(0) for _ in range(3)))
"""One user's who did nothing."""


def days_before(at: Float64s, starts: Int64s) -> Float64s:
    """Days before the newest of the times of the same user; 0 where a time is unknown.

    ``starts`` says where each user's times begin; each has one.
    """
    if not len(at):
        return np.zeros(0)
    newest = np.maximum.reduceat(np.where(np.isnan(at), -np.inf, at), starts)
    days = (np.repeat(newest, np.diff(np.append(starts, len(at)))) - at) / DAY_S
    return np.where(np.isnan(days), 0.0, days)
