"""What the store remembers is never older than what it would read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recmind.data import remembering
from recmind.data.records import Interaction, Item, User
from recmind.data.store.store import Store

FILMS = [Item(str(n), f"Film {n}", "", {"genres": ("Drama",)}) for n in range(4)]


@pytest.fixture
def store(store: Store) -> Store:
    store.items.put(FILMS)
    return store


def test_steady_work_reads_the_versions_once(store: Store, tmp_path: Path) -> None:
    before = store.clock, store.catalogue_version
    with Store(tmp_path / "store.db") as other:
        with store.steady():
            other.items.put([Item("new")])
            with store.steady():
                assert (store.clock, store.catalogue_version) == before
            assert (store.clock, store.catalogue_version) == before
        assert store.clock > before[0]
        assert store.catalogue_version == other.catalogue_version > before[1]


def test_what_several_threads_ask_for_at_once_is_made_by_one(store: Store) -> None:
    made, began, all_here = [], threading.Event(), threading.Barrier(4)

    def make() -> int:
        began.set()
        all_here.wait(30)
        made.append(threading.get_ident())
        return len(made)

    def ask() -> int:
        all_here.wait(30)
        return store.database.remember("key", 1, make)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(store.database.remember, "key", 1, make)
        began.wait()
        others = [pool.submit(ask) for _ in range(3)]
        assert [first.result(), *(other.result() for other in others)] == [1, 1, 1, 1]
    assert store.database.remember("key", 2, lambda: len(made) + 1) == 2
    assert not store.database._making


def test_what_fails_is_made_again(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.database.remember("key", 1, lambda: 1 // 0)
    assert store.database.remember("key", 1, lambda: 7) == 7


def test_users_are_counted_as_they_come_and_go(store: Store) -> None:
    for users in range(4):
        assert store.catalogue().users == users
        store.interactions.add([Interaction(f"u{users}", "1", "like")])
    store.forget_user("u3")
    assert store.catalogue().users == 3
    store.users.put([User("u4"), User("u5")])
    assert store.catalogue().users == 5


def test_steady_work_that_writes_sees_what_it_wrote(store: Store) -> None:
    with store.steady():
        before = store.clock
        store.users.put([User("ada")])
        assert store.clock > before
        assert store.users.number_of("ada") is not None


def test_an_exception_ends_steady_work(store: Store) -> None:
    with pytest.raises(KeyError), store.steady():
        raise KeyError
    before = store.clock
    store.users.put([User("ada")])
    assert store.clock > before


def test_meanings_and_spellings_follow_the_catalogue(store: Store) -> None:
    def known() -> tuple[object, object]:
        return store.attributes.meanings(["drama", "western"]), store.catalogue().spelling("genres", "WESTERN")

    assert known() == ({"drama": [("genres", "Drama", 4)]}, None)
    store.attributes.meanings(["drama"])["drama"].clear()
    assert known() == ({"drama": [("genres", "Drama", 4)]}, None)
    store.items.put([replace(FILMS[0], attributes={"genres": ("Western",)})])
    assert known() == ({"drama": [("genres", "Drama", 3)], "western": [("genres", "Western", 1)]}, "Western")


def test_users_are_known_as_soon_as_they_are(store: Store) -> None:
    assert (store.users.number_of("ada"), store.users.watermark("ada")) == (None, 0)
    store.users.put([User("ada")])
    number, watermark = store.users.number_of("ada"), store.users.watermark("ada")
    assert number is not None
    store.interactions.add([Interaction("ada", "1", "like", at=5.0)])
    assert store.users.number_of("ada") == number
    assert store.users.watermark("ada") > watermark
    store.forget_user("ada")
    assert (store.users.number_of("ada"), store.users.watermark("ada")) == (None, 0)


def test_a_period_is_counted_anew_after_a_write(store: Store) -> None:
    store.interactions.add([Interaction("ada", "1", "rating", 4.0, at=5.0)])
    first = store.counts.between(1.0, 9.0)
    assert store.counts.between(1.0, 9.0) is first
    with pytest.raises(ValueError, match="read-only"):
        first.interactions[0] = 7
    store.interactions.add([Interaction("bea", "1", "rating", 2.0, at=6.0)])
    assert np.array_equal(store.counts.between(1.0, 9.0).interactions, [2])


def test_more_than_is_remembered_is_read_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering.keep, "__defaults__", (2,))
    assert list(store.items.get_many(["0", "1"])) == ["0", "1"]
    assert list(store.items.get_many(["3", "0", "2", "gone"])) == ["3", "0", "2"]
    assert list(store.items.numbers_of(["1", "0", "2", "3"])) == ["1", "0", "2", "3"]


def test_a_search_sees_what_was_added_since_it_was_made(store: Store) -> None:
    assert not store.full_text.finds("heist")
    assert len(store.full_text.search("film")) == len(FILMS)
    store.full_text.search("film").clear()
    store.items.put([Item("new", "A film of a heist")])
    assert store.full_text.finds("heist")
    assert len(store.full_text.search("film")) == len(FILMS) + 1
    assert len(store.full_text.search("film", n=2)) == 2
