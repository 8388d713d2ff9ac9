from pathlib import Path

from recmind.data.conditions import Condition
from recmind.data.records import Item
from recmind.tools.context import Constraint
from recmind.tools.findings import NO_FOCUS, Focus, describer, loosening, meeting_values, unmet, with_facts
from recmind.tools.slate import Finding, Findings
from tests.tools.worlds import films, shop


def texts(store, item_id: str, focus: Focus = NO_FOCUS, most: int = 3) -> list[str]:
    item = store.items.get(item_id)
    return [fact.text for fact in describer(store).facts(item, focus, most)]


def test_hidden_attributes_and_prose_tell_nothing(tmp_path: Path) -> None:
    store = shop(tmp_path)
    assert [telling.name for telling in describer(store).telling] == ["categories", "brand", "price"]
    assert texts(store, "p0") == ["category Pots", "brand Acme", "price 5"]
    assert describer(store).summary(store.items.get("p0")) == "Pots, Garden · Acme"


def test_what_meets_the_request_is_named_first(tmp_path: Path) -> None:
    store = films(tmp_path)
    funny = Constraint("funny", (Condition("genres", "=", "Comedy"), Condition("title", "~", "fun")))
    nineties = Constraint("90s", (Condition("year", ">=", 1990), Condition("year", "<=", 1999)))
    focus = Focus(constraints=(nineties,), wishes=(funny,))
    assert texts(store, "mib", focus)[:4] == [
        "your wish for “funny”",
        "your wish for “90s”",
        "genre Comedy",
        "year 1997",
    ]
    assert "your wish for “90s”" not in texts(store, "amelie", focus)
    assert "your wish for “funny”" not in texts(store, "heat", focus)


def test_negative_conditions_name_no_value(tmp_path: Path) -> None:
    item = films(tmp_path).items.get("alien")
    assert meeting_values(Condition("genres", "!=", "Comedy"), item) == []
    assert meeting_values(Condition("genres", "in", ("Horror", "Comedy")), item) == [("genres", "Horror")]
    assert meeting_values(Condition("year", "<", 1980), item) == [("year", 1979)]


def test_tastes_bring_their_values_forward(tmp_path: Path) -> None:
    store = films(tmp_path)
    assert texts(store, "alien", Focus(tastes={("year", "1970s"): 3.0}), most=1) != texts(store, "alien", most=1)
    assert texts(store, "amelie", Focus(tastes={("genres", "Romance"): 4.0}), most=1) == ["genre Romance"]


def test_facts_and_summaries_are_added_to_any_findings_once(tmp_path: Path) -> None:
    store = films(tmp_path)
    plain = Findings("search_items", (Finding("alien", "Alien"), Finding("gone", "Gone")))
    done = with_facts(store, plain)
    assert [fact.text for fact in done.rows[0].evidence][:2] == ["genre Horror", "year 1979"]
    assert done.rows[0].summary == "1979 · Horror, Sci-Fi"
    assert done.rows[1] == Finding("gone", "Gone")
    assert with_facts(store, done) == done


def test_the_describer_follows_the_catalogue(tmp_path: Path) -> None:
    store = films(tmp_path)
    before = describer(store)
    assert describer(store) is before
    store.items.put([Item("new", "New", "", {"genres": ("Western",), "year": 2020})])
    assert describer(store) is not before
    assert describer(store).share("genres", "Western") > 0


def test_loosening_names_the_conditions_to_drop(tmp_path: Path) -> None:
    store = films(tmp_path)
    comedy, old, long_ago = (
        Condition("genres", "=", "Comedy"),
        Condition("year", "<", 1970),
        Condition("year", "<", 1900),
    )
    assert loosening(store, (comedy, old)) == "without year<1970 there are 3; without genres=Comedy there are 1"
    assert loosening(store, (comedy, old), exclude={"psycho"}) == "without year<1970 there are 3"
    assert loosening(store, (comedy,)) == "without genres=Comedy there are 10"
    assert loosening(store, (old, long_ago)) == "without year<1900 there are 1"
    assert unmet(store, (old,), exclude={"psycho"}) == (
        "The only item that meets year<1970 is excluded. Without year<1970 there are 9."
    )
    assert unmet(store, ()) == "The catalogue has no available item."
