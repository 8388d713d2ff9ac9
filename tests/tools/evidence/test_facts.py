from pathlib import Path

from recmind.data.conditions import Condition
from recmind.data.records import Item
from recmind.tools.brief import Constraint
from recmind.tools.engines.attributes import attribute_weights
from recmind.tools.evidence.facts import NO_FOCUS, Focus, item_facts, meeting_values, with_facts
from recmind.tools.evidence.slate import Finding, Findings
from tests.tools.worlds import films, shop


def texts(store, item_id: str, focus: Focus = NO_FOCUS, most: int = 3) -> list[str]:
    item = store.items.get(item_id)
    return [fact.text for fact in item_facts(store).facts(item, focus, most)]


def test_hidden_attributes_and_prose_tell_nothing(tmp_path: Path) -> None:
    store = shop(tmp_path)
    assert [weight.name for weight in attribute_weights(store).ordered] == ["categories", "brand", "price"]
    assert texts(store, "p0") == ["category Pots", "brand Acme", "price 5"]
    assert item_facts(store).summary(store.items.get("p0")) == "Pots, Garden · Acme"


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


def test_weights_and_facts_follow_the_catalogue(tmp_path: Path) -> None:
    store = films(tmp_path)
    before, facts = attribute_weights(store), item_facts(store)
    assert attribute_weights(store) is before
    assert item_facts(store) is facts
    store.items.put([Item("new", "New", "", {"genres": ("Western",), "year": 2020})])
    assert attribute_weights(store) is not before
    assert item_facts(store) is not facts
    assert attribute_weights(store).share("genres", "Western") > 0
