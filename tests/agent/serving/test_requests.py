"""Requests as people put them, over the demo catalogue and latest-small, each with what its answer must be like."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from recmind.agent.answer import Answer
from recmind.agent.recommender import RecMind
from recmind.data.records import Item

K = 10


@dataclass(frozen=True)
class Seen:
    """An answer with the items that it recommends."""

    answer: Answer
    items: list[Item]
    consumed: frozenset[str]

    @property
    def titles(self) -> list[str]:
        return [item.title for item in self.items]

    def values(self, attribute: str) -> list[tuple[str, ...]]:
        """What each item has of an attribute, as text; one tuple an item."""
        found = [item.attributes.get(attribute, ()) for item in self.items]
        return [tuple(map(str, v)) if isinstance(v, tuple) else (str(v),) for v in found]

    def numbers(self, attribute: str) -> list[float]:
        return [float(str(item.attributes[attribute])) for item in self.items]


Check = Callable[[Seen], None]


def count(n: int) -> Check:
    """So many recommendations."""

    def check(seen: Seen) -> None:
        assert len(seen.items) == n, seen.titles

    return check


def absent(*titles: str) -> Check:
    """None of these is recommended."""

    def check(seen: Seen) -> None:
        assert not set(titles) & set(seen.titles), seen.titles

    return check


def among(least: int, *titles: str) -> Check:
    """At least so many of these are recommended."""

    def check(seen: Seen) -> None:
        assert len(set(titles) & set(seen.titles)) >= least, seen.titles

    return check


def every(**wanted: str) -> Check:
    """Every item has one of the values, which are set apart by a bar, in one of the attributes."""
    return at_least(None, **wanted)


def at_least(least: int | None, **wanted: str) -> Check:
    """So many items, or all, have one of the values in one of the attributes."""

    def check(seen: Seen) -> None:
        columns = [(seen.values(name), set(values.split("|"))) for name, values in wanted.items()]
        fitting = [any(values & set(column[i]) for column, values in columns) for i in range(len(seen.items))]
        assert sum(fitting) >= (len(fitting) if least is None else least), list(zip(seen.titles, fitting, strict=True))

    return check


def none(**unwanted: str) -> Check:
    """No item has one of the values."""

    def check(seen: Seen) -> None:
        for name, values in unwanted.items():
            found = zip(seen.titles, seen.values(name), strict=True)
            assert not [title for title, has in found if set(has) & set(values.split("|"))]

    return check


def between(attribute: str, low: float, high: float) -> Check:
    """The number of every item lies in the range."""

    def check(seen: Seen) -> None:
        assert all(low <= number <= high for number in seen.numbers(attribute)), seen.numbers(attribute)

    return check


def says(*texts: str) -> Check:
    """The message holds each text."""

    def check(seen: Seen) -> None:
        for text in texts:
            assert text in seen.answer.message

    return check


def says_not(*texts: str) -> Check:
    """The message holds none of the texts."""

    def check(seen: Seen) -> None:
        for text in texts:
            assert text not in seen.answer.message

    return check


def all_new(seen: Seen) -> None:
    """The user has consumed none of it."""
    assert not {item.item_id for item in seen.items} & seen.consumed, seen.titles


def all_known(seen: Seen) -> None:
    """The user has consumed all of it."""
    assert {item.item_id for item in seen.items} <= seen.consumed, seen.titles


def reasons_hold(text: str, least: int = K) -> Check:
    """So many reasons hold the text."""

    def check(seen: Seen) -> None:
        reasons = [found.reason for found in seen.answer.recommendations]
        assert sum(text in reason for reason in reasons) >= least, reasons

    return check


USER = "the first user"

OLD_COMEDY = (
    "I had a terrible week at work and my head is spinning. My partner hates violence. Something funny, please!"
)

DEMO: list[tuple[str, str | None, tuple[Check, ...]]] = [
    # what is asked for, by whom, and what must be true of the answer
    ("something like Alien", None, (
        absent("Alien"), at_least(7, genres="Science Fiction|Horror"), says("Like Alien."))),
    ("like Alien", None, (among(3, "Aliens", "The Thing", "The Fly", "Nope", "Predator", "Arrival", "Annihilation",
                                "The Cabin in the Woods", "Frankenstein", "Slither"),)),
    ("like Alien and Blade Runner", None, (absent("Alien", "Blade Runner"), at_least(5, genres="Science Fiction"),
                                           says("Like Alien and Blade Runner."))),
    ("like Alien but funnier", None, (absent("Alien"), every(genres="Comedy", moods="funny|satirical|playful"),
                                      at_least(6, genres="Science Fiction|Horror"), reasons_hold("“funny”"))),
    ("something like Alien, not Aliens", None, (absent("Alien", "Aliens"), says("not like Aliens"))),
    ("not Alien, something cosy", None, (
        absent("Alien", "Aliens"), none(genres="Horror"), at_least(8, moods="cosy|gentle|heartwarming"))),
    ("something funny, no horror", None, (none(genres="Horror"), every(genres="Comedy", moods="funny|satirical"),
                                          reasons_hold("“no horror”"))),
    ("90s thrillers", None, (between("year", 1990, 1999), every(genres="Thriller"))),
    ("a film from before 1980", None, (between("year", 0, 1979), count(K))),
    ("nothing from before 1980", None, (between("year", 1980, 2100), count(K))),
    ("a comedy under two hours", None, (between("minutes", 0, 119), every(genres="Comedy"), says_not("could not"))),
    ("by Hitchcock", None, (every(directors="Alfred Hitchcock"),
        says("5 items instead of 10", "nothing else in the catalogue"))),
    ("with Bogart", None, (every(cast="Humphrey Bogart"), among(3, "Casablanca", "The Big Sleep", "The Maltese Falcon",
                                                                "The African Queen"))),
    ("cozy and warm", None, (every(moods="cosy|gentle|heartwarming|uplifting"), none(genres="Horror"))),
    ("something sad but hopeful", None, (at_least(8, moods="melancholy|bittersweet"),
        at_least(5, moods="uplifting|heartwarming"))),
    ("for kids", None, (every(genres="Family|Animation"), none(moods="violent|scary"))),
    ("a film I loved, again", USER, (all_known, reasons_hold("your "), says("know already are welcome"))),
    ("something I haven't seen", USER, (all_new, count(K))),
    ("surprise me", USER, (all_new, count(K), says("Something surprising"))),
    ("what should I watch tonight", USER, (all_new, count(K), says("Nothing in particular was asked for"))),
    ("", USER, (all_new, count(K), says("rests on what is known of your taste"), says_not("no particular wish"))),
    ("", None, (count(K), says("No user was named"))),
    ("like Casablaca", None, (absent("Casablanca"), says("Like Casablanca."))),
    (OLD_COMEDY, None, (none(moods="violent"), every(genres="Comedy", moods="funny|satirical"), says("No violence"),
                        says_not("terrible week", "spinning", "hates"))),
    ("a Klingon opera about tax law", None, (count(K), says("Nothing in this catalogue comes close to that"))),
    ("something like Qwertyuiop", None, (says("could not find anything called “Qwertyuiop”"),)),
    ("something sad", "nobody-here", (at_least(9, moods="melancholy|bittersweet"), says("Nothing is known of user"))),
    ("three westerns", None, (count(3), every(genres="Western"))),
    ("a film in French", None, (every(language="French"), count(K))),
]  # fmt: skip

WIFE = (
    "I had a long day at work. My wife wants something romantic, and I would like to laugh, "
    "but please nothing from before 1990. We both loved Notting Hill."
)

MOVIELENS: list[tuple[str, str | None, tuple[Check, ...]]] = [
    ("something like The Matrix", None, (
        absent("The Matrix"), among(2, "The Matrix Reloaded", "Inception", "Minority Report",
        "Terminator 2: Judgment Day", "Blade Runner", "Fight Club", "Dark City", "I, Robot", "Total Recall"),
        at_least(5, genres="Action|Sci-Fi"))),
    ("like Toy Story and Shrek", None, (
        absent("Toy Story", "Shrek"), among(4, "Toy Story 2", "Shrek 2", "Monsters, Inc.",
        "Finding Nemo", "A Bug's Life", "Ice Age", "The Incredibles", "Aladdin", "Toy Story 3", "Shrek the Third"))),
    ("like The Matrix but funnier", None, (absent("The Matrix"), reasons_hold("“funny”"))),
    ("a film like Heat, not Casino", None, (absent("Heat", "Casino"), at_least(5, genres="Action|Crime|Thriller"))),
    ("something funny, no horror", None, (none(genres="Horror"), at_least(8, genres="Comedy"))),
    ("90s action", None, (between("year", 1990, 1999), every(genres="Action"), count(K))),
    ("a drama before 1980", None, (between("year", 0, 1979), every(genres="Drama"))),
    ("a comedy under two hours", None, (every(genres="Comedy"),
        says("no running time", "“under two hours” could not be used"))),
    ("by Tarantino", None, (among(2, "Pulp Fiction", "Reservoir Dogs", "Inglourious Basterds", "Kill Bill: Vol. 1"),)),
    ("dark and suspenseful", None, (at_least(8, genres="Thriller|Mystery|Crime"), none(genres="Children"))),
    ("for kids", "1", (every(genres="Children|Animation"), all_new)),
    ("something I have seen before, again", "1", (all_known, reasons_hold("your 5-star rating of", 8))),
    ("something I haven't seen", "1", (all_new, count(K))),
    ("surprise me", "1", (all_new, count(K))),
    ("what should I watch tonight", "1", (all_new, reasons_hold("people who chose", 7))),
    ("", "1", (all_new, says("rests on what is known of your taste"))),
    ("like The Godfahter", None, (absent("The Godfather"), among(2, "The Godfather: Part II", "Goodfellas", "Casino",
        "The Usual Suspects"), says("Like The Godfather."))),
    (WIFE, None, (absent("Notting Hill"), between("year", 1990, 2100), every(genres="Romance|Comedy"),
                  at_least(8, genres="Romance"), says_not("long day"))),
    ("time travel", "nobody-here", (
        among(3, "Back to the Future", "Back to the Future Part II", "Primer", "Time Bandits",
        "12 Monkeys", "Looper", "The Terminator", "Donnie Darko", "Groundhog Day"),
        says("Nothing is known of user"))),
    ("five westerns", None, (count(5), every(genres="Western"))),
    ("a Klingon opera about tax law", None, (count(K), says("“Klingon opera about tax law”"))),
]  # fmt: skip


@pytest.fixture(scope="module")
def demo_catalogue(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecMind]:
    home = Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("requests") / "demo"))
    with RecMind.open(home) as recmind:
        yield recmind


@pytest.fixture(scope="module")
def movielens(movielens_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecMind]:
    home = Path(shutil.copytree(movielens_home, tmp_path_factory.mktemp("requests") / "movielens"))
    with RecMind.open(home) as recmind:
        yield recmind


def answered(recmind: RecMind, query: str, user: str | None) -> Seen:
    user_id = recmind.store.users.ids(1)[0] if user == USER else user
    answer = recmind.recommend(query, user_id=user_id, k=K)
    items = recmind.store.items.get_many(found.item_id for found in answer.recommendations)
    consumed = recmind.store.interactions.consumed_ids(user_id) if user_id else frozenset()
    return Seen(answer, [items[found.item_id] for found in answer.recommendations], consumed)


def is_well_written(seen: Seen) -> None:
    """What holds for every answer: the offline planner needs no repair, and the sentences are whole."""
    assert (seen.answer.source, seen.answer.repairs) == ("agent", ())
    assert seen.items
    for text in (seen.answer.message, *(found.reason for found in seen.answer.recommendations)):
        assert text[0].isupper()
        assert text[-1] in ".!?"
        assert not re.search(r"\b([a-z]+) \1\b|  | ,|,,|\.\.|[{}]|!=|\bNone\b|nan", text), text


@pytest.mark.parametrize(("query", "user", "checks"), DEMO)
def test_requests_over_the_demo(
    demo_catalogue: RecMind, query: str, user: str | None, checks: tuple[Check, ...]
) -> None:
    seen = answered(demo_catalogue, query, user)
    for check in (is_well_written, *checks):
        check(seen)


@pytest.mark.parametrize(("query", "user", "checks"), MOVIELENS)
def test_requests_over_latest_small(
    movielens: RecMind, query: str, user: str | None, checks: tuple[Check, ...]
) -> None:
    seen = answered(movielens, query, user)
    for check in (is_well_written, *checks):
        check(seen)
