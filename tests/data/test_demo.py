"""The demo catalogue: true to its promises, and the same everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from recmind.data.demo.users import make_users
from recmind.data.importers import import_demo
from recmind.data.records import Interaction, Item, User
from recmind.data.store.store import Store

CHECKSUM = "7ec940f0abc409e6ae977ddc0fa51a78c421c17aedc01dc742faf88243474c83"
"""SHA-256 of what ``make_users`` gives for the films that come with it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("demo") / "store.db") as store:
        import_demo(store)
        yield store


@pytest.fixture(scope="module")
def demo_films(store: Store) -> list[Item]:
    return [film for _, film in store.items.all()]


def test_every_film_is_complete(demo_films: list[Item]) -> None:
    assert len(demo_films) >= 300
    lists = {"genres", "directors", "cast", "country", "language", "themes", "moods"}
    for film in demo_films:
        assert film.title, film
        assert set(film.attributes) == lists | {"year", "minutes"}, film
        assert all(isinstance(film.attributes[name], tuple) for name in lists), film
        assert 40 < len(film.description) < 400, film
        for name in ("themes", "moods"):
            values = film.attributes[name]
            assert isinstance(values, tuple)
            assert len(values) in (2, 3), film
        year, minutes = film.attributes["year"], film.attributes["minutes"]
        assert isinstance(year, int)
        assert isinstance(minutes, int)
        assert 1900 <= year <= 2026
        assert 25 <= minutes <= 300, film
        assert film.item_id.endswith(f"-{year}"), film


def test_films_span_decades_countries_and_genres(demo_films: list[Item], store: Store) -> None:
    decades = Counter(int(str(film.attributes["year"])) // 10 for film in demo_films)
    assert len(decades) >= 10
    catalogue = store.catalogue()
    distinct = {attribute.name: attribute.distinct_values for attribute in catalogue.attributes}
    assert distinct["country"] >= 20
    assert distinct["genres"] >= 15
    assert len({(film.title, film.attributes["year"]) for film in demo_films}) == len(demo_films)


def test_values_have_one_spelling(store: Store) -> None:
    rows = store.database.rows(
        "SELECT attribute, key, count(*) FROM attribute_values GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert rows == []


def test_users_are_synthetic_say_so_and_rate_within_bounds(store: Store) -> None:
    users = store.users.ids()
    assert len(users) >= 120
    for user_id in users:
        user = store.users.get(user_id)
        assert user is not None
        assert user.attributes["synthetic"] == "yes"
        interactions = store.interactions.of_user(user_id, newest_first=False)
        assert 20 <= len(interactions) <= 60
        assert len({i.item_id for i in interactions}) == len(interactions)
        assert all(i.kind == "rating" and i.value is not None and 0.5 <= i.value <= 5 for i in interactions)
        assert all(i.at is not None and i.at > 1_600_000_000 for i in interactions)
        assert [i.position for i in interactions] == list(range(len(interactions)))


def checksum(users: Sequence[User], interactions: Sequence[Interaction]) -> str:
    digest = hashlib.sha256()
    for user in users:
        digest.update(f"{user.user_id}\t{'|'.join(map(str, user.attributes.values()))}\n".encode())
    for i in interactions:
        digest.update(f"{i.user_id}\t{i.item_id}\t{i.kind}\t{i.value}\t{i.at}\t{i.position}\n".encode())
    return digest.hexdigest()


def test_users_are_the_same_everywhere(demo_films: list[Item]) -> None:
    assert checksum(*make_users(demo_films)) == CHECKSUM


def test_tastes_show_in_the_ratings(store: Store) -> None:
    """Who likes horror rates it above what others give it."""
    horror = {item_id for item_id in store.items.ids_of(store.items.matching()).values() if _is_horror(store, item_id)}
    means = {}
    for fan in (True, False):
        values = [
            i.value
            for user_id in store.users.ids()
            if ("nights of horror" in store.users.get(user_id).attributes["tastes"]) == fan  # type: ignore[operator,union-attr]
            for i in store.interactions.of_user(user_id)
            if i.item_id in horror
        ]
        means[fan] = np.mean(np.array(values, dtype=float))
    assert means[True] > means[False] + 0.2


def _is_horror(store: Store, item_id: str) -> bool:
    item = store.items.get(item_id)
    genres = item.attributes["genres"] if item else ()
    return isinstance(genres, tuple) and "Horror" in genres


def test_the_demo_can_be_imported_again_and_beside_other_items(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        store.items.put([Item("mine", "My own film")])
        first = import_demo(store)
        again = import_demo(store)
        assert (first.users, first.interactions) == (again.users, again.interactions)
        assert (again.added, again.updated) == (0, 0)
        assert store.interactions.of_user("ada") != []
