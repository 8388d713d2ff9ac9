import pytest

from recmind.data.records import Interaction
from recmind.tools.evidence import phrases


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [
        ("genres", "Comedy", "genre Comedy"),
        ("directors", "Ridley Scott", "director Ridley Scott"),
        ("categories", "Nail Polish", "category Nail Polish"),
        ("classes", "A", "class A"),
        ("cast", "Tom Hanks", "cast Tom Hanks"),
        ("series", "Dune", "series Dune"),
        ("running_time", "long", "running time long"),
        ("brand", "OPI", "brand OPI"),
        ("year", 1979, "year 1979"),
        ("year", 1979.0, "year 1979"),
        ("price", 12.5, "price 12.5"),
        ("minutes", 117, "117 minutes"),
    ],
)
def test_a_value_is_a_noun_phrase(attribute: str, value: str | float, text: str) -> None:
    fact = phrases.metadata(attribute, value)
    assert (fact.kind, fact.text, fact.data) == ("metadata", text, {"attribute": attribute, "value": value})


@pytest.mark.parametrize(
    ("kind", "value", "stars", "text"),
    [
        ("rating", 5.0, True, "your 5-star rating of Alien"),
        ("rating", 4.5, True, "your 4.5-star rating of Alien"),
        ("rating", 4.0, False, "your rating of 4 for Alien"),
        ("rating", 87.0, True, "your rating of 87 for Alien"),
        ("rating", None, True, "your rating of Alien"),
        ("purchase", None, True, "your purchase of Alien"),
        ("purchase", 3.0, True, "your purchase of Alien"),
        ("like", None, True, "your liking for Alien"),
        ("added_to_list", None, True, "your added to list of Alien"),
    ],
)
def test_what_the_user_did_is_a_phrase(kind: str, value: float | None, stars: bool, text: str) -> None:
    fact = phrases.history(Interaction("u", "1", kind, value, 7.0), "Alien", stars=stars)
    assert fact.text == text
    assert fact.data == {"item_id": "1", "kind": kind, "value": value, "at": 7.0}


def test_collaborative_names_the_two_strongest_and_keeps_all() -> None:
    fact = phrases.collaborative([("1", "Alien", 0.61234), ("2", "Aliens", 0.3), ("3", "Heat", 0.08)], 0.98765)
    assert fact.text == "what people who chose Alien and Aliens also chose"
    assert fact.data["score"] == 0.9877
    assert [row["weight"] for row in fact.data["because"]] == [0.6123, 0.3, 0.08]


def test_semantic_by_meaning_by_words_and_by_likeness() -> None:
    assert phrases.semantic("space crew", similarity=0.5).text == "a description close to “space crew”"
    assert phrases.semantic("a heist", words=("heist", "bank")).text == "text that mentions “heist” and “bank”"
    assert phrases.semantic_like("1", "Alien", 0.6).text == "a description close to that of Alien"


@pytest.mark.parametrize(
    ("count", "mean", "kind", "text"),
    [
        (215, 4.23, "rating", "215 ratings averaging 4.2"),
        (1, 4.0, "rating", "1 rating of 4"),
        (12, None, "purchase", "12 purchases"),
        (12, None, None, "12 interactions"),
    ],
)
def test_popularity_is_a_phrase(count: int, mean: float | None, kind: str | None, text: str) -> None:
    assert phrases.popularity(count, mean, kind=kind).text == text


def test_requests_and_preferences_quote_the_person() -> None:
    assert phrases.request("funny", "genres=Comedy").text == "your wish for “funny”"
    assert phrases.preference("no horror", "genres!=Horror").text == "your stated preference “no horror”"
