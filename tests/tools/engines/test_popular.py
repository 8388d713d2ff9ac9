from pathlib import Path

import numpy as np
import pytest

from recmind.data import statistics
from recmind.data.conditions import Condition
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.engines.popular import PopularItems, _scored, prior_strength
from recmind.tools.evidence.findings import popular_findings
from tests.worlds import bought, rated

DAY = 86_400.0


@pytest.fixture
def store(films10: Store) -> Store:
    """Forty people rate the Matrix about 4; two give Heat a 5; ten give the Net a 1, later than the others."""
    for n in range(40):
        films10.interactions.add(rated(f"m{n}", ("matrix", 4 + n % 2)))
    for n in range(2):
        films10.interactions.add(rated(f"h{n}", ("heat", 5)))
    for n in range(10):
        films10.interactions.add(rated(f"n{n}", ("net", 1), start=1_000_000 + 100 * DAY))
    return films10


def test_two_fives_do_not_beat_forty_fours(store: Store) -> None:
    items = PopularItems(store).recommend()
    assert [(item.item_id, item.count, item.mean) for item in items] == [
        ("matrix", 40, 4.5),
        ("heat", 2, 5.0),
        ("net", 10, 1.0),
    ]
    assert items[0].score <= 1
    assert [item.score for item in items] == sorted((item.score for item in items), reverse=True)


def test_the_bayesian_mean_by_hand(store: Store) -> None:
    strength = (40**2 + 2**2 + 10**2) / 52
    assert prior_strength(store.counts.of_items()) == pytest.approx(strength)
    mean = (40 * 4.5 + 2 * 5 + 10 * 1) / 52
    numbers = list(store.items.numbers_of(["matrix", "heat", "alien"]).values())
    assert PopularItems(store).bayesian_means(numbers).tolist() == pytest.approx(
        [(180 + strength * mean) / (40 + strength), (10 + strength * mean) / (2 + strength), mean], rel=1e-3
    )


def test_only_what_was_done_in_the_period_counts(store: Store) -> None:
    popular = PopularItems(store)
    assert [i.item_id for i in popular.recommend(since=1_000_000 + 50 * DAY)] == ["net"]
    assert [i.item_id for i in popular.recommend(until=1_000_000 + 50 * DAY)] == ["matrix", "heat"]
    assert popular.recommend(since=9e9) == []


def test_what_meets_the_conditions_comes_by_popularity(store: Store) -> None:
    popular = PopularItems(store)
    assert [i.item_id for i in popular.recommend([Condition("genres", "=", "Crime")])] == ["heat", "net"]


def test_without_values_the_count_decides(films10: Store) -> None:
    for n in range(3):
        films10.interactions.add(bought(f"u{n}", "heat", *(("alien",) if n else ())))
    items = PopularItems(films10).recommend()
    assert [(i.item_id, i.count, i.mean) for i in items] == [("heat", 3, None), ("alien", 2, None)]
    assert items[0].score == 1.0
    assert np.isnan(PopularItems(films10).bayesian_means([1])).all()


def test_scores_for_the_ranker(store: Store) -> None:
    numbers = store.items.numbers_of(["matrix", "alien"])
    scores = PopularItems(store).score([numbers["matrix"], numbers["alien"], 999])
    assert scores[0] > 0.9
    assert scores[1:].tolist() == [0.0, 0.0]


def test_new_interactions_count_at_once(store: Store) -> None:
    popular = PopularItems(store)
    popular.recommend()
    store.interactions.add(rated("late", ("psycho", 5)))
    assert "psycho" in [item.item_id for item in popular.recommend()]


def test_what_changes_is_put_among_the_others_where_a_whole_sort_would_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(statistics, "MOST_CHANGED", 1.0)
    rng = np.random.default_rng(3)
    with Store(tmp_path / "many.db") as store:
        ids = [f"i{n}" for n in range(200)]
        store.items.put(Item(item_id) for item_id in ids)

        def rate(user: int) -> None:
            chosen = rng.integers(0, 60, 3)
            store.interactions.add(rated(f"u{user}", *((ids[n], int(rng.integers(1, 6))) for n in chosen.tolist())))

        for user in range(60):
            rate(user)
        popular = PopularItems(store)
        popular.recommend()
        scale = popular._standing().whole.scale
        for user in range(60, 75):
            rate(user)
            # A new item, and one that becomes the most popular of all.
            store.interactions.add(rated(f"u{user}", (ids[user + 40], 5), (ids[7], 5)))
            counts = store.counts.of_items()
            assert popular._standing().whole.scale is scale
            slow = _scored(counts, scale)
            expected = [(int(n), int(counts.interactions[n - 1]), float(slow.scores[n - 1])) for n in slow.order]
            numbers = store.items.numbers_of(ids)
            found = [(numbers[item.item_id], item.count, item.score) for item in popular.recommend(n=200)]
            assert found == expected
            assert found[:5] == [(numbers[item.item_id], item.count, item.score) for item in popular.recommend(n=5)]
            assert popular.score(counts.item_numbers).tolist() == slow.scores.astype(np.float32).tolist()
            wanted = np.array([3, 8, 60, 120, 150])
            order = [n for n, _, _ in expected if n in wanted]
            assert popular.first(wanted, 4).tolist() == (order + [n for n in wanted.tolist() if n not in order])[:4]


def test_nothing_popular_is_told_with_what_to_do(films10: Store) -> None:
    assert PopularItems(films10).recommend() == []
    assert popular_findings(films10, []).note == "Nobody has taken up such an item yet. Use filter_items."


def test_findings_tell_the_counts_of_the_period(store: Store) -> None:
    items = PopularItems(store).recommend(since=1_000_000 + 50 * DAY)
    (row,) = popular_findings(store, items, since=1_000_000 + 50 * DAY).rows
    assert row.evidence[0].text == "10 ratings averaging 1"
    assert row.evidence[0].data == {"count": 10, "mean": 1.0, "since": 1_000_000 + 50 * DAY, "until": None}
    assert "Leave the period out" in popular_findings(store, [], since=9e9).note
    assert popular_findings(store, [], conditions=[Condition("year", ">", 2050)]).note.startswith(
        "No item meets year>2050."
    )
