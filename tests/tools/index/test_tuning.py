import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.user_sequence import UserSequences
from recmind.tools.index.tuning import leave_last, link_ranks, tune
from recmind.tools.ranking.logit import hit_rate_and_ndcg

ITEMS = 30


def arrays_of(histories: list[list[int]], at: list[list[float]] | None = None) -> InteractionArrays:
    rows = [
        (user, item, n, at[user][n] if at else float(n))
        for user, history in enumerate(histories)
        for n, item in enumerate(history)
    ]
    table = np.array(rows)
    return InteractionArrays(
        user_numbers=table[:, 0].astype(np.int32),
        item_numbers=table[:, 1].astype(np.int64),
        kinds=np.zeros(len(rows), np.int16),
        kind_names=("purchase",),
        values=np.full(len(rows), np.nan, np.float32),
        at=table[:, 3],
        positions=np.zeros(len(rows), np.int32) if at else table[:, 2].astype(np.int32),
    )


def followers(users: int, seed: int = 0) -> InteractionArrays:
    """Who takes an item takes the next one next, most of the time."""
    rng = np.random.default_rng(seed)
    histories = []
    for _ in range(users):
        item, history = int(rng.integers(ITEMS)), []
        for _ in range(int(rng.integers(4, 8))):
            history.append(item)
            item = (item + 1) % ITEMS if rng.random() < 0.8 else int(rng.integers(ITEMS))
        histories.append(list(dict.fromkeys(history)))
    return arrays_of([history for history in histories if len(history) > 2])


def test_few_users_teach_nothing() -> None:
    assert tune(followers(20), Settings()) is None


def test_what_is_found_does_better_on_the_held_out_than_the_defaults() -> None:
    told = []
    arrays = followers(300)
    tuned = tune(arrays, Settings(), progress=lambda what, done, total: told.append(what))
    assert tuned is not None
    newest = leave_last(arrays, 0, 0)
    weight = weights(newest.rest, Settings())

    def measured(parameters: CollaborativeParameters) -> float:
        model = CollaborativeModel.fit(newest.rest, weight, Settings(), parameters=parameters)
        return hit_rate_and_ndcg(link_ranks(model, parameters, newest.rest, weight, newest.users, newest.targets))[1]

    assert measured(tuned.parameters) > measured(CollaborativeParameters()) > 0.3
    assert sum(tuned.weights[name] for name in ("linked", "linked_newest", "long_term")) > 0.5
    assert tuned.validation["users"] == len(newest.users)
    assert 0.3 < tuned.validation["NDCG@10"] <= tuned.validation["HR@10"] <= 1
    assert {"trying parameters", "learning weights, slice 1"} <= set(told)


def test_the_same_interactions_are_tuned_the_same_way() -> None:
    assert tune(followers(80), Settings()) == tune(followers(80), Settings())


def test_slicing_takes_the_newest_and_keeps_the_rest() -> None:
    arrays = arrays_of([[1, 2, 3], [4, 5], [6]])
    newest = leave_last(arrays, 0, 0)
    assert (newest.users.tolist(), newest.targets.tolist()) == ([0, 1], [3, 5])
    assert newest.rest.item_numbers.tolist() == [1, 2, 4]
    second = leave_last(arrays, 1, 0)
    assert (second.users.tolist(), second.targets.tolist()) == ([0], [2])
    assert second.rest.item_numbers.tolist() == [1]


def test_interactions_of_one_moment_are_shuffled_by_the_seed() -> None:
    arrays = arrays_of([[1, 2, 3, 4, 5, 6]], [[0.0, 1.0, 2.0, 2.0, 2.0, 2.0]])
    targets = {int(leave_last(arrays, 0, seed).targets[0]) for seed in range(40)}
    assert targets == {3, 4, 5, 6}
    assert leave_last(arrays, 3, 1).rest.item_numbers.tolist() == [1, 2]


def test_where_the_newest_have_no_time_those_that_are_left_lose_theirs() -> None:
    nan = float("nan")
    arrays = arrays_of([[1, 2, 3, 4], [5, 6]], [[0.0, 1.0, 2.0, nan], [0.0, 1.0]])
    np.testing.assert_equal(leave_last(arrays, 0, 0).rest.at, [0.0, 1.0, nan, 0.0])
    np.testing.assert_equal(leave_last(arrays, 1, 0).rest.at, [0.0, nan])


def test_ranks_of_many_users_are_those_of_the_model_asked_one_by_one() -> None:
    newest = leave_last(followers(60), 0, 0)
    weight = weights(newest.rest, Settings())
    parameters = CollaborativeParameters(day_decay=0.3)
    model = CollaborativeModel.fit(newest.rest, weight, Settings(), parameters=parameters)
    ranks = link_ranks(model, parameters, newest.rest, weight, newest.users, newest.targets)
    for user, target, rank in zip(newest.users.tolist(), newest.targets.tolist(), ranks.tolist(), strict=True):
        past = UserSequences.of(newest.rest, np.array([user]), Settings())
        raw = {hit.item_number: hit.raw for hit in model.recommend(past, ITEMS)}
        if target not in raw:
            assert rank == np.inf
            continue
        better = sum(other > raw[target] * (1 + 1e-5) for other in raw.values())
        tied = sum(abs(other - raw[target]) <= raw[target] * 1e-5 for other in raw.values()) - 1
        assert better + 1 <= rank <= better + tied + 1
    assert np.isfinite(ranks).sum() == pytest.approx(len(ranks), rel=0.3)
