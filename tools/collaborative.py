"""What goes with what a user took: item-to-item co-occurrence that respects order and distance in the histories.

The matrix is built once; a user's vector is built when asked, so a new interaction counts at once. Every answer says
which past items led to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from data.arrays import entries_of, places_of
from data.catalogue import InteractionArrays
from data.errors import RecMindError
from data.progress import Progress, quiet
from data.settings import Settings
from tools.blend import blend
from tools.cooccurrence import CollaborativeParameters, cooccurrence, sequences
from tools.past import Past, days_before

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Texts:
    """What items say of themselves, for links between items that nobody took together."""

    numbers: Numbers
    """Sorted item numbers."""
    vectors: Floats
    """Of shape (items, dimension), each of length 1."""
    lists: Path | None = None
    """FAISS's inverted lists of the vectors, where they have been written."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What ``CollaborativeModel.reach`` found."""

    positions: Numbers
    """What is linked at all, sorted."""
    totals: tuple[npt.NDArray[np.float64], ...]
    """What each weighting gives to each of these positions."""


_FILES = ("items", "starts", "columns", "values", "together")
_PARAMETERS = "collaborative.json"
SPARSE = 20
"""Fewer links than one for so many items are sorted, rather than added up item by item."""


@dataclass(frozen=True, slots=True)
class _Vector:
    """What is asked with: columns of one length."""

    positions: Numbers
    weights: Floats
    positive: npt.NDArray[np.bool_]


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
        items: Numbers,
        starts: Numbers,
        columns: npt.NDArray[np.int32],
        values: Floats,
        together: npt.NDArray[np.bool_],
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
        weights: Floats,
        settings: Settings,
        progress: Progress = quiet,
        parameters: CollaborativeParameters | None = None,
        texts: Texts | None = None,
    ) -> CollaborativeModel:
        """The model of these histories and texts.

        Args:
            arrays: all interactions, sorted by user, time and position.
            weights: one for each interaction, from ``data.signals``.
            settings: say which kinds are graded, so that a value which is not positive still is an interest.
            progress: told of each distance of the window.
            parameters: the defaults where not given.
            texts: of the items; without them only histories link.
        """
        chosen = parameters or CollaborativeParameters()
        users, numbers, interest = sequences(arrays, weights, settings, chosen)
        items = np.unique(numbers if texts is None else np.concatenate((numbers, texts.numbers))).astype(np.int64)
        positions = np.searchsorted(items, numbers).astype(np.int32)
        together = cooccurrence(users, positions, interest, size=len(items), parameters=chosen, progress=progress)
        blended = blend(together, (users, positions), items, texts, chosen, progress)
        return cls(items, *blended, chosen)

    def save(self, folder: Path) -> None:
        """Write the arrays and the parameters into the folder."""
        for name in _FILES:
            np.save(folder / f"collaborative_{name}.npy", getattr(self, name), allow_pickle=False)
        (folder / _PARAMETERS).write_text(json.dumps(asdict(self.parameters), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> CollaborativeModel:
        """The saved model, its arrays mapped from the files rather than read.

        Raises RecMindError where a file is missing or they do not fit together.
        """
        try:
            arrays: list[Any] = [
                np.load(folder / f"collaborative_{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES
            ]
            saved = json.loads((folder / _PARAMETERS).read_text(encoding="utf-8"))
        except (OSError, ValueError, EOFError) as error:
            raise RecMindError(
                f"The collaborative model in {folder} cannot be read ({error}). Run: recmind index"
            ) from error
        items, starts, columns, values = (np.asarray(array) for array in arrays[:4])
        together = np.asarray(arrays[4], dtype=np.bool_)
        if len(starts) != len(items) + 1 or not len(columns) == len(values) == len(together) == int(starts[-1]):
            raise RecMindError(
                f"The collaborative model in {folder} is damaged: its files disagree. Run: recmind index"
            )
        known = {field.name for field in fields(CollaborativeParameters)}
        parameters = CollaborativeParameters(**{name: value for name, value in saved.items() if name in known})
        return cls(items, starts, columns, values, together, parameters)

    def matrix(self) -> csr_array[Any, tuple[int, int]]:
        """All links as a SciPy matrix of shape (positions, positions), for many questions at once."""
        from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

        return csr_array((self.values, self.columns, self.starts), shape=(len(self.items), len(self.items)))

    def ask(
        self,
        history: Sequence[Past],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Numbers | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates that the positive past items lead to, without those past items themselves.

        Args:
            history: the past items in any order, see ``Past``.
            n: at most so many are returned; fewer where fewer are linked.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        return self.explained(history, self.candidates(history, n, exclude, allowed))

    def ask_seeds(
        self,
        seeds: Sequence[int],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Numbers | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates for these items, which count alike; the seeds themselves do not come."""
        vector = self._seed_vector(seeds)
        return self._explained(vector, self._candidates(vector, n, {*exclude, *seeds}, allowed))

    def scores(self, history: Sequence[Past], item_numbers: Sequence[int] | Numbers) -> Floats:
        """How strongly the past leads to each of these items: float32, 0 to 1 relative to the best of them.

        NaN where the model has never met the item; 0 where nothing leads to it.
        """
        return self._scaled_scores(self._vector(history), item_numbers)

    def candidates(
        self,
        history: Sequence[Past],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Numbers | None = None,
    ) -> Numbers:
        """The item numbers of what ``ask`` gives, for less."""
        barred = {*exclude, *(past.item_number for past in history)}
        return self.items[self._candidates(self._vector(history), n, barred, allowed)]

    def explained(self, history: Sequence[Past], item_numbers: Numbers) -> list[CollaborativeHit]:
        """What led to these candidates of ``candidates``, in their order; scores are relative to the strongest."""
        return self._explained(self._vector(history), self._positions(item_numbers))

    def reach(self, sources: Numbers, weightings: Sequence[npt.NDArray[np.float64]]) -> Reach:
        """How strongly past items lead to whatever they lead to, for several weightings of the past.

        Args:
            sources: item numbers of the past.
            weightings: what each source weighs; one of them has to be above 0 for the source to count at all.
        """
        positions = self._positions(sources)
        weighty = np.flatnonzero((positions >= 0) & (np.max(weightings, axis=0) > 0))
        entries, row = entries_of(self.starts, positions[weighty])
        reached, place = self._reached(entries)
        values = self.values[entries]
        return Reach(reached, tuple(_sums(place, values * w[weighty][row], len(reached)) for w in weightings))

    def sums(self, reach: Reach, item_numbers: Numbers) -> list[npt.NDArray[np.float64]]:
        """What each weighting gives to each of these items; 0 where the model never met the item."""
        places, known = places_of(reach.positions, self._positions(item_numbers))
        return [np.where(known, total[places], 0.0) if len(total) else np.zeros(len(places)) for total in reach.totals]

    def strengths(self, reach: Reach, item_numbers: Numbers) -> list[npt.NDArray[np.float64]]:
        """The same, 0 to 1 beside what is linked strongest in the whole catalogue."""
        strongest = [float(total.max(initial=0.0)) or 1.0 for total in reach.totals]
        return [found / most for found, most in zip(self.sums(reach, item_numbers), strongest, strict=True)]

    def seed_scores(self, seeds: Sequence[int], item_numbers: Sequence[int] | Numbers) -> Floats:
        """As ``scores``, for seeds that count alike."""
        return self._scaled_scores(self._seed_vector(seeds), item_numbers)

    def leads_to(self, source: int, item_number: int) -> bool:
        """Whether histories lead from the one item (number) to the other."""
        row, column = self._positions(np.asarray([source, item_number], dtype=np.int64)).tolist()
        if row < 0 or column < 0:
            return False
        entries = slice(self.starts[row], self.starts[row + 1])
        return bool(self.together[entries][self.columns[entries] == column].any())

    def _positions(self, numbers: Numbers) -> Numbers:
        """The position of each item number, -1 where the model has never met it."""
        places, known = places_of(self.items, numbers)
        return np.where(known, places, -1)

    def _seed_vector(self, seeds: Sequence[int]) -> _Vector:
        known = self._positions(np.asarray(list(dict.fromkeys(seeds)), dtype=np.int64))
        known = known[known >= 0]
        return _Vector(known, np.ones(len(known), np.float32), np.ones(len(known), np.bool_))

    def _vector(self, history: Sequence[Past]) -> _Vector:
        """The past items that the model knows, weighted by recency."""
        if not history:
            return _Vector(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.bool_))
        table = np.asarray(history, dtype=np.float64)
        positions = self._positions(table[:, 0].astype(np.int64))
        weight = self.parameters.recency(table[:, 1], table[:, 2], days_before(table[:, 3]))
        kept = np.flatnonzero((positions >= 0) & (weight > 0))
        if len(kept) > self.parameters.past:
            kept = np.sort(kept[np.argsort(-weight[kept], kind="stable")[: self.parameters.past]])
        return _Vector(positions[kept], weight[kept].astype(np.float32), table[kept, 1] > 0)

    def _reached(self, entries: Numbers) -> tuple[Numbers, Numbers]:
        """The positions that these entries lead to, ascending, and the place of each entry's among them.

        All positions, where the entries are not far fewer: then sorting them costs more than passing over all items.
        """
        columns = self.columns[entries]
        if len(columns) * SPARSE > len(self.items):
            return np.arange(len(self.items)), columns.astype(np.int64)
        reached, place = np.unique(columns, return_inverse=True)
        return reached.astype(np.int64), place

    def _scaled_scores(self, vector: _Vector, item_numbers: Sequence[int] | Numbers) -> Floats:
        wanted = self._positions(np.asarray(item_numbers, dtype=np.int64))
        entries, row = entries_of(self.starts, vector.positions)
        reached, place = self._reached(entries)
        reach = Reach(reached, (_sums(place, self.values[entries] * vector.weights[row], len(reached)),))
        found = np.where(wanted >= 0, self.sums(reach, np.asarray(item_numbers, dtype=np.int64))[0], np.nan)
        best = np.nanmax(found, initial=0.0)
        return (found / best if best > 0 else found).astype(np.float32)

    def _candidates(self, vector: _Vector, n: int, exclude: set[int], allowed: Numbers | None) -> Numbers:
        """Positions of the n items that are linked strongest, among those that anything positive leads to."""
        if n <= 0 or not vector.positive.any():
            return np.empty(0, np.int64)
        entries, row = entries_of(self.starts, vector.positions)
        reached, place = self._reached(entries)
        total = _sums(place, self.values[entries] * vector.weights[row], len(reached))
        if not vector.positive.all():
            led = np.zeros(len(reached), dtype=np.bool_)
            led[place[vector.positive[row]]] = True
            total[~led] = 0.0
        linked = total > 0
        reached, total = reached[linked], total[linked]
        open_to_all = ~np.isin(reached, self._positions(np.asarray(sorted(exclude), dtype=np.int64)))
        reached, total = reached[open_to_all], total[open_to_all]
        if allowed is not None:
            _, met = places_of(allowed, self.items[reached])
            reached, total = reached[met], total[met]
        return reached[_best(total, n)]

    def _explained(self, vector: _Vector, best: Numbers) -> list[CollaborativeHit]:
        """These positions, in this order, with what led to each."""
        if not len(best):
            return []
        entries, row = entries_of(self.starts, vector.positions)
        columns = self.columns[entries]
        order = np.argsort(best)
        places, found = places_of(best[order], columns)
        kept = np.flatnonzero(found)
        entries, row, hit = entries[kept], row[kept], order[places[kept]]
        given = self.values[entries] * vector.weights[row]
        leads = vector.positive[row]
        total = np.bincount(hit, given, minlength=len(best))
        led = np.bincount(hit[leads], given[leads], minlength=len(best)).tolist()
        entries, row, hit, given = entries[leads], row[leads], hit[leads], given[leads]
        sources = self.items[vector.positions[row]]
        # Of each hit the links by histories come first, the strongest of them first.
        order = np.lexsort((sources, -given, ~self.together[entries], hit))
        ends = np.searchsorted(hit[order], np.arange(len(best) + 1)).tolist()
        ordered = [column[order].tolist() for column in (sources, given, self.together[entries])]
        top, hits = float(total.max()), []
        for n, (position, raw) in enumerate(zip(best.tolist(), total.tolist(), strict=True)):
            links = list(zip(*(column[ends[n] : ends[n + 1]] for column in ordered), strict=True))
            because = _because([(source, gift) for source, gift, together in links if together], led[n])
            alike = links[0][0] if links and not because else None
            hits.append(CollaborativeHit(int(self.items[position]), raw / top, raw, because, alike))
        return hits


def _sums(place: Numbers, given: npt.NDArray[Any], count: int) -> npt.NDArray[np.float64]:
    """What each of so many places is given in all."""
    return np.asarray(np.bincount(place, given, minlength=count), dtype=np.float64)


def _because(links: list[tuple[int, float]], whole: float) -> tuple[tuple[int, float], ...]:
    """The three past items that give most, and their shares of the whole; one may have several links."""
    gifts: dict[int, float] = {}
    for source, gift in links:
        gifts[source] = gifts.get(source, 0.0) + gift
    strongest = sorted(gifts.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    return tuple((number, gift / whole) for number, gift in strongest)


def _best(total: npt.NDArray[np.float64], n: int) -> Numbers:
    """Positions of the n largest totals above 0, the largest first, ties by position."""
    linked = np.flatnonzero(total > 0)
    if len(linked) > n:
        least = np.partition(total[linked], len(linked) - n)[len(linked) - n]
        linked = linked[total[linked] >= least]
    return linked[np.lexsort((linked, -total[linked]))][:n].astype(np.int64)
