"""EASE (Steck, 2019): item-to-item weights by ridge regression, for small catalogues or few users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Int64s
from recmind.tools.collaborative.sparse import csr_of_blocks, csr_of_entries

if TYPE_CHECKING:
    from scipy.sparse import csr_array


EASE_ITEMS, EASE_USERS = 12_500, 4_000
"""EASE is computed with at most this many items, or at most this many users: it inverts a square matrix of the one or
the other (12,500 items take 3 x 600 MB)."""
EASE_KEPT = 200
"""Entries that a row keeps, the largest."""

_BLOCK = 2_048


def ease(
    users: npt.NDArray[Any], positions: npt.NDArray[Any], size: int, regularization: float = 300.0
) -> csr_array[Any, tuple[int, int]] | None:
    """CSR of shape (items, items) with the weights of EASE (Steck, 2019): the largest entries above 0 of each row.

    Args:
        users: any numbers that say whose an interaction is.
        positions: the item of each interaction, from 0 to ``size`` - 1.
        size: number of items.
        regularization: lambda of the paper.

    Returns:
        The matrix, or None where there are both too many items and too many users.
    """
    names, place = np.unique(users, return_inverse=True)
    taken = csr_of_entries(place, positions, np.ones(len(place), np.float32), len(names), size)
    taken.data[:] = 1.0
    if len(names) <= EASE_USERS:
        return _ease_by_users(taken, regularization)
    return _ease_by_items(taken, regularization) if size <= EASE_ITEMS else None


def _ease_by_users(taken: Any, regularization: float) -> csr_array[Any, tuple[int, int]]:
    """EASE with the inverse over users: lambda (X'X + lambda)^-1 = 1 - X' (XX' + lambda)^-1 X."""
    users, size = taken.shape
    dense = taken.toarray()
    inverse = np.linalg.inv((taken @ taken.T).toarray() + regularization * np.eye(users, dtype=np.float32))
    projected = (inverse @ dense).astype(np.float32)
    diagonal = 1 - (dense * projected).sum(axis=0)
    turned = taken.T.tocsr()
    blocks = []
    for start in range(0, size, _BLOCK):
        block = (turned[start : start + _BLOCK] @ projected) / diagonal
        blocks.append(_largest(np.asarray(block, dtype=np.float32), start))
    return csr_of_blocks(blocks, size)


def _ease_by_items(taken: Any, regularization: float) -> csr_array[Any, tuple[int, int]]:
    from scipy.linalg import cho_factor, lapack  # noqa: PLC0415  a question must not pay for SciPy

    size = taken.shape[1]
    gram = (taken.T @ taken).toarray().astype(np.float32)
    gram[np.diag_indices(size)] += np.float32(regularization)
    factor, _ = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    diagonal = np.diag(inverse).copy()
    blocks = [_largest(-inverse[start : start + _BLOCK] / diagonal[None, :], start) for start in range(0, size, _BLOCK)]
    return csr_of_blocks(blocks, size)


def _largest(block: Float32s, start: int) -> tuple[Int64s, Int64s, Float32s]:
    """Rows, columns and values of the largest entries above 0 in each row of a block.

    Args:
        block: float32 of shape (rows, items); its diagonal is set to 0.
        start: number of the block's first row.
    """
    block[np.arange(len(block)), np.arange(start, start + len(block))] = 0
    n = min(EASE_KEPT, block.shape[1])
    columns = np.argpartition(-block, n - 1, axis=1)[:, :n]
    values = np.take_along_axis(block, columns, axis=1)
    rows = np.repeat(np.arange(start, start + len(block)), n)
    above = values.reshape(-1) > 0
    return rows[above], columns.reshape(-1)[above], values.reshape(-1)[above]
