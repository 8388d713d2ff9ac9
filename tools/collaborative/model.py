"""Item-to-item collaborative filtering: co-occurrence that respects order and distance in the histories.

The matrix is built once; a user's vector is built when asked, so a new interaction counts at once. Every answer says
which past items led to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
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
from recmind.tools.collaborative.user_sequence import UserSequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array


_PREFIX = "collaborative"
_PARAMETERS = "collaborative.json"
MOST_NAMED = 3
"""Past items that a hit says led there."""


LINKED = ("linked", "linked_newest", "long_term")
"""How a past's items may weigh: by recency; likewise, but the newest alone; all alike."""
DENSE = 3
"""Where more than one column in this many is reached, the strongest are sought among all columns."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """The items that some users are asked with, how they weigh, and the items they lead to."""

    owners: Int64s
    """Of each item its user."""
    positions: Int64s
    """Of each item, -1 where the model has never met it."""
    positive: Bools
    """Which of them lead to candidates; what the others give comes on top."""
    weights: Mapping[str, Float64s]
    """By name of ``LINKED``, of each item; 0 where it does not count."""
    neighbors: Neighbors
    totals: Mapping[str, Float64s]
    """By name of ``LINKED`` the total score of each user's columns of the neighbors, of shape (users, width)."""


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
        history: UserSequences,
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates that the positive past items of a user lead to, without those past items themselves.

        Args:
            history: of one user.
            n: at most this many are returned; fewer where fewer are linked.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        return self._best(self.seeds(history), n, exclude, allowed)

    def recommend_from_seeds(
        self,
        seeds: Sequence[int],
        n: int,
        exclude: Collection[int] = frozenset(),
        allowed: Int64s | None = None,
    ) -> list[CollaborativeHit]:
        """The n best candidates for these items, which count alike; the seeds themselves do not come.

        Args:
            seeds: item numbers to start from.
            n: the most to return.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        return self._best(self._alike(seeds), n, exclude, allowed)

    def seed_scores(self, seeds: Sequence[int], item_numbers: Sequence[int] | Int64s) -> Float32s:
        """How strongly these items lead to each of those: float32, 0 to 1 relative to the best of them.

        NaN where the model has never met the item; 0 where nothing leads to it.
        """
        numbers, chosen = np.asarray(item_numbers, dtype=np.int64), self._alike(seeds)
        found = self.totals_of(chosen.neighbors, chosen.totals["linked"][0], numbers)
        found[self.positions_of(numbers) < 0] = np.nan
        best = np.nanmax(found, initial=0.0)
        return (found / best if best > 0 else found).astype(np.float32)

    def linked(self, history: UserSequences, item_numbers: Int64s) -> Float64s:
        """The sum that ``recommend`` orders by, for each of these items; 0 where it would not come."""
        seeds = self.seeds(history)
        numbers = np.asarray(item_numbers, dtype=np.int64)
        found = self.totals_of(seeds.neighbors, self._open_totals(seeds, ())[0], numbers)
        found[np.isin(self.positions_of(numbers), seeds.positions)] = 0.0
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

    def neighbors(self, positions: Int64s, owners: Int64s | None = None, users: int = 1) -> Neighbors:
        """The neighbor lists of these positions.

        Args:
            positions: int64, positions of the model; -1 has no neighbors.
            owners: int64, the place of each position's user; None: all are one user's.
            users: how many users there are.
        """
        return Neighbors.of(self.starts, self.columns, self.values, positions, owners, users)

    def totals_of(self, neighbors: Neighbors, totals: Float64s, item_numbers: Int64s) -> Float64s:
        """The total of each of these items, float64; 0 where the model never met the item.

        Args:
            neighbors: the neighbor lists of one user.
            totals: the user's totals, by column of the neighbors.
            item_numbers: int64, the items that are looked up.
        """
        columns, met = neighbors.columns_of(self.positions_of(item_numbers))
        return np.where(met, totals[columns], 0.0) if len(totals) else np.zeros(len(columns))

    def weighed(self, history: UserSequences) -> Float64s:
        """What each past item weighs by recency; below 0 where it speaks against the item."""
        return self.parameters.recency(history.weights, history.ages, history.days())

    def seeds(self, history: UserSequences, names: Collection[str] = (), weighed: Float64s | None = None) -> Seeds:
        """The past items and what they lead to, weighed as ``linked`` and as the other names of ``LINKED`` say.

        Args:
            history: the pasts of one user or many.
            names: further weightings of ``LINKED`` that are wanted.
            weighed: what the method of that name gives, where the caller has it already; None: it is worked out.
        """
        positions, users = self.positions_of(history.item_numbers), history.users
        leads = np.maximum(self.weighed(history) if weighed is None else weighed, 0.0)
        leads[positions < 0] = 0.0
        weights = {"linked": history.heaviest(leads, self.parameters.past)}
        if "linked_newest" in names:
            weights["linked_newest"] = np.where(history.ages == history.least(history.ages), leads, 0.0)
        if "long_term" in names:
            alike = np.maximum(np.where(history.weights == 0, self.parameters.ask_neutral, history.weights), 0.0)
            alike[positions < 0] = 0.0
            weights["long_term"] = history.heaviest(alike, self.parameters.past)
        counts = np.max(list(weights.values()), axis=0) > 0
        owners = history.owners
        neighbors = self.neighbors(np.where(counts, positions, -1), owners if users > 1 else None, users)
        totals = {name: neighbors.totals(given) for name, given in weights.items()}
        positive = (history.weights > 0) & (weights["linked"] > 0)
        return Seeds(owners, positions, positive, weights, neighbors, totals)

    def strongest(
        self, seeds: Seeds, n: int, exclude: Collection[int] = (), allowed: Int64s | None = None
    ) -> tuple[Int64s, Bools]:
        """The n positions of each user that ``recommend`` gives, and which of them there are.

        Both are of shape (users, at most n), the strongest first; the positions that there are begin each row.

        Args:
            seeds: the past items of the users, and what they lead to.
            n: the most for each user.
            exclude: item numbers that must not come.
            allowed: sorted item numbers; only these may come. None allows all.
        """
        totals = self._open_totals(seeds, exclude)
        led = totals > 0
        if allowed is not None:
            columns = np.flatnonzero(led.any(axis=0))
            barred = columns[~index_in_sorted(allowed, self.items[seeds.neighbors.positions_of(columns)])[1]]
            totals[:, barred], led[:, barred] = 0.0, False
        if DENSE * np.count_nonzero(led) < totals.size:
            columns, strength = _filled(totals, led)
        else:
            columns, strength = np.broadcast_to(np.arange(totals.shape[1]), totals.shape), totals
        if strength.shape[1] > n > 0:
            least = np.partition(strength, -n, axis=1)[:, -n, None]
            # More than n where several are as strong as the last of them.
            slots, strength = _filled(strength, (strength >= least) & (strength > 0))
            columns = np.take_along_axis(columns, slots, axis=1)
        order = np.argsort(-strength, axis=1, kind="stable")[:, :n]
        found = np.take_along_axis(strength, order, axis=1) > 0
        return seeds.neighbors.positions_of(np.take_along_axis(columns, order, axis=1)), found

    def explain(self, seeds: Seeds, item_numbers: Int64s, scores: Float64s | None = None) -> list[CollaborativeHit]:
        """What led the only user to these items of ``strongest``, in their order.

        Args:
            seeds: the past items of one user, and what they lead to.
            item_numbers: int64, the items to explain.
            scores: float64, one for each item; None: scores relative to the best of them.
        """
        if not len(item_numbers):
            return []
        count = len(item_numbers)
        columns, _ = seeds.neighbors.columns_of(self.positions_of(item_numbers))
        hit, source, entries, values = seeds.neighbors.links_to(columns)
        given = values * seeds.weights["linked"][source]
        total = np.bincount(hit, given, minlength=count)
        leads = np.flatnonzero(seeds.positive[source] & (given > 0))
        hit, given, together = hit[leads], given[leads], self.together[entries[leads]]
        numbers = self.items[seeds.positions[source[leads]]]
        led = np.asarray(np.bincount(hit, given, minlength=count), dtype=np.float64)
        because = _because(hit[together], numbers[together], given[together], led)
        alike = _first(hit[~together], numbers[~together], given[~together], count)
        scores = total / total.max() if scores is None else scores
        columns_of_hits = item_numbers.tolist(), scores.tolist(), total.tolist(), because, alike
        return [
            CollaborativeHit(number, score, raw, why, None if why else text)
            for number, score, raw, why, text in zip(*columns_of_hits, strict=True)
        ]

    def _alike(self, seeds: Sequence[int]) -> Seeds:
        """These items, which count alike."""
        positions = self.positions_of(np.asarray(list(dict.fromkeys(seeds)), dtype=np.int64))
        weights, neighbors = np.ones(len(positions)), self.neighbors(positions)
        owners, totals = np.zeros(len(positions), np.int64), neighbors.totals(weights)
        return Seeds(owners, positions, positions >= 0, {"linked": weights}, neighbors, {"linked": totals})

    def _best(self, seeds: Seeds, n: int, exclude: Collection[int], allowed: Int64s | None) -> list[CollaborativeHit]:
        positions, found = self.strongest(seeds, n, exclude, allowed)
        return self.explain(seeds, self.items[positions[found]])

    def _open_totals(self, seeds: Seeds, exclude: Collection[int]) -> Float64s:
        """The totals of what may come: something positive leads there, and it is neither asked with nor excluded."""
        linked, neighbors = seeds.totals["linked"], seeds.neighbors
        if (seeds.positive | (seeds.weights["linked"] == 0)).all():
            totals = linked.copy()
        else:
            totals = linked * neighbors.reached_from(seeds.positive)
        columns, met = neighbors.columns_of(seeds.positions)
        totals[seeds.owners[met], columns[met]] = 0.0
        if exclude:
            columns, met = neighbors.columns_of(self.positions_of(np.fromiter(exclude, np.int64, len(exclude))))
            totals[:, columns[met]] = 0.0
        return totals


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


def _filled(table: Float64s, chosen: Bools) -> tuple[Int64s, Float64s]:
    """The columns and values of the chosen entries of each row, moved to its beginning in their order; then 0."""
    entries = np.flatnonzero(chosen)
    counts = np.count_nonzero(chosen, axis=1)
    starts, width = np.cumsum(counts) - counts, int(counts.max(initial=0))
    rows = np.arange(len(table))
    slots = np.arange(len(entries)) + np.repeat(rows * width - starts, counts)
    columns, values = np.zeros(len(table) * width, np.int64), np.zeros(len(table) * width)
    columns[slots], values[slots] = entries - np.repeat(rows * table.shape[1], counts), table.reshape(-1)[entries]
    return columns.reshape(len(table), width), values.reshape(len(table), width)
