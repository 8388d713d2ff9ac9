from pathlib import Path

import pytest

from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.engines.titles import TitleFinder
from tests.worlds import rated


@pytest.fixture
def store(films10: Store) -> Store:
    films10.items.put(
        [
            Item("lotr", "The Lord of the Rings", "", {"year": 1978}),
            Item("lotr1", "Lord of the Rings: The Fellowship of the Ring, The", "", {"year": 2001}),
            Item("lotr2", "Lord of the Rings: The Two Towers, The", "", {"year": 2002}),
            Item("part1", "The Godfather", "", {"year": 1972}),
            Item("part2", "The Godfather: Part II", "", {"year": 1974}),
            Item("psycho2", "Psycho", "", {"year": 1998}),
            Item("spirited", "Spirited Away", "", {"year": 2001, "other_titles": ("Sen to Chihiro no kamikakushi",)}),
            Item("blade", "Blade Runner", "", {"year": 1982}),
            Item("blade2", "Blade Runner 2049", "", {"year": 2017}),
            Item("tiger", "Crouching Tiger, Hidden Dragon", "", {"year": 2000}),
        ]
    )
    for n in range(20):
        films10.interactions.add(rated(f"u{n}", ("lotr1", 5), ("alien", 5), ("psycho", 5), ("part1", 5)))
    films10.interactions.add(rated("x", ("lotr", 3), ("lotr2", 4), ("aliens", 4)))
    return films10


@pytest.mark.parametrize(
    ("text", "item_id", "exact"),
    [
        ("The Matrix", "matrix", True),
        ("matrix", "matrix", True),
        ("Matrix, The", "matrix", True),
        ("MATRIX 1999", "matrix", True),
        ("matrix (1999)", "matrix", True),
        ("the matrix 1998", "matrix", True),
        ("the matirx", "matrix", False),
        ("the matirx 1999", "matrix", False),
        ("alien", "alien", True),
        ("aliens", "aliens", True),
        ("alein", "alien", False),
        ("lord of the rings", "lotr1", True),
        ("the two towers", "lotr2", False),
        ("fellowship of the ring", "lotr1", False),
        ("amelie", "amelie", True),
        ("the net", "net", True),
        ("godfather 2", "part2", False),
        ("the godfather part 2", "part2", True),
        ("psycho", "psycho", True),
        ("psycho 1998", "psycho2", True),
        ("sen to chihiro no kamikakushi", "spirited", True),
        ("blade runner 2049", "blade2", True),
        ("crouching tigre", "tiger", False),
    ],
)
def test_a_title_as_people_write_it(store: Store, text: str, item_id: str, exact: bool) -> None:
    first = TitleFinder(store).find(text)[0]
    assert (first.item_id, first.exact) == (item_id, exact)
    assert 0 < first.score <= 1


@pytest.mark.parametrize(
    "text", ["Zzyzx", "", "   ", "the", "1999", "a good film for tonight", "xx", "matrix 1950s style cars"]
)
def test_what_is_no_title_finds_nothing_exact(store: Store, text: str) -> None:
    assert [match for match in TitleFinder(store).find(text) if match.exact] == []


def test_the_best_match_comes_first(store: Store) -> None:
    finder = TitleFinder(store)
    matches = finder.find("lord of the rings")
    assert [match.item_id for match in matches] == ["lotr1", "lotr", "lotr2"]
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)


def test_a_large_catalogue_is_compared_by_shared_letters(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recmind.tools.engines.titles.KEYS_SCANNED", 0)
    finder = TitleFinder(store)
    assert finder.find("the matirx")[0].item_id == "matrix"
    assert finder.find("godfather 2")[0].item_id == "part2"


def test_a_misspelt_title_is_found_among_many(tmp_path: Path) -> None:
    store = Store(tmp_path / "many.db")
    store.items.put(Item(f"m{n}", f"The {chr(97 + n % 26)}{n * 7919 % 10007} story of number {n}") for n in range(5000))
    store.items.put([Item("matrix", "The Matrix")])
    finder = TitleFinder(store)
    assert finder.find("the matirx")[0].item_id == "matrix"
