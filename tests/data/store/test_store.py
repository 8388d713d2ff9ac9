"""The store: what is written is read again, whole or not at all, and what is derived stays true."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from random import Random

import numpy as np
import pytest

from recmind.data import statistics
from recmind.data.catalogue import Catalogue
from recmind.data.conditions import parse_condition
from recmind.data.errors import InputError, WorkspaceError
from recmind.data.records import Interaction, Item, Preference, User
from recmind.data.settings import KindMeaning, Settings
from recmind.data.store.schema import MIGRATIONS
from recmind.data.store.store import Store

ALIEN = Item(
    "1", "Alien", "A crew in deep space", {"year": 1979, "genres": ("Horror", "Sci-Fi"), "imdb_id": "tt78"}, 5.0
)
MATRIX = Item("2", "The Matrix", "A hacker wakes up", {"year": 1999, "genres": ("Action", "Sci-Fi")})
BARE = Item("007")


@pytest.fixture
def store(store: Store) -> Store:
    store.items.put([ALIEN, MATRIX, BARE])
    return store


def test_items_come_back_as_they_were(store: Store) -> None:
    assert store.items.get_many(["007", "2", "unknown", "1"]) == {"007": BARE, "2": MATRIX, "1": ALIEN}
    assert list(store.items.get_many(["007", "2"])) == ["007", "2"]
    assert store.items.get("unknown") is None
    numbers = store.items.numbers_of(["2", "unknown", "1"])
    assert list(numbers) == ["2", "1"]
    assert store.items.ids_of(np.array([numbers["1"], 999, numbers["2"]])) == {numbers["1"]: "1", numbers["2"]: "2"}
    assert store.items.by_number(numbers["2"]) == MATRIX
    assert store.items.by_number(99) is None
    assert [item for _, item in store.items.all(batch=2)] == [ALIEN, MATRIX, BARE]


def test_an_item_without_title_is_called_by_its_id() -> None:
    assert BARE.name == "007"


def test_the_same_items_again_change_nothing(store: Store) -> None:
    version = store.catalogue_version
    assert store.items.put([ALIEN, MATRIX]) == (0, 0)
    assert store.catalogue_version == version


def test_merging_adds_and_replacing_replaces(store: Store) -> None:
    assert store.items.put([Item("1", description="New words", attributes={"mood": "tense"})]) == (0, 1)
    merged = store.items.get("1")
    assert merged is not None
    assert (merged.title, merged.description, merged.created_at) == ("Alien", "New words", 5.0)
    assert merged.attributes == {**ALIEN.attributes, "mood": "tense"}
    store.items.put([Item("1", "Only this")], merge=False)
    assert store.items.get("1") == Item("1", "Only this")
    assert store.attributes.meanings(["tense", "horror"]) == {}


def test_later_records_of_one_call_build_on_earlier_ones(store: Store) -> None:
    assert store.items.put([Item("9", "First"), Item("9", description="Second")]) == (1, 0)
    assert store.items.get("9") == Item("9", "First", "Second")


def test_a_failing_call_keeps_nothing(store: Store) -> None:
    def items() -> Iterator[Item]:
        yield Item("new", "New")
        raise RuntimeError("the source broke")

    version = store.catalogue_version
    with pytest.raises(RuntimeError):
        store.items.put(items())
    assert store.items.get("new") is None
    assert store.catalogue_version == version
    assert store.problems() == []


def test_the_catalogue_describes_itself(store: Store) -> None:
    store.interactions.add(
        [
            Interaction("u", "1", "rating", 4.0, 100.0),
            Interaction("u", "2", "rating", 5.0, 300.0),
            Interaction("v", "1", "like"),
        ]
    )
    catalogue = store.catalogue()
    assert (catalogue.items, catalogue.available, catalogue.users, catalogue.interactions) == (3, 3, 2, 3)
    genres, year, imdb = (catalogue.attribute(name) for name in ("genres", "year", "imdb_id"))
    assert genres is not None
    assert (genres.kind, genres.items, genres.distinct_values) == ("list", 2, 3)
    assert genres.common == (("Sci-Fi", 2), ("Action", 1), ("Horror", 1))
    assert year is not None
    assert (year.kind, year.minimum, year.maximum) == ("number", 1979.0, 1999.0)
    assert imdb is not None
    assert (imdb.kind, imdb.hidden) == ("text", True)
    assert [(kind.name, kind.interactions, kind.mean) for kind in catalogue.kinds] == [
        ("rating", 2, 4.5),
        ("like", 1, None),
    ]
    assert (catalogue.earliest, catalogue.latest) == (100.0, 300.0)
    assert store.catalogue() is catalogue


def _facts(catalogue: Catalogue) -> object:
    kinds = [(k.name, k.interactions, None if k.mean is None else round(k.mean, 6)) for k in catalogue.kinds]
    return catalogue.items, catalogue.users, catalogue.attributes, kinds, catalogue.earliest, catalogue.latest


def test_what_is_kept_up_to_date_equals_what_is_computed_anew(tmp_path: Path) -> None:
    rng = Random(3)
    with Store(tmp_path / "store.db") as store:
        for _ in range(40):
            ids = [str(rng.randrange(12)) for _ in range(3)]
            store.items.put(
                [
                    Item(
                        i, rng.choice(["", "A", "B"]), attributes={"n": rng.randrange(3), "l": (rng.choice("abc"), "z")}
                    )
                    if rng.random() < 0.7
                    else Item(i, attributes={"t": rng.choice("xyz")})
                    for i in ids
                ],
                merge=rng.random() < 0.5,
            )
            kinds = ["rating", "like", "dislike", "view"]
            store.interactions.add(
                Interaction(rng.choice("uvw"), i, rng.choice(kinds), rng.randrange(1, 6), float(rng.randrange(5)))
                for i in ids
            )
            if rng.random() < 0.2:
                store.items.remove([ids[0]])
            if rng.random() < 0.1:
                store.forget_user(rng.choice("uvw"))
        kept, statistics = _facts(store.catalogue()), store.counts.of_items()
        words = store.full_text.search("a z x")
        store.refresh_catalogue()
        anew = store.counts.of_items()
        assert _facts(store.catalogue()) == kept
        assert [column.tolist() for column in (anew.interactions, anew.positives, anew.value_count)] == [
            column.tolist() for column in (statistics.interactions, statistics.positives, statistics.value_count)
        ]
        np.testing.assert_allclose(anew.value_sum, statistics.value_sum)
        assert [number for number, _ in store.full_text.search("a z x")] == [number for number, _ in words]
        assert store.problems() == []


def test_words_find_items_best_first_and_are_never_syntax(store: Store) -> None:
    numbers = store.items.numbers_of(["1", "2"])
    found = store.full_text.search("the HACKERS in space", n=5)
    assert {number for number, _ in found} == set(numbers.values())
    assert all(score > 0 for _, score in found)
    assert [n for n, _ in store.full_text.search("space hacker", numbers=np.array([numbers["2"]]))] == [numbers["2"]]
    assert store.full_text.search("space", numbers=np.empty(0, np.int64)) == []
    for hostile in ('"', "title:alien", "NEAR(", "a* OR -", "'; DROP TABLE items", "\ud800", "", "!!"):
        store.full_text.search(hostile)
    assert store.full_text.search("tt78") == []


def test_words_of_some_items_equal_the_words_of_all_filtered_afterwards(tmp_path: Path) -> None:
    with Store(tmp_path / "many.db") as store:
        store.items.put(Item(str(n), f"film {n % 7}") for n in range(6000))
        allowed = store.items.matching()[::1][5:]
        assert len(allowed) > 5000
        everything = [n for n, _ in store.full_text.search("film 3", n=None) if n in set(allowed.tolist())]
        assert [n for n, _ in store.full_text.search("film 3", n=100, numbers=allowed)] == everything[:100]


def test_titles_are_found_by_key_nearest_first(store: Store) -> None:
    store.items.put(
        [
            Item("3", "Alien: Resurrection"),
            Item("4", "Alien", attributes={"year": 2030}),
            Item("5", "The City of Lost Children", attributes={"other_titles": ("La Cité des enfants perdus",)}),
        ]
    )
    store.interactions.add([Interaction("u", "4", "like")])
    found = store.titles.by_key(["alien", "matrix", "alien resurrection", "la cite des enfants perdus", "none"])
    assert found == {
        "alien": ["4", "1"],
        "matrix": ["2"],
        "alien resurrection": ["3"],
        "la cite des enfants perdus": ["5"],
    }
    assert "2" in [item_id for item_id, _ in store.titles.similar("the matirx")]
    assert store.titles.similar("enfans perdu")[0][0] == "5"
    assert store.titles.similar("x") == []
    assert store.titles.similar("") == []


def test_values_are_known_by_their_normalized_text(store: Store) -> None:
    assert store.attributes.meanings(["sci fi", "1999", "tt78", "nothing"]) == {"sci fi": [("genres", "Sci-Fi", 2)]}
    assert store.attributes.values("genres", 1) == [("Sci-Fi", 2)]


def test_unavailable_items_are_kept_but_do_not_match(store: Store) -> None:
    assert store.items.set_available(["1"], False) == 1
    assert store.items.set_available(["1"], False) == 0
    assert store.items.count() == 2
    assert len(store.items.matching(available_only=False)) == 3
    assert store.catalogue().available == 2
    store.items.put([Item("1", "Alien again")], keep_available=True)
    item = store.items.get("1")
    assert item is not None
    assert not item.available
    with pytest.raises(InputError, match="no item 'x', 'y'"):
        store.items.set_available(["1", "x", "y"], True)


def test_removing_items_removes_all_traces_of_them(store: Store) -> None:
    store.interactions.add([Interaction("u", "1", "like"), Interaction("u", "2", "like")])
    mark = store.users.watermark("u")
    assert store.items.remove(["1"]) == {"items": 1, "interactions": 1}
    assert store.items.get("1") is None
    assert store.users.watermark("u") > mark
    assert [i.item_id for i in store.interactions.of_user("u")] == ["2"]
    assert store.full_text.search("alien") == []
    assert store.titles.by_key(["alien"]) == {}
    assert store.items.count([parse_condition("genres=Horror")]) == 0
    number = store.items.numbers_of(["2"])["2"]
    store.items.remove(["2", "007"])
    store.items.put([Item("fresh")])
    assert store.items.numbers_of(["fresh"])["fresh"] > number, "numbers are never used twice"
    with pytest.raises(InputError, match="no item 'gone'"):
        store.items.remove(["gone"])


# -- users and interactions --------------------------------------------------------------------------------------------


def test_interactions_have_an_identity(store: Store) -> None:
    first = Interaction("u", "1", "rating", 3.0, 100.0)
    assert store.interactions.add([first]) == 1
    assert store.interactions.add([first]) == 0
    again = Interaction("u", "1", "rating", 5.0, 100.0)
    later = Interaction("u", "1", "rating", 4.0, 200.0)
    untimed = [Interaction("u", "2", "purchase", None, None, position) for position in (0, 1)]
    assert store.interactions.add([again, later, *untimed]) == 4
    assert store.interactions.of_user("u") == [later, again, *reversed(untimed)], (
        "what has no time counts as the oldest"
    )
    assert store.catalogue().interactions == 4


def test_interactions_are_filtered_ordered_and_limited(store: Store) -> None:
    rows = [
        Interaction("u", "1", "view", None, 10.0),
        Interaction("u", "2", "like", None, 20.0, 1),
        Interaction("u", "007", "like", None, 20.0, 2),
        Interaction("u", "1", "skip", None, None),
    ]
    store.interactions.add(rows)
    assert store.interactions.of_user("u", newest_first=False) == [rows[3], *rows[:3]]
    assert store.interactions.of_user("u", kinds=["like"]) == [rows[2], rows[1]]
    assert store.interactions.of_user("u", since=20.0, limit=1) == [rows[2]]
    assert store.interactions.of_user("u", until=10.0) == [rows[0]]
    assert store.interactions.of_user("nobody") == []
    assert store.interactions.consumed_ids("u") == {"1", "2", "007"}
    assert store.interactions.consumed_ids("nobody") == frozenset()


def test_what_counts_as_consumed_is_a_setting(tmp_path: Path) -> None:
    settings = Settings(kinds={"view": KindMeaning(positive="weak", consumed=False)})
    with Store(tmp_path / "a.db", settings) as store:
        store.items.put([ALIEN, MATRIX])
        store.interactions.add(
            [Interaction("u", "1", "view"), Interaction("u", "2", "dislike"), Interaction("u", "2", "x")]
        )
        assert store.interactions.consumed_ids("u") == {"2"}
    with Store(tmp_path / "a.db", Settings(allow_repeats=True)) as store:
        assert store.interactions.consumed_ids("u") == frozenset()


def test_an_unknown_item_is_named_and_nothing_is_kept(store: Store) -> None:
    with pytest.raises(InputError, match=r"no item '99', so what user 'u'"):
        store.interactions.add([Interaction("u", "1", "like"), Interaction("u", "99", "like")])
    assert store.users.get("u") is None


def test_the_order_column_carries_rows_without_time(store: Store) -> None:
    rows = [
        Interaction("u", "1", "purchase", None, 50.0, 0),
        Interaction("u", "2", "purchase", None, 60.0, 1),
        Interaction("u", "007", "purchase", None, None, 2),
    ]
    store.interactions.add(reversed(rows))
    store.interactions.add([Interaction("a", "1", "like", None, 70.0)])
    assert store.interactions.of_user("u", newest_first=False) == rows
    arrays = store.interactions.arrays()
    assert arrays.positions.tolist() == [0, 1, 2, 0]
    assert arrays.user_numbers.tolist() == [1, 1, 1, 2]
    assert np.isnan(arrays.at).tolist() == [False, False, True, False]
    assert [arrays.kind_names[k] for k in arrays.kinds] == ["purchase"] * 3 + ["like"]
    assert np.isnan(arrays.values).all()


def test_statistics_follow_the_interactions(store: Store) -> None:
    store.interactions.add(
        [
            Interaction("u", "1", "rating", 5.0, 1.0),
            Interaction("u", "2", "rating", 2.0, 2.0),
            Interaction("v", "1", "dislike", None, 3.0),
        ]
    )
    numbers = store.items.numbers_of(["1", "2", "007"])
    table = store.counts.of_items([numbers["2"], numbers["1"], 999, numbers["007"]])
    assert table.interactions.tolist() == [1, 2, 0, 0]
    assert table.positives.tolist() == [0, 1, 0, 0]
    assert table.value_sum.tolist() == [2.0, 5.0, 0.0, 0.0]
    np.testing.assert_array_equal(table.means, [2.0, 5.0, np.nan, np.nan])
    period = store.counts.between(2.0, 3.0)
    assert dict(zip(period.item_numbers.tolist(), period.interactions.tolist(), strict=True)) == {1: 1, 2: 1}


@pytest.mark.parametrize("whole_up_to", [0, 10])
def test_statistics_that_were_read_before_are_moved_to_what_a_fresh_reader_sees(
    store: Store, monkeypatch: pytest.MonkeyPatch, whole_up_to: int
) -> None:
    monkeypatch.setattr(statistics, "WHOLE_UP_TO", whole_up_to)
    monkeypatch.setattr(statistics, "MOST_CHANGED", 1.0)
    rng = Random(5)
    store.interactions.add([Interaction("u", "1", "rating", 5.0, 1.0), Interaction("v", "2", "rating", 4.0, 1.0)])
    for step in range(2, 30):
        before = store.counts.of_items()
        counts = before.interactions.tolist()
        user, item = rng.choice("uvw"), rng.choice(["1", "2", "007"])
        match rng.randrange(5):
            case 0:
                store.forget_user(user)
            case 1:
                store.preferences.put(Preference(user, "about space", "genre = Space", "request", float(step)))
            case _:
                # Half of them change a value that is there, and with it the user's mean and what else is positive.
                store.interactions.add([Interaction(user, item, "rating", rng.randint(1, 5), rng.choice([1.0, step]))])
        with Store(store.path, store.settings) as fresh:
            for moved, read in zip(astuple(store.counts.of_items()), astuple(fresh.counts.of_items()), strict=True):
                assert moved.tolist() == read.tolist()
            some = [2, 999, 1]
            for moved, read in zip(
                astuple(store.counts.of_items(some)), astuple(fresh.counts.of_items(some)), strict=True
            ):
                assert moved.tolist() == read.tolist()
        assert before.interactions.tolist() == counts, "what was handed out does not change"


def test_users_have_attributes_and_watermarks(store: Store) -> None:
    assert store.users.put([User("u", {"age": 30}), User("v")]) == 2
    assert store.users.put([User("u", {"age": 30})]) == 0
    mark = store.users.watermark("u")
    assert store.users.put([User("u", {"likes": ("a", "b")})]) == 1
    assert store.users.get("u") == User("u", {"age": 30, "likes": ("a", "b")})
    assert store.users.watermark("u") > mark
    assert store.users.watermark("v") == mark
    assert store.users.watermark("nobody") == 0
    assert store.users.ids() == ["u", "v"]
    assert store.users.ids(1) == ["u"]


def test_preferences_are_kept_replaced_and_dropped(store: Store) -> None:
    said = Preference("u", "no horror", "genres!=Horror", "stated", 10.0)
    store.preferences.put(said)
    mark = store.users.watermark("u")
    again = Preference("u", "please no horror", "genres!=Horror", "stated", 20.0)
    store.preferences.put(again)
    assert store.preferences.of_user("u") == [again]
    assert store.users.watermark("u") > mark
    assert store.preferences.delete(said)
    assert not store.preferences.delete(said)
    assert store.preferences.of_user("u") == store.preferences.of_user("nobody") == []


def test_forgetting_a_user_erases_everything_about_them(store: Store, tmp_path: Path) -> None:
    store.interactions.add(
        [Interaction("secret-person", "1", "rating", 5.0, 1.0), Interaction("v", "1", "rating", 1.0, 9.0)]
    )
    store.preferences.put(Preference("secret-person", "no secret-words", "genres!=Horror"))
    assert store.forget_user("secret-person") == {
        "users": 1, "interactions": 1, "preferences": 1, "contributions": 0,
    }  # fmt: skip
    assert store.forget_user("secret-person") == {
        "users": 0, "interactions": 0, "preferences": 0, "contributions": 0,
    }  # fmt: skip
    assert store.users.get("secret-person") is None
    assert store.counts.of_items([1]).interactions.tolist() == [1]
    assert store.catalogue().earliest == 9.0
    for file in tmp_path.iterdir():
        assert b"secret-" not in file.read_bytes()


# -- the file ----------------------------------------------------------------------------------------------------------


def test_threads_share_a_store_and_ended_threads_leave_no_connection(store: Store) -> None:
    def work(n: int) -> int:
        store.interactions.add([Interaction(f"u{n}", "1", "like")])
        return len(store.interactions.of_user(f"u{n}"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [1] * 40
    for _ in range(20):
        thread = threading.Thread(target=store.catalogue)
        thread.start()
        thread.join()
    assert store.counts.of_items([1]).interactions.tolist() == [40]
    assert len(store.database._connections) <= 10


def test_two_stores_see_each_others_writes(store: Store) -> None:
    with Store(store.path) as other:
        assert other.items.get("1") == ALIEN
        store.items.put([Item("1", "Renamed")])
        found = other.items.get("1")
        assert found is not None
        assert found.title == "Renamed"


def test_a_foreign_newer_or_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name may say" * 50)
    with pytest.raises(WorkspaceError, match="Cannot open the database"):
        Store(broken)
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as conn:
        conn.execute("CREATE TABLE mine (x)")
    conn.close()
    with pytest.raises(WorkspaceError, match="not one of RecMind's"):
        Store(foreign)
    newer = tmp_path / "newer.db"
    Store(newer).close()
    with sqlite3.connect(newer) as conn:
        conn.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    conn.close()
    with pytest.raises(
        WorkspaceError, match=rf"schema 99, and this RecMind knows up to {len(MIGRATIONS)}. Install a newer recmind"
    ):
        Store(newer)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.close()
    with pytest.raises(WorkspaceError, match="is closed"):
        store.items.get("1")
