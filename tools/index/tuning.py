"""``recmind index --tune``: what suits this catalogue, found on each user's newest interaction, held out.

A small coordinate search finds how histories are linked; a conditional logit then learns how candidates are ordered.
The figures reported are of users whose weights were learned from other users.
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
"""With fewer users that have a past, nothing is learned."""
MOST_USERS = 3_000
"""Users, drawn at random, that each step of the search asks, and that weights are learned from."""
FEW_USERS = 2_000
"""With fewer, the weights are also learned from the second- and third-newest interactions."""
OTHERS = 99
"""Items drawn uniformly from those that a user has not taken, beside which the target has to stand out: what the
weights for a given set are learned from."""

FIT_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("distance_decay", (2.0, 3.0, 4.0, 10.0)),
    ("entry_power", (0.7, 1.0)),
    ("backward", (0.2, 0.4, 1.0)),
    ("row_power", (0.4, 0.5, 0.6)),
    ("column_power", (0.1, 0.2, 0.3)),
    ("top", (200, 1000)),
)
"""Parameters that need a new fit, each tried while the others stay; the better value is kept."""
QUERY_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("recency_decay", (2.0, 3.0, 5.0)),
    ("day_decay", (0.0, 0.2, 0.5)),
    ("long_term", (0.0, 0.002, 0.02)),
    ("ask_neutral", (0.5, 0.9)),
)
"""Parameters that only weigh the user's past, so that no new fit is needed."""
ANY_QUERY: Mapping[str, Any] = {name: values[0] for name, values in QUERY_STEPS}
"""What makes parameters equal that have the same links."""
BLENDS: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0), (0.1, 0.3, 0.0), (0.0, 0.0, 0.5), (0.1, 0.3, 0.5))
"""Weights of texts that are alike, of what goes with such items, and of EASE."""
BLENDED = ("alike", "alike_then_together", "ease")
UNTRIED = CollaborativeParameters(alike=0.0, alike_then_together=0.0)
"""Where the search begins: the defaults, and what is blended in tried last, because it makes every fit slower."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was chosen, and how well it did on users that it had not learned from."""

    parameters: CollaborativeParameters
    weights: Mapping[str, float]
    set_weights: Mapping[str, float]
    """For the order of a set that somebody gave."""
    validation: Mapping[str, float]
    """HR@10 and NDCG@10 of the links alone, of the ordered candidates and, as ``given_``, of the target among 99 random
    items; and ``users``."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The histories without each user's newest interactions, and the oldest of these as the target."""

    rest: InteractionArrays
    users: Int64s
    """Users with a past and a target, by number."""
    targets: Int64s
    """Item number of each."""


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
        settings: what kinds of interactions mean.
        embeddings: of the items' texts.
        start: the parameters that the search begins with.
        fixed: names of parameters that stay as they are there.
        seed: shuffles interactions of one moment, and draws users and folds.
        progress: told of each step.
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
    """The histories without the newest interaction of each user and the ``back`` ones before it; the target is the
    oldest of those.

    Interactions of one moment whose order nobody states are shuffled by the seed: the order of a file is no knowledge.
    Where the newest interactions have no time, those that are then the newest lose theirs: what is learned is learned
    of histories like those that will be asked with.
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
    """Tries parameters on one slice, over some of its users."""

    def __init__(self, part: Slice, settings: Settings, embeddings: ItemEmbeddings | None, seed: int) -> None:
        self.part, self.settings, self.embeddings = part, settings, embeddings
        self.weights = signal_weights(part.rest, settings)
        drawn = sample_users(len(part.users), seed)
        self.users, self.targets = part.users[drawn], part.targets[drawn]
        self._fitted: dict[CollaborativeParameters, CollaborativeModel] = {}

    def ndcg(self, parameters: CollaborativeParameters) -> float:
        """NDCG@10 of the links alone; a model is fitted only where the last two do not have these links already."""
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
    """Places of the users that are asked, ascending."""
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
    """The rank of each target among all items by links alone, from 1; infinite where nothing leads to it."""
    from scipy.sparse import csr_array  # noqa: PLC0415  a question must not pay for SciPy

    place, known = index_in_sorted(model.items, rest.item_numbers)
    wanted, drawn = index_in_sorted(users, rest.user_numbers)
    asked = drawn & known & (weights >= 0)
    ages = rest.ages
    # The oldest of a user is the first of all, or comes after the newest of another.
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
    """For each user that is drawn, the candidates that the links find, and the target beside random items."""
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
        linked, given = reranker.candidates(state)[0], reranker.pairs(others)
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
