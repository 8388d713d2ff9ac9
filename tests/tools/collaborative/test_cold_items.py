import numpy as np

from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.tools.collaborative.cold_items import ColdItems, cold_places, interleave
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import Reranker
from tests.tools.collaborative.pasts import past
from tests.tools.ranking.test_reranker import HISTORIES, PARAMETERS, views

TEXTS = ItemEmbeddings(
    np.array([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [0, 1], [0.6, 0.8], [1, 0], [0.8, 0.6]], np.float32),
)
TAKEN = np.array([1, 2, 3, 4, 5, 6])


def test_the_nearest_texts_among_those_that_nobody_took() -> None:
    new = ColdItems.of(TEXTS, TAKEN)
    assert new.numbers.tolist() == [7, 8, 9]
    direction = np.array([1, 0], np.float32)
    assert new.nearest(direction, 5).tolist() == [8, 9, 7]
    assert new.nearest(direction, 1).tolist() == [8]
    assert new.nearest(direction, 5, exclude={8}, allowed=np.array([1, 7, 8])).tolist() == [7]
    assert ColdItems.of(TEXTS, TEXTS.numbers).nearest(direction, 5).tolist() == []


def test_the_first_ten_places_are_earned_and_every_fourth_after_them_is_kept() -> None:
    earned, new = list(range(20)), ["a", "b", "c", "d"]
    assert interleave(earned, new) == [*range(13), "a", 13, 14, 15, "b", 16, 17, 18, "c", 19, "d"]
    assert [cold_places(n) for n in (1, 10, 13, 14, 18, 50)] == [0, 0, 0, 1, 2, 10]
    assert interleave([1, 2], ["a"]) == [1, 2, "a"]
    assert interleave(earned, []) == earned


def test_a_long_answer_introduces_items_by_the_past_item_whose_text_is_nearest() -> None:
    arrays = views(*HISTORIES)
    model = CollaborativeModel.fit(arrays, weights(arrays, Settings()), Settings(), parameters=PARAMETERS)
    found = Reranker(model, ItemTimes.of(arrays), TEXTS, {"linked": 1.0})
    asked = past((5, 1.0, 0), (1, 1.0, 1))
    assert {hit.item_number for hit in found.recommend(asked, 10)} == {2, 3, 4, 6}
    *earned, first, second = found.recommend(asked, 18)
    assert [hit.item_number for hit in earned] == [hit.item_number for hit in found.recommend(asked, 10)]
    assert [(hit.item_number, hit.raw, hit.because, hit.alike) for hit in (first, second)] == [
        (7, 0.0, (), 5),
        (9, 0.0, (), 1),
    ]
    assert all(0 < hit.score <= 1 for hit in (first, second))
    assert 9 not in [hit.item_number for hit in found.recommend(asked, 18, exclude={9})]
