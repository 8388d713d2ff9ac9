"""``recmind index --tune``: finds what suits this catalogue, on each user's newest interaction, held out.

A small coordinate search finds how histories are linked; then a conditional logit learns how to order candidates. The
reported figures come from users whose weights were learned from other users.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, index_in_sorted
from recmind.data.catalogue import InteractionArrays
from recmind.data.evaluation.splits import shuffled
from recmind.data.progress import Progress, quiet
from recmind.data.settings import Settings
from recmind.data.signals import weights as signal_weights
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import UserSequences, days_before
from recmind.tools.ranking.features import FEATURES
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.logit import ChoiceSet, cross_fitted, hit_rate_and_ndcg
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.ranking.reranker_batch import user_states

LEAST_USERS = 50
"""Least number of users with a past from whom anything is learned."""
MOST_USERS = 3_000
"""Largest number of users, drawn at random, that each step of the search measures, and that weights are learned
from."""
FEW_USERS = 2_000
"""With fewer users than this, weights are also learned from the second- and third-newest interactions."""
OTHERS = 99
"""Number of items drawn uniformly from those that a user has not taken. The weights for a given set are learned from
the target among them."""

FIT_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("distance_decay", (2.0, 3.0, 4.0, 10.0)),
    ("entry_power", (0.7, 1.0)),
    ("backward", (0.2, 0.4, 1.0)),
    ("row_power", (0.4, 0.5, 0.6)),
    ("column_power", (0.1, 0.2, 0.3)),
    ("top", (200, 1000)),
)
"""Parameters that need a new fit. Each is tried while the others stay; the better value is kept."""
QUERY_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("recency_decay", (2.0, 3.0, 5.0)),
    ("day_decay", (0.0, 0.2, 0.5)),
    ("long_term", (0.0, 0.002, 0.02)),
    ("ask_neutral", (0.5, 0.9)),
)
"""Parameters that only weigh the user's past, so that no new fit is needed."""
ANY_QUERY: Mapping[str, Any] = {name: values[0] for name, values in QUERY_STEPS}
"""Fixed values for the parameters of ``QUERY_STEPS``, so that parameters with the same links compare equal."""
BLENDS: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0), (0.1, 0.3, 0.0), (0.0, 0.0, 0.5), (0.1, 0.3, 0.5))
"""Weights of similar texts, of two-hop links, and of EASE."""
BLENDED = ("alike", "alike_then_together", "ease")
UNTRIED = CollaborativeParameters(alike=0.0, alike_then_together=0.0)
"""The start of the search: the defaults without blended parts. These are tried last, because they slow down each
fit."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The chosen parameters and weights, and how well they did for users that were not learned from."""

    parameters: CollaborativeParameters
    weights: Mapping[str, float]
    set_weights: Mapping[str, float]
    """Weights for the order of a set that the caller gave."""
    validation: Mapping[str, float]
    """HR@10 and NDCG@10, 0 to 1: of the links alone (``links_``), of the ordered candidates, and of the target among 99
    random items (``given_``); and the number of ``users``."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The histories without each user's newest interactions; the oldest of those is the target."""

    rest: InteractionArrays
    users: Int64s
    """Numbers of the users with a past and a target."""
    targets: Int64s
    """The item number of each user's target."""


def tune(
    arrays: InteractionArrays,
    settings: Settings,
    embeddings: ItemEmbeddings | None = None,
    *,
    start: CollaborativeParameters = UNTRIED,
    fixed: Collection[str] = (),
    seed: int = 0,
    progress: Progress = quiet,
) -> Tuned | None:
    """The parameters and weights that do best on the newest interaction of each user; None with fewer than 50 users.

    Args:
        arrays: all interactions that may be known, sorted by user, time and position.
        settings: say what kinds of interactions mean.
        embeddings: vectors of the items' texts, or None.
        start: the parameters that the search begins with.
        fixed: names of parameters that keep their value in ``start``.
        seed: shuffles interactions of one moment, and draws users and folds.
        progress: is called in each step.
    """
    newest = leave_last(arrays, 0, seed)
    if len(newest.users) < LEAST_USERS:
        return None
    steps = (*QUERY_STEPS, *FIT_STEPS, *QUERY_STEPS[:2])
    changes: list[dict[str, Any]] = [{name: value} for name, values in steps for value in values if name not in fixed]
    if not any(name in fixed for name in BLENDED):
        changes += [dict(zip(BLENDED, blended, strict=True)) for blended in BLENDS[1:]]
    search = _Search(newest, settings, embeddings, seed)
    chosen, best = start, search.ndcg(start)
    for done, change in enumerate(changes):
        progress("trying parameters", done, len(changes))
        tried = replace(chosen, **change)
        if tried != chosen and (found := search.ndcg(tried)) > best:
            chosen, best = tried, found
    progress("trying parameters", len(changes), len(changes))
    slices = [newest]
    if len(newest.users) < FEW_USERS:
        slices += [leave_last(arrays, back, seed) for back in (1, 2)]
    pairs = [
        pair
        for n, part in enumerate(slices)
        for pair in _choice_sets(part, chosen, settings, embeddings, seed, n, progress)
    ]
    weights, ranks = cross_fitted([linked for linked, _ in pairs], seed)
    set_weights, given_ranks = cross_fitted([given for _, given in pairs], seed)
    newest_ones = np.array([linked.counts for linked, _ in pairs])
    measured = {
        "links_": np.array([linked.rank for linked, _ in pairs])[newest_ones],
        "": ranks[newest_ones],
        "given_": given_ranks[newest_ones],
    }
    validation = {"users": float(newest_ones.sum())}
    for name, found_ranks in measured.items():
        validation[f"{name}HR@10"], validation[f"{name}NDCG@10"] = hit_rate_and_ndcg(found_ranks)
    return Tuned(chosen, weights, set_weights, validation)


def leave_last(arrays: InteractionArrays, back: int, seed: int) -> Slice:
    """The histories without the newest interactions of each user; the target is the oldest interaction left out.

    Interactions of one moment whose order is not stated are shuffled: the order of a file is no knowledge. Where the
    newest interactions have no time, those that become the newest lose theirs, so that weights are learned from
    histories like those that they will be used on.

    Args:
        arrays: all interactions, sorted by user, time and position.
        back: number of interactions to leave out of each user beside the newest, from 0.
        seed: shuffles interactions of one moment.
    """
    arrays = arrays.rows(shuffled(arrays, seed))
    newer = arrays.ages
    kept = newer > back
    rest = arrays.rows(kept)
    untimed = np.isnan(arrays.at[np.flatnonzero(kept) + back + 1])
    rest = replace(rest, at=np.where(untimed, np.nan, rest.at))
    targets = np.flatnonzero(newer == back)
    has_past = np.isin(arrays.user_numbers[targets], np.unique(rest.user_numbers))
    targets = targets[has_past]
    return Slice(rest, arrays.user_numbers[targets].astype(np.int64), arrays.item_numbers[targets].astype(np.int64))


class _Search:
    """Measures parameters on one slice, with some of its users."""

    def __init__(self, part: Slice, settings: Settings, embeddings: ItemEmbeddings | None, seed: int) -> None:
        self.part, self.settings, self.embeddings = part, settings, embeddings
        self.weights = signal_weights(part.rest, settings)
        drawn = sample_users(len(part.users), seed)
        self.users, self.targets = part.users[drawn], part.targets[drawn]
        self._fitted: dict[CollaborativeParameters, CollaborativeModel] = {}

    def ndcg(self, parameters: CollaborativeParameters) -> float:
        """NDCG@10 of the links alone. The last two models are kept; one is fitted only if neither has these links."""
        links = replace(parameters, **ANY_QUERY)
        model = self._fitted.pop(links, None) or CollaborativeModel.fit(
            self.part.rest, self.weights, self.settings, parameters=parameters, embeddings=self.embeddings
        )
        self._fitted[links] = model
        if len(self._fitted) > 2:
            self._fitted.pop(next(iter(self._fitted)))
        ranks = link_ranks(model, parameters, self.part.rest, self.weights, self.users, self.targets)
        _, ndcg = hit_rate_and_ndcg(ranks)
        return ndcg


def sample_users(count: int, seed: int) -> Int64s:
    """The places of the sampled users, int64, ascending."""
    if count <= MOST_USERS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size=MOST_USERS, replace=False))


def link_ranks(
    model: CollaborativeModel,
    parameters: CollaborativeParameters,
    rest: InteractionArrays,
    weights: Float32s,
    users: Int64s,
    targets: Int64s,
) -> Float64s:
    """The rank of each target among all items by links alone, float64, from 1; infinite where nothing leads to it.

    Args:
        model: the fitted links.
        parameters: weigh the user's past.
        rest: the interactions that may be known, sorted by user, time and position.
        weights: float32: what each of them says.
        users: int64, sorted: the users to rank for.
        targets: int64: the item number of each user's target.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

    place, known = index_in_sorted(model.items, rest.item_numbers)
    wanted, drawn = index_in_sorted(users, rest.user_numbers)
    asked = drawn & known & (weights >= 0)
    ages = rest.ages
    # The oldest interaction of a user is the first of all, or follows the newest of another user.
    starts = np.flatnonzero(np.append(True, ages[:-1] == 0)[: len(rest)])
    weight = parameters.recency(weights.astype(np.float64), ages, days_before(rest.at, starts))
    shape = (len(users), len(model.items))
    vectors = csr_array((weight[asked], (wanted[asked], place[asked])), shape=shape)
    seen = csr_array((np.ones(int(asked.sum())), (wanted[asked], place[asked])), shape=shape)
    matrix = model.matrix()
    at, met = index_in_sorted(model.items, targets)
    ranks = np.full(len(users), np.inf)
    for start in range(0, len(users), 500):
        block = slice(start, start + 500)
        scores = (vectors[block] @ matrix).toarray()
        scores[seen[block].toarray() > 0] = -1.0
        rows = np.arange(len(scores))
        of_target = np.where(met[block], scores[rows, at[block]], 0.0)
        better = (scores > of_target[:, None]).sum(axis=1)
        tied = (scores == of_target[:, None]).sum(axis=1) - 1
        ranks[block] = np.where(of_target > 0, better + tied / 2 + 1, np.inf)
    return ranks


def _choice_sets(
    part: Slice,
    parameters: CollaborativeParameters,
    settings: Settings,
    embeddings: ItemEmbeddings | None,
    seed: int,
    number: int,
    progress: Progress,
) -> Iterator[tuple[ChoiceSet, ChoiceSet]]:
    """For each sampled user, the candidates that the links find, and the target among random items."""
    weights = signal_weights(part.rest, settings)
    model = CollaborativeModel.fit(part.rest, weights, settings, parameters=parameters, embeddings=embeddings)
    reranker = Reranker(model, ItemTimes.of(part.rest), embeddings, dict.fromkeys(FEATURES, 1.0))
    drawn, rng = sample_users(len(part.users), seed), np.random.default_rng([seed, number])
    sequences = UserSequences.of(part.rest, part.users[drawn], settings)
    for first, state in user_states(reranker, sequences, FEATURES):
        progress(f"learning weights, slice {number + 1}", first, len(drawn))
        users, past = state.history.users, state.history
        places = drawn[first : first + users]
        others = []
        for target, begin, end in zip(part.targets[places], past.starts, past.starts[1:], strict=False):
            among = rng.choice(model.items, OTHERS)
            taken = np.isin(among, np.append(target, past.item_numbers[begin:end]))
            others.append(np.append(target, np.unique(among[~taken])))
        linked, given = reranker.candidates(state), reranker.pairs(others)
        of_linked, of_given = (
            np.split(reranker.features(state, pairs), pairs.starts(users)[1:-1]) for pairs in (linked, given)
        )
        numbers = np.split(linked.numbers, linked.starts(users)[1:-1])
        for user, place in enumerate(places.tolist()):
            at = np.flatnonzero(numbers[user] == part.targets[place])
            found = int(at[0]) if len(at) else -1
            whose, newest = int(part.users[place]), number == 0
            yield (
                ChoiceSet(whose, of_linked[user], found, found + 1.0 if found >= 0 else np.inf, newest),
                ChoiceSet(whose, of_given[user], 0, np.inf, newest),
            )
    progress(f"learning weights, slice {number + 1}", len(drawn), len(drawn))
