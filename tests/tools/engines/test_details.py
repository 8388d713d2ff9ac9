import pytest

from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.engines.details import ItemDetails, details_text
from recmind.tools.evidence.findings import details_findings
from tests.worlds import rated


@pytest.fixture
def store(films10: Store) -> Store:
    for n in range(20):
        films10.interactions.add(rated(f"u{n}", ("alien", 5)))
    return films10


def test_details_say_what_the_catalogue_says(store: Store) -> None:
    assert [row.text for row in ItemDetails(store).describe(["matrix"])] == [
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
    rows = ItemDetails(store).describe(["alien"])
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
