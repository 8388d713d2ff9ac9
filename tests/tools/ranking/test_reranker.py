import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.collaborative.user_sequence import SequenceItem
from recmind.tools.ranking.item_times import DAY_S, ItemTimes
from recmind.tools.ranking.reranker import DEFAULT_WEIGHTS, FEATURES, LINK_FLOOR, Reranker

PARAMETERS = CollaborativeParameters(alike=0.0, alike_then_together=0.0)


def views(*histories: tuple[int, ...]) -> InteractionArrays:
    """One interaction a day and user, in this order."""
    rows = [(user, item, n) for user, history in enumerate(histories) for n, item in enumerate(history)]
    table = np.array(rows, dtype=np.int64)
    return InteractionArrays(
        user_numbers=table[:, 0].astype(np.int32),
        item_numbers=table[:, 1],
        kinds=np.zeros(len(rows), np.int16),
        kind_names=("purchase",),
        values=np.full(len(rows), np.nan, np.float32),
        at=table[:, 2] * DAY_S,
        positions=table[:, 2].astype(np.int32),
    )


HISTORIES = ((1, 2, 3), (1, 2, 4), (2, 4, 3), (5, 6))
TEXTS = ItemEmbeddings(
    np.array([1, 2, 3, 4, 5, 6, 7]),
    np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1], [0, 1], [0.8, 0.6], [1, 0]], np.float32),
)


def reranker(
    weighed: dict[str, float], texts: ItemEmbeddings | None = None, parameters: CollaborativeParameters = PARAMETERS
) -> Reranker:
    arrays = views(*HISTORIES)
    model = CollaborativeModel.fit(
        arrays, weights(arrays, Settings()), Settings(), parameters=parameters, embeddings=texts
    )
    return Reranker(model, ItemTimes.of(arrays), texts, weighed)


def test_with_links_alone_the_order_is_that_of_the_links() -> None:
    past = [SequenceItem(1, 1.0, 0)]
    found = reranker({"linked": 1.0})
    assert [hit.item_number for hit in found.recommend(past, 10)] == [
        hit.item_number for hit in found.collaborative.recommend(past, 10)
    ]


def test_relative_odds_are_those_of_a_conditional_logit() -> None:
    found = reranker({"linked": 2.0, "popularity": -0.5})
    past, numbers = [SequenceItem(1, 1.0, 0)], np.array([2, 3, 6])
    model = found.collaborative
    neighbors = model.neighbors(model.positions_of(np.array([1])))
    totals = neighbors.totals(np.array([1.0]))
    logits = 2.0 * np.log(model.totals_of(neighbors, totals, numbers) / totals.max() + LINK_FLOOR) - 0.5 * np.log1p(
        [3, 2, 1]
    )
    np.testing.assert_allclose(found.relative_odds(past, numbers), np.exp(logits - logits.max()), rtol=1e-9)


def test_a_popular_item_gives_way_where_popularity_counts_against() -> None:
    past = [SequenceItem(1, 1.0, 0)]
    assert reranker({"linked": 1.0}).recommend(past, 1)[0].item_number == 2
    assert reranker({"linked": 0.01, "popularity": -5.0}).recommend(past, 1)[0].item_number in (3, 4)


def test_scores_are_odds_and_hits_say_what_led_there() -> None:
    hits = reranker({"linked": 1.0, "newness": 1.0}).recommend([SequenceItem(1, 1.0, 0, 2 * DAY_S)], 10)
    assert hits[0].score == 1.0
    assert all(0 < hit.score <= 1 for hit in hits)
    assert all(dict(hit.because).keys() == {1} for hit in hits)


def test_every_feature_is_computed_as_it_is_described() -> None:
    past = [SequenceItem(2, 1.0, 0, 3 * DAY_S), SequenceItem(5, 1.0, 1, 0.0)]
    table = reranker({}, TEXTS).features(past, np.array([4, 7]))
    of = {name: table[:, column].tolist() for column, name in enumerate(FEATURES)}
    assert of["popularity"] == pytest.approx([np.log(3), 0.0])
    assert of["text_newest"] == pytest.approx([0.0, 1.0], abs=1e-6)
    near, far = 1 + PARAMETERS.long_term, np.exp(-1 / 3) + PARAMETERS.long_term
    assert of["text"] == pytest.approx([far / np.hypot(near, far), near / np.hypot(near, far)], rel=1e-5)
    # Item 4 was first taken on day 1, the user's newest interaction is of day 3; nobody ever took item 7.
    assert of["newness"] == pytest.approx([np.exp(-2 / 180), 0.0])
    assert of["quiet"] == pytest.approx([np.log1p(1.0), np.log1p(5_000.0)])
    assert of["linked"][1] == pytest.approx(np.log(LINK_FLOOR))


def test_what_is_remembered_of_one_past_is_not_taken_for_another() -> None:
    found = reranker(dict(DEFAULT_WEIGHTS), TEXTS)
    pasts = [
        (SequenceItem(1, 1.0, 0, DAY_S),),
        (SequenceItem(5, 1.0, 0, DAY_S),),
        (SequenceItem(1, 1.0, 0, DAY_S), SequenceItem(2, 1.0, 1, 0.0)),
    ]
    fresh = [reranker(dict(DEFAULT_WEIGHTS), TEXTS).recommend(past, 5) for past in pasts]
    assert [found.recommend(past, 5) for past in pasts for _ in range(2)] == [hits for hits in fresh for _ in range(2)]


def test_users_who_take_turns_each_find_what_their_past_leads_to() -> None:
    made, pasts = reranker({"linked": 1.0}), [(SequenceItem(item, 1.0, 0),) for item in (1, 2, 5)]
    states = [made.user_state(past) for past in pasts]
    assert all(made.user_state(past) is known for past, known in zip(pasts, states, strict=True))


def test_a_user_without_a_past_gets_nothing_and_all_items_alike() -> None:
    found = reranker(dict(DEFAULT_WEIGHTS), TEXTS)
    assert found.recommend([], 10) == []
    assert found.relative_odds([], np.array([], np.int64)).tolist() == []


def test_an_item_that_nobody_took_comes_by_its_text_and_names_the_item_it_is_like() -> None:
    found = reranker({"linked": 1.0}, TEXTS, CollaborativeParameters())
    hit = next(hit for hit in found.recommend([SequenceItem(1, 1.0, 0)], 10) if hit.item_number == 7)
    assert (hit.because, hit.alike) == ((), 1)
    assert not found.collaborative.leads_to(1, 7)
    assert found.collaborative.leads_to(1, 2)


def test_saved_and_loaded_answers_the_same(tmp_path: Path) -> None:
    made = reranker(dict(DEFAULT_WEIGHTS), TEXTS)
    made.save(tmp_path)
    loaded = Reranker.load(tmp_path, made.collaborative, TEXTS)
    past = [SequenceItem(1, 1.0, 0, DAY_S)]
    assert loaded.recommend(past, 10) == made.recommend(past, 10)
    (tmp_path / "reranker.json").write_text("{")
    with pytest.raises(RecMindError, match="recmind index"):
        Reranker.load(tmp_path, made.collaborative, TEXTS)


def test_a_question_imports_no_scipy() -> None:
    program = (
        "import sys; from tests.tools.ranking.test_reranker import *;"
        "from recmind.tools.index.engines import open_engines;"
        "print([name for name in ('scipy', 'sklearn', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
