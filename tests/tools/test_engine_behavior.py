"""Every engine, held to what all engines do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recmind.data.records import Item
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.confidence.confidence import Confidence
from recmind.tools.engines.details import ItemDetails
from recmind.tools.engines.filter import ItemFilter
from recmind.tools.engines.history import UserHistory
from recmind.tools.engines.popular import PopularItems
from recmind.tools.engines.titles import TitleFinder
from recmind.tools.ranking.hybrid import HybridRanker, RankInput
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import DEFAULT_WEIGHTS, Reranker
from recmind.tools.search.item_search import ItemSearch
from recmind.tools.search.text_index import TextIndex
from tests.tools.engine_behavior import (
    Answer,
    AvailabilityBehavior,
    ConditionBehavior,
    ExclusionBehavior,
    FirstOfManyBehavior,
    NamedItemBehavior,
    Question,
    SavedBehavior,
    UserBehavior,
    named,
    numbered,
    past_of,
)
from tests.tools.word_encoder import WordEncoder
from tests.worlds import rated


class TestPopularItems(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, AvailabilityBehavior):
    made = staticmethod(PopularItems)

    @staticmethod
    def ask(engine: PopularItems, store: Store, question: Question) -> Answer:
        found = engine.recommend(question.conditions, exclude=question.exclude, n=question.n)
        return [(row.item_id, row) for row in found]


class TestPopularItemsOfAPeriod(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, AvailabilityBehavior):
    made = staticmethod(PopularItems)

    @staticmethod
    def ask(engine: PopularItems, store: Store, question: Question) -> Answer:
        found = engine.recommend(question.conditions, since=0.0, exclude=question.exclude, n=question.n)
        return [(row.item_id, row) for row in found]


class TestItemFilter(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, AvailabilityBehavior):
    made = staticmethod(ItemFilter)
    sort = "popularity"

    def ask(self, engine: ItemFilter, store: Store, question: Question) -> Answer:
        found, total = engine.select(question.conditions, sort=self.sort, exclude=question.exclude, n=question.n)
        assert total >= len(found)
        return [(row.item_id, row) for row in found]


class TestItemFilterByValue(TestItemFilter):
    sort = "value"


class TestItemFilterByYear(TestItemFilter):
    sort = "recent"


class TestItemFilterByTitle(TestItemFilter):
    sort = "title"


class TestUserHistory(FirstOfManyBehavior, ConditionBehavior, UserBehavior):
    made = staticmethod(UserHistory)

    @staticmethod
    def ask(engine: UserHistory, store: Store, question: Question) -> Answer:
        if question.user_id is None:
            assert not engine.profile(None).known
            return []
        rows = engine.interactions(question.user_id, conditions=question.conditions, n=question.n)
        return [(row.item_id, row) for row in rows]


class TestItemDetails(NamedItemBehavior):
    made = staticmethod(ItemDetails)

    @staticmethod
    def ask(engine: ItemDetails, store: Store, question: Question) -> Answer:
        return [(row.item.item_id, row) for row in engine.describe(question.items)]


class TestTitleFinder(FirstOfManyBehavior):
    made = staticmethod(TitleFinder)

    question = Question(text="alienz")

    @staticmethod
    def ask(engine: TitleFinder, store: Store, question: Question) -> Answer:
        return [(match.item_id, match) for match in engine.find(question.text, question.n)]

    @pytest.mark.parametrize("text", ["Zzyzx", "", " "])
    def test_an_unknown_title_finds_nothing(self, engine: TitleFinder, store: Store, text: str) -> None:
        assert self.ask(engine, store, Question(text=text)) == []


def text_index(store: Store) -> TextIndex:
    return TextIndex.fit(store, WordEncoder())


class TestItemSearch(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, AvailabilityBehavior, SavedBehavior):
    @staticmethod
    def made(store: Store) -> ItemSearch:
        return ItemSearch(text_index(store))

    @staticmethod
    def ask(engine: ItemSearch, store: Store, question: Question) -> Answer:
        hits = engine.search(question.text, conditions=question.conditions, exclude=question.exclude, n=question.n)
        return [(hit.item_id, hit) for hit in hits]

    @staticmethod
    def save(engine: ItemSearch, folder: Path) -> None:
        engine.index.save(folder)

    @staticmethod
    def load(engine: ItemSearch, store: Store, folder: Path) -> ItemSearch:
        return ItemSearch(TextIndex.load(folder, store, WordEncoder()))


class TestItemsLikeOthers(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, AvailabilityBehavior):
    """Search by example; unknown examples resemble nothing."""

    question = Question(items=("aliens",))

    made = staticmethod(TestItemSearch.made)

    @staticmethod
    def ask(engine: ItemSearch, store: Store, question: Question) -> Answer:
        known = {"conditions": question.conditions, "exclude": question.exclude, "n": question.n}
        return [(hit.item_id, hit) for hit in engine.search("", like=question.items, **known)]

    def test_unknown_items_resemble_nothing(self, engine: ItemSearch, store: Store) -> None:
        assert self.ask(engine, store, Question(items=("no-such-item",))) == []


def collaborative_model(store: Store, embeddings: ItemEmbeddings | None = None) -> CollaborativeModel:
    arrays = store.interactions.arrays()
    return CollaborativeModel.fit(arrays, weights(arrays, store.settings), store.settings, embeddings=embeddings)


def of_a_past(engine: CollaborativeModel | Reranker, store: Store, question: Question) -> Answer:
    """What the past of the user leads to; conditions as the numbers that are allowed."""
    hits = engine.recommend(
        past_of(store, question.user_id),
        question.n,
        exclude=set(numbered(store, question.exclude)),
        allowed=store.items.matching(question.conditions) if question.conditions else None,
    )
    return named(store, hits)


class TestCollaborativeModel(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, UserBehavior, SavedBehavior):
    made = staticmethod(collaborative_model)
    ask = staticmethod(of_a_past)

    @staticmethod
    def load(engine: CollaborativeModel, store: Store, folder: Path) -> CollaborativeModel:
        return CollaborativeModel.load(folder)

    def test_an_unknown_item_leads_nowhere(self, engine: CollaborativeModel) -> None:
        assert engine.recommend_from_seeds([10**6], 10) == []
        assert np.isnan(engine.seed_scores([1], [10**6])).all()


def reranker(store: Store) -> Reranker:
    """With texts, so that films nobody took come too."""
    index = text_index(store)
    embeddings = ItemEmbeddings(index.numbers, index.vectors)
    times = ItemTimes.of(store.interactions.arrays())
    return Reranker(collaborative_model(store, embeddings), times, embeddings, DEFAULT_WEIGHTS)


class TestReranker(FirstOfManyBehavior, ExclusionBehavior, ConditionBehavior, UserBehavior, SavedBehavior):
    made = staticmethod(reranker)
    ask = staticmethod(of_a_past)

    @staticmethod
    def load(engine: Reranker, store: Store, folder: Path) -> Reranker:
        return Reranker.load(folder, engine.collaborative, engine.embeddings)

    def test_an_unknown_item_has_odds_and_no_items_have_none(self, engine: Reranker, store: Store) -> None:
        past = past_of(store, "ann")
        assert np.isfinite(engine.relative_odds(past, np.array([10**6]))).all()
        assert engine.relative_odds(past, np.array([], np.int64)).shape == (0,)


class TestHybridRanker(NamedItemBehavior, UserBehavior):
    needs_past = False

    @staticmethod
    def made(store: Store) -> HybridRanker:
        return HybridRanker(store, ItemSearch(text_index(store)), reranker(store), PopularItems(store))

    @staticmethod
    def ask(engine: HybridRanker, store: Store, question: Question) -> Answer:
        candidates = [RankInput(item_id) for item_id in question.items]
        found = engine.rank(candidates, history=past_of(store, question.user_id), query="a crew in space")
        return [(entry.item_id, entry) for entry in found]


class TestConfidence(UserBehavior, NamedItemBehavior, SavedBehavior):
    """About sixty films that two hundred people rated: of fewer nothing can be learned."""

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
        rng = np.random.default_rng(0)
        with Store(tmp_path_factory.mktemp("confidence") / "many.db") as store:
            store.items.put(Item(f"i{n}", f"Film {n}") for n in range(60))
            for user in ["ann", "h0", *(f"u{n}" for n in range(198))]:
                films = rng.choice(60, size=20, replace=False).tolist()
                values = [float(np.clip(np.round(0.5 + n / 15 + rng.normal(0, 1.2)), 1, 5)) for n in films]
                ratings = zip((f"i{n}" for n in films), values, strict=True)
                store.interactions.add(rated(user, *ratings))
            yield store

    question = Question(items=("i2", "i30", "i57"))

    @staticmethod
    def made(store: Store) -> Confidence:
        found = Confidence.fit(store.interactions.arrays(), store.settings, collaborative_model(store))
        assert found is not None
        return found

    @staticmethod
    def ask(engine: Confidence, store: Store, question: Question) -> Answer:
        """The items whose probability is known."""
        numbers = store.items.numbers_of(question.items)
        past, values = UserHistory(store).valued(question.user_id, engine.kind)
        said = engine.predict(past, values, list(numbers.values())).tolist()
        return [(item_id, p) for item_id, p in zip(numbers, said, strict=True) if not math.isnan(p)]

    @staticmethod
    def load(engine: Confidence, store: Store, folder: Path) -> Confidence | None:
        return Confidence.load(folder, engine.collaborative)

    def misses(self, engine: Confidence, store: Store, folder: Path) -> bool:
        """Where the facts are missing there is no confidence; where an array is, that is told."""
        if not (folder / "confidence.json").exists():
            return Confidence.load(folder, engine.collaborative) is None
        return super().misses(engine, store, folder)

    # Of an empty catalogue there is nothing to save.
    test_it_can_be_saved_over_an_empty_catalogue = None

    def test_an_empty_catalogue_has_nothing_to_answer_with(self, tmp_path: Path) -> None:
        with Store(tmp_path / "empty.db") as empty:
            arrays = empty.interactions.arrays()
            assert Confidence.fit(arrays, empty.settings, collaborative_model(empty)) is None
