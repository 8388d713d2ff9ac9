from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from recmind.data.importers import import_movielens
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import DAY_S, UserSequences
from recmind.tools.ranking import reranker_batch as batch_module
from recmind.tools.ranking.features import FEATURES
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.ranking.reranker_batch import recommend_batch
from tests.tools.collaborative.pasts import pasts
from tests.tools.ranking.test_reranker import DEFAULT_WEIGHTS, TEXTS, reranker

EVERYTHING = dict.fromkeys(FEATURES, 0.5)
PASTS = (
    ((1, 1.0, 0, DAY_S),),
    (),
    ((5, 1.0, 0, 5 * DAY_S), (1, 0.0, 1, DAY_S), (2, -1.0, 2, 0.0)),
    ((2, 1.0, 0), (2, 1.0, 1), (999, 1.0, 2)),
    ((4, 0.0, 0, 2 * DAY_S),),
    ((2, 0.3, 1, 2 * DAY_S), (3, 1.0, 0, 3 * DAY_S)),
    tuple((item, 1.0, age, -age * DAY_S) for age, item in enumerate((6, 5, 1, 3, 2))),
)


def assert_batch_equals_singles(asked: Reranker, sequences: UserSequences, n: int, allowed: np.ndarray | None) -> None:
    answers = recommend_batch(asked, sequences, n, allowed)
    assert answers.item_numbers.shape == answers.scores.shape == (sequences.users, n)
    for user in range(sequences.users):
        hits = asked.recommend(sequences.rows(user, user + 1), n, allowed=allowed)
        assert answers.item_numbers[user].tolist() == [hit.item_number for hit in hits] + [-1] * (n - len(hits))
        assert answers.scores[user, : len(hits)].tolist() == pytest.approx([hit.score for hit in hits], abs=1e-9)
        assert np.isnan(answers.scores[user, len(hits) :]).all()


@pytest.mark.parametrize("weighed", [{"linked": 1.0}, DEFAULT_WEIGHTS, EVERYTHING], ids=["links", "default", "all"])
@pytest.mark.parametrize("texts", [None, TEXTS], ids=["untold", "told"])
@pytest.mark.parametrize("n", [1, 10, 20])
def test_many_users_get_what_each_gets_alone(
    weighed: Mapping[str, float], texts: ItemEmbeddings | None, n: int
) -> None:
    # The last past is longer than a question looks at.
    asked = reranker(dict(weighed), texts, CollaborativeParameters(past=4))
    for allowed in (None, np.array([2, 3, 6])):
        assert_batch_equals_singles(asked, pasts(*PASTS), n, allowed)


def test_nobody_asks_and_nobody_is_answered() -> None:
    asked = reranker(EVERYTHING, TEXTS)
    assert recommend_batch(asked, pasts(), 5).item_numbers.shape == (0, 5)
    assert (recommend_batch(asked, pasts((), ()), 5).item_numbers == -1).all()
    assert recommend_batch(asked, pasts(*PASTS), 0).scores.shape == (len(PASTS), 0)


@pytest.mark.parametrize("sparse", [False, True])
def test_on_real_histories_too(
    shared_data: Path, tmp_path: Path, sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, settings = Workspace.open(tmp_path / "latest-small", create=True), Settings()
    with Store(workspace.database, workspace.settings) as store:
        import_movielens(store, shared_data / "ml-latest-small")
        arrays = store.interactions.arrays()
    if sparse:
        # Few links beside the items: only the items that are reached have a column.
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
    assert_batch_equals_singles(asked, UserSequences.of(arrays, users, settings), 20, None)
