"""What ``confidence`` says of held-out interactions comes true as often as it says, and never looks at them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.evaluation.metrics import calibration
from recmind.data.settings import KindMeaning, Settings
from recmind.data.signals import weights
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.user_sequence import SequenceItem, sequence_of
from recmind.tools.confidence.confidence import Confidence
from recmind.tools.confidence.held_out import HeldOutUsers, held_out, label_mask
from recmind.tools.confidence.logistic import Calibrated, Logistic


def history(rows: Sequence[tuple[int, int, float]], kind: str) -> InteractionArrays:
    """Interactions (user, item, value) in the order given, which is by user and then from old to new."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return InteractionArrays(
        user_numbers=table[:, 0].astype(np.int32),
        item_numbers=table[:, 1].astype(np.int64),
        kinds=np.zeros(len(table), np.int16),
        kind_names=(kind,),
        values=table[:, 2].astype(np.float32),
        at=np.full(len(table), np.nan),
        positions=np.arange(len(table), dtype=np.int32),
    )


def rated_world(seed: int = 0, users: int = 200, tells: bool = True) -> InteractionArrays:
    """Users rate 20 of 60 films 1 to 5; film n is worth about n/12 stars, unless the ratings tell nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for film in rng.choice(60, size=20, replace=False).tolist():
            worth = 0.5 + film / 15 if tells else 3.0
            value = worth + rng.normal(0, 1.2)
            rows.append((user, film, float(np.clip(np.round(value), 1, 5) if tells else value)))
    return history(rows, "rating")


def bought_world(seed: int = 0, users: int = 300, shelves: bool = True) -> InteractionArrays:
    """Users buy 8 of 100 things: three of four from their own of ten shelves, or any at all."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        shelf = 10 * int(rng.integers(10))
        own = shelf + rng.permutation(10)[:6]
        things = np.concatenate((own, rng.integers(0, 100, 2))) if shelves else rng.permutation(100)[:8]
        rows += [(user, thing, np.nan) for thing in rng.permutation(np.unique(things)).tolist()]
    return history(rows, "purchase")


def fitted(arrays: InteractionArrays, settings: Settings | None = None) -> Confidence | None:
    settings = settings or Settings()
    model = CollaborativeModel.fit(arrays, weights(arrays, settings), settings)
    return Confidence.fit(arrays, settings, model)


@pytest.fixture(scope="module")
def graded() -> Confidence:
    found = fitted(rated_world())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def implicit() -> Confidence:
    found = fitted(bought_world())
    assert found is not None
    return found


def past_and_values(arrays: InteractionArrays, user: int, kind: str | None):
    return sequence_of(arrays.rows(arrays.user_numbers == user), Settings(), kind)


def test_graded_confidence_says_how_likely_a_positive_value_is(graded: Confidence) -> None:
    assert graded.kind == "rating"
    assert graded.meaning == (
        "The probability that the user would be positive about the item (rating: at or above their own mean) if they "
        "took it, learned from the last interactions of each user."
    )
    past, values = past_and_values(rated_world(), 0, "rating")
    worst, middle, best = graded.predict(past, values, [2, 30, 57]).tolist()
    assert worst < 0.2
    assert 0.2 < middle < 0.8
    assert best > 0.8


def test_implicit_confidence_tells_what_is_taken_from_what_is_not(implicit: Confidence) -> None:
    assert implicit.kind is None
    assert implicit.meaning == (
        "The probability that the item is one the user takes next rather than a random one they did not take, of which "
        "there is one for each, learned from the last interactions of each user."
    )
    past = tuple(SequenceItem(thing, 1.0, age) for age, thing in enumerate((41, 43, 45, 47)))
    own, other = implicit.predict(past, (), [49, 77]).tolist()
    assert other < 0.5
    assert own > 0.8


def test_skill_is_measured_on_users_that_were_not_learned_from(graded: Confidence, implicit: Confidence) -> None:
    for confidence, labels in ((graded, 200 * 4), (implicit, 300 * 2)):
        assert set(confidence.skill) == {"labels", "base_rate", "brier_skill", "ece", "ece_by_chance"}
        assert confidence.skill["labels"] == labels
        assert confidence.skill["brier_skill"] > 0.2
        assert confidence.skill["ece"] < confidence.skill["ece_by_chance"] + 0.03


@pytest.mark.parametrize(("world", "tells"), [(rated_world, {"tells": True}), (bought_world, {"shelves": True})])
def test_confidence_comes_true_for_interactions_it_never_met(world, tells) -> None:
    everything = world(users=600, **tells)
    last = np.append(everything.user_numbers[1:] != everything.user_numbers[:-1], True)
    known = everything.rows(~last)
    confidence = fitted(known)
    assert confidence is not None
    rng, weight = np.random.default_rng(1), weights(everything, Settings())
    said, true = [], []
    for row in np.flatnonzero(last).tolist():
        user = int(everything.user_numbers[row])
        past, values = past_and_values(known, user, confidence.kind)
        if confidence.kind is not None:
            said += confidence.predict(past, values, [int(everything.item_numbers[row])]).tolist()
            true += [weight[row] > 0]
        else:
            mine = everything.item_numbers[everything.user_numbers == user]
            other = int(rng.choice(np.setdiff1d(np.arange(100), mine)))
            said += confidence.predict(past, values, [int(everything.item_numbers[row]), other]).tolist()
            true += [True, False]
    measured = calibration(said, [float(label) for label in true])
    assert measured.brier_skill > 0.2
    assert measured.ece < measured.ece_by_chance + 0.03


@pytest.mark.parametrize(
    "arrays",
    [
        history([], "rating"),
        rated_world(users=40),  # 160 labels
        rated_world(tells=False),
        bought_world(shelves=False),
        history([(user, film, 4.0) for user in range(100) for film in range(20)], "rating"),  # all labels agree
        history([(user, thing, np.nan) for user in range(300) for thing in range(3)], "purchase"),  # too short
    ],
    ids=["empty", "few labels", "noise", "random purchases", "one label", "short histories"],
)
def test_what_cannot_be_learned_is_none(arrays: InteractionArrays) -> None:
    assert fitted(arrays) is None


def test_a_threshold_is_named_and_kept_to() -> None:
    settings = Settings(kinds={"rating": KindMeaning(positive="threshold", threshold=2)})
    confidence = fitted(rated_world(), settings)
    assert confidence is not None
    assert "(rating: at or above the threshold of the settings)" in confidence.meaning
    assert confidence.skill["base_rate"] > 0.65
    past, values = sequence_of(rated_world().rows(slice(0, 20)), settings, "rating")
    assert confidence.predict(past, values, [57])[0] > 0.9


def test_few_grades_beside_many_purchases_are_no_reason_to_give_up() -> None:
    bought = bought_world()
    mixed = replace(bought, kind_names=("purchase", "rating"), values=bought.values.copy(), kinds=bought.kinds.copy())
    mixed.kinds[:5], mixed.values[:5] = 1, 3.0
    confidence = fitted(mixed)
    assert confidence is not None
    assert confidence.kind is None


def test_unknown_users_and_taken_items_have_no_confidence(graded: Confidence, implicit: Confidence) -> None:
    assert np.isnan(graded.predict((), (), [1, 2])).all()
    assert np.isnan(graded.predict((SequenceItem(1, 1.0, 0),), (np.nan,), [2])).all(), (
        "a past without a value of the kind"
    )
    assert np.isnan(implicit.predict((), (), [1, 2])).all()
    answer = implicit.predict((SequenceItem(41, 1.0, 0), SequenceItem(43, 1.0, 1)), (), [41, 45, 43])
    assert np.isnan(answer).tolist() == [True, False, True]
    assert answer.dtype == np.float32
    assert graded.predict((SequenceItem(1, 1.0, 0),), (5.0,), []).shape == (0,)


def test_an_item_that_nobody_met_has_the_confidence_of_such_items(graded: Confidence) -> None:
    past, values = past_and_values(rated_world(), 0, "rating")
    new, newer = graded.predict(past, values, [999, 1_000]).tolist()
    assert new == newer
    assert 0 < new < 1


def test_one_answer_does_not_depend_on_what_else_is_asked(graded: Confidence, implicit: Confidence) -> None:
    for confidence, world in ((graded, rated_world()), (implicit, bought_world())):
        past, values = past_and_values(world, 3, confidence.kind)
        wanted = [50, 7, 33, 7, 999]
        together = confidence.predict(past, values, wanted)
        alone = [confidence.predict(past, values, [number])[0] for number in wanted]
        assert np.allclose(together, alone, atol=1e-6, equal_nan=True)


def test_the_neighborhood_is_the_weighted_mean_by_the_book(graded: Confidence) -> None:
    model = graded.collaborative
    sources, surprise = np.array([5, 20, 59, 777]), np.array([0.5, -1.0, 2.0, 9.0])
    for number in (7, 40):
        total, better = 0.0, 0.0
        for source, by in zip((5, 20, 59), (0.5, -1.0, 2.0), strict=True):
            entries = range(int(model.starts[source]), int(model.starts[source + 1]))
            link = sum(float(model.values[e]) for e in entries if model.columns[e] == number)
            total, better = total + link, better + link * by
        assert total > 0
        found = graded._neighborhood(sources, surprise, np.array([number, 888]))
        assert found.tolist() == pytest.approx([better / (total + 0.3), 0.0])


def test_the_held_out_values_change_labels_but_no_feature() -> None:
    arrays = rated_world(users=60)
    held = held_out(arrays, label_mask(arrays, weights(arrays, Settings()), "rating"))
    changed = replace(arrays, values=np.where(held, 6 - arrays.values, arrays.values).astype(np.float32))

    def met(world: InteractionArrays) -> list[tuple[object, ...]]:
        cases = HeldOutUsers(
            world,
            world.rows(~held),
            weights(world, Settings()),
            held,
            "rating",
            np.arange(60, dtype=np.int64),
            Settings(),
        )
        return [
            (user.user_number, repr(user.past), tuple(user.values.tolist()), tuple(user.item_numbers.tolist()))
            for user in cases.each(np.random.default_rng(0))
        ]

    assert held.sum() == 60 * 4
    assert np.flatnonzero(held)[:4].tolist() == [16, 17, 18, 19]
    assert met(arrays) == met(changed)


def test_what_was_saved_answers_alike(graded: Confidence, implicit: Confidence, tmp_path: Path) -> None:
    for name, confidence, world in (("g", graded, rated_world()), ("i", implicit, bought_world())):
        folder = tmp_path / name
        folder.mkdir()
        assert Confidence.load(folder) is None
        confidence.save(folder)
        confidence.collaborative.save(folder)
        past, values = past_and_values(world, 5, confidence.kind)
        for loaded in (Confidence.load(folder), Confidence.load(folder, confidence.collaborative)):
            assert loaded is not None
            assert (loaded.meaning, loaded.kind, loaded.skill) == (
                confidence.meaning,
                confidence.kind,
                confidence.skill,
            )
            again = loaded.predict(past, values, np.arange(60))
            assert np.array_equal(again, confidence.predict(past, values, np.arange(60)), equal_nan=True)


def test_a_damaged_file_is_named(graded: Confidence, tmp_path: Path) -> None:
    graded.save(tmp_path)
    facts = json.loads((tmp_path / "confidence.json").read_text(encoding="utf-8"))
    del facts["model"]
    (tmp_path / "confidence.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(RecMindError, match=r"cannot be read \('model'\)\. Run: recmind index"):
        Confidence.load(tmp_path, graded.collaborative)


def test_the_same_seed_learns_the_same() -> None:
    first, second = fitted(bought_world()), fitted(bought_world())
    assert first is not None
    assert second is not None
    assert first.learned == second.learned


def test_progress_is_told(graded: Confidence) -> None:
    told: list[tuple[str, int, int | None]] = []
    Confidence.fit(
        rated_world(),
        Settings(),
        graded.collaborative,
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert told[0] == ("confidence", 0, 200)
    assert told[-1] == ("confidence", 200, 200)


def test_logistic_weights_make_the_labels_likeliest() -> None:
    """At the best weights the mean of what is said equals the share, and every small step is worse."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 2)) * [1.0, 100.0]
    labels = rng.random(500) < 1 / (1 + np.exp(-(features @ [1.0, 0.01] - 0.5)))
    model = Logistic.fit(features, labels)

    def loss(weights: Sequence[float], bias: float) -> float:
        said = Logistic(tuple(weights), bias).predict_proba(features)
        price = float(np.sum((np.asarray(weights) * features.std(axis=0)) ** 2)) / 2
        return price - float(np.sum(np.log(np.where(labels, said, 1 - said))))

    assert model.predict_proba(features).mean() == pytest.approx(labels.mean())
    best = loss(model.weights, model.bias)
    for step in (-0.05, 0.05):
        assert loss((model.weights[0] + step, model.weights[1]), model.bias) > best
        assert loss((model.weights[0], model.weights[1] + step / 100), model.bias) > best
        assert loss(model.weights, model.bias + step) > best


def test_logistic_stands_separated_labels_and_constant_features() -> None:
    features = np.array([[1.0, x] for x in (-2.0, -1.0, 1.0, 2.0)])
    said = Logistic.fit(features, features[:, 1] > 0).predict_proba(features)
    assert (said > 0.5).tolist() == [False, False, True, True]
    assert Logistic((1000.0,), 0.0).predict_proba(np.array([[-10.0], [10.0]])).tolist() == pytest.approx([0.0, 1.0])


def test_a_constant_that_is_no_round_number_gets_no_weight() -> None:
    features = np.column_stack((np.full(300, np.log1p(6)), np.linspace(-1, 1, 300)))
    assert features[:, 0].std() > 0
    model = Logistic.fit(features, np.arange(300) % 7 < np.arange(300) / 50)
    assert model.weights[0] == pytest.approx(0, abs=1e-9)
    assert model.weights[1] > 1


def test_a_calibrated_pair_is_fitted_by_groups() -> None:
    """Labels that only tell groups apart cannot be learned from other groups."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 10)
    labels = np.repeat(rng.random(100) < 0.5, 10)
    by_group = np.repeat(rng.normal(size=100), 10)[:, None]
    assert Calibrated.fit(by_group, labels, groups, np.random.default_rng(0)) is None
    told = Calibrated.fit(by_group + 3 * labels[:, None], labels, groups, np.random.default_rng(0))
    assert told is not None
    assert told.skill["brier_skill"] > 0.5


def test_latest_small_confidence_is_calibrated(shared_data: Path) -> None:
    """The last ten ratings of each user held out, 6,100 in all: ECE 0.016, Brier skill 0.17."""
    table = np.loadtxt(shared_data / "ml-latest-small" / "ratings.csv", delimiter=",", skiprows=1)
    table = table[np.lexsort((np.random.default_rng(0).random(len(table)), table[:, 3], table[:, 0]))]
    everything = history(table[:, :3], "rating")
    users = everything.user_numbers
    left = np.searchsorted(users, users, side="right") - 1 - np.arange(len(users))
    out = left < 10
    known, weight = everything.rows(~out), weights(everything, Settings())
    confidence = fitted(known)
    assert confidence is not None
    assert confidence.skill["ece"] <= 0.03
    said, true = [], []
    for user in np.unique(users).tolist():
        past, values = past_and_values(known, user, "rating")
        mine = out & (users == user)
        said += confidence.predict(past, values, everything.item_numbers[mine]).tolist()
        true += (weight[mine] > 0).astype(float).tolist()
    measured = calibration(said, true)
    assert measured.brier_skill > 0.1
    assert measured.ece <= 0.03
