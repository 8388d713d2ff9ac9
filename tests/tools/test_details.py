from pathlib import Path

import pytest

from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.details import ItemDetails, details_findings, details_text
from tests.tools.worlds import films, rated


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = films(tmp_path)
    store.items.put(
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
        store.interactions.add(rated(f"u{n}", ("lotr1", 5), ("alien", 5), ("psycho", 5), ("part1", 5)))
    store.interactions.add(rated("x", ("lotr", 3), ("lotr2", 4), ("aliens", 4)))
    return store


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
    first = ItemDetails(store).find(text)[0]
    assert (first.item_id, first.exact) == (item_id, exact)
    assert 0 < first.score <= 1


@pytest.mark.parametrize(
    "text", ["Zzyzx", "", "   ", "the", "1999", "a good film for tonight", "xx", "matrix 1950s style cars"]
)
def test_what_is_no_title_finds_nothing_exact(store: Store, text: str) -> None:
    assert [match for match in ItemDetails(store).find(text) if match.exact] == []


def test_nonsense_finds_nothing(store: Store) -> None:
    assert ItemDetails(store).find("Zzyzx") == []


def test_best_first_and_at_most_n(store: Store) -> None:
    details = ItemDetails(store)
    matches = details.find("lord of the rings")
    assert [match.item_id for match in matches] == ["lotr1", "lotr", "lotr2"]
    assert len(details.find("lord of the rings", n=2)) == 2
    assert details.find("lord of the rings", n=0) == []
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)


def test_a_large_catalogue_is_compared_by_shared_letters(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recmind.tools.details.KEYS_SCANNED", 0)
    details = ItemDetails(store)
    assert details.find("the matirx")[0].item_id == "matrix"
    assert details.find("godfather 2")[0].item_id == "part2"


def test_details_say_what_the_catalogue_says(store: Store) -> None:
    assert [row.text for row in ItemDetails(store).ask(["matrix", "unknown"])] == [
        "The Matrix\ngenres: Action, Sci-Fi\nyear: 1999\nA hacker learns that the world is a simulation."
    ]
    store.items.put([Item("long", "", "word " * 500, {"sku": "7", "tags": tuple(f"t{n}" for n in range(30))})])
    store.items.set_available(["long"], False)
    text = details_text(store, store.items.get("long"))
    assert text.startswith("long\ntags: t0, t1")
    assert "… (30)" in text
    assert "sku" not in text
    assert text.endswith("Not available.")
    assert len(text) < 600


def test_findings_are_references_unless_told_otherwise(store: Store) -> None:
    rows = ItemDetails(store).ask(["alien"])
    findings = details_findings(store, rows, unknown=["Zzyzx"])
    (row,) = findings.rows
    assert row.role == "reference"
    assert [fact.text for fact in row.evidence] == [
        "20 ratings averaging 5",
        "genre Horror",
        "year 1979",
        "genre Sci-Fi",
    ]
    assert findings.note.endswith("The catalogue has nothing called “Zzyzx”.")
    assert details_findings(store, rows, role="candidate").rows[0].role == "candidate"


def test_a_misspelt_title_is_found_among_many(tmp_path: Path) -> None:
    store = Store(tmp_path / "many.db")
    store.items.put(Item(f"m{n}", f"The {chr(97 + n % 26)}{n * 7919 % 10007} story of number {n}") for n in range(5000))
    store.items.put([Item("matrix", "The Matrix")])
    details = ItemDetails(store)
    assert details.find("the matirx")[0].item_id == "matrix"
