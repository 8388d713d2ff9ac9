import pytest

from recmind.data.conditions import Condition, parse_condition
from recmind.data.errors import ConditionError
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.engines.filter import ItemFilter
from recmind.tools.evidence.findings import filter_findings
from recmind.tools.evidence.loosening import loosening
from tests.worlds import rated


@pytest.fixture
def store(films10: Store) -> Store:
    for n in range(8):
        films10.interactions.add(rated(f"u{n}", ("matrix", 4), ("alien", 3 + n % 2)))
    films10.interactions.add(rated("x", ("heat", 5), ("amelie", 1)))
    return films10


def selected(store: Store, *conditions: str, **options) -> list[str]:
    rows, _ = ItemFilter(store).select([parse_condition(c) for c in conditions], **options)
    return [row.item_id for row in rows]


def test_conditions_in_any_spelling(store: Store) -> None:
    assert sorted(selected(store, "genre=comedy")) == ["amelie", "mib", "quest"]
    assert selected(store, "Genres=sci-fi", "year<1990", "title~alien") == ["alien", "aliens"]
    assert selected(store, "genre not in Sci-Fi,Comedy", "year>=1990", sort="year") == ["heat", "net"]


def test_the_total_is_told_beside_the_first_n(store: Store) -> None:
    rows, total = ItemFilter(store).select([Condition("genres", "=", "Sci-Fi")], n=2)
    assert ([row.item_id for row in rows], total) == (["matrix", "alien"], 6)
    assert (rows[0].count, rows[0].mean) == (8, 4.0)
    assert ItemFilter(store).select([], n=0) == ([], 10)


def test_items_are_sorted_by_what_people_did_or_by_an_attribute(store: Store) -> None:
    assert selected(store)[:2] == ["matrix", "alien"]
    # One five does not beat eight fours by much: the mean is drawn to that of all.
    assert selected(store, sort="value")[:2] == ["matrix", "heat"]
    assert selected(store, sort="value")[-1] == "amelie"
    assert selected(store, sort="recent", n=2) == ["reloaded", "amelie"]
    assert selected(store, sort="year", n=2) == ["psycho", "alien"]
    assert selected(store, sort="year desc", n=2) == ["reloaded", "amelie"]
    assert selected(store, sort="title", n=2) == ["alien", "aliens"]
    assert selected(store, sort="popularity asc", n=1) == ["reloaded"]


def test_items_without_the_sorted_attribute_come_last(store: Store) -> None:
    store.items.put([Item("bare", "Bare")])
    assert selected(store, sort="year", n=20)[-1] == "bare"
    assert selected(store, sort="year desc", n=20)[-1] == "bare"
    assert selected(store, sort="genres", n=20)[-1] == "bare"


def test_recent_means_when_an_item_came_where_that_is_known(store: Store) -> None:
    store.items.put([Item("old", "Old", created_at=10.0), Item("new", "New", created_at=20.0)])
    assert selected(store, sort="recent", n=2) == ["new", "old"]


def test_what_the_catalogue_does_not_have_is_an_error_that_helps(store: Store) -> None:
    with pytest.raises(ConditionError, match="no attribute 'colour'"):
        selected(store, "colour=red")
    with pytest.raises(ConditionError, match=r"Cannot sort by 'colour'. Sort by popularity, value, recent"):
        selected(store, sort="colour")


def test_findings_name_the_values_that_meet_the_conditions(store: Store) -> None:
    conditions = [parse_condition("genre=sci-fi"), parse_condition("year>=1999")]
    rows, total = ItemFilter(store).select(conditions)
    findings = filter_findings(store, rows, total, conditions=conditions)
    assert findings.note == "3 items in all."
    first = findings.rows[0]
    assert [fact.text for fact in first.evidence] == [
        "8 ratings averaging 4",
        "genre Sci-Fi",
        "year 1999",
        "genre Action",
    ]
    assert first.scores["popularity"] > 0
    assert findings.rows[1].evidence[0].text == "genre Sci-Fi"


def test_an_empty_result_says_what_to_loosen(store: Store) -> None:
    conditions = [parse_condition("genre=comedy"), parse_condition("year<1970")]
    rows, total = ItemFilter(store).select(conditions)
    assert filter_findings(store, rows, total, conditions=conditions).note == (
        "No item meets genres=Comedy and year<1970. Without year<1970 there are 3; without genres=Comedy there are 1."
    )
    assert (
        loosening(store, [Condition("genres", "=", "Comedy"), Condition("year", "<", 1970)], {"psycho"})
        == "without year<1970 there are 3"
    )
