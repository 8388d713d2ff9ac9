from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays
from recmind.data.importers import import_movielens
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import SequenceItem, UserSequences, sequence_of, sequences_of
from recmind.tools.ranking import batch_features as batch_module
from recmind.tools.ranking.batch_features import user_batches
from recmind.tools.ranking.item_times import DAY_S, ItemTimes
from recmind.tools.ranking.reranker import CANDIDATES, FEATURES, Reranker
from recmind.tools.ranking.reranker_batch import recommend_batch
from tests.tools.ranking.test_reranker import DEFAULT_WEIGHTS, TEXTS, reranker

EVERYTHING = dict.fromkeys(FEATURES, 0.5)
PASTS = (
    (SequenceItem(1, 1.0, 0, DAY_S),),
    (),
    (SequenceItem(5, 1.0, 0, 5 * DAY_S), SequenceItem(1, 0.0, 1, DAY_S), SequenceItem(2, -1.0, 2, 0.0)),
    (SequenceItem(2, 1.0, 0), SequenceItem(2, 1.0, 1), SequenceItem(999, 1.0, 2)),
    (SequenceItem(4, 0.0, 0, 2 * DAY_S),),
    (SequenceItem(2, 0.3, 1, 2 * DAY_S), SequenceItem(3, 1.0, 0, 3 * DAY_S)),
)


def held_equal(
    asked: Reranker, pasts: tuple[tuple[SequenceItem, ...], ...], n: int, allowed: np.ndarray | None = None
) -> None:
    answers = recommend_batch(asked, UserSequences.joined(pasts), n, allowed)
    assert answers.item_numbers.shape == answers.scores.shape == (len(pasts), n)
    for user, past in enumerate(pasts):
        hits = asked.recommend(past, n, allowed=allowed)
        assert answers.item_numbers[user].tolist() == [hit.item_number for hit in hits] + [-1] * (n - len(hits))
        assert answers.scores[user, : len(hits)].tolist() == pytest.approx([hit.score for hit in hits], abs=1e-5)
        assert np.isnan(answers.scores[user, len(hits) :]).all()


@pytest.mark.parametrize("weighed", [{"linked": 1.0}, DEFAULT_WEIGHTS, EVERYTHING], ids=["links", "default", "all"])
@pytest.mark.parametrize("texts", [None, TEXTS], ids=["untold", "told"])
@pytest.mark.parametrize("n", [1, 3, 10, 20])
def test_many_users_get_what_each_gets_alone(
    weighed: Mapping[str, float], texts: ItemEmbeddings | None, n: int
) -> None:
    asked = reranker(dict(weighed), texts, CollaborativeParameters())
    held_equal(asked, PASTS, n)
    held_equal(asked, PASTS, n, allowed=np.array([2, 3, 6]))


def test_a_past_that_is_longer_than_a_question_looks_at_counts_alike() -> None:
    asked = reranker(EVERYTHING, TEXTS, CollaborativeParameters(past=2))
    held_equal(
        asked,
        (*PASTS, tuple(SequenceItem(item, 1.0, age, -age * DAY_S) for age, item in enumerate((6, 5, 1, 3, 2)))),
        5,
    )


def test_nobody_asks_and_nobody_is_answered() -> None:
    asked = reranker(EVERYTHING, TEXTS)
    assert recommend_batch(asked, UserSequences.joined(()), 5).item_numbers.shape == (0, 5)
    assert (recommend_batch(asked, UserSequences.joined(((), ())), 5).item_numbers == -1).all()
    assert recommend_batch(asked, UserSequences.joined(PASTS), 0).scores.shape == (len(PASTS), 0)


def test_features_of_any_items_are_those_of_each_user_alone() -> None:
    asked = reranker(EVERYTHING, TEXTS, CollaborativeParameters(alike=0.0, alike_then_together=0.0))
    wanted = [np.array(numbers, np.int64) for numbers in ((4, 7, 999), (1,), (), (3, 2, 6), (5,), (7, 1))]
    ((_, batch),) = user_batches(asked, UserSequences.joined(PASTS))
    found = np.split(batch.features(batch.pairs(wanted)), np.cumsum([len(numbers) for numbers in wanted])[:-1])
    for past, numbers, table in zip(PASTS, wanted, found, strict=True):
        np.testing.assert_allclose(table, asked.features(past, numbers), atol=1e-6)


@pytest.fixture(scope="module")
def latest_small(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> InteractionArrays:
    workspace = Workspace.open(tmp_path_factory.mktemp("latest-small"), create=True)
    with Store(workspace.database, workspace.settings) as store:
        import_movielens(store, shared_data / "ml-latest-small")
        return store.interactions.arrays()


@pytest.mark.parametrize("sparse", [False, True])
def test_on_real_histories_too(latest_small: InteractionArrays, sparse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays, settings = latest_small, Settings()
    if sparse:
        # Few links beside the items: places are then only those that are reached.
        arrays = arrays.rows(arrays.user_numbers % 20 == 0)
        monkeypatch.setattr(batch_module, "LINKS", 3_000)
    vectors = np.random.default_rng(0).standard_normal((3_000, 16)).astype(np.float32)
    items = np.unique(arrays.item_numbers)
    texts = ItemEmbeddings(
        items[: len(vectors)], vectors[: len(items)] / np.linalg.norm(vectors[: len(items)], axis=1)[:, None]
    )
    parameters = CollaborativeParameters(alike=0.0, alike_then_together=0.0, top=20 if sparse else 200)
    model = CollaborativeModel.fit(arrays, weights(arrays, settings), settings, parameters=parameters, embeddings=texts)
    asked = Reranker(model, ItemTimes.of(arrays), texts, EVERYTHING)
    users = np.unique(arrays.user_numbers)[::8]
    pasts = tuple(past for past, _ in sequences_of(arrays, users, settings))
    held_equal(asked, pasts, 20)
    candidates = asked.candidates(pasts[0])
    _, batch = next(user_batches(asked, UserSequences.joined(pasts)))
    found, _ = batch.candidates(CANDIDATES)
    assert found.numbers[found.users == 0].tolist() == candidates.tolist()


def test_pasts_as_columns_are_those_of_each_user(latest_small: InteractionArrays) -> None:
    users = np.unique(latest_small.user_numbers)[[3, 0, 7]]
    users = np.append(users, 10**6)
    found = UserSequences.of(latest_small, users, Settings())
    alone = UserSequences.joined([past for past, _ in sequences_of(latest_small, users, Settings())])
    for name in ("starts", "item_numbers", "weights", "ages", "at"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    assert len(sequence_of(latest_small.rows(slice(0, 0)), Settings())[0]) == len(found.rows(3, 4).ages) == 0
