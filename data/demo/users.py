"""The synthetic users of the demo, made from overlapping tastes; nobody real, and the same everywhere.

Everything random comes from ``random.Random(SEED).random()``, whose results Python keeps across versions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from recmind.data.records import Interaction, Item, User

SEED = 20260101
LEAST_RATINGS, MOST_RATINGS = 20, 60
FIRST_DAY = 1_609_459_200
"""2021-01-01 in Unix seconds; the last ratings are about five years later."""
_DAY = 86_400

_NAMES = """
ada adil agnes aiko akua alba alma amir anouk anton aria arlo asta astrid ayla beau bea ben bilal bo bruno callum
carla cato cesar chidi chloe cleo cora dafne dalia dana dario dina dora edda edgar ela eli elif emeka emil enzo erik
esme ester eva ezra fadi farah felix fern finn flora frida gaia gael gus hana hector hugo ida ilya imani ines ingo
iris isak ivo jade jana jonas jude juno kai kalle kaya kenji kira lars layla leif lena leo lila linus liv lotte luca
luna mads maeve malik mara marco maya mika mila milo mina nadia naoki nell nico nina noa nora odin olga omar orla
otto paz petra pia quinn rafa remy rhea rina rocco rosa ruben ruth sami sana selma silas simo sofia sven tara tess
theo tilda tom uma vera vito wanda wren yara yusuf zadie zeno zoe
"""


@dataclass(frozen=True, slots=True)
class Taste:
    """A taste that several users share: words of films, each with how much it attracts (below 0: repels)."""

    name: str
    words: dict[str, float]


def _taste(name: str, likes: str, dislikes: str = "") -> Taste:
    """A taste with the words in order: the first attracts twice as much as the last."""
    liked, disliked = likes.split(", "), [word for word in dislikes.split(", ") if word]
    weights = {word: 2 - place / max(len(liked) - 1, 1) for place, word in enumerate(liked)}
    return Taste(name, weights | dict.fromkeys(disliked, -1.5))


TASTES = (
    _taste("thoughtful science fiction", "Science Fiction, artificial intelligence, memory and identity, "
           "mind-bending, space travel, alien encounter, time travel, Stanley Kubrick, "
           "Denis Villeneuve, Christopher Nolan", "Western"),
    _taste("big adventures", "Adventure, Action, exciting, epic, survival, superheroes, quest, Steven Spielberg",
           "melancholy, Documentary"),
    _taste("family evenings", "Family, Animation, heartwarming, magic, nature and animals, whimsical, cosy, "
           "Hayao Miyazaki, Pete Docter", "Horror, violent, bleak"),
    _taste("a good laugh", "Comedy, funny, playful, satirical, mistaken identity, Mel Brooks, Edgar Wright",
           "bleak, Horror, war trauma"),
    _taste("falling in love", "Romance, romantic, first love, forbidden love, bittersweet, opposites attract, marriage",
           "Horror, violent, gangsters"),
    _taste("nights of horror", "Horror, scary, eerie, monsters, haunted house, zombies, vampires, possession",
           "Family, Musical, cosy"),
    _taste("crime and gangsters", "Crime, gangsters, heist, small-time crime, con artists, dark, violent, "
           "Martin Scorsese, Joel Coen", "Family, Musical"),
    _taste("who did it", "Mystery, Thriller, suspenseful, murder mystery, hidden past, tense, private detective, "
           "Film Noir, Alfred Hitchcock", "Musical"),
    _taste("quiet dramas", "Drama, thoughtful, gentle, melancholy, family bonds, grief, ageing, loneliness, "
           "Ingmar Bergman", "Action, superheroes"),
    _taste("songs and stages", "Musical, Music, music and performance, uplifting, energetic, Robert Wise",
           "War, zombies"),
    _taste("history and war", "War, History, war, war trauma, epic, Biography, political conspiracy, samurai, "
           "Akira Kurosawa", "Fantasy"),
    _taste("young and in between", "coming of age, school life, friendship, first love, nostalgic, small town life, "
           "rebellion",
           "War, Film Noir"),
    _taste("odd and lovely", "quirky, whimsical, dreamlike, stylish, Fantasy, Wes Anderson, Terry Gilliam, magic",
           "Sport"),
    _taste("old Hollywood", "1940s, 1930s, 1950s, Film Noir, romantic, Billy Wilder, Howard Hawks, John Huston",
           "2010s, 2020s"),
    _taste("films from everywhere", "Japan, France, Italy, South Korea, Hong Kong, Iran, India, thoughtful, "
           "class divide, Bong Joon-ho"),
    _taste("real lives", "Documentary, Biography, immigrants, faith, music and performance, class divide, "
           "sports underdog",
           "monsters, superheroes"),
)  # fmt: skip


def make_users(films: Sequence[Item]) -> tuple[list[User], list[Interaction]]:
    """Synthetic users, and their ratings of these films (0.5 to 5 stars), user by user, oldest first."""
    draw = Random(SEED).random  # noqa: S311  repeatable on purpose
    words = [_words(film) for film in films]
    fame = [0.25 + draw() * draw() * 2 for _ in films]
    quality = [(draw() - 0.5) * 1.2 for _ in films]
    users: list[User] = []
    interactions: list[Interaction] = []
    for name in _NAMES.split():
        early, late = _blend(draw)
        tastes = tuple(dict.fromkeys(taste.name for taste, _ in early + late))
        users.append(User(name, {"synthetic": "yes", "tastes": tastes}))
        count = LEAST_RATINGS + int(draw() * draw() * (MOST_RATINGS - LEAST_RATINGS + 1) * 1.4)
        count = min(count, MOST_RATINGS)
        at = day = FIRST_DAY + int(draw() * 3.2 * 365) * _DAY
        evening, generous = 17 + int(draw() * 6), (draw() - 0.5) * 0.8
        left = list(fame)
        pulls = [_pull(of_film, early) for of_film in words]
        for number in range(count):
            if number == int(0.6 * count) and late is not early:
                pulls = [_pull(of_film, late) for of_film in words]
            chosen = _choose(draw, [_chance(pull) * known for pull, known in zip(pulls, left, strict=True)])
            left[chosen] = 0.0
            noise = (draw() + draw() + draw() - 1.5) * 0.9
            stars = 3.0 + generous + quality[chosen] + 0.45 * max(min(pulls[chosen], 4.5), -3.0) - 0.5 + noise
            if number == 0 or draw() < 0.7:
                day += int(1 + draw() * draw() * 40) * _DAY
                at = day + evening * 3600 + int(draw() * 2.5 * 3600)
            else:
                at += 300 + int(draw() * 1800)
            value = max(min(round(stars * 2) / 2, 5.0), 0.5)
            interactions.append(Interaction(name, films[chosen].item_id, "rating", value, float(at), number))
    return users, interactions


def _words(film: Item) -> frozenset[str]:
    """The words of a film that tastes use: values of lists, the country, the decade."""
    found: set[str] = set()
    for name in ("genres", "themes", "moods", "directors", "country"):
        value = film.attributes.get(name, ())
        found.update((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ())
    year = film.attributes.get("year")
    if isinstance(year, int):
        found.add(f"{year // 10 * 10}s")
    return frozenset(found)


Blend = list[tuple[Taste, float]]


def _blend(draw: Callable[[], float]) -> tuple[Blend, Blend]:
    """Two tastes with their weights, and the blend that they grow into, with a third taste."""
    first = int(draw() * len(TASTES))
    second = (first + 1 + int(draw() * (len(TASTES) - 1))) % len(TASTES)
    third = int(draw() * len(TASTES))
    share = 0.5 + 0.4 * draw()
    early = [(TASTES[first], share), (TASTES[second], 1 - share)]
    if draw() < 0.5 or third in (first, second):
        return early, early
    return early, [(TASTES[first], 0.45), (TASTES[third], 0.55)]


def _pull(words: frozenset[str], blend: Blend) -> float:
    """How much a film attracts a user; about -3 to 6."""
    # In the order of the tastes, not of the set; without sum(), whose rounding depends on Python's version.
    total = 0.0
    for taste, share in blend:
        for word, weight in taste.words.items():
            if word in words:
                total += share * weight
    return total


def _chance(pull: float) -> float:
    """The relative chance that a film is chosen, before its fame."""
    return 0.12 + max(pull, 0.0) ** 2


def _choose(draw: Callable[[], float], chances: Sequence[float]) -> int:
    """A place, drawn with these relative chances."""
    reached = list(accumulate(chances))
    return min(bisect_right(reached, draw() * reached[-1]), len(chances) - 1)
