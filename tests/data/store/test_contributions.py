"""What users gave to items is theirs: it is kept by user, and goes with them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recmind.data.contributions import combined
from recmind.data.evaluation.splits import leave_one_out
from recmind.data.importers import import_movielens, import_table
from recmind.data.records import Item
from recmind.data.store.schema import MIGRATIONS
from recmind.data.store.store import Store

MOVIES = "movieId,title,genres\n1,Alien (1979),Horror\n2,Big (1988),Comedy\n3,Clue (1985),Mystery\n"
RATINGS = "userId,movieId,rating,timestamp\n1,1,4.0,10\n2,1,0.5,11\n1,2,5.0,12\n2,3,2.0,13\n"
TAGS = "userId,movieId,tag,timestamp\n1,1,Space,5\n2,1,space,6\n3,1,space,6\n2,1,crew,7\n1,1,crew,7\n1,2,zanzibar,8\n"


@pytest.fixture
def store(store: Store, tmp_path: Path) -> Store:
    import_movielens(store, folder(tmp_path))
    return store


def folder(tmp_path: Path, tags: str | None = TAGS) -> Path:
    made = tmp_path / "ml"
    made.mkdir(exist_ok=True)
    (made / "movies.csv").write_text(MOVIES)
    (made / "ratings.csv").write_text(RATINGS)
    (made / "tags.csv").unlink(missing_ok=True)
    if tags is not None:
        (made / "tags.csv").write_text(tags)
    return made


def tags_of(store: Store) -> dict[str, object]:
    return {item.item_id: item.attributes.get("tags") for _, item in store.items.all()}


def given(store: Store, item_id: str) -> list[tuple[str, str]]:
    number = store.items.numbers_of([item_id])[item_id]
    rows = store.contributions.of_item(number, "tags")
    ids = store.users.ids_of(user for user, _ in rows)
    return [(ids[user], value) for user, value in rows]


def test_values_most_users_gave_come_first() -> None:
    assert combined([]) == ()
    assert combined([(1, "a"), (2, "B"), (3, "b"), (4, "b"), (5, "A")]) == ("b", "a")
    assert combined([(1, "x"), (1, "x"), (1, "X"), (2, "y"), (3, "y")]) == ("y", "x"), "a user counts once"
    assert combined([(1, "second"), (2, "first"), (3, "first"), (4, "third")]) == ("first", "second", "third")


def test_an_import_keeps_who_gave_which_tag(store: Store, tmp_path: Path) -> None:
    assert tags_of(store) == {"1": ("space", "crew"), "2": ("zanzibar",), "3": None}
    assert given(store, "1") == [("1", "Space"), ("2", "space"), ("3", "space"), ("2", "crew"), ("1", "crew")]
    assert store.users.ids() == ["1", "2", "3"]
    clock = store.clock
    import_movielens(store, folder(tmp_path))
    assert len(given(store, "1")) == 5
    assert store.clock == clock


def test_a_forgotten_users_own_values_go(store: Store) -> None:
    erased = store.forget_user("1")
    assert erased == {"users": 1, "interactions": 2, "preferences": 0, "contributions": 3}
    assert tags_of(store) == {"1": ("space", "crew"), "2": None, "3": None}
    assert given(store, "1") == [("2", "space"), ("3", "space"), ("2", "crew")]
    assert store.attributes.values("tags") == [("crew", 1), ("space", 1)]
    assert store.full_text.search("zanzibar") == []
    assert store.problems() == []
    store.close()
    assert not [path for path in store.path.parent.glob("store.db*") if b"zanzibar" in path.read_bytes()]


def test_the_spelling_and_order_are_those_of_who_is_left(store: Store) -> None:
    store.forget_user("2")
    store.forget_user("3")
    assert tags_of(store)["1"] == ("Space", "crew")
    store.contributions.withdraw("value = ?", ["Space"])
    assert tags_of(store)["1"] == ("crew",)
    assert store.contributions.withdraw("value = ?", ["Space"]) == 0


def test_another_source_of_the_attribute_ends_the_contributions(store: Store, tmp_path: Path) -> None:
    store.items.put([Item("1", "", attributes={"tags": ("ours",)})])
    assert given(store, "1") == []
    assert given(store, "2") == [("1", "zanzibar")]
    store.forget_user("1")
    assert tags_of(store) == {"1": ("ours",), "2": None, "3": None}
    table = tmp_path / "more.csv"
    table.write_text("item_id,director\n1,Scott\n")
    import_table(store, items=table)
    assert tags_of(store)["1"] == ("ours",)


def test_merging_keeps_and_replacing_ends_what_the_files_do_not_name(store: Store, tmp_path: Path) -> None:
    few = "userId,movieId,tag,timestamp\n2,1,crew,7\n"
    import_movielens(store, folder(tmp_path, few))
    assert (given(store, "1"), given(store, "2")) == ([("2", "crew")], [("1", "zanzibar")])
    import_movielens(store, folder(tmp_path, None), replace=True)
    assert tags_of(store) == {"1": None, "2": None, "3": None}
    assert (given(store, "1"), given(store, "2")) == ([], [])


def test_removing_an_item_removes_what_was_given_to_it(store: Store) -> None:
    store.items.remove(["1"])
    with closing(sqlite3.connect(store.path)) as conn:
        assert conn.execute("SELECT count(*) FROM contributions").fetchone() == (1,)


def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with Store(path) as store:
        store.items.put([Item("a", "A", attributes={"tags": ("x",)})])
    with closing(sqlite3.connect(path)) as conn:
        for later in ("contributions", "spending"):
            conn.execute(f"DROP TABLE {later}")
        conn.execute("DROP INDEX users_watermark")
        conn.execute("ALTER TABLE preferences DROP COLUMN binds")
        conn.execute("UPDATE meta SET value = 1 WHERE key = 'schema'")
        conn.commit()
    with Store(path) as store:
        assert store.contributions.of_item(1, "tags") == []
        assert store.items.get("a") == Item("a", "A", attributes={"tags": ("x",)})
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == (len(MIGRATIONS),)


def test_seven_users_of_latest_small_have_tagged_their_own_target(shared_data: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "latest.db") as store:
        import_movielens(store, shared_data / "ml-latest-small")
        arrays = store.interactions.arrays()
        split = leave_one_out(arrays, arrays.at > 0)
        assert len(split.cases) == 610
        tagged = [
            case
            for case in split.cases
            if case.user_number in {u for u, _ in store.contributions.of_item(case.targets[0], "tags")}
        ]
        assert len(tagged) == 7
