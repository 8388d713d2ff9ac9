"""Cases from a workspace, by protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recmind.agent.evaluation.protocols import PROTOCOLS, CaseSet, questions
from recmind.data.errors import InputError
from recmind.data.records import Interaction, Item
from recmind.data.store.store import Store


@pytest.fixture
def store(demo_copy: Path) -> Iterator[Store]:
    with Store(demo_copy / "recmind.db") as store:
        yield store


@pytest.fixture
def nine_things(tmp_path: Path) -> Iterator[Store]:
    """Nine things; one user who bought, one who rated, one who only skipped."""
    with Store(tmp_path / "shop.db") as store:
        store.items.put([Item(f"i{n}", f"Thing {n}") for n in range(8)] + [Item("gone", "Gone", available=False)])
        store.interactions.add(
            [
                Interaction("buyer", "i0", "purchase", at=1), Interaction("buyer", "i1", "purchase", at=2),
                Interaction("buyer", "gone", "purchase", at=3), Interaction("buyer", "i2", "skip", at=4),
                Interaction("rater", "i0", "rating", 5, 1), Interaction("rater", "i1", "rating", 4, 2),
                Interaction("rater", "i2", "rating", 1, 3), Interaction("skipper", "i0", "skip", at=1),
            ]
        )  # fmt: skip
        yield store


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "requests"])
def test_every_protocol_makes_cases_of_the_demo(store: Store, protocol: str) -> None:
    asked = questions(store, protocol, users=9)
    assert 1 <= len(asked.cases) <= 9
    assert len({case.case_id for case in asked.cases}) == len(asked.cases)
    assert asked.split.held_out.any()
    assert asked.description.endswith(".")
    assert same(asked, questions(store, protocol, users=9))
    for case in asked.cases:
        assert case.user_id is not None
        assert case.targets
        assert set(store.items.get_many(case.targets)) == set(case.targets)
        assert (case.candidates is not None) == (protocol == "sampled")
        assert {item_id for item_id, _, _ in asked.labels[case.case_id]} >= set(case.targets)


def same(one: CaseSet, other: CaseSet) -> bool:
    return one.cases == other.cases and one.labels == other.labels and one.description == other.description


def test_the_target_is_the_last_thing_taken_that_can_be_recommended(nine_things: Store) -> None:
    asked = questions(nine_things, "leave-one-out")
    assert [(case.case_id, case.targets) for case in asked.cases] == [("buyer", ("i1",)), ("rater", ("i2",))]
    # What came after the target is gone with it, whatever it was.
    assert asked.split.held_out.sum() == 4
    assert asked.left_out == {"no interaction that could be a target": 1}
    positive = questions(nine_things, "leave-one-out", target="positive")
    assert [(case.case_id, case.targets) for case in positive.cases] == [("buyer", ("i1",)), ("rater", ("i1",))]


def test_labels_say_what_came_true(nine_things: Store) -> None:
    labels = questions(nine_things, "leave-one-out").labels
    assert labels["rater"][:2] == (("i2", False, "rating"), ("i2", True, "")), "taken, and below the user's own mean"
    target, (other, untouched, about) = labels["buyer"]
    assert target == ("i1", True, "")
    assert (untouched, about) == (False, "")
    assert other not in {"i0", "i1", "i2", "gone"}
    assert questions(nine_things, "leave-one-out", target="positive").labels["rater"][0] == ("i1", True, "rating")


def test_too_few_users_are_told_with_their_reasons(tmp_path: Path) -> None:
    with Store(tmp_path / "few.db") as few:
        few.items.put([Item("a", "A"), Item("b", "B")])
        few.interactions.add([Interaction("u", "a", "purchase"), Interaction("v", "b", "purchase")])
        with pytest.raises(InputError, match=r"no user to evaluate among 2 users \(2 users: fewer than 2 interactions"):
            questions(few, "leave-one-out")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "asked.jsonl"
        path.write_text(text)
        return path

    return write


def test_requests_are_read_by_any_usual_name(nine_things: Store, written: Callable[[str], Path]) -> None:
    path = written(
        '{"query": "the first", "item_id": "i0"}\n\n{"text": "third", "title": "x", "movieId": "i2"}\n'
        '{"text": "none", "item_id": "unknown"}\n{"text": "no longer", "item_id": "gone"}\n'
    )
    asked = questions(nine_things, "requests", requests=path)
    assert [(case.case_id, case.user_id, case.query, case.targets) for case in asked.cases] == [
        ("line-1", None, "the first", ("i0",)), ("line-3", None, "third", ("i2",)),
    ]  # fmt: skip
    assert asked.left_out == {"the item meant is not in the catalogue": 2}
    assert not asked.split.held_out.any()
    assert len(questions(nine_things, "requests", requests=path, users=1).cases) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ('{"query": "a", "item_id": "i0"}\n{broken', r"asked.jsonl:2: this is not JSON"),
        ('{"query": "a"}\n', r"asked.jsonl:1: there is no item id; it is read from one of item_id"),
        ('{"item_id": "i0"}\n', r"asked.jsonl:1: there is no query; it is read from one of query, text"),
        ("[1]\n", r"asked.jsonl:1: there is no query"),
        ('{"query": "a", "item_id": "zzz"}\n', r"none of the 1 items that .* the first is 'zzz'"),
    ],
)
def test_a_bad_requests_file_is_told_by_line(
    nine_things: Store, written: Callable[[str], Path], text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        questions(nine_things, "requests", requests=written(text))


def test_what_is_not_there_is_told(nine_things: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no protocol 'loo'; there are: leave-one-out, temporal"):
        questions(nine_things, "loo")
    with pytest.raises(InputError, match=r"no target 'all'; there are: any, positive"):
        questions(nine_things, "temporal", target="all")
    with pytest.raises(InputError, match=r"needs a file: --requests FILE"):
        questions(nine_things, "requests")
    with pytest.raises(InputError, match=r"nowhere.jsonl' cannot be read"):
        questions(nine_things, "requests", requests=tmp_path / "nowhere.jsonl")
