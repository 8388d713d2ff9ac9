from collections.abc import Sequence

import numpy as np
import pytest

from recmind.data.conditions import Condition
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.tools.brief import Constraint
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.engines.history import UserHistory
from recmind.tools.engines.popular import PopularItems
from recmind.tools.evidence.facts import Focus
from recmind.tools.evidence.findings import rank_findings
from recmind.tools.ranking.hybrid import (
    PLAIN_WEIGHTS,
    QUERY_WEIGHTS,
    WISH_WEIGHTS,
    HybridRanker,
    RankInput,
    RankWeights,
)
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import DEFAULT_WEIGHTS, Reranker
from tests.worlds import rated

FUNNY = Constraint("funnier", (Condition("genres", "=", "Comedy"),))


class Meaning:
    """A search whose similarities are written down, by item; NaN for all others."""

    def __init__(self, similarities: dict[str, float]) -> None:
        self.known = similarities

    def query_vector(self, query: str, like: Sequence[str] = ()) -> np.ndarray | None:
        return np.ones(2, np.float32) if query or like else None

    def similarities(self, asked: np.ndarray | None, item_ids: Sequence[str]) -> np.ndarray:
        known = {} if asked is None else self.known
        return np.array([known.get(item_id, np.nan) for item_id in item_ids], np.float32)


@pytest.fixture
def store(films10: Store) -> Store:
    for n in range(6):
        films10.interactions.add(rated(f"u{n}", ("matrix", 5), ("reloaded", 4), ("aliens", 5), ("mib", 4)))
    for n in range(3):
        films10.interactions.add(rated(f"v{n}", ("heat", 5), ("net", 5), ("quest", 5)))
    films10.interactions.add(rated("ann", ("matrix", 5)))
    return films10


def ranker(store: Store, similarities: dict[str, float] | None = None) -> HybridRanker:
    arrays = store.interactions.arrays()
    model = CollaborativeModel.fit(arrays, weights(arrays, store.settings), store.settings)
    reranker = Reranker(model, ItemTimes.of(arrays), None, DEFAULT_WEIGHTS)
    return HybridRanker(store, Meaning(similarities or {}), reranker, PopularItems(store))  # type: ignore[arg-type]


def candidates(*ids: str) -> list[RankInput]:
    return [RankInput(item_id) for item_id in ids]


ALL = ("reloaded", "alien", "aliens", "quest", "mib", "heat", "amelie", "net", "psycho")
NEAR_MATRIX = {
    "reloaded": 0.8,
    "aliens": 0.45,
    "mib": 0.4,
    "alien": 0.4,
    "quest": 0.35,
    "heat": 0.2,
    "net": 0.3,
    "amelie": 0.1,
}


def test_the_score_is_the_weighed_sum_of_the_visible_parts(store: Store) -> None:
    past = UserHistory(store).signals("ann")
    ranked = ranker(store, NEAR_MATRIX).rank(candidates(*ALL), history=past, query="simulation", wishes=[FUNNY])
    for entry in ranked:
        assert set(entry.parts) == {"collaborative", "semantic", "metadata", "popularity", "novelty"}
        assert all(0 <= part <= 1 for part in entry.parts.values())
        expected = sum(getattr(WISH_WEIGHTS, name) * part for name, part in entry.parts.items())
        assert entry.score == pytest.approx(expected / sum(getattr(WISH_WEIGHTS, n) for n in entry.parts), abs=1e-3)
    assert [entry.score for entry in ranked] == sorted((entry.score for entry in ranked), reverse=True)


def test_like_the_matrix_but_funnier_puts_science_fiction_comedies_before_the_sequel(store: Store) -> None:
    asked = ranker(store, NEAR_MATRIX)
    plain = [entry.item_id for entry in asked.rank(candidates(*ALL), like=["matrix"])]
    assert plain[0] == "reloaded"
    funny = [entry.item_id for entry in asked.rank(candidates(*ALL), like=["matrix"], wishes=[FUNNY])]
    assert funny[:2] == ["mib", "quest"]


def test_what_nothing_is_known_of_is_shared_out(store: Store) -> None:
    ranked = ranker(store).rank(candidates(*ALL))
    assert set(ranked[0].parts) == {"popularity", "novelty"}
    top = ranked[0]
    expected = PLAIN_WEIGHTS.popularity * top.parts["popularity"] + PLAIN_WEIGHTS.novelty * top.parts["novelty"]
    assert top.score == pytest.approx(expected / (PLAIN_WEIGHTS.popularity + PLAIN_WEIGHTS.novelty), abs=1e-3)


def test_an_empty_catalogue_of_signals_keeps_the_order_of_the_items(films10: Store) -> None:
    ranked = ranker(films10).rank(candidates("net", "heat", "alien"))
    assert [(entry.item_id, entry.score, dict(entry.parts)) for entry in ranked] == [
        ("alien", 0.0, {}),
        ("heat", 0.0, {}),
        ("net", 0.0, {}),
    ]


def test_the_order_of_the_candidates_does_not_matter(store: Store) -> None:
    asked = ranker(store, NEAR_MATRIX)
    past = UserHistory(store).signals("ann")
    one = asked.rank(candidates(*ALL), history=past, query="x")
    assert asked.rank(candidates(*reversed(ALL)), history=past, query="x") == one


def test_words_to_search_for_outweigh_the_usual_taste(store: Store) -> None:
    past = UserHistory(store).signals("ann")
    ranked = ranker(store, dict.fromkeys(ALL, 0.2) | {"mib": 0.3, "amelie": 0.6}).rank(
        candidates(*ALL), history=past, query="a waitress"
    )
    assert ranked[0].item_id == "amelie"
    assert QUERY_WEIGHTS.semantic > QUERY_WEIGHTS.collaborative


def test_a_word_found_by_search_counts_beside_the_similarity(store: Store) -> None:
    given = [RankInput("heat", {"search": 1.0}), RankInput("net", {"search": 0.1})]
    parts = {
        e.item_id: e.parts["semantic"] for e in ranker(store, {"heat": 0.3, "net": 0.3}).rank(given, query="thief")
    }
    assert parts == {"heat": 1.0, "net": 1.0}
    parts = {e.item_id: e.parts["semantic"] for e in ranker(store).rank(given, query="thief")}
    assert parts == {"heat": 1.0, "net": 0.1}


def test_surprise_turns_to_what_few_know(store: Store) -> None:
    asked = ranker(store)
    assert asked.rank(candidates(*ALL))[0].item_id in {"reloaded", "aliens"}
    assert asked.rank(candidates(*ALL), surprise=True)[0].item_id in {"alien", "amelie", "psycho"}


def test_likeness_to_what_is_not_wanted_takes_off(store: Store) -> None:
    similar_to_alien = {"aliens": 0.9, "reloaded": 0.1, "mib": 0.1, "quest": 0.1, "heat": 0.0, "net": 0.0}
    asked = ranker(store, similar_to_alien)
    plain = {e.item_id: e.score for e in asked.rank(candidates(*similar_to_alien))}
    without = {e.item_id: e for e in asked.rank(candidates(*similar_to_alien), unlike=["alien"])}
    assert without["aliens"].score == pytest.approx(plain["aliens"] - 0.35, abs=1e-3)
    assert without["aliens"].parts["unlike"] == 0.35
    assert without["heat"].score == plain["heat"]


def test_tastes_count_by_the_weights_that_are_given(store: Store) -> None:
    only_metadata = RankWeights(0, 0, 1, 0, 0)
    ranked = ranker(store).rank(candidates(*ALL), tastes={("genres", "Horror"): 4.0}, weights=only_metadata)
    assert {entry.item_id for entry in ranked[:2]} == {"alien", "psycho"}
    assert ranked[0].score == pytest.approx(1 / 3, abs=1e-3)


def test_a_wish_met_in_every_way_counts_more_than_in_one(store: Store) -> None:
    wish = Constraint("old and funny", (Condition("genres", "=", "Comedy"), Condition("year", "<", 1999)))
    ranked = ranker(store).rank(
        candidates("mib", "quest", "heat", "net"), wishes=[wish], weights=RankWeights(0, 0, 1, 0, 0)
    )
    assert [(entry.item_id, entry.score) for entry in ranked[:2]] == [("mib", 1.0), ("quest", 0.875)]


def test_unknown_items_are_left_out_and_nothing_ranks_nothing(store: Store) -> None:
    assert [e.item_id for e in ranker(store).rank(candidates("gone", "heat"), like=["gone"], unlike=["gone"])] == [
        "heat"
    ]
    assert ranker(store).rank([]) == []


def test_findings_carry_score_and_parts(store: Store) -> None:
    ranked = ranker(store).rank(candidates(*ALL), wishes=[FUNNY])
    findings = rank_findings(store, ranked[:3], focus=Focus(wishes=(FUNNY,)))
    first = findings.rows[0]
    assert first.scores["score"] == ranked[0].score
    assert first.scores["metadata"] == ranked[0].parts["metadata"]
    assert [fact.text for fact in first.evidence][:2] == ["your wish for “funnier”", "genre Comedy"]
    assert rank_findings(store, []).note == "There are no candidates to rank. Look some up first."
