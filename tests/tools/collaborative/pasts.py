"""Pasts that tests write down item by item."""

import math

import numpy as np

from recmind.tools.collaborative.user_sequence import UserSequences


def past(*items: tuple[float, ...]) -> UserSequences:
    """One user's, newest first: of each item its number, weight and age, and the time where it has one."""
    return pasts(items)


def pasts(*of_users: tuple[tuple[float, ...], ...]) -> UserSequences:
    """The same of several users."""
    starts = np.concatenate(([0], np.cumsum([len(items) for items in of_users]))).astype(np.int64)
    rows = [(*item, math.nan)[:4] for items in of_users for item in items]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return UserSequences(starts, table[:, 0].astype(np.int64), *table[:, 1:].T)
