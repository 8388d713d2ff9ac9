"""What every engine does, whatever it computes: suites that ``test_engine_behavior.py`` inherits for each engine.

A subclass says how its engine is made from a store (``made``) and how a ``Question`` is put to it (``ask``), and
inherits the suites that apply to it:

    AnswersBehavior       all: it answers, alike each time, names no item twice, and stands an empty catalogue
    FirstOfManyBehavior   those that give the first n of what they find: n of 0, n of more than there are
    ExclusionBehavior     those that can be told what must not come
    ConditionBehavior     those that can be told what must hold
    AvailabilityBehavior  those that look at the catalogue themselves
    UserBehavior          those that are asked for a user
    NamedItemBehavior     those that are asked about items by name
    SavedBehavior         those that the index saves

The rows of an answer are compared whole, with their scores and what they say of where they came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from recmind.data.conditions import Condition
from recmind.data.errors import RecMindError
from recmind.data.store.store import Store
from recmind.tools.engines.history import UserHistory
from tests import worlds
from tests.worlds import rated

Answer = list[tuple[str, Any]]
"""The ids of the items that came, best first, and what the engine said of each."""

STRANGER = "nobody"
GONE = "no-such-item"
ITEMS = ("reloaded", "alien", "aliens", "mib", "amelie", "psycho")
COMEDY = Condition("genres", "=", "Comedy")
NOWHERE = Condition("year", ">", 2050)


@dataclass(frozen=True)
class Question:
    """What the engines are asked; each looks at what it can use."""

    user_id: str | None = "ann"
    items: tuple[str, ...] = ITEMS
    text: str = "alien"
    n: int = 50
    exclude: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()


def fill(store: Store) -> None:
    """Ann took the Matrix and Galaxy Quest, which others took with more films; Psycho and Alien nobody took."""
    for n in range(6):
        store.interactions.add(rated(f"m{n}", ("matrix", 5), ("reloaded", 4), ("aliens", 5), ("mib", 4)))
    for n in range(3):
        store.interactions.add(rated(f"h{n}", ("heat", 5), ("net", 5), ("quest", 5), ("amelie", 4)))
    store.interactions.add(rated("ann", ("matrix", 5), ("quest", 5)))


def past_of(store: Store, user_id: str | None) -> Any:
    """The past of a user as the models take it; an empty one for a stranger or None."""
    return UserHistory(store).signals(user_id)


def numbered(store: Store, item_ids: Sequence[str] | frozenset[str]) -> list[int]:
    """The numbers of the items that the catalogue has."""
    return list(store.items.numbers_of(item_ids).values())


def named(store: Store, hits: Sequence[Any]) -> Answer:
    """The hits of a model, which go by number, as an answer."""
    ids = store.items.ids_of([hit.item_number for hit in hits])
    return [(ids[hit.item_number], hit) for hit in hits]


def ids_of(answer: Answer) -> list[str]:
    """The ids of the items that came."""
    return [item_id for item_id, _ in answer]


class AnswersBehavior:
    """The same for every engine."""

    question = Question()
    """One that the engine has several items for."""

    @staticmethod
    def made(store: Store) -> Any:
        """The engine over this store."""
        raise NotImplementedError

    def ask(self, engine: Any, store: Store, question: Question) -> Answer:
        """What the engine answers."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
        """Ten films and what people did with them; to be read only."""
        with worlds.films10(tmp_path_factory.mktemp("behavior")) as store:
            fill(store)
            yield store

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, store: Store) -> Any:
        return cls.made(store)

    def test_it_answers_and_names_no_item_twice(self, engine: Any, store: Store) -> None:
        found = ids_of(self.ask(engine, store, self.question))
        assert len(found) == len(set(found)) > 1
        assert store.items.get_many(found).keys() == set(found)

    def test_the_same_question_has_the_same_answer(self, engine: Any, store: Store) -> None:
        first = self.ask(engine, store, self.question)
        # Another question in between leaves nothing behind; an engine made anew agrees.
        self.ask(engine, store, replace(self.question, user_id="h0", items=ITEMS[:2], n=1))
        assert self.ask(engine, store, self.question) == first
        assert self.ask(self.made(store), store, self.question) == first

    def test_an_empty_catalogue_has_nothing_to_answer_with(self, tmp_path: Path) -> None:
        with Store(tmp_path / "empty.db") as empty:
            assert self.ask(self.made(empty), empty, self.question) == []


class FirstOfManyBehavior(AnswersBehavior):
    """The same for every engine that gives the first n of what it finds."""

    def test_nothing_comes_where_n_is_0(self, engine: Any, store: Store) -> None:
        assert self.ask(engine, store, replace(self.question, n=0)) == []

    def test_more_than_there_are_is_all_there_are(self, engine: Any, store: Store) -> None:
        every = self.ask(engine, store, self.question)
        assert self.ask(engine, store, replace(self.question, n=10_000)) == every

    def test_fewer_are_the_first_of_them(self, engine: Any, store: Store) -> None:
        every = ids_of(self.ask(engine, store, self.question))
        assert [ids_of(self.ask(engine, store, replace(self.question, n=n))) for n in (1, 2)] == [every[:1], every[:2]]


class ExclusionBehavior(AnswersBehavior):
    """The same for every engine that can be told what must not come."""

    def test_what_is_excluded_does_not_come_and_the_others_do(self, engine: Any, store: Store) -> None:
        first, *others = ids_of(self.ask(engine, store, self.question))
        left = ids_of(self.ask(engine, store, replace(self.question, exclude=frozenset({first}))))
        assert left == others

    def test_excluding_everything_leaves_nothing(self, engine: Any, store: Store) -> None:
        every = frozenset(item.item_id for _, item in store.items.all())
        assert self.ask(engine, store, replace(self.question, exclude=every)) == []

    def test_excluding_an_unknown_item_changes_nothing(self, engine: Any, store: Store) -> None:
        assert self.ask(engine, store, replace(self.question, exclude=frozenset({GONE}))) == self.ask(
            engine, store, self.question
        )


class ConditionBehavior(AnswersBehavior):
    """The same for every engine that can be told what must hold."""

    def test_what_comes_meets_the_conditions(self, engine: Any, store: Store) -> None:
        found = ids_of(self.ask(engine, store, replace(self.question, conditions=(COMEDY,))))
        assert found
        assert all("Comedy" in item.attributes["genres"] for item in store.items.get_many(found).values())

    def test_conditions_that_nothing_meets_leave_nothing(self, engine: Any, store: Store) -> None:
        assert self.ask(engine, store, replace(self.question, conditions=(NOWHERE,))) == []
        assert self.ask(engine, store, replace(self.question, conditions=(COMEDY, NOWHERE))) == []


class AvailabilityBehavior(AnswersBehavior):
    """The same for every engine that looks at the catalogue of the moment."""

    def test_what_became_unavailable_or_was_removed_does_not_come(self, tmp_path: Path) -> None:
        with worlds.films10(tmp_path) as changing:
            fill(changing)
            engine = self.made(changing)
            first, second, *others = ids_of(self.ask(engine, changing, self.question))
            changing.items.set_available([first], False)
            changing.items.remove([second])
            assert set(ids_of(self.ask(engine, changing, self.question))) == set(others)


class UserBehavior(AnswersBehavior):
    """The same for every engine that is asked for a user."""

    needs_past = True
    """Without a past there is no answer."""

    def test_an_unknown_user_is_answered_like_nobody(self, engine: Any, store: Store) -> None:
        stranger, nobody = (
            self.ask(engine, store, replace(self.question, user_id=user_id)) for user_id in (STRANGER, None)
        )
        assert stranger == nobody
        assert (stranger == []) == self.needs_past

    def test_users_are_answered_from_their_own_past(self, engine: Any, store: Store) -> None:
        assert self.ask(engine, store, self.question) != self.ask(engine, store, replace(self.question, user_id="h0"))


class NamedItemBehavior(AnswersBehavior):
    """The same for every engine that is asked about items by name."""

    def test_unknown_items_are_left_out(self, engine: Any, store: Store) -> None:
        asked = replace(self.question, items=(self.question.items[0], GONE, *self.question.items[1:]))
        assert self.ask(engine, store, asked) == self.ask(engine, store, self.question)
        assert self.ask(engine, store, replace(self.question, items=(GONE,))) == []

    def test_asked_about_nothing_it_has_nothing_to_say(self, engine: Any, store: Store) -> None:
        assert self.ask(engine, store, replace(self.question, items=())) == []


class SavedBehavior(AnswersBehavior):
    """The same for every engine that the index saves."""

    def save(self, engine: Any, folder: Path) -> None:
        engine.save(folder)

    def load(self, engine: Any, store: Store, folder: Path) -> Any:
        """What was saved there, over the same parts as the engine that was."""
        raise NotImplementedError

    def test_saved_and_loaded_it_answers_alike(self, engine: Any, store: Store, tmp_path: Path) -> None:
        self.save(engine, tmp_path)
        loaded = self.load(engine, store, tmp_path)
        for asked in (self.question, replace(self.question, user_id="h0"), replace(self.question, user_id=STRANGER)):
            assert self.ask(loaded, store, asked) == self.ask(engine, store, asked)

    def test_it_can_be_saved_over_an_empty_catalogue(self, tmp_path: Path) -> None:
        with Store(tmp_path / "empty.db") as empty:
            engine, folder = self.made(empty), tmp_path / "saved"
            folder.mkdir()
            self.save(engine, folder)
            assert self.ask(self.load(engine, empty, folder), empty, self.question) == []

    def test_a_damaged_or_missing_file_is_told_with_the_next_step(
        self, engine: Any, store: Store, tmp_path: Path
    ) -> None:
        self.save(engine, tmp_path)
        files = sorted(path for path in tmp_path.iterdir())
        assert files
        for path in files:
            whole = path.read_bytes()
            path.write_bytes(b"{")
            with pytest.raises(RecMindError, match="Run: recmind index"):
                self.load(engine, store, tmp_path)
            path.unlink()
            assert self.misses(engine, store, tmp_path), path.name
            path.write_bytes(whole)
        self.load(engine, store, tmp_path)

    def misses(self, engine: Any, store: Store, folder: Path) -> bool:
        """Whether it is told that a file is not there."""
        with pytest.raises(RecMindError, match="Run: recmind index"):
            self.load(engine, store, folder)
        return True
