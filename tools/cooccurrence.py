"""Counting what goes together in the histories, and scaling it: the matrix behind ``tools.collaborative``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from data.catalogue import InteractionArrays
from data.progress import Progress
from data.settings import Settings

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CollaborativeParameters:
    """Chosen on Amazon Beauty (validation split) and on MovieLens latest-small (leave-one-out, six tie seeds)."""

    window: int = 20
    """Two interactions of a user go together when at most this many steps lie between them."""
    distance_decay: float = 3.0
    """In steps: a pair at distance d counts exp(-(d-1)/distance_decay)."""
    forward: float = 1.0
    """Weight of "the later item, given the earlier one"."""
    backward: float = 0.3
    """Weight of "the earlier item, given the later one"; equal to ``forward`` the model is blind to direction."""
    row_power: float = 0.5
    """Rows are divided by their sum to this power, so that what goes with everything leads less."""
    column_power: float = 0.2
    """Columns likewise, so that what everything leads to counts less."""
    entry_power: float = 1.0
    """Each scaled entry to this power; below 1 one strong link does not drown several that agree."""
    top: int = 200
    """Entries kept in a row, the largest; memory grows with the items, not with their square."""
    recency_decay: float = 3.0
    """In interactions: a past item counts exp(-age/recency_decay)."""
    day_decay: float = 0.0
    """And, d days before the newest interaction, (1 + d) to minus this power of it. 0 where times are unknown."""
    long_term: float = 0.002
    """Added to that for every past item, so that old favorites still lead somewhere when nothing newer does."""
    past: int = 250
    """Past items that a question looks at, those that weigh most; the rest would change nothing but the time."""
    fit_neutral: float = 1.0
    """Weight, when fitting, of a graded interaction that is not positive: who saw it saw its neighbors too. On
    latest-small without them HR@10 falls from 0.134 to 0.107."""
    ask_neutral: float = 0.5
    """Weight of such an interaction in a user's vector. It shifts the order of candidates, but leads to none alone."""
    alike: float = 0.1
    """Weight of links between items whose texts are alike, beside those of co-occurrence; both have a largest of 1."""
    alike_then_together: float = 0.3
    """Weight of links to what goes with an item whose text is alike."""
    ease: float = 0.0
    """Weight of links by EASE, where the catalogue is small enough for it."""


def sequences(
    arrays: InteractionArrays, weights: Floats, settings: Settings, parameters: CollaborativeParameters
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Floats]:
    """Users, item numbers and interest (0 to 1] of the interactions that show an interest, in their order."""
    graded = np.array(
        [settings.kind(name).positive in ("above_mean", "threshold") for name in arrays.kind_names], dtype=np.bool_
    )
    is_graded = graded[arrays.kinds] if len(graded) else np.zeros(len(arrays.kinds), dtype=np.bool_)
    interest = np.where(weights > 0, weights, np.where(is_graded, parameters.fit_neutral, 0.0)).astype(np.float32)
    kept = interest > 0
    interest = interest[kept]
    if len(interest):
        interest = interest / interest.max()
    return arrays.user_numbers[kept], arrays.item_numbers[kept], interest


def cooccurrence(
    users: npt.NDArray[Any],
    positions: npt.NDArray[np.int32],
    interest: Floats,
    *,
    size: int,
    parameters: CollaborativeParameters,
    progress: Progress,
) -> csr_array[Any, tuple[int, int]]:
    """CSR of shape (items, items): how much each item (row) goes with each other (column); no item with itself."""
    from scipy.sparse import coo_array, csr_array  # noqa: PLC0415  a question must not pay for SciPy

    total = cast("csr_array[Any, tuple[int, int]]", csr_array((size, size), dtype=np.float32))
    for distance in range(1, parameters.window + 1):
        progress("co-occurrence", distance - 1, parameters.window)
        together = (users[distance:] == users[:-distance]) & (positions[distance:] != positions[:-distance])
        if not (users[distance:] == users[:-distance]).any():
            break
        earlier, later = positions[:-distance][together], positions[distance:][together]
        weight = interest[:-distance][together] * interest[distance:][together]
        weight = weight * np.float32(np.exp(-(distance - 1) / parameters.distance_decay))
        both = coo_array(
            (
                np.concatenate((weight * np.float32(parameters.forward), weight * np.float32(parameters.backward))),
                (np.concatenate((earlier, later)), np.concatenate((later, earlier))),
            ),
            shape=(size, size),
        )
        total = cast("csr_array[Any, tuple[int, int]]", total + both.tocsr())
    progress("co-occurrence", parameters.window, parameters.window)
    total.eliminate_zeros()
    return total


def scaled_and_pruned(
    matrix: csr_array[Any, tuple[int, int]], parameters: CollaborativeParameters
) -> tuple[Numbers, npt.NDArray[np.int32], Floats]:
    """Starts, columns and values of the scaled matrix with the largest entries of each row, columns ascending."""
    starts = matrix.indptr.astype(np.int64)
    lengths = np.diff(starts)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns, values = matrix.indices, matrix.data.astype(np.float64)
    # Sums below 1 (one distant meeting) would blow an entry up instead of scaling it down.
    row_sum = np.maximum(np.bincount(rows, values, minlength=len(lengths)), 1.0)
    column_sum = np.maximum(np.bincount(columns, values, minlength=len(lengths)), 1.0)
    values = values * row_sum[rows] ** -parameters.row_power * column_sum[columns] ** -parameters.column_power
    values **= parameters.entry_power
    kept = np.ones(len(values), dtype=np.bool_)
    crowded = np.flatnonzero((lengths > parameters.top)[rows])
    if len(crowded):
        order = crowded[np.lexsort((columns[crowded], -values[crowded], rows[crowded]))]
        crowded_rows = rows[order]
        first = np.searchsorted(crowded_rows, crowded_rows, side="left")
        kept[order[np.arange(len(order)) - first >= parameters.top]] = False
    rows, columns, values = rows[kept], columns[kept], values[kept]
    order = np.lexsort((columns, rows))
    counts = np.bincount(rows, minlength=len(lengths))
    return (
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        columns[order].astype(np.int32),
        values[order].astype(np.float32),
    )
