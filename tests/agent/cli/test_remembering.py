"""``recmind feedback`` and ``recmind preferences``."""

import pytest

from recmind.data.store.store import Store
from recmind.data.workspace import Workspace


def test_feedback_is_kept_and_says_what_it_means(recmind, home):
    assert recmind("feedback", "ann", "clue", "seen", "--home", home).out == "Kept: ann, seen, Clue.\n"
    told = recmind("feedback", "ann", "big", "rating", "--value", "4.5", "--home", home, "--json").json
    assert (told["item_id"], told["kind"], told["value"], told["means"]["consumed"]) == ("big", "rating", 4.5, True)
    workspace = Workspace.open(home)
    with Store(workspace.database, workspace.settings) as store:
        assert {(i.item_id, i.kind, i.value) for i in store.interactions.of_user("ann")} >= {
            ("clue", "seen", None),
            ("big", "rating", 4.5),
        }


def test_feedback_of_an_unknown_kind_says_so_and_of_an_unknown_item_fails(recmind, home):
    told = recmind("feedback", "ann", "clue", "hummed", "--home", home).out
    assert told == "Kept: ann, hummed, Clue. No settings name 'hummed': it counts as liked and had.\n"
    failed = recmind("feedback", "ann", "nothing", "like", "--home", home)
    assert (failed.code, failed.out) == (2, "")
    assert "There is no item 'nothing'" in failed.err


def test_preferences_are_added_listed_and_forgotten(recmind, home):
    assert recmind("preferences", "list", "ann", "--home", home).out == "User 'ann' has stated nothing.\n"
    added = recmind("preferences", "add", "ann", "no horror", "--home", home, "--json").json
    (preference,) = added["preferences"]
    assert (preference["text"], preference["condition"], preference["binds"], preference["source"]) == (
        "no horror",
        "genres!=Horror",
        True,
        "told",
    )
    assert preference["at"] > 0
    listed = recmind("preferences", "list", "ann", "--home", home)
    assert "binds  no horror  genres!=Horror  told" in listed.out
    assert recmind("preferences", "list", "ann", "--home", home, "--json").json == added
    assert recmind("preferences", "forget", "ann", "no horror", "--home", home).out.startswith(
        "Forgotten of user 'ann'"
    )
    again = recmind("preferences", "forget", "ann", "no horror", "--home", home)
    assert again.out == "User 'ann' has stated nothing like that.\n"


def test_all_preferences_are_forgotten_at_once(recmind, home):
    gone = recmind("preferences", "forget", "eve", "--all", "--home", home, "--json").json
    assert [preference["condition"] for preference in gone["preferences"]] == ["genres!=Horror"]
    assert recmind("preferences", "list", "eve", "--home", home, "--json").json["preferences"] == []


@pytest.mark.parametrize("words", [["forget", "eve"], ["forget", "eve", "no horror", "--all"]])
def test_what_to_forget_has_to_be_said_one_way(recmind, home, words):
    done = recmind("preferences", *words, "--home", home)
    assert (done.code, "Give the words to forget, or --all." in done.err) == (2, True)


def test_what_cannot_be_kept_is_one_line(recmind, home):
    done = recmind("preferences", "add", "ann", "no opera singers", "--home", home)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "Nothing in “no opera singers” can be kept" in done.err
