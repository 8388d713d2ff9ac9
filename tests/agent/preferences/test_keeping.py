"""Stated preferences are kept in the catalogue's own words, corrected, forgotten, and bind the next answer."""

import pytest

from recmind.agent.preferences.keeping import forget_preference, keep_preference, settle_statements
from recmind.data.errors import InputError
from recmind.data.records import Preference
from recmind.data.store.store import Store
from recmind.tools.engines.titles import TitleFinder
from tests import worlds


@pytest.fixture(params=["films28"])
def store(request, tmp_path):
    with getattr(worlds, request.param)(tmp_path) as opened:
        yield opened


def kept(store: Store, *texts: str, user_id: str = "ann") -> list[tuple[str, bool]]:
    """What is known of the user after they stated these: conditions, and whether each binds."""
    finder = TitleFinder(store)
    for text in texts:
        keep_preference(user_id, text, store, finder)
    return [(preference.condition, preference.binds) for preference in store.preferences.of_user(user_id)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["no horror"], [("genres!=Horror", True)]),
        (["nothing over two hours"], [("minutes<=120", True)]),
        (["only films in Japanese"], [("language=Japanese", True)]),
        (["I love Kurosawa"], [("directors=Akira Kurosawa", False)]),
        (["nothing over two hours", "nothing over three hours"], [("minutes<=180", True)]),
        (["no horror", "I love horror"], [("genres=Horror", False)]),
        (["no horror", "nothing violent"], [("genres!=Horror", True), ("moods!=violent", True)]),
    ],
)
def test_what_is_kept_of_films(store, texts, expected):
    assert kept(store, *texts) == expected


@pytest.mark.parametrize("store", ["garden_tools"], indirect=True)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no plastic", [("material!=plastic", True)]),
        ("nothing over 20 euros", [("price<=20", True)]),
        ("I love Felco", [("brand=Felco", False)]),
    ],
)
def test_what_is_kept_of_garden_tools(store, text, expected):
    assert kept(store, text) == expected


def test_what_the_catalogue_does_not_know_is_refused(store):
    with pytest.raises(InputError, match="Nothing in “no opera singers” can be kept"):
        kept(store, "no opera singers")
    assert store.preferences.of_user("ann") == []


@pytest.mark.parametrize("text", ["no horror", "NO HORROR!", "genres!=Horror", "without horror", "horror"])
def test_it_is_forgotten_by_its_words_its_condition_or_its_meaning(store, text):
    kept(store, "no horror", "nothing over two hours")
    gone = forget_preference("ann", text, store, TitleFinder(store))
    assert gone == [Preference("ann", "no horror", "genres!=Horror")]
    assert [preference.condition for preference in store.preferences.of_user("ann")] == ["minutes<=120"]


def test_a_request_is_settled_for_the_user_who_is_named(store):
    finder = TitleFinder(store)
    settled = settle_statements("a comedy, no horror ever", "ann", store, finder)
    assert settled.query == "a comedy"
    assert settled.notes == ("I keep in mind for you: “no horror” (genres!=Horror); it holds from now on.",)
    (preference,) = store.preferences.of_user("ann")
    assert (preference.source, preference.at is not None) == ("stated", True)
    assert settle_statements("forget that I said no horror", "ann", store, finder).notes == (
        "Forgotten, as you asked: “no horror”.",
    )
    assert store.preferences.of_user("ann") == []


def test_nothing_is_kept_of_somebody_unnamed_or_of_what_means_nothing(store):
    finder = TitleFinder(store)
    assert settle_statements("a comedy, no horror ever", None, store, finder).query == "a comedy. no horror"
    settled = settle_statements("no opera singers, ever", "ann", store, finder)
    assert settled.query == "no opera singers"
    assert settled.notes[0].startswith("I could not keep “no opera singers”")


def test_what_is_stated_binds_this_answer_and_the_next(demo):
    answer = demo.recommend("I never want anything over two hours", user_id="ada")
    assert answer.message.startswith("I keep in mind for you: “nothing over two hours” (minutes<=120)")
    for reply in (answer, demo.recommend("a drama", user_id="ada")):
        items = demo.store.items.get_many(found.item_id for found in reply.recommendations)
        assert len(items) == 10
        assert all(float(str(item.attributes["minutes"])) <= 120 for item in items.values())
    assert [p.condition for p in demo.preferences("ada")] == ["minutes<=120"]
    demo.forget_preference("ada", "nothing over two hours")
    assert demo.preferences("ada") == []


def test_what_is_loved_counts_where_the_request_leaves_it_open(demo):
    demo.prefer("newcomer", "I love Kurosawa")
    answer = demo.recommend("", user_id="newcomer", k=3)
    items = demo.store.items.get_many(found.item_id for found in answer.recommendations)
    assert all("Akira Kurosawa" in item.attributes["directors"] for item in items.values())
    western = demo.recommend("a romantic comedy", user_id="newcomer", k=3)
    assert not any("Kurosawa" in found.reason for found in western.recommendations)


@pytest.mark.parametrize("kind", ["dislike", "skipped", "seen", "taken"])
def test_feedback_acts_on_the_very_next_answer(demo, kind):
    first = demo.recommend("a comedy", user_id="ada", k=3)
    demo.feedback("ada", first.recommendations[0].item_id, kind)
    after = demo.recommend("a comedy", user_id="ada", k=100)
    assert first.recommendations[0].item_id not in {found.item_id for found in after.recommendations}


def test_what_was_skipped_is_welcome_again_once_it_is_liked(demo):
    item_id = demo.recommend("a comedy", user_id="ada", k=1).recommendations[0].item_id
    demo.feedback("ada", item_id, "skipped", at=1.0)
    assert demo.store.interactions.refused_ids("ada") == {item_id}
    demo.feedback("ada", item_id, "view", at=2.0)
    assert demo.store.interactions.refused_ids("ada") == frozenset()
