"""Item-to-item collaborative filtering: co-occurrence that respects order and distance in the histories.

The matrix is built once; a user's vector is built when asked, so a new interaction counts at once. Every answer says
which past items led to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recmind.data.arrays import Bools, Float32s, Float64s, Int32s, Int64s, index_in_sorted, load_arrays, save_arrays
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.progress import Progress, quiet
from recmind.data.settings import Settings
from recmind.tools.collaborative.blend import blend
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters, cooccurrence, sequences
from recmind.tools.collaborative.neighbors import Neighbors
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import SequenceItem, days_before

if TYPE_CHECKING:
    from scipy.sparse import csr_array


_PREFIX = "collaborative"
_PARAMETERS = "collaborative.json"
MOST_NAMED = 3
"""Past items that a hit says led there."""


@dataclass(frozen=True, slots=True)
class SeedVector:
    """The items asked with as a weighted vector, and the items they lead to."""

    positions: Int64s
    """Of each item, -1 where the model has never met it."""
    weights: Float64s
    """Of each, 0 where it does not count."""
    positive: Bools
    """Which of them lead to candidates; what the others give comes on top."""
    neighbors: Neighbors
    totals: Float64s
    """The total score of each column of the neighbors."""


@dataclass(frozen=True, slots=True)
class CollaborativeHit:
    """A candidate and where it came from."""

    item_number: int
    score: float
    """0 to 1: relative to the best of the same answer."""
    raw: float
    """The sum it came from; comparable between answers of one model."""
    because: tuple[tuple[int, float], ...]
    """(item number, share) of the positive past items that led here, the strongest first; shares are of what all
    positive past items give together, at most three are listed. Empty where texts alone link them."""
    alike: int | None = None
    """The past item with the strongest link by text, where nothing else led here."""


class CollaborativeModel:
    """Item-to-item weights: row i holds what goes with item i, pruned and scaled.

    Compressed rows in plain NumPy arrays, so that a question needs no SciPy: ``items`` (int64, sorted item numbers by
    position), ``starts`` (int64, positions + 1), ``columns`` (int32, positions) and ``values`` (float32, above 0);
    ``together`` (bool) says of each entry whether histories link the two, or their texts alone.
    """

    def __init__(
        self,
        items: Int64s,
        starts: Int64s,
        columns: Int32s,
        values: Float32s,
        together: Bools,
        parameters: CollaborativeParameters | None = None,
    ) -> None:
        self.items = items
        self.starts = starts
        self.columns = columns
        self.values = values
        self.together = together
        self.parameters = parameters or CollaborativeParameters()

    @classmethod
    def fit(
        cls,
        arrays: InteractionArrays,
        weights: Float32s,
        settings: Settings,
        progress: Progress = quiet,
        parameters: CollaborativeParameters | None = None,
        embeddings: ItemEmbeddings | None = None,
    ) -> CollaborativeModel:
        """The model of these histories and of the items' texts.

        Args:
            arrays: all interactions, sorted by user, time and position.
            weights: one for each interaction, from ``recmind.data.signals``.
            settings: say which kinds are graded, so that a value which is not positive still is an interest.
            progress: told of each distance of the window.
            parameters: the defaults where not given.
            embeddings: of the items' texts; without them only histories link.
        """
        chosen = parameters or CollaborativeParameters()
        users, numbers, interest = sequences(arrays, weights, settings, chosen)
        items = np.unique(numbers if embeddings is None else np.concatenate((numbers, embeddings.numbers))).astype(
            np.int64
        )
        positions = np.searchsorted(items, numbers).astype(np.int32)
        cooccurring = cooccurrence(users, positions, interest, size=len(items), parameters=chosen, progress=progress)
        blended = blend(cooccurring, (users, positions), items, embeddings, chosen, progress)
        return cls(items, *blended, chosen)

    def save(self, folder: Path) -> None:
        """Write the arrays and the parameters into the folder."""
        links = {"columns": self.columns, "values": self.values, "together": self.together}
        save_arrays(folder, _PREFIX, {"items": self.items, "starts": self.starts, **links})
        (folder / _PARAMETERS).write_text(json.dumps(asdict(self.parameters), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> CollaborativeModel:
        """The saved model, its arrays mapped from the files rather than read.

        Raises RecMindError where a file is missing or they do not fit together.
        """
        arrays = load_arrays(folder, _PREFIX, ("items",), ("columns", "values", "together"))
        try:
            saved = json.loads((folder / _PARAMETERS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RecMindError(
                f"The index file {str(folder / _PARAMETERS)!r} cannot be read ({error}). Run: recmind index"
            ) from error
        known = {field.name for field in fields(CollaborativeParameters)}
        parameters = CollaborativeParameters(**{name: value for name, value in saved.items() if name in known})
        return cls(**arrays, parameters=parameters)

    def matrix(self) -> csr_array[Any, tuple[int, int]]:
        """All links as a SciPy matrix of shape (positions, positions), for many questions at once."""
        from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

        return csr_array((self.values, self.columns, self.starts), shape=(len(self.items), len(self.items)))

    def recommend(
        self,
        history: Sequence[SequenceItem],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates that the positive past items lead to, without those past items themselves.

        Args:
            history: the past items in any order, see ``SequenceItem``.
            n: at most this many are returned; fewer where fewer are linked.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        seeds = self._of_history(history)
        return self.explain(seeds, self.strongest(seeds, n, exclude, allowed))

    def recommend_from_seeds(
        self,
        seeds: Sequence[int],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates for these items, which count alike; the seeds themselves do not come."""
        chosen = self._of_seeds(seeds)
        return self.explain(chosen, self.strongest(chosen, n, exclude, allowed))

    def scores(self, history: Sequence[SequenceItem], item_numbers: Sequence[int] | Int64s) -> Float32s:
        """How strongly the past leads to each of these items: float32, 0 to 1 relative to the best of them.

        NaN where the model has never met the item; 0 where nothing leads to it.
        """
        return self._scaled_scores(self._of_history(history), item_numbers)

    def seed_scores(self, seeds: Sequence[int], item_numbers: Sequence[int] | Int64s) -> Float32s:
        """As ``scores``, for seeds that count alike."""
        return self._scaled_scores(self._of_seeds(seeds), item_numbers)

    def linked(self, history: Sequence[SequenceItem], item_numbers: Int64s) -> Float64s:
        """The sum that ``recommend`` orders by, for each of these items; 0 where it would not come."""
        seeds = self._of_history(history)
        numbers = np.asarray(item_numbers, dtype=np.int64)
        positions = self.positions_of(numbers)
        found = self.totals_of(seeds.neighbors, self._open_totals(seeds, ()), numbers)
        found[np.isin(positions, seeds.positions)] = 0.0
        return found

    def leads_to(self, source: int, item_number: int) -> bool:
        """Whether histories lead from the one item (number) to the other."""
        row, column = self.positions_of(np.asarray([source, item_number], dtype=np.int64)).tolist()
        if row < 0 or column < 0:
            return False
        entries = slice(self.starts[row], self.starts[row + 1])
        return bool(self.together[entries][self.columns[entries] == column].any())

    def positions_of(self, numbers: Int64s) -> Int64s:
        """The position of each item number, -1 where the model has never met it."""
        places, known = index_in_sorted(self.items, numbers)
        return np.where(known, places, -1)

    def neighbors(self, positions: Int64s) -> Neighbors:
        """The neighbor lists of these positions; -1 has none."""
        return Neighbors.of(self.starts, self.columns, self.values, positions)

    def totals_of(self, neighbors: Neighbors, totals: Float64s, item_numbers: Int64s) -> Float64s:
        """The total of each of these items, among totals by column of the neighbors; 0 where the model never met it."""
        columns, met = neighbors.columns_of(self.positions_of(item_numbers))
        return np.where(met, totals[columns], 0.0) if len(totals) else np.zeros(len(columns))

    def strongest(
        self, seeds: SeedVector, n: int, exclude: Collection[int] = (), allowed: Int64s | None = None
    ) -> Int64s:
        """The n item numbers that ``recommend`` gives, the strongest first."""
        if n <= 0 or not seeds.positive.any():
            return np.empty(0, np.int64)
        totals = self._open_totals(seeds, exclude)
        columns = np.flatnonzero(totals > 0)
        numbers = self.items[seeds.neighbors.positions_of(columns)]
        if allowed is not None:
            _, met = index_in_sorted(allowed, numbers)
            columns, numbers = columns[met], numbers[met]
        return numbers[_best(totals[columns], n)]

    def explain(self, seeds: SeedVector, item_numbers: Int64s) -> list[CollaborativeHit]:
        """What led to these items of ``strongest``, in their order; scores are relative to the best of them."""
        if not len(item_numbers):
            return []
        count = len(item_numbers)
        columns, _ = seeds.neighbors.columns_of(self.positions_of(item_numbers))
        hit, source, entries, values = seeds.neighbors.links_to(columns)
        given = values * seeds.weights[source]
        total = np.bincount(hit, given, minlength=count)
        leads = np.flatnonzero(seeds.positive[source] & (given > 0))
        hit, given, together = hit[leads], given[leads], self.together[entries[leads]]
        numbers = self.items[seeds.positions[source[leads]]]
        led = np.asarray(np.bincount(hit, given, minlength=count), dtype=np.float64)
        because = _because(hit[together], numbers[together], given[together], led)
        alike = _first(hit[~together], numbers[~together], given[~together], count)
        top = float(total.max())
        return [
            CollaborativeHit(number, raw / top, raw, why, None if why else text)
            for number, raw, why, text in zip(item_numbers.tolist(), total.tolist(), because, alike, strict=True)
        ]

    def _of_seeds(self, seeds: Sequence[int]) -> SeedVector:
        positions = self.positions_of(np.asarray(list(dict.fromkeys(seeds)), dtype=np.int64))
        weights, neighbors = np.ones(len(positions)), self.neighbors(positions)
        return SeedVector(positions, weights, positions >= 0, neighbors, neighbors.totals(weights))

    def _of_history(self, history: Sequence[SequenceItem]) -> SeedVector:
        """The past items, weighted by recency."""
        table = sequence_table(history)
        positions = self.positions_of(table[:, 0].astype(np.int64))
        weights = self.parameters.recency(table[:, 1], table[:, 2], days_before(table[:, 3]))
        weights = heaviest(np.where(positions >= 0, np.maximum(weights, 0.0), 0.0), self.parameters.past)
        neighbors = self.neighbors(np.where(weights > 0, positions, -1))
        return SeedVector(positions, weights, (table[:, 1] > 0) & (weights > 0), neighbors, neighbors.totals(weights))

    def _scaled_scores(self, seeds: SeedVector, item_numbers: Sequence[int] | Int64s) -> Float32s:
        numbers = np.asarray(item_numbers, dtype=np.int64)
        found = self.totals_of(seeds.neighbors, seeds.totals, numbers)
        found[self.positions_of(numbers) < 0] = np.nan
        best = np.nanmax(found, initial=0.0)
        return (found / best if best > 0 else found).astype(np.float32)

    def _open_totals(self, seeds: SeedVector, exclude: Collection[int]) -> Float64s:
        """The totals of what may come: something positive leads there, and it is neither asked with nor excluded."""
        totals = (
            seeds.totals.copy()
            if (seeds.positive | (seeds.weights == 0)).all()
            else seeds.totals * seeds.neighbors.reached_from(seeds.positive)
        )
        barred = seeds.positions
        if exclude:
            barred = np.concatenate((barred, self.positions_of(np.fromiter(exclude, np.int64, len(exclude)))))
        columns, met = seeds.neighbors.columns_of(barred)
        if len(totals):
            totals[columns[met]] = 0.0
        return totals


def sequence_table(history: Sequence[SequenceItem]) -> Float64s:
    """The past items as a table of four columns, those of ``SequenceItem``."""
    return np.asarray(history, dtype=np.float64).reshape(-1, 4)


def heaviest(weights: Float64s, n: int) -> Float64s:
    """The weights with all but the n largest set to 0."""
    if np.count_nonzero(weights) <= n:
        return weights
    kept = np.argsort(-weights, kind="stable")[:n]
    result = np.zeros(len(weights))
    result[kept] = weights[kept]
    return result


def _because(hit: Int64s, numbers: Int64s, given: Float64s, led: Float64s) -> list[tuple[tuple[int, float], ...]]:
    """Of each hit the three past items that give most, and their shares of the whole; one may have several links."""
    # A past item that comes again gives again.
    order = np.lexsort((numbers, hit))
    hit, numbers, given = hit[order], numbers[order], given[order]
    firsts = np.flatnonzero(np.append(True, (hit[1:] != hit[:-1]) | (numbers[1:] != numbers[:-1]))[: len(hit)])
    hit, numbers = hit[firsts], numbers[firsts]
    given = np.add.reduceat(given, firsts) if len(firsts) else given
    order = np.lexsort((numbers, -given, hit))
    ends = np.searchsorted(hit, np.arange(len(led) + 1)).tolist()
    pairs = list(zip(numbers[order].tolist(), (given / led[hit])[order].tolist(), strict=True))
    return [tuple(pairs[start : min(start + MOST_NAMED, end)]) for start, end in pairwise(ends)]


def _first(hit: Int64s, numbers: Int64s, given: Float64s, count: int) -> list[int | None]:
    """Of each hit the past item with the strongest of these links, None where it has none."""
    found: list[int | None] = [None] * count
    order = np.lexsort((numbers, -given, hit))[::-1]
    for place, number in zip(hit[order].tolist(), numbers[order].tolist(), strict=True):
        found[place] = number
    return found


def _best(total: Float64s, n: int) -> Int64s:
    """Positions of the n largest totals above 0, the largest first, ties by position."""
    linked = np.flatnonzero(total > 0)
    if len(linked) > n:
        least = np.partition(total[linked], len(linked) - n)[len(linked) - n]
        linked = linked[total[linked] >= least]
    return linked[np.lexsort((linked, -total[linked]))][:n].astype(np.int64)
