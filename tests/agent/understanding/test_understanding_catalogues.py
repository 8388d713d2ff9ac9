"""The same rules on the demo catalogue and on MovieLens latest-small: what a person would expect of each request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recmind.agent.understanding import Understanding, understand
from recmind.data.importers import import_demo, import_movielens
from recmind.data.store.store import Store
from recmind.tools.engines.titles import TitleFinder

Readable = tuple[list[str], list[str], list[str], str]
"""Titles liked, conditions that bind, words of the wishes, the text left to search for."""


def readable(found: Understanding) -> Readable:
    return (
        [mention.title for mention in found.likes],
        [str(condition) for binding in found.bindings for condition in binding.conditions],
        [wish.words for wish in found.wishes],
        found.text,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("demo") / "demo.db") as store:
        import_demo(store)
        yield store


@pytest.fixture(scope="module")
def latest_small(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("small") / "small.db") as store:
        import_movielens(store, shared_data / "ml-latest-small")
        yield store


DEMO: list[tuple[str, Readable]] = [
    ("something like The Matrix, but funnier", (["The Matrix"], [], ["funny"], "")),
    ("something like Spirited Away but scarier", (["Spirited Away"], [], ["scary"], "")),
    ("We loved Paddington 2 and Coco. What next?", (["Paddington 2", "Coco"], [], [], "")),
    ("like Amelie, no horror, after 2000, under two hours",
     (["Amélie"], ["genres!=Horror", "year>2000", "minutes<120"], [], "")),
    ("best Kubrick film", ([], ["directors=Stanley Kubrick"], [], "")),
    ("anything with Tilda Swinton?", ([], ["cast=Tilda Swinton"], [], "")),
    ("Korean thrillers", ([], ["language=Korean", "genres=Thriller"], [], "")),
    ("non-English films", ([], ["language!=English"], [], "")),
    ("a film noir from the 40s", ([], ["genres=Film Noir", "year>=1940", "year<=1949"], [], "")),
    ("time travel movies but no romance", ([], ["genres!=Romance"], ["time travel"], "time travel")),
    ("horror movies that are not too scary", ([], ["genres=Horror"], ["not too scary"], "")),
    ("a movie where a robot falls in love", ([], [], ["robot"], "robot falls in love")),
]  # fmt: skip

LATEST_SMALL: list[tuple[str, Readable]] = [
    ("something like the matrix but funnier", (["The Matrix"], [], ["funny"], "")),
    ("like Toy Story 2 and Finding Nemo", (["Toy Story 2", "Finding Nemo"], [], [], "")),
    ("scifi from the 80s", ([], ["genres=Sci-Fi", "year>=1980", "year<=1989"], [], "")),
    ("children's movies", ([], ["genres=Children"], [], "")),
    ("good movies", ([], [], [], "")),
    ("with Tom Hanks", ([], [], ["with Tom Hanks"], "Tom Hanks")),
    ("under 90 minutes", ([], [], [], "")),
    ("The Godfahter", (["The Godfather"], [], [], "")),
    ("a comedy about a wedding", ([], ["genres=Comedy"], ["wedding"], "wedding")),
]


@pytest.mark.parametrize(("query", "expected"), DEMO, ids=[query for query, _ in DEMO])
def test_requests_over_the_demo(demo: Store, query: str, expected: Readable) -> None:
    assert readable(understand(query, demo, TitleFinder(demo), user_known=True)) == expected


@pytest.mark.parametrize(("query", "expected"), LATEST_SMALL, ids=[query for query, _ in LATEST_SMALL])
def test_requests_over_latest_small(latest_small: Store, query: str, expected: Readable) -> None:
    assert readable(understand(query, latest_small, TitleFinder(latest_small), user_known=True)) == expected
