import pytest

from recmind.agent.planner.reason_templates import compose
from recmind.agent.validation.reason_checks import ReasonText, read_reason
from recmind.data.records import Item
from recmind.tools.evidence.slate import Entry, Evidence, Finding, Findings, Slate

ITEMS = {
    "gq": Item(
        "gq",
        "Galaxy Quest",
        "Actors in space.",
        {"genres": ("Comedy", "Sci-Fi"), "year": 1999, "director": "Dean Parisot"},
    ),
    "al": Item("al", "Alien", "", {"year": 1979}),
    "other": Item("other", "Tremors", "", {"year": 1990}),
}
VALUES = {"comedy", "sci fi", "heist", "dean parisot", "space opera", "dark"}


def world() -> tuple[Slate, Entry]:
    slate, _ = Slate().merged(
        Findings(
            "search_items",
            (
                Finding(
                    "gq",
                    "Galaxy Quest",
                    evidence=(
                        Evidence("metadata", "genre Comedy", {"attribute": "genres"}),
                        Evidence("metadata", "director Dean Parisot"),
                    ),
                ),
                Finding("al", "Alien", "reference", evidence=(Evidence("history", "your 5-star rating of Alien"),)),
                Finding("other", "Tremors", evidence=(Evidence("metadata", "year 1990"),)),
            ),
        )
    )
    return slate, slate.entries["c1"]


def read(reason: str, *cites: int) -> ReasonText:
    slate, entry = world()
    return read_reason(reason, cites, entry, slate, ITEMS.get, lambda keys: {k: 1 for k in keys if k in VALUES})


@pytest.mark.parametrize(
    ("reason", "cites", "text"),
    [
        (
            "Offers {e1} and goes well with {e3}.",
            (),
            "Offers genre Comedy and goes well with your 5-star rating of Alien.",
        ),
        ("A good match for you: {e2}", (2,), "A good match for you: director Dean Parisot."),
        ("{e1} and {e2}", (), "Genre Comedy and director Dean Parisot."),
        ("Like {title:r1}, but with {e1}.", (), "Like Alien, but with genre Comedy."),
        ("{title} from {year} has {e1}.", (), "Galaxy Quest from 1999 has genre Comedy."),
        ("It has comedy, as you like it.", (1,), "It has comedy, as you like it."),
        ("It comes well recommended.", (1,), "It comes well recommended."),
        ("One of the finest comedies ever shot.", (1,), "One of the finest comedies ever shot."),
        ("You would enjoy what Dean Parisot made.", (2,), "You would enjoy what Dean Parisot made."),
    ],
)
def test_a_reason_that_keeps_to_its_evidence_passes(reason: str, cites: tuple[int, ...], text: str) -> None:
    result = read(reason, *cites)
    assert result.problems == ()
    assert result.text == text


@pytest.mark.parametrize(
    ("reason", "cites", "problem"),
    [
        ("A fine choice.", (), "the reason for c1 cites no evidence (its own: e1, e2)"),
        ("A fine choice with {e4}.", (), "e4 is not evidence for c1 (its own: e1, e2)"),
        ("A fine choice.", (99,), "e99 is not evidence for c1 (its own: e1, e2)"),
        ("It won 3 prizes and has {e1}.", (), "digits outside a slot: cite the evidence that holds the number"),
        ("It won ٣ prizes and has {e1}.", (), "digits outside a slot: cite the evidence that holds the number"),
        (
            "Made by Ridley Scott, with {e1}.",
            (),
            "the name 'Ridley' is in no cited evidence: leave it out",
        ),
        (
            "Ridley Scott made it, with {e1}.",
            (),
            "the name 'Ridley' is in no cited evidence: leave it out",
        ),
        (
            "A clever heist, with {e1}.",
            (),
            "'heist' is in no cited evidence: leave it out",
        ),
        (
            "A space opera, with {e1}.",
            (),
            "'space opera' is in no cited evidence: leave it out",
        ),
        ("A comedy, {e2}.", (), "'comedy' is in no cited evidence: cite e1, which holds it"),
        ('"The best ever", with {e1}.', (), "a quotation outside a slot: leave the quotes out"),
        ("More at https://x.example and {e1}.", (), "an address: leave it out"),
        (
            "Made with {awards} and {e1}.",
            (),
            "{awards} is no slot; use {e5}, {title}, {title:r1} or an attribute of the item",
        ),
        (
            "Like {title:c2}, with {e1}.",
            (),
            "{title:c2} is no slot; use {e5}, {title}, {title:r1} or an attribute of the item",
        ),
        ("", (1,), "the reason is empty"),
        ("very " * 100 + "fine {e1}", (), "the reason has 517 letters, at most 400 are read"),
    ],
)
def test_a_reason_that_claims_more_is_sent_back(reason: str, cites: tuple[int, ...], problem: str) -> None:
    assert problem in read(reason, *cites).problems


def test_control_characters_never_reach_a_terminal() -> None:
    assert read("Offers\x1b[31m {e1}\u202e.").text.isprintable()


def test_compose_takes_the_strongest_evidence_first() -> None:
    reason, cites = compose([(4, "popularity"), (2, "metadata"), (1, "request"), (3, "collaborative")])
    assert reason == "Meets {e1} and goes with {e3}, with {e2}."
    assert cites == (1, 3, 2)


def test_compose_without_evidence_says_nothing() -> None:
    assert compose([]) == ("", ())


def read_low(reason: str, *cites: int) -> tuple[str, ...]:
    """The problems where the rating of Alien speaks against it."""
    slate, entry = world()
    return read_reason(
        reason, cites, entry, slate, ITEMS.get, lambda _: {}, against=lambda number: number == 3
    ).problems


@pytest.mark.parametrize(
    "reason",
    [
        "Unlike {e3}, it offers {e1}.",
        "Offers {e1} and is far from {title:r1}.",
        "Offers {e1}, better than your {e3}.",
        "Despite {e3}, has {e1}.",
    ],
)
def test_a_low_rating_may_be_a_contrast(reason: str) -> None:
    assert read_low(reason) == ()


@pytest.mark.parametrize(
    ("reason", "cites", "problem"),
    [
        ("Offers {e1} and goes with {e3}.", (), "e3 (your 5-star rating of Alien) is no reason for c1; leave it out"),
        ("Offers {e1}.", (3,), "e3 (your 5-star rating of Alien) is no reason for c1; leave it out"),
        ("Close to {title:r1}, with {e1}.", (), "{title:r1} is no reason for c1: they rated it low; leave it out"),
        ("Unlike others, {e3} suits {e1}.", (), "or write: unlike {e3}"),
        ("Unlike {e3}.", (), "the reason for c1 cites nothing in its favor (its own: e1, e2)"),
    ],
)
def test_a_low_rating_is_no_reason(reason: str, cites: tuple[int, ...], problem: str) -> None:
    assert problem in "; ".join(read_low(reason, *cites))


def test_a_slot_of_an_attribute_cites_the_evidence_of_it() -> None:
    found = read("It has {genres}.")
    assert (found.text, found.cites, found.problems) == ("It has Comedy, Sci-Fi.", (1,), ())
    assert read("It is from {year}.").problems


def test_a_reason_that_claims_much_and_nothing_of_its_evidence_does_not_pass() -> None:
    (problem,) = read("It changed cinema forever and everybody loves it.", 1).problems
    assert problem == "the reason for c1 says nothing of what it cites: put {e1} into it"
    slate, entry = world()
    text = "It changed cinema forever, say critics."
    lenient = read_reason(text, (1,), entry, slate, ITEMS.get, lambda _: {}, strict=False)
    assert lenient.problems == ()
