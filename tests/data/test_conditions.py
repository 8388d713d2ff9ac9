"""Conditions: reading, resolving, and that SQL and Python agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recmind.data.conditions import Condition, matches, parse_condition, resolve_condition
from recmind.data.errors import ConditionError
from recmind.data.records import Item
from recmind.data.store.store import Store

ITEMS = [
    Item("1", "Alien", "A crew in deep space", {"year": 1979, "genres": ("Horror", "Science Fiction")}, 10.5),
    Item("2", "Amélie", "", {"year": 2001, "genres": ("Comedy",), "released": "2001-04-25"}),
    Item("007", "", "no title", {"genres": ("Action, Adventure",), "country": "New Zealand", "released": "unknown"}),
    Item("b", "1984", "Big 🧿 is watching", {"year": 1984, "price": 7.5, "country": "UK", "released": "1984-10-10"}),
    Item("nothing"),
    Item("Straße", "Straße", "", {"country": "uk", "year": "n.d."}, 2.0),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("conditions") / "store.db") as store:
        store.items.put(ITEMS)
        yield store


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year>=1990", Condition("year", ">=", 1990.0)),
        (" year <  1990.5 ", Condition("year", "<", 1990.5)),
        ("year == 1999", Condition("year", "=", 1999.0)),
        ("item_id=007", Condition("item_id", "=", "007")),
        ("genres in Comedy, Drama", Condition("genres", "in", ("Comedy", "Drama"))),
        ('genres NOT  in "Action, Adventure",x', Condition("genres", "not in", ("Action, Adventure", "x"))),
        ("title~alien vs. a=b", Condition("title", "~", "alien vs. a=b")),
        ("in stock!=no", Condition("in stock", "!=", "no")),
        ('"a<b"=1', Condition("a<b", "=", 1.0)),
        ('title=" x "', Condition("title", "=", " x ")),
        ("released<=2019-05-01", Condition("released", "<=", "2019-05-01")),
    ],
)
def test_parse_and_write_a_condition(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition
    assert parse_condition(str(condition)) == condition


@pytest.mark.parametrize("text", ["", "year", "year>", "=3", "genres in", "genres in ,", 'genres in "a', "  !=x"])
def test_what_cannot_be_read_shows_the_syntax(text: str) -> None:
    with pytest.raises(ConditionError, match=r"Cannot read .*year>=1990"):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("genres=horror", ["1"]),
        ("genres!=horror", ["2", "007", "b", "nothing", "Straße"]),
        ("genres in comedy,HORROR", ["1", "2"]),
        ("genres not in Comedy,Horror", ["007", "b", "nothing", "Straße"]),
        ("year>=1984", ["2", "b"]),
        ("year<2000", ["1", "b"]),
        ("year=n.d.", ["Straße"]),
        ("year~98", ["b"]),
        ("title=1984", ["b"]),
        ("title~AMÉ", ["2"]),
        ("title!=alien", ["2", "007", "b", "nothing", "Straße"]),
        ("title=STRASSE", ["Straße"]),
        ("description~🧿", ["b"]),
        ("item_id=007", ["007"]),
        ("item_id in 1,2,STRASSE", ["1", "2", "Straße"]),
        ("released>=2000", ["2"]),
        ("country=Uk", ["b", "Straße"]),
        ("created_at>=10", ["1"]),
        ("created_at!=2", ["1", "2", "007", "b", "nothing"]),
        ("nowhere=1", []),
        ("nowhere!=1", ["1", "2", "007", "b", "nothing", "Straße"]),
    ],
)
def test_meaning_of_each_operator(store: Store, text: str, ids: list[str]) -> None:
    condition = parse_condition(text)
    assert [item.item_id for item in ITEMS if matches(condition, item)] == ids
    assert list(store.items.ids_of(store.items.matching([condition])).values()) == ids


def _values() -> st.SearchStrategy[Any]:
    known: list[str] = [
        "Horror",
        "horror",
        "UK",
        "1979",
        "1984",
        "2001",
        "007",
        "alien",
        "",
        "e",
        "unknown",
        "2",
        "a,b",
    ]
    return st.one_of(st.sampled_from(known), st.floats(-10, 3000).map(lambda n: round(n, 1)), st.text(max_size=4))


def _conditions() -> st.SearchStrategy[Condition]:
    names = st.sampled_from(
        ["year", "genres", "country", "released", "price", "title", "description", "item_id", "created_at", "x"]
    )
    single = st.builds(Condition, names, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "~"]), _values())
    several = st.builds(
        Condition, names, st.sampled_from(["in", "not in"]), st.lists(_values(), min_size=1, max_size=3).map(tuple)
    )
    return single | several


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions=st.lists(_conditions(), max_size=3))
def test_sql_and_python_agree_on_every_item(store: Store, conditions: list[Condition]) -> None:
    slow = [item.item_id for item in ITEMS if all(matches(condition, item) for condition in conditions)]
    assert list(store.items.ids_of(store.items.matching(conditions)).values()) == slow


@settings(max_examples=200, deadline=None)
@given(condition=_conditions())
def test_a_written_condition_means_the_same(condition: Condition) -> None:
    again = parse_condition(str(condition))
    assert [matches(again, item) for item in ITEMS] == [matches(condition, item) for item in ITEMS]


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("Genre=science-fiction", "genres=Science Fiction"),
        ("countries=new zealand", "country=New Zealand"),
        ("YEAR>=1990", "year>=1990"),
        ("price<8", "price<8"),
        ("Title~x", "title~x"),
        ("genre in horror,COMEDY", "genres in Horror,Comedy"),
        ("genres~sci", "genres~sci"),
    ],
)
def test_resolve_brings_names_and_values_to_the_catalogues_spelling(store: Store, text: str, resolved: str) -> None:
    assert str(resolve_condition(parse_condition(text), store.catalogue())) == resolved


def test_resolve_says_what_there_is(store: Store) -> None:
    with pytest.raises(ConditionError, match=r"no attribute 'director'. This catalogue has: .*genres.*title"):
        resolve_condition(parse_condition("director=x"), store.catalogue())
    with pytest.raises(ConditionError, match=r"No item has genres 'Horor'\. Near it: 'Horror'"):
        resolve_condition(parse_condition("genres!=Horor"), store.catalogue())
    with pytest.raises(ConditionError, match="'price' is a number, and 'cheap' is not one"):
        resolve_condition(parse_condition("price<cheap"), store.catalogue())
