from recmind.data.conditions import Condition
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.tools.brief import Constraint
from recmind.tools.engines.attributes import attribute_weights
from recmind.tools.evidence.facts import NO_FOCUS, Focus, item_facts, meeting_values, with_facts
from recmind.tools.evidence.slate import Finding, Findings


def texts(store, item_id: str, focus: Focus = NO_FOCUS, most: int = 3) -> list[str]:
    item = store.items.get(item_id)
    return [fact.text for fact in item_facts(store).facts(item, focus, most)]


def test_hidden_attributes_and_prose_tell_nothing(shop: Store) -> None:
    assert [weight.name for weight in attribute_weights(shop).ordered] == ["categories", "brand", "price"]
    assert texts(shop, "p0") == ["category Pots", "brand Acme", "price 5"]
    assert item_facts(shop).summary(shop.items.get("p0")) == "Pots, Garden · Acme"


def test_what_meets_the_request_is_named_first(films10: Store) -> None:
    funny = Constraint("funny", (Condition("genres", "=", "Comedy"), Condition("title", "~", "fun")))
    nineties = Constraint("90s", (Condition("year", ">=", 1990), Condition("year", "<=", 1999)))
    focus = Focus(constraints=(nineties,), wishes=(funny,))
    assert texts(films10, "mib", focus)[:4] == [
        "your wish for “funny”",
        "your wish for “90s”",
        "genre Comedy",
        "year 1997",
    ]
    assert "your wish for “90s”" not in texts(films10, "amelie", focus)
    assert "your wish for “funny”" not in texts(films10, "heat", focus)


def test_negative_conditions_name_no_value(films10: Store) -> None:
    item = films10.items.get("alien")
    assert meeting_values(Condition("genres", "!=", "Comedy"), item) == []
    assert meeting_values(Condition("genres", "in", ("Horror", "Comedy")), item) == [("genres", "Horror")]
    assert meeting_values(Condition("year", "<", 1980), item) == [("year", 1979)]


def test_tastes_bring_their_values_forward(films10: Store) -> None:
    assert texts(films10, "alien", Focus(tastes={("year", "1970s"): 3.0}), most=1) != texts(films10, "alien", most=1)
    assert texts(films10, "amelie", Focus(tastes={("genres", "Romance"): 4.0}), most=1) == ["genre Romance"]


def test_facts_and_summaries_are_added_to_any_findings_once(films10: Store) -> None:
    plain = Findings("search_items", (Finding("alien", "Alien"), Finding("gone", "Gone")))
    done = with_facts(films10, plain)
    assert [fact.text for fact in done.rows[0].evidence][:2] == ["genre Horror", "year 1979"]
    assert done.rows[0].summary == "1979 · Horror, Sci-Fi"
    assert done.rows[1] == Finding("gone", "Gone")
    assert with_facts(films10, done) == done


def test_weights_and_facts_follow_the_catalogue(films10: Store) -> None:
    before, facts = attribute_weights(films10), item_facts(films10)
    assert attribute_weights(films10) is before
    assert item_facts(films10) is facts
    films10.items.put([Item("new", "New", "", {"genres": ("Western",), "year": 2020})])
    assert attribute_weights(films10) is not before
    assert item_facts(films10) is not facts
    assert attribute_weights(films10).share("genres", "Western") > 0
