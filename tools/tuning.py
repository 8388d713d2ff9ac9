"""``recmind index --tune``: what suits this catalogue, found on each user's newest interaction, held out.

A small coordinate search finds how histories are linked; a conditional logit then learns how candidates are ordered.
The figures reported are of users whose weights were learned from other users.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recmind.data.arrays import Float32s, Float64s, Int64s, places_of
from recmind.data.catalogue import InteractionArrays
from recmind.data.evaluation.metrics import TargetRanks
from recmind.data.evaluation.splits import shuffled
from recmind.data.progress import Progress, quiet
from recmind.data.settings import Settings
from recmind.data.signals import weights as signal_weights
from recmind.tools.appeal import CANDIDATES, FEATURES, Appeal
from recmind.tools.blocks import blocks
from recmind.tools.collaborative import CollaborativeModel
from recmind.tools.cooccurrence import CollaborativeParameters
from recmind.tools.links import Texts
from recmind.tools.moments import Moments
from recmind.tools.past import Pasts, days_before

LEAST_USERS = 50
"""With fewer users that have a past, nothing is learned."""
MOST_USERS = 3_000
"""So many users, drawn at random, are asked in each step of the search, and learned from."""
FEW_USERS = 2_000
"""With fewer, the weights are also learned from the second- and third-newest interactions."""
FOLDS = 5
SHRINKAGE = 1.0
"""What a squared weight costs, in users."""
OTHERS = 99
"""Items drawn uniformly from those that a user has not taken, beside which the target has to stand out: what the
weights for a given set are learned from."""

LINK_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("distance_decay", (2.0, 3.0, 4.0, 10.0)),
    ("entry_power", (0.7, 1.0)),
    ("backward", (0.2, 0.4, 1.0)),
    ("row_power", (0.4, 0.5, 0.6)),
    ("column_power", (0.1, 0.2, 0.3)),
    ("top", (200, 1000)),
)
"""Parameters that need a new fit, each tried while the others stay; the better value is kept."""
ASK_STEPS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("recency_decay", (2.0, 3.0, 5.0)),
    ("day_decay", (0.0, 0.2, 0.5)),
    ("long_term", (0.0, 0.002, 0.02)),
    ("ask_neutral", (0.5, 0.9)),
)
"""Parameters of the question alone."""
ASKED_WITH_ANY: Mapping[str, Any] = {name: values[0] for name, values in ASK_STEPS}
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
    texts: Texts | None = None,
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
        texts: of the items.
        start: the parameters that the search begins with.
        fixed: names of parameters that stay as they are there.
        seed: shuffles interactions of one moment, and draws users and folds.
        progress: told of each step.
    """
    newest = slice_off(arrays, 0, seed)
    if len(newest.users) < LEAST_USERS:
        return None
    steps = (*ASK_STEPS, *LINK_STEPS, *ASK_STEPS[:2])
    changes: list[dict[str, Any]] = [{name: value} for name, values in steps for value in values if name not in fixed]
    if not any(name in fixed for name in BLENDED):
        changes += [dict(zip(BLENDED, blended, strict=True)) for blended in BLENDS[1:]]
    search = _Search(newest, settings, texts, seed)
    chosen, best = start, search.ndcg(start)
    for done, change in enumerate(changes):
        progress("trying parameters", done, len(changes))
        tried = replace(chosen, **change)
        if tried != chosen and (found := search.ndcg(tried)) > best:
            chosen, best = tried, found
    progress("trying parameters", len(changes), len(changes))
    slices = [newest]
    if len(newest.users) < FEW_USERS:
        slices += [slice_off(arrays, back, seed) for back in (1, 2)]
    cases = [case for n, part in enumerate(slices) for case in _cases(part, chosen, settings, texts, seed, n, progress)]
    weights, ranks = _learned([linked for linked, _ in cases], seed)
    set_weights, given_ranks = _learned([given for _, given in cases], seed)
    newest_ones = np.array([linked.counts for linked, _ in cases])
    measured = {
        "links_": np.array([linked.rank for linked, _ in cases])[newest_ones],
        "": ranks[newest_ones],
        "given_": given_ranks[newest_ones],
    }
    validation = {"users": float(newest_ones.sum())}
    for name, found_ranks in measured.items():
        validation[f"{name}HR@10"], validation[f"{name}NDCG@10"] = figures(found_ranks)
    return Tuned(chosen, weights, set_weights, validation)


def slice_off(arrays: InteractionArrays, back: int, seed: int) -> Slice:
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

    def __init__(self, part: Slice, settings: Settings, texts: Texts | None, seed: int) -> None:
        self.part, self.settings, self.texts = part, settings, texts
        self.weights = signal_weights(part.rest, settings)
        drawn = drawn_users(len(part.users), seed)
        self.users, self.targets = part.users[drawn], part.targets[drawn]
        self._fitted: dict[CollaborativeParameters, CollaborativeModel] = {}

    def ndcg(self, parameters: CollaborativeParameters) -> float:
        """NDCG@10 of the links alone; a model is fitted only where the last two do not have these links already."""
        links = replace(parameters, **ASKED_WITH_ANY)
        model = self._fitted.pop(links, None) or CollaborativeModel.fit(
            self.part.rest, self.weights, self.settings, parameters=parameters, texts=self.texts
        )
        self._fitted[links] = model
        if len(self._fitted) > 2:
            self._fitted.pop(next(iter(self._fitted)))
        return figures(link_ranks(model, parameters, self.part.rest, self.weights, self.users, self.targets))[1]


def figures(ranks: Float64s) -> tuple[float, float]:
    """HR@10 and NDCG@10 of the rank of each user's one target; infinite where it was not found."""
    measured = TargetRanks.of_one_target(ranks).metrics(10)
    return float(measured["hit_rate"].mean()), float(measured["ndcg"].mean())


def drawn_users(count: int, seed: int) -> Int64s:
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

    place, known = places_of(model.items, rest.item_numbers)
    wanted, drawn = places_of(users, rest.user_numbers)
    asked = drawn & known & (weights >= 0)
    ages = rest.ages
    # The oldest of a user is the first of all, or comes after the newest of another.
    starts = np.flatnonzero(np.append(True, ages[:-1] == 0)[: len(rest)])
    weight = parameters.recency(weights.astype(np.float64), ages, days_before(rest.at, starts))
    shape = (len(users), len(model.items))
    vectors = csr_array((weight[asked], (wanted[asked], place[asked])), shape=shape)
    seen = csr_array((np.ones(int(asked.sum())), (wanted[asked], place[asked])), shape=shape)
    matrix = model.matrix()
    at, met = places_of(model.items, targets)
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


@dataclass(frozen=True, slots=True)
class _Case:
    """One user's candidates: features of shape (candidates, features), and the place of the target or -1."""

    user: int
    features: Float64s
    target: int
    rank: float
    """Of the target by links alone."""
    counts: bool
    """Whether it belongs to the newest slice, which figures are taken from."""


def _cases(
    part: Slice,
    parameters: CollaborativeParameters,
    settings: Settings,
    texts: Texts | None,
    seed: int,
    number: int,
    progress: Progress,
) -> Iterator[tuple[_Case, _Case]]:
    """For each user that is drawn, the candidates that the links find, and the target beside random items."""
    weights = signal_weights(part.rest, settings)
    model = CollaborativeModel.fit(part.rest, weights, settings, parameters=parameters, texts=texts)
    appeal = Appeal(model, Moments.of(part.rest), texts, dict.fromkeys(FEATURES, 1.0))
    drawn, rng = drawn_users(len(part.users), seed), np.random.default_rng([seed, number])
    pasts = Pasts.of(part.rest, part.users[drawn], settings)
    for first, block in blocks(appeal, pasts):
        progress(f"learning weights, slice {number + 1}", first, len(drawn))
        places = drawn[first : first + block.users]
        others = []
        for target, begin, end in zip(part.targets[places], block.pasts.starts, block.pasts.starts[1:], strict=False):
            among = rng.choice(model.items, OTHERS)
            taken = np.isin(among, np.append(target, block.pasts.item_numbers[begin:end]))
            others.append(np.append(target, np.unique(among[~taken])))
        linked, given = block.candidates(CANDIDATES)[0], block.pairs(others)
        of_linked, of_given = (
            np.split(block.features(pairs), pairs.starts(block.users)[1:-1]) for pairs in (linked, given)
        )
        numbers = np.split(linked.numbers, linked.starts(block.users)[1:-1])
        for user, place in enumerate(places.tolist()):
            at = np.flatnonzero(numbers[user] == part.targets[place])
            found = int(at[0]) if len(at) else -1
            whose, newest = int(part.users[place]), number == 0
            yield (
                _Case(whose, of_linked[user], found, found + 1.0 if found >= 0 else np.inf, newest),
                _Case(whose, of_given[user], 0, np.inf, newest),
            )
    progress(f"learning weights, slice {number + 1}", len(drawn), len(drawn))


def _learned(cases: Sequence[_Case], seed: int) -> tuple[dict[str, float], Float64s]:
    """The weights from all cases, and the rank of each target by weights from other users."""
    users = np.array([case.user for case in cases])
    names = np.unique(users)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[np.searchsorted(names, users)]
    ranks = np.full(len(cases), np.inf)
    for k in range(FOLDS):
        weights = fit_logit([case for case, at in zip(cases, fold.tolist(), strict=True) if at != k])
        for n in np.flatnonzero(fold == k).tolist():
            case = cases[n]
            if case.target >= 0:
                logits = case.features @ weights
                ranks[n] = 1 + int((logits > logits[case.target]).sum())
    return {name: round(float(w), 6) for name, w in zip(FEATURES, fit_logit(cases), strict=True)}, ranks


def fit_logit(cases: Sequence[_Case]) -> Float64s:
    """The weights that make targets likeliest among their candidates, by L-BFGS; a case without one says nothing."""
    from scipy.optimize import minimize  # noqa: PLC0415  a question must not pay for SciPy

    told = [case for case in cases if case.target >= 0]
    if not told:
        return np.zeros(len(FEATURES))
    lengths = np.array([len(case.features) for case in told])
    starts = np.cumsum(lengths) - lengths
    table = np.concatenate([case.features for case in told])
    spread = table.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    table = table / spread
    owner = np.repeat(np.arange(len(told)), lengths)
    of_target = table[starts + np.array([case.target for case in told])]

    def cost(weights: Float64s) -> tuple[float, Float64s]:
        logits = table @ weights
        highest = np.maximum.reduceat(logits, starts)
        odds = np.exp(logits - highest[owner])
        total = np.add.reduceat(odds, starts)
        value = float((np.log(total) + highest - of_target @ weights).sum() + SHRINKAGE * weights @ weights / 2)
        slope = table.T @ (odds / total[owner]) - of_target.sum(axis=0) + SHRINKAGE * weights
        return value, slope

    found = minimize(cost, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / spread)
