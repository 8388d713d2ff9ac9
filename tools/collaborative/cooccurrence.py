"""Counts which items occur together in histories, and scales the counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.arrays import Float32s, Float64s, Int32s, Int64s
from recmind.data.catalogue import InteractionArrays
from recmind.data.progress import Progress
from recmind.data.settings import Settings
from recmind.tools.collaborative.sparse import largest_in_rows

CompressedRows = tuple[Int64s, Int32s, Float32s]
"""Starts (int64, one more than rows), columns (int32) and values (float32) of compressed rows."""

PAIRS_AT_ONCE = 8_000_000
"""Pairs of interactions that are counted in one block: memory grows with the entries kept, not with all pairs."""


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
    row_power: float = 0.4
    """Each row is divided by its sum to this power, so that items which go with everything lead to others less."""
    column_power: float = 0.2
    """Each column likewise, so that items to which everything leads count less."""
    entry_power: float = 0.7
    """Each scaled entry is raised to this power; below 1, one strong link does not outweigh several that agree."""
    top: int = 200
    """Entries kept in a row, the largest; memory grows with the items, not with their square."""
    recency_decay: float = 3.0
    """In interactions: a past item counts exp(-age/recency_decay)."""
    day_decay: float = 0.0
    """A past item d days older than the newest interaction also counts (1 + d) ** -day_decay; unknown times count d =
    0."""
    long_term: float = 0.01
    """Added to the weight of every past item, so that old favorites still lead somewhere when nothing newer does."""
    past: int = 250
    """Largest number of past items that a recommendation reads, those of the largest weight; more only cost time."""
    fit_neutral: float = 1.0
    """Weight, when fitting, of a graded interaction that is not positive: who saw the item saw its neighbors too.
    Without them, HR@10 on latest-small falls from 0.134 to 0.107."""
    ask_neutral: float = 0.9
    """Weight of such an interaction in a user's vector. It changes the order of candidates, but adds none by itself."""
    alike: float = 0.1
    """Weight of links between items of similar text, relative to co-occurrence; the largest entry of each counts 1."""
    alike_then_together: float = 0.3
    """Weight of two-hop links: to items that go with an item of similar text."""
    ease: float = 0.0
    """Weight of the links that EASE finds; used only where the catalogue is small enough for it."""

    def recency(self, weights: npt.NDArray[Any], ages: npt.NDArray[Any], days: Float64s) -> Float64s:
        """The weight of each past item in a user's vector, float64 in the shape of ``weights``.

        Args:
            weights: what each interaction says: above 0 positive, 0 neutral, below 0 negative.
            ages: number of newer interactions of the same user, from 0.
            days: days before the user's newest interaction, from 0, as ``days_before`` counts them.
        """
        said = np.where(weights == 0, self.ask_neutral, weights)
        near = np.exp(-ages / self.recency_decay) * (1 + days) ** -self.day_decay
        return np.asarray(said * (near + self.long_term))


def sequences(
    arrays: InteractionArrays, weights: Float32s, settings: Settings, parameters: CollaborativeParameters
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Float32s]:
    """The interactions that show an interest, in the order of the arrays.

    Args:
        arrays: all interactions, sorted by user, time and position.
        weights: float32: what each interaction says, as ``recmind.data.signals.weights`` gives it.
        settings: say which kinds are graded.
        parameters: hold the weight of graded interactions that are not positive.

    Returns:
        User numbers, item numbers and interest (float32, above 0, at most 1), three arrays of one length.
    """
    graded = np.array([settings.graded(name) for name in arrays.kind_names], dtype=np.bool_)
    is_graded = graded[arrays.kinds] if len(graded) else np.zeros(len(arrays.kinds), dtype=np.bool_)
    interest = np.where(weights > 0, weights, np.where(is_graded, parameters.fit_neutral, 0.0)).astype(np.float32)
    kept = interest > 0
    interest = interest[kept]
    if len(interest):
        interest = interest / interest.max()
    return arrays.user_numbers[kept], arrays.item_numbers[kept], interest


def cooccurrence(
    users: npt.NDArray[Any],
    positions: Int32s,
    interest: Float32s,
    *,
    size: int,
    parameters: CollaborativeParameters,
    progress: Progress,
) -> CompressedRows:
    """How much each item (row) goes with each other item (column), as scaled and pruned compressed rows.

    A row holds its largest entries, columns ascending. No item goes with itself.

    Args:
        users: user number of each interaction; those of one user stand together, oldest first.
        positions: int32: the item of each interaction, from 0 to ``size`` - 1.
        interest: float32: the interest that each interaction shows, above 0, at most 1.
        size: number of items.
        parameters: window, decay and scaling.
        progress: is called with the rows done.
    """
    histories = _Histories(users, positions, interest, parameters)
    row_sum, column_sum = histories.sums(size, progress)
    order = np.argsort(positions, kind="stable")
    begins = np.concatenate(([0], np.cumsum(np.bincount(positions, minlength=size))))
    most = np.minimum(2 * parameters.window * np.diff(begins), parameters.top)
    starts = np.zeros(size + 1, dtype=np.int64)
    # The system takes memory for a page only when it is written, so a generous size costs nothing.
    columns, values = np.empty(int(most.sum()), np.int32), np.empty(int(most.sum()), np.float32)
    for first, last in _blocks(begins * (2 * parameters.window)):
        progress("co-occurrence", first, size)
        block = histories.rows(order[begins[first] : begins[last]], first, last, size)
        lengths = np.diff(block.indptr)
        # A sum below 1 (two items that met once, far apart) would enlarge an entry instead of scaling it down.
        scaled = block.data * np.repeat(row_sum[first:last] ** -parameters.row_power, lengths)
        scaled *= column_sum[block.indices] ** -parameters.column_power
        scaled **= parameters.entry_power
        kept = largest_in_rows(block.indptr, scaled, parameters.top)
        ends = np.concatenate(([0], np.cumsum(kept)))[block.indptr]
        starts[first : last + 1] = starts[first] + ends
        columns[starts[first] : starts[last]] = block.indices[kept]
        values[starts[first] : starts[last]] = scaled[kept]
    progress("co-occurrence", size, size)
    return starts, columns[: starts[-1]], values[: starts[-1]]


@dataclass(frozen=True, slots=True)
class _Histories:
    """All interactions that show an interest, user by user and from the oldest to the newest."""

    users: npt.NDArray[Any]
    positions: Int32s
    interest: Float32s
    parameters: CollaborativeParameters

    def sums(self, size: int, progress: Progress) -> tuple[Float64s, Float64s]:
        """The sums of the rows and of the columns of the whole matrix, each float64 of shape (size,), at least 1."""
        forward, backward = self.parameters.forward, self.parameters.backward
        leads, follows = np.zeros(size), np.zeros(size)
        for distance in range(1, self.parameters.window + 1):
            progress("what goes together", distance - 1, self.parameters.window)
            of_one = self.users[distance:] == self.users[:-distance]
            if not of_one.any():
                break
            earlier = np.flatnonzero(of_one & (self.positions[distance:] != self.positions[:-distance]))
            weight = self._weight(earlier, earlier + distance, distance)
            leads += np.bincount(self.positions[earlier], weight, minlength=size)
            follows += np.bincount(self.positions[earlier + distance], weight, minlength=size)
        rows, columns = forward * leads + backward * follows, forward * follows + backward * leads
        return np.maximum(rows, 1.0), np.maximum(columns, 1.0)

    def rows(self, chosen: Int64s, first: int, last: int, size: int) -> Any:
        """The rows of the items from ``first`` to before ``last``, as a SciPy CSR of shape (last - first, size).

        Args:
            chosen: int64: the interactions with these items.
            first: position of the first item.
            last: position behind the last item.
            size: number of items.
        """
        from scipy.sparse import coo_array  # noqa: PLC0415  a question must not pay for SciPy

        places, others, weights = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for share, direction in ((self.parameters.forward, 1), (self.parameters.backward, -1)):
            here = chosen if share else chosen[:0]
            for distance in range(1, self.parameters.window + 1):
                there = here + direction * distance
                within = (there >= 0) & (there < len(self.users))
                here, there = here[within], there[within]
                of_one = self.users[here] == self.users[there]
                here, there = here[of_one], there[of_one]
                other = self.positions[there] != self.positions[here]
                places.append(self.positions[here[other]] - np.int32(first))
                others.append(self.positions[there[other]])
                weights.append(self._weight(here[other], there[other], distance) * np.float32(share))
        pairs = np.concatenate(weights), (np.concatenate(places), np.concatenate(others))
        return coo_array(pairs, shape=(last - first, size)).tocsr()

    def _weight(self, one: Int64s, other: Int64s, distance: int) -> Float32s:
        near = np.float32(np.exp(-(distance - 1) / self.parameters.distance_decay))
        return np.asarray(self.interest[one] * self.interest[other] * near, dtype=np.float32)


def _blocks(costs: Int64s) -> Iterator[tuple[int, int]]:
    """Ranges of rows, each of which costs at most ``PAIRS_AT_ONCE`` or is a single row.

    Args:
        costs: int64 of shape (rows + 1,): cumulative costs, beginning with 0.
    """
    first = 0
    while first < len(costs) - 1:
        last = int(np.searchsorted(costs, costs[first] + PAIRS_AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last
