from pathlib import Path

import numpy as np
import pytest

from recmind.data.conditions import Condition
from recmind.data.records import Interaction, Item, Preference
from recmind.data.store.store import Store
from recmind.tools.collaborative.user_sequence import NO_PAST
from recmind.tools.engines.history import UserHistory
from recmind.tools.engines.profile import ValueTaste
from recmind.tools.evidence.findings import history_findings
from tests.worlds import bought, item_ids, rated

DAY = 86_400.0


@pytest.fixture
def store(films10: Store) -> Store:
    films10.interactions.add(rated("ann", ("matrix", 5), ("heat", 2), ("alien", 4.5), ("amelie", 3)))
    films10.interactions.add([Interaction("ann", "mib", "like", at=1_000_000.0 + 10 * DAY)])
    return films10


def test_the_past_comes_in_the_order_that_is_asked_for(store: Store) -> None:
    history = UserHistory(store)
    assert item_ids(history.interactions("ann")) == ["mib", "amelie", "alien", "heat", "matrix"]
    assert item_ids(history.interactions("ann", order="oldest")) == ["matrix", "heat", "alien", "amelie", "mib"]
    assert item_ids(history.interactions("ann", order="highest")) == ["matrix", "alien", "amelie", "heat", "mib"]
    assert item_ids(history.interactions("ann", order="lowest")) == ["heat", "amelie", "alien", "matrix", "mib"]
    assert item_ids(history.interactions("ann", n=2)) == ["mib", "amelie"]


def test_the_past_is_narrowed_by_kind_condition_and_time(store: Store) -> None:
    history = UserHistory(store)
    assert item_ids(history.interactions("ann", kinds=["like"])) == ["mib"]
    science_fiction = [Condition("genres", "=", "Sci-Fi")]
    assert item_ids(history.interactions("ann", conditions=science_fiction)) == ["mib", "alien", "matrix"]
    assert item_ids(history.interactions("ann", since=1_000_000 + DAY, until=1_000_000 + 2 * DAY)) == ["alien", "heat"]


def test_unavailable_items_stay_in_the_past(store: Store) -> None:
    store.items.set_available(["matrix"], False)
    assert "matrix" in item_ids(UserHistory(store).interactions("ann", conditions=[Condition("year", "=", 1999)]))


def test_signals_are_the_past_as_the_collaborative_model_takes_it(store: Store) -> None:
    store.interactions.add([Interaction("ann", "psycho", "skip", at=2_000_000.0 + 20 * DAY)])
    numbers = store.items.numbers_of(["mib", "amelie", "alien", "heat", "matrix"])
    # The mean is 3.6: amelie and heat are context; the skip says nothing but makes everything one older.
    signals = UserHistory(store).signals("ann")
    columns = signals.item_numbers.tolist(), signals.weights.tolist(), signals.ages.tolist()
    assert tuple(zip(*columns, strict=True)) == (
        (numbers["mib"], 1.0, 1),
        (numbers["amelie"], 0.0, 2),
        (numbers["alien"], 1.0, 3),
        (numbers["heat"], 0.0, 4),
        (numbers["matrix"], 1.0, 5),
    )
    assert UserHistory(store).signals("nobody") is NO_PAST
    assert UserHistory(store).signals(None) is NO_PAST


def test_nothing_is_known_of_a_stranger(store: Store) -> None:
    for user_id in ("nobody", None):
        profile = UserHistory(store).profile(user_id)
        assert not profile.known
        assert profile.digest() == "Nothing is known of this person."


def test_what_was_said_counts_without_any_history(store: Store) -> None:
    store.preferences.put(Preference("new", "no horror", "genres!=Horror"))
    profile = UserHistory(store).profile("new")
    assert profile.known
    assert profile.digest() == "No history yet.\nSaid: “no horror” (genres!=Horror)."


def test_the_profile_is_kept_until_the_user_or_the_catalogue_changes(store: Store) -> None:
    history = UserHistory(store)
    first = history.profile("ann")
    assert history.profile("ann") is first
    store.interactions.add(rated("bob", ("heat", 5)))
    assert history.profile("ann") is first
    store.interactions.add([Interaction("ann", "quest", "like", at=5_000_000.0)])
    second = history.profile("ann")
    assert second.interactions == 6
    assert second.recent[0].item_id == "quest"
    assert history.signals("ann").item_numbers[0] == store.items.numbers_of(["quest"])["quest"]
    store.items.put([Item("new", "New")])
    assert history.profile("ann") is not second


def world_of_genres(folder: Path) -> Store:
    """Two hundred items: half Drama, a tenth Western; ids and overviews that everyone has their own of."""
    store = Store(folder / "genres.db")
    store.items.put(
        Item(
            f"i{n}",
            f"Item {n}",
            f"Overview {n}",
            {
                "genres": ("Western",) if n % 10 == 0 else ("Drama",) if n % 2 else ("Comedy",),
                "year": 1950 + n % 60,
                "imdbid": f"tt{n}",
                "overview": f"Nobody else has this text number {n}, which tells of one thing alone.",
            },
        )
        for n in range(200)
    )
    return store


def test_two_films_make_no_taste_and_ten_do(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    store.interactions.add(bought("two", "i0", "i10"))
    store.interactions.add(bought("ten", *(f"i{n * 10}" for n in range(10))))
    history = UserHistory(store)
    assert [t for t in history.profile("two").tastes if t.attribute == "genres"] == []
    western = next(t for t in history.profile("ten").tastes if t.attribute == "genres")
    # (10 + 8 × 0.1) / (10 + 8) = 0.6 where 0.1 is expected.
    assert western == ValueTaste("genres", "Western", 6.0, 10)
    assert history.profile("ten").lifts["genres", "Western"] == 6.0
    assert "genre Western ×6" in history.profile("ten").digest()


def test_years_are_tastes_by_decade_and_ids_and_prose_are_none(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    store.interactions.add(bought("sixties", *(f"i{n}" for n in range(10, 20))))
    tastes = UserHistory(store).profile("sixties").tastes
    assert ("year", "1960s") in {(t.attribute, t.value) for t in tastes}
    assert {t.attribute for t in tastes} <= {"genres", "year"}


def test_low_ratings_are_dislikes(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    low = [(f"i{n * 10}", 1.0) for n in range(8)]
    high = [(f"i{n}", 4.0 + n % 2) for n in range(1, 60) if n % 10]
    store.interactions.add(rated("critic", *low, *high))
    profile = UserHistory(store).profile("critic")
    assert [(t.attribute, t.value) for t in profile.disliked if t.attribute == "genres"] == [("genres", "Western")]
    assert "Likes less: genre Western" in profile.digest()


def test_the_newest_taste_is_told_from_the_old_one(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    dramas = [f"i{n}" for n in range(1, 140, 2)]
    westerns = [f"i{n * 10}" for n in range(20)]
    store.interactions.add(bought("changed", *dramas, *westerns))
    profile = UserHistory(store).profile("changed")
    assert ("genres", "Western") in {(t.attribute, t.value) for t in profile.recent_tastes}
    assert ("genres", "Drama") not in {(t.attribute, t.value) for t in profile.recent_tastes}


def test_habits_of_hour_weekend_and_season(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    # 2020-12-05 was a Saturday; twelve weekends in the evening over two winters.
    start = 1_607_126_400.0 + 20 * 3600
    weekends = [start + 7 * DAY * n for n in range(6)] + [start + 7 * DAY * n for n in range(52, 58)]
    store.interactions.add(Interaction("w", f"i{n}", "view", at=at) for n, at in enumerate(weekends))
    profile = UserHistory(store).profile("w")
    assert (profile.hours, profile.seasons) == ("in the evening (UTC), at weekends", "in winter")
    whole_days = [float(np.floor(at / DAY) * DAY) for at in weekends]
    store.interactions.add(Interaction("d", f"i{n}", "view", at=at) for n, at in enumerate(whole_days))
    assert UserHistory(store).profile("d").hours == "at weekends"
    store.interactions.add(bought("untimed", *(f"i{n}" for n in range(12))))
    assert UserHistory(store).profile("untimed").hours == ""


def test_the_digest_is_short(tmp_path: Path) -> None:
    store = world_of_genres(tmp_path)
    store.items.put(
        [Item(f"long{n}", "A very long title indeed " * 8, "", {"genres": ("Western",)}) for n in range(10)]
    )
    store.interactions.add(
        rated("busy", *((f"i{n}", 1 + n % 5) for n in range(150)), *((f"long{n}", 5) for n in range(10)))
    )
    for n in range(30):
        store.preferences.put(Preference("busy", f"please never anything of number {n} at all", f"title!=Item {n}"))
    assert len(UserHistory(store).profile("busy").digest().split()) <= 120


def test_findings_are_references_with_what_the_user_did(store: Store) -> None:
    rows = UserHistory(store).interactions("ann", order="highest", n=2)
    findings = history_findings(store, rows, total=5)
    assert findings.note == "2 of 5 interactions."
    assert [(row.item_id, row.role, row.evidence[0].text) for row in findings.rows] == [
        ("matrix", "reference", "your 5-star rating of The Matrix"),
        ("alien", "reference", "your 4.5-star rating of Alien"),
    ]
    assert history_findings(store, [], total=5).note.startswith("None of this person's 5 interactions fits.")
    assert history_findings(store, []).note.startswith("This person has no history.")


def test_one_row_for_an_item_with_several_interactions(store: Store) -> None:
    store.interactions.add([Interaction("ann", "matrix", "like", at=9_000_000.0)])
    findings = history_findings(store, UserHistory(store).interactions("ann", n=None))
    matrix = next(row for row in findings.rows if row.item_id == "matrix")
    assert [fact.text for fact in matrix.evidence if fact.kind == "history"] == [
        "your liking for The Matrix",
        "your 5-star rating of The Matrix",
    ]


def test_what_speaks_against_an_item_is_marked(store: Store) -> None:
    history = UserHistory(store)
    assert [(row.item_id, row.against) for row in history.interactions("ann", order="lowest", n=3)] == [
        ("heat", True), ("amelie", True), ("alien", False),
    ]  # fmt: skip
    facts = [row.evidence[0] for row in history_findings(store, history.interactions("ann", order="lowest", n=3)).rows]
    assert [fact.against for fact in facts] == [True, True, False]
    assert history.disliked("ann") == {"heat", "amelie"}
    store.interactions.add([Interaction("ann", "heat", "like", at=2_000_000.0)])
    assert history.disliked("ann") == {"amelie"}
    assert (history.against("nobody"), history.against(None), history.disliked(None)) == (frozenset(),) * 3


def test_somebody_who_gives_few_stars_has_no_favorites(store: Store) -> None:
    store.interactions.add(rated("eve", ("matrix", 1), ("heat", 2)))
    history = UserHistory(store)
    assert history.profile("eve").favorites == ()
    assert history.disliked("eve") == {"matrix"}
    assert history.against("eve") == {("matrix", "rating", 1.0), ("heat", "rating", 2.0)}
