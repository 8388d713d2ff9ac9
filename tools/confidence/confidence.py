"""``confidence``: a calibrated probability for a user and an item, learned from held-out interactions.

With graded interactions (ratings) it is the probability that the user would be positive about the item if they took it.
With implicit ones only, it is the probability that the user takes this item rather than one drawn at random from those
they did not take. The features are few and plain. A logistic model weighs them, and is then calibrated (Platt, 1999) on
other users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recmind.data.arrays import Bools, Float32s, Float64s, Int64s, index_in_sorted, load_arrays, save_arrays
from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.progress import Progress, quiet
from recmind.data.settings import Settings
from recmind.data.signals import weights as signal_weights
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import SequenceItem
from recmind.tools.confidence.held_out import HeldOutUsers, graded_kind, held_out, label_mask
from recmind.tools.confidence.logistic import LEAST_LABELS, Calibrated, Logistic

GRADED_MEANING = (
    "The probability that the user would be positive about the item ({kind}: {positive}) if they took it, learned from "
    "the last interactions of each user."
)
IMPLICIT_MEANING = (
    "The probability that the item is one the user takes next rather than a random one they did not take, of which "
    "there is one for each, learned from the last interactions of each user."
)
POSITIVE = {"above_mean": "at or above their own mean", "threshold": "at or above the threshold of the settings"}

ITEM_PRIOR, USER_PRIOR, SPREAD_PRIOR, LINK_PRIOR = 5.0, 5.0, 10.0, 0.3
"""Pseudo-counts that shrink the estimates of an item, user, spread or neighborhood to the global mean: interactions, or
weight of links."""
FAINT = 1e-6
"""A sum of links from the past to an item that is below this counts as no link."""
RECENT = 10
"""Number of newest graded interactions from which a user's recent rate of positive ones is taken."""
MOST_PAST = 500
"""Largest number of graded interactions, the newest, whose neighborhood is read."""

_PREFIX = "confidence"
_FILE = "confidence.json"
_ARRAYS = ("items", "counts", "deviations")


@dataclass(frozen=True, slots=True)
class _LearnedStatistics:
    """Counts and means over all items and users, from the interactions that are not held out."""

    items: Int64s
    """Sorted item numbers; the two columns below have the same length."""
    counts: Float32s
    """Number of interactions: graded ones, or those that show that the item was taken."""
    deviations: Float32s
    """Graded: how far the item's values lie above their users' means, in standard deviations, shrunk towards 0."""
    spread: float
    """Standard deviation of values about their user's mean, in the units of the kind; 1 without graded interactions."""
    positive_rate: float

    def of(self, numbers: Int64s) -> tuple[Float32s, Float32s]:
        """Counts and deviations of these items, both float32; zeros for an item without interactions."""
        at, met = index_in_sorted(self.items, numbers)
        if not met.any():
            return np.zeros(len(numbers), np.float32), np.zeros(len(numbers), np.float32)
        return np.where(met, self.counts[at], 0), np.where(met, self.deviations[at], 0)


@dataclass(frozen=True, slots=True)
class Confidence:
    """Made by ``fit`` or ``load``; nothing changes afterwards, so threads may share it."""

    meaning: str
    """One sentence that says what the number means."""
    kind: str | None
    """The kind of interaction whose values it predicts; None: learned from what was taken alone."""
    learned: Calibrated
    statistics: _LearnedStatistics
    collaborative: CollaborativeModel

    @classmethod
    def fit(
        cls,
        arrays: InteractionArrays,
        settings: Settings,
        collaborative: CollaborativeModel,
        *,
        seed: int = 0,
        progress: Progress = quiet,
        embeddings: ItemEmbeddings | None = None,
        catalogue: Int64s | None = None,
    ) -> Confidence | None:
        """The learned confidence; None with fewer than 200 labels, or where it is not surely better than the base rate.

        Args:
            arrays: all interactions, sorted by user, time and position.
            settings: say which kinds are graded, and which values are positive.
            collaborative: the model of all these interactions, used to answer. The features to learn from are computed
                with a model of the same parameters that was fitted without the held-out interactions.
            seed: draws the users, their folds and the items that were not taken.
            progress: is called with the users done.
            embeddings: those that the collaborative model was fitted with, or None.
            catalogue: int64: the item numbers that a random item is drawn from; None: those with interactions.
        """
        weight = signal_weights(arrays, settings)
        kind = graded_kind(arrays, settings)
        rng = np.random.default_rng(seed)
        held = held_out(arrays, label_mask(arrays, weight, kind))
        if kind is not None and held.sum() < LEAST_LABELS:
            kind, held = None, held_out(arrays, label_mask(arrays, weight, None))
        if held.sum() < LEAST_LABELS:
            return None
        rest = arrays.rows(~held)
        rest_weight = signal_weights(rest, settings)
        before = cls(
            meaning=_meaning(settings, kind),
            kind=kind,
            learned=Calibrated((), Logistic((), 0.0), Logistic((1.0,), 0.0), {}),
            statistics=_learned_statistics(rest, rest_weight, kind),
            collaborative=CollaborativeModel.fit(
                rest, rest_weight, settings, parameters=collaborative.parameters, embeddings=embeddings
            ),
        )
        numbers = np.unique(arrays.item_numbers) if catalogue is None else catalogue
        users = HeldOutUsers(arrays, rest, weight, held, kind, numbers.astype(np.int64), settings)
        learned = Calibrated.fit(*before._training_set(users, rng, progress), rng, hinges=kind is None)
        if learned is None:
            return None
        statistics = _learned_statistics(arrays, weight, kind)
        return replace(before, learned=learned, statistics=statistics, collaborative=collaborative)

    @property
    def skill(self) -> Mapping[str, float]:
        """How good the predictions were for users that were not learned from (``Calibrated.skill``)."""
        return self.learned.skill

    def predict(
        self, past: Sequence[SequenceItem], values: Sequence[float] | Float32s, item_numbers: Sequence[int] | Int64s
    ) -> Float32s:
        """The probability for each of these items, float32 of shape (items,), 0 to 1; NaN where it is not known.

        It is NaN for all items where the user has no past (or no value of the graded kind). Learned from what was taken
        alone, it is NaN for an item that the user has taken already. An item without interactions gets the probability
        of such items.

        Args:
            past: the user's past, as ``sequence_of`` gives it.
            values: the value of each past item, of ``kind`` alone, NaN for others; may be empty where ``kind`` is None.
            item_numbers: the items to judge, in any order.
        """
        numbers = np.asarray(item_numbers, dtype=np.int64)
        if not len(numbers):
            return np.empty(0, dtype=np.float32)
        features = self._features(past, np.asarray(values, dtype=np.float64), numbers)
        if features is None:
            return np.full(len(numbers), np.nan, dtype=np.float32)
        said = self.learned.predict_proba(features).astype(np.float32)
        if self.kind is None:
            said[np.isin(numbers, [known.item_number for known in past])] = np.nan
        return said

    def save(self, folder: Path) -> None:
        """Write everything but the collaborative model into the folder."""
        save_arrays(folder, _PREFIX, {name: getattr(self.statistics, name) for name in _ARRAYS})
        facts = {
            "meaning": self.meaning,
            "kind": self.kind,
            "skill": dict(self.skill),
            "knots": self.learned.knots,
            "model": asdict(self.learned.model),
            "calibrator": asdict(self.learned.calibrator),
            "spread": self.statistics.spread,
            "positive_rate": self.statistics.positive_rate,
        }
        (folder / _FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, collaborative: CollaborativeModel | None = None) -> Confidence | None:
        """The confidence saved in this folder; None where none was saved.

        Args:
            folder: the folder of the index.
            collaborative: the model saved in the same folder, if it is open already; None opens it.

        Raises:
            RecMindError: a file is damaged.
        """
        if not (folder / _FILE).exists():
            return None
        try:
            facts: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            arrays = load_arrays(folder, _PREFIX, _ARRAYS)
            model, calibrator = (
                Logistic(tuple(facts[name]["weights"]), facts[name]["bias"]) for name in ("model", "calibrator")
            )
            return cls(
                facts["meaning"],
                facts["kind"],
                Calibrated(tuple(map(tuple, facts["knots"])), model, calibrator, facts["skill"]),
                _LearnedStatistics(**arrays, spread=facts["spread"], positive_rate=facts["positive_rate"]),
                collaborative or CollaborativeModel.load(folder),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecMindError(f"The confidence in {folder} cannot be read ({error}). Run: recmind index") from error

    def _features(self, past: Sequence[SequenceItem], values: Float64s, numbers: Int64s) -> Float64s | None:
        """The features, float64 of shape (items, features); None where the past tells nothing."""
        if self.kind is None:
            return self._taking(past, numbers)
        table = np.asarray(past, dtype=np.float64).reshape(-1, 4)
        graded = np.flatnonzero(~np.isnan(values)) if len(values) else np.empty(0, np.int64)
        if not len(graded):
            return None
        newest = graded[np.argsort(table[graded, 2], kind="stable")]
        value, liked = values[newest], table[newest, 1] > 0
        away = value - value.mean()
        # Shrunk to the spread of all users: few values that happen to be equal do not make a decided user.
        own = (away @ away + SPREAD_PRIOR * self.statistics.spread**2) / (len(away) + SPREAD_PRIOR)
        rate = (liked.sum() + USER_PRIOR * self.statistics.positive_rate) / (len(liked) + USER_PRIOR)
        recent = (liked[:RECENT].sum() + USER_PRIOR * rate) / (len(liked[:RECENT]) + USER_PRIOR)
        counts, deviations = self.statistics.of(numbers)
        sources = table[newest[:MOST_PAST], 0].astype(np.int64)
        surprise = away[:MOST_PAST] / np.sqrt(own) - self.statistics.of(sources)[1]
        features = np.empty((len(numbers), 5))
        features[:, 0] = deviations
        features[:, 1] = np.log1p(counts)
        features[:, 2] = _log_odds(rate)
        features[:, 3] = _log_odds(recent)
        features[:, 4] = self._neighborhood(sources, surprise, numbers)
        return features

    def _neighborhood(self, sources: Int64s, surprise: Float64s, numbers: Int64s) -> Float64s:
        """How much better than expected the user found the past items that lead to each item, weighted by links."""
        neighbors = self.collaborative.neighbors(self.collaborative.positions_of(sources))
        total, better = (
            self.collaborative.totals_of(neighbors, neighbors.totals(weights), numbers)
            for weights in (np.ones(len(sources)), surprise)
        )
        found: Float64s = better / (total + LINK_PRIOR)
        return found

    def _taking(self, past: Sequence[SequenceItem], numbers: Int64s) -> Float64s | None:
        if not past:
            return None
        raw = self.collaborative.linked(past, numbers)
        strength = np.log(np.maximum(raw / FAINT, 1.0))
        counts, length = np.log1p(self.statistics.of(numbers)[0]), np.log1p(len(past))
        # Where nothing in a long past leads to the item, that speaks against it; with a short past it says little.
        columns = (strength > 0, strength, counts, np.full(len(raw), length), (strength > 0) * length)
        return np.column_stack(columns).astype(np.float64)

    def _training_set(
        self, users: HeldOutUsers, rng: np.random.Generator, progress: Progress
    ) -> tuple[Float64s, Bools, Int64s]:
        """Features, labels and users of the held-out interactions."""
        features, labels, owners = [], [], []
        total = users.count
        for n, user in enumerate(users.each(rng)):
            if n % 100 == 0:
                progress("confidence", n, total)
            row = self._features(user.past, user.values.astype(np.float64), user.item_numbers)
            if row is not None:
                features.append(row)
                labels.append(user.labels)
                owners.append(np.full(len(user.labels), user.user_number, dtype=np.int64))
        progress("confidence", total, total)
        if not features:
            return np.empty((0, 1)), np.empty(0, np.bool_), np.empty(0, np.int64)
        return np.concatenate(features), np.concatenate(labels), np.concatenate(owners)


def _learned_statistics(arrays: InteractionArrays, weight: Float32s, kind: str | None) -> _LearnedStatistics:
    rows = label_mask(arrays, weight, kind)
    items, place = np.unique(arrays.item_numbers[rows], return_inverse=True)
    counts = np.bincount(place, minlength=len(items))
    numbers = items.astype(np.int64)
    if kind is None or not rows.any():
        return _LearnedStatistics(numbers, counts.astype(np.float32), np.zeros(len(items), np.float32), 1.0, 0.5)
    users, owner = np.unique(arrays.user_numbers[rows], return_inverse=True)
    value, n = arrays.values[rows].astype(np.float64), np.bincount(owner)
    away = value - (np.bincount(owner, value) / n)[owner]
    spread = float(away.std()) or 1.0
    own = np.sqrt((np.bincount(owner, away**2, minlength=len(users)) + SPREAD_PRIOR * spread**2) / (n + SPREAD_PRIOR))
    deviations = np.bincount(place, away / own[owner], minlength=len(items)) / (counts + ITEM_PRIOR)
    rate = float((weight[rows] > 0).mean())
    return _LearnedStatistics(numbers, counts.astype(np.float32), deviations.astype(np.float32), spread, rate)


def _meaning(settings: Settings, kind: str | None) -> str:
    if kind is None:
        return IMPLICIT_MEANING
    return GRADED_MEANING.format(kind=kind, positive=POSITIVE[settings.kind(kind).positive])


def _log_odds(share: float) -> float:
    near = min(max(float(share), 0.01), 0.99)
    return float(np.log(near / (1 - near)))
