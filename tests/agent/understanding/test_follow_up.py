"""Messages read against the conversation before them, over films, garden tools and films with tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recmind.agent.understanding import TitleMention
from recmind.agent.understanding.follow_up import FollowUp, follow_up
from recmind.agent.understanding.references import OutOfRange, Talked, referred
from recmind.tools.engines.titles import TitleFinder
from tests import worlds

BEFORE = {
    "films28": ("a science fiction film, no horror", ("matrix", "inception", "brazil")),
    "garden_tools": ("hand tools", ("p1", "p3", "p4")),
    "tagged": ("a comedy", ("2", "7")),
}
Reader = Callable[[str], FollowUp]


@pytest.fixture(scope="module", params=BEFORE)
def reader(request, tmp_path_factory) -> Iterator[tuple[str, Reader]]:
    """A name, and what reads a message after the world's first request."""
    name: str = request.param
    first, shown = BEFORE[name]
    store = getattr(worlds, name)(Path(tmp_path_factory.mktemp(name)))
    finder = TitleFinder(store)
    titles = store.items.get_many(shown)
    talked = Talked(tuple(TitleMention(item_id, item.name, "") for item_id, item in titles.items()))

    def read(message: str, before=None) -> FollowUp:
        return follow_up(message, before, talked, store, finder, user_known=False)

    before = follow_up(first, None, Talked(), store, finder, user_known=False).understanding
    yield name, lambda message: read(message, before)
    store.close()


MEANINGS = [
    ("films28", "less violent", "Less violent; no horror; science fiction."),
    ("films28", "that's not so violent, please", "Less violent; no horror; science fiction."),
    ("films28", "something shorter", "Shorter (minutes below 142); no horror; science fiction."),
    ("films28", "that's too long", "Shorter (minutes below 142); no horror; science fiction."),
    ("films28", "newer", "Newer (year above 1999); no horror; science fiction."),
    ("films28", "more like the third", "Like Brazil; no horror; science fiction."),
    ("films28", "I liked the second, something like it", "Like Inception; no horror; science fiction."),
    ("films28", "not the second", "Not like Inception; no horror; science fiction."),
    ("films28", "I don't like the third", "Not like Brazil; no horror; science fiction."),
    ("films28", "not that director", "Not Lana Wachowski; no horror; science fiction."),
    ("films28", "a different director", "Not Lana Wachowski; no horror; science fiction."),
    ("films28", "same director as the second", "Christopher Nolan; no horror; science fiction."),
    ("films28", "from the 90s instead", "From the 90s (year 1990 to 1999); no horror; science fiction."),
    ("films28", "under two hours", "Under two hours (minutes below 120); no horror; science fiction."),
    ("films28", "comedies instead", "Comedies (genres Comedy); no horror."),
    ("films28", "and comedies too", "Science fiction or comedies (genres Science Fiction or Comedy); no horror."),
    ("films28", "a western", "Western; no horror."),
    ("films28", "a film about dreams", "No horror; if possible dreams."),
    ("films28", "a western rather than horror", "Western; rather than horror."),
    ("films28", "a western, no horror", "Western; no horror."),
    ("films28", "horror is fine", "Science fiction."),
    ("films28", "show me more", "No horror; science fiction."),
    ("films28", "surprise me", "No horror; something surprising."),
    ("films28", "in French", "French; no horror; if possible science fiction."),
    ("films28", "start over: a comedy", "Comedy."),
    ("films28", "start over", "No particular wish."),
    ("garden_tools", "cheaper", "Cheaper (price below 19.99); hand tools."),
    ("garden_tools", "too expensive", "Cheaper (price below 19.99); hand tools."),
    ("garden_tools", "not that brand", "Not Fiskars; hand tools."),
    ("garden_tools", "same brand as the first", "Felco; hand tools."),
    ("garden_tools", "no plastic", "No plastic; hand tools."),
    ("garden_tools", "under 15 euros instead", "Under 15 euros (price below 15); hand tools."),
    ("tagged", "newer", "Newer (year above 1984); comedy."),
    ("tagged", "less violent", "Comedy."),
]


@pytest.mark.parametrize(
    ("reader", "message", "meaning"), MEANINGS, indirect=["reader"], ids=[f"{w}-{m}" for w, m, _ in MEANINGS]
)
def test_what_binds_is_carried_over_and_what_is_said_changes(reader, message, meaning):
    assert reader[1](message).understanding.meaning() == meaning


HAD = [
    ("I have seen that", ["matrix"]),
    ("I've seen the first two", ["matrix", "inception"]),
    ("seen the second already", ["inception"]),
    ("I have seen the first and the third", ["matrix", "brazil"]),
    ("I have seen all of them", ["matrix", "inception", "brazil"]),
    ("I have seen Alien", ["alien"]),
    ("I've seen Brazil, something shorter", ["brazil"]),
    ("I haven't seen that", []),
    ("something I have never seen", []),
]


@pytest.mark.parametrize("reader", ["films28"], indirect=True)
@pytest.mark.parametrize(("message", "had"), HAD)
def test_what_the_person_has_had(reader, message, had):
    assert [mention.item_id for mention in reader[1](message).had] == had


@pytest.mark.parametrize("reader", ["garden_tools"], indirect=True)
def test_what_the_person_owns(reader):
    assert [mention.item_id for mention in reader[1]("I already own the first").had] == ["p1"]


WHY = [
    ("why the second?", "inception"),
    ("Why?", "matrix"),
    ("why Brazil", "brazil"),
    ("explain number 2", "inception"),
    ("tell me why you recommend the first", "matrix"),
    ("and why the last one?", "brazil"),
    ("why not horror", None),
    ("why the seventh?", None),
    ("a film about why people lie", None),
]


@pytest.mark.parametrize("reader", ["films28"], indirect=True)
@pytest.mark.parametrize(("message", "item_id"), WHY)
def test_why_asks_for_an_item_of_the_last_list(reader, message, item_id):
    why = reader[1](message).why
    assert (why.item_id if why else None) == item_id


@pytest.mark.parametrize("reader", ["films28"], indirect=True)
def test_a_place_that_the_list_does_not_have_is_said(reader):
    told = reader[1]("why the seventh?")
    assert told.understanding.unused == ("The last list has 3, so there is no “the seventh” in it.",)
    assert told.understanding.text == ""


@pytest.mark.parametrize("reader", ["films28"], indirect=True)
@pytest.mark.parametrize("message", ["show me more", "something else", "none of these", "others please", "two more"])
def test_the_list_makes_room_for_others(reader, message):
    told = reader[1](message)
    assert [mention.item_id for mention in told.aside] == ["matrix", "inception", "brazil"]
    assert told.understanding.count == (2 if message == "two more" else None)


@pytest.mark.parametrize("reader", ["tagged"], indirect=True)
def test_what_the_catalogue_cannot_tell_is_not_searched_for(reader):
    told = reader[1]("less violent").understanding
    assert (told.text, told.unused) == (
        "",
        ("Nothing in this catalogue says “violent”, so “less violent” could not be used.",),
    )


def test_a_place_beyond_the_list_is_out_of_range():
    talked = Talked((TitleMention("a", "A", ""), TitleMention("b", "B", "")), focus="b")
    assert [mention.item_id for mention in referred("the last one", talked)] == ["b"]
    assert [mention.item_id for mention in referred("that", talked)] == ["b"]
    assert [mention.item_id for mention in referred("the first and B", talked)] == ["a", "b"]
    assert referred("the crown", talked) == []
    with pytest.raises(OutOfRange, match="The last list has 2"):
        referred("the third", talked)
