"""What goes with what a user took: item-to-item co-occurrence that respects order and distance in the histories.

The matrix is built once; a user's vector is built when asked, so a new interaction counts at once. Every answer says
which past items led to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.catalogue import InteractionArrays
from data.errors import RecMindError
from data.progress import Progress, quiet
from data.settings import Settings
from data.store import Store
from tools import phrases
from tools.cooccurrence import CollaborativeParameters, cooccurrence, scaled_and_pruned, sequences
from tools.findings import NO_FOCUS, Focus, found
from tools.slate import Evidence, Findings

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Past = tuple[int, float, int]
"""A past item as the model is asked with it: (item number, weight, age). The weight is that of ``data.signals``: above
0 leads to candidates, 0 is context, below 0 is left out. Age 0 is the newest interaction, counted over all of them."""

_FILES = ("items", "starts", "columns", "values")
_PARAMETERS = "collaborative.json"


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
    positive past items give together, at most three are listed."""


class CollaborativeModel:
    """Item-to-item weights: row i holds what goes with item i, pruned and scaled.

    Compressed rows in plain NumPy arrays, so that a question needs no SciPy: ``items`` (int64, sorted item numbers by
    position), ``starts`` (int64, positions + 1), ``columns`` (int32, positions) and ``values`` (float32, above 0).
    """

    def __init__(
        self,
        items: Numbers,
        starts: Numbers,
        columns: npt.NDArray[np.int32],
        values: Floats,
        parameters: CollaborativeParameters | None = None,
    ) -> None:
        self.items = items
        self.starts = starts
        self.columns = columns
        self.values = values
        self.parameters = parameters or CollaborativeParameters()

    @classmethod
    def fit(
        cls,
        arrays: InteractionArrays,
        weights: Floats,
        settings: Settings,
        progress: Progress = quiet,
        parameters: CollaborativeParameters | None = None,
    ) -> CollaborativeModel:
        """The model of these histories.

        Args:
            arrays: all interactions, sorted by user, time and position.
            weights: one for each interaction, from ``data.signals``.
            settings: say which kinds are graded, so that a value which is not positive still is an interest.
            progress: told of each distance of the window.
            parameters: the defaults where not given.
        """
        chosen = parameters or CollaborativeParameters()
        users, numbers, interest = sequences(arrays, weights, settings, chosen)
        items, positions = np.unique(numbers, return_inverse=True)
        matrix = cooccurrence(
            users, positions.astype(np.int32), interest, size=len(items), parameters=chosen, progress=progress
        )
        return cls(items.astype(np.int64), *scaled_and_pruned(matrix, chosen), chosen)

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
        items, starts, columns, values = (np.asarray(array) for array in arrays)
        if len(starts) != len(items) + 1 or len(columns) != len(values) or int(starts[-1]) != len(columns):
            raise RecMindError(
                f"The collaborative model in {folder} is damaged: its files disagree. Run: recmind index"
            )
        known = {field.name for field in fields(CollaborativeParameters)}
        parameters = CollaborativeParameters(**{name: value for name, value in saved.items() if name in known})
        return cls(items, starts, columns, values, parameters)

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
        barred = {*exclude, *(number for number, _, _ in history)}
        return self._hits(self._vector(history), n, barred, allowed)

    def ask_seeds(
        self,
        seeds: Sequence[int],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Numbers | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates for these items, which count alike; the seeds themselves do not come."""
        return self._hits(self._seed_vector(seeds), n, {*exclude, *seeds}, allowed)

    def scores(self, history: Sequence[Past], item_numbers: Sequence[int] | Numbers) -> Floats:
        """How strongly the past leads to each of these items: float32, 0 to 1 relative to the best of them.

        NaN where the model has never met the item; 0 where nothing leads to it.
        """
        return self._scaled_scores(self._vector(history), item_numbers)

    def seed_scores(self, seeds: Sequence[int], item_numbers: Sequence[int] | Numbers) -> Floats:
        """As ``scores``, for seeds that count alike."""
        return self._scaled_scores(self._seed_vector(seeds), item_numbers)

    def leads_to(self, source: int, item_number: int) -> bool:
        """Whether the one item (number) leads to the other."""
        row, column = self._positions(np.asarray([source, item_number], dtype=np.int64)).tolist()
        if row < 0 or column < 0:
            return False
        return bool((self.columns[self.starts[row] : self.starts[row + 1]] == column).any())

    def _positions(self, numbers: Numbers) -> Numbers:
        """The position of each item number, -1 where the model has never met it."""
        if not len(self.items):
            return np.full(len(numbers), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.items, numbers), len(self.items) - 1)
        return np.where(self.items[at] == numbers, at, -1).astype(np.int64)

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
        weight = np.where(table[:, 1] == 0, self.parameters.ask_neutral, table[:, 1])
        weight = weight * (np.exp(-table[:, 2] / self.parameters.recency_decay) + self.parameters.long_term)
        kept = np.flatnonzero((positions >= 0) & (weight > 0))
        if len(kept) > self.parameters.past:
            kept = np.sort(kept[np.argsort(-weight[kept], kind="stable")[: self.parameters.past]])
        return _Vector(positions[kept], weight[kept].astype(np.float32), table[kept, 1] > 0)

    def _rows(self, positions: Numbers) -> tuple[Numbers, Numbers]:
        """Where the entries of these rows lie, one after the other, and which of the rows each belongs to."""
        starts = self.starts[positions]
        lengths = self.starts[positions + 1] - starts
        row = np.repeat(np.arange(len(positions)), lengths)
        first = np.cumsum(lengths) - lengths
        return np.arange(int(lengths.sum())) - first[row] + starts[row], row

    def _scaled_scores(self, vector: _Vector, item_numbers: Sequence[int] | Numbers) -> Floats:
        wanted = self._positions(np.asarray(item_numbers, dtype=np.int64))
        entries, row = self._rows(vector.positions)
        total = np.bincount(
            self.columns[entries], self.values[entries] * vector.weights[row], minlength=len(self.items)
        )
        found = np.where(wanted >= 0, total[wanted] if len(total) else 0.0, np.nan)
        best = np.nanmax(found, initial=0.0)
        return (found / best if best > 0 else found).astype(np.float32)

    def _hits(self, vector: _Vector, n: int, exclude: set[int], allowed: Numbers | None) -> list[CollaborativeHit]:
        if n <= 0 or not vector.positive.any():
            return []
        entries, row = self._rows(vector.positions)
        columns = self.columns[entries]
        given = self.values[entries] * vector.weights[row]
        leads = vector.positive[row]
        size = len(self.items)
        total = np.bincount(columns, given, minlength=size)
        led = np.bincount(columns[leads], given[leads], minlength=size)
        total[led <= 0] = 0.0
        barred = self._positions(np.asarray(sorted(exclude), dtype=np.int64))
        total[barred[barred >= 0]] = 0.0
        if allowed is not None:
            total[~np.isin(self.items, allowed)] = 0.0
        best = _best(total.astype(np.float64), n)
        if not len(best):
            return []
        place = np.full(size, -1, dtype=np.int64)
        place[best] = np.arange(len(best))
        kept = leads & (place[columns] >= 0)
        because: list[dict[int, float]] = [{} for _ in best]
        sources = self.items[vector.positions]
        for hit, source, gift in zip(
            place[columns[kept]].tolist(), sources[row[kept]].tolist(), given[kept].tolist(), strict=True
        ):
            because[hit][source] = because[hit].get(source, 0.0) + gift
        top = float(total[best[0]])
        hits: list[CollaborativeHit] = []
        for position, gifts in zip(best.tolist(), because, strict=True):
            strongest = sorted(gifts.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
            shares = tuple((number, gift / float(led[position])) for number, gift in strongest)
            raw = float(total[position])
            hits.append(CollaborativeHit(int(self.items[position]), raw / top, raw, shares))
        return hits


def _best(total: npt.NDArray[np.float64], n: int) -> Numbers:
    """Positions of the n largest totals above 0, the largest first, ties by position."""
    linked = np.flatnonzero(total > 0)
    if len(linked) > n:
        least = np.partition(total[linked], len(linked) - n)[len(linked) - n]
        linked = linked[total[linked] >= least]
    return linked[np.lexsort((linked, -total[linked]))][:n].astype(np.int64)


def collaborative_findings(
    store: Store,
    hits: Sequence[CollaborativeHit],
    *,
    focus: Focus = NO_FOCUS,
    seeds: Sequence[str] = (),
    shown: int = 10,
) -> Findings:
    """The hits as rows for the slate, each with the past items that led there.

    Args:
        store: where titles and attributes are read.
        hits: what ``ask`` or ``ask_seeds`` found.
        focus: what the request is about.
        seeds: ids of the items that were asked with, where not with a user's history; for the note alone.
        shown: how many rows the model reads.
    """
    sources = [number for hit in hits for number, _ in hit.because]
    ids = store.ids_of(dict.fromkeys((*(hit.item_number for hit in hits), *sources)))
    items = store.items(dict.fromkeys(ids[number] for number in sources if number in ids))
    rows: list[tuple[str, list[Evidence], dict[str, float]]] = []
    for hit in hits:
        if hit.item_number not in ids:
            continue
        because = [
            (item.item_id, item.name, share)
            for number, share in hit.because
            if (item := items.get(ids.get(number, ""))) is not None
        ]
        facts = [phrases.collaborative(because, hit.score)] if because else []
        rows.append((ids[hit.item_number], facts, {"collaborative": hit.score}))
    note = ""
    if not rows:
        of_what = "these items" if seeds else "this person's history"
        note = f"Nothing goes with {of_what} here. Loosen a condition, or use search_items or popular_items."
    return found(store, "collaborative_filtering", rows, note=note, focus=focus, shown=shown)
