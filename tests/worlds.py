"""Small catalogues that tests share, named by what they hold, and how to write what people did with them.

    films5, films10, films28    films with genres and years; of 28 also directors, cast, minutes, moods, themes, ...
    tagged                      films with genres, years and the tags of careless people
    shop                        thirty pots, spades and creams with brand, category and price
    garden_tools                twelve tools with brand, category, price, color and material

Each is a function of a folder that returns an open store; ``tests/conftest.py`` has them as fixtures that close it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from recmind.data.records import Interaction, Item
from recmind.data.store.store import Store


class HasItemId(Protocol):
    """A recommendation, a hit, a row of a look-up."""

    @property
    def item_id(self) -> str: ...


def item_ids(found: Iterable[HasItemId]) -> list[str]:
    """The ids of what was found, in its order."""
    return [one.item_id for one in found]


def rated(user_id: str, *ratings: tuple[str, float], start: float = 1_000_000.0) -> list[Interaction]:
    """A user's ratings, one a day in this order."""
    return [Interaction(user_id, item, "rating", value, start + 86_400 * n) for n, (item, value) in enumerate(ratings)]


def bought(user_id: str, *items: str) -> list[Interaction]:
    """A user's purchases in this order, without times."""
    return [Interaction(user_id, item, "purchase", position=n) for n, item in enumerate(items)]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


FILMS5 = [
    Item("alien", "Alien", "A space crew is hunted by a monster.", {"genres": ("Horror", "Sci-Fi"), "year": 1979}),
    Item("aliens", "Aliens", "Marines fight monsters in space.", {"genres": ("Action", "Sci-Fi"), "year": 1986}),
    Item("amelie", "Amélie", "A shy waitress in Paris helps others.", {"genres": ("Comedy", "Romance"), "year": 2001}),
    Item("heat", "Heat", "A detective and a thief before the last heist.", {"genres": ("Crime",), "year": 1995}),
    Item("up", "Up", "An old man flies away with balloons.", {"genres": ("Comedy", "Animation"), "year": 2009}),
]


def films5(folder: Path) -> Store:
    """Five films with descriptions, genres and years, and no interactions."""
    store = Store(folder / "films5.db")
    store.items.put(FILMS5)
    return store


_FILMS10 = (
    ("matrix", "The Matrix", 1999, ("Action", "Sci-Fi"), "A hacker learns that the world is a simulation."),
    ("reloaded", "The Matrix Reloaded", 2003, ("Action", "Sci-Fi"), "The hacker fights on in the simulation."),
    ("alien", "Alien", 1979, ("Horror", "Sci-Fi"), "A crew meets a hostile creature."),
    ("aliens", "Aliens", 1986, ("Action", "Sci-Fi"), "Marines meet many hostile creatures."),
    ("quest", "Galaxy Quest", 1999, ("Comedy", "Sci-Fi"), "Actors are taken for a real space crew."),
    ("mib", "Men in Black", 1997, ("Action", "Comedy", "Sci-Fi"), "Agents police the aliens among us."),
    ("heat", "Heat", 1995, ("Crime", "Drama"), "A thief and a policeman."),
    ("amelie", "Amélie", 2001, ("Comedy", "Romance"), "A waitress helps people in Paris."),
    ("net", "Net, The", 1995, ("Crime", "Thriller"), "A programmer loses her identity."),
    ("psycho", "Psycho", 1960, ("Horror", "Thriller"), "A motel and its owner."),
)


def films10(folder: Path) -> Store:
    """Ten films with genres and year, and no interactions."""
    store = Store(folder / "films10.db")
    store.items.put(
        Item(item_id, title, description, {"genres": genres, "year": year})
        for item_id, title, year, genres, description in _FILMS10
    )
    return store


_FILMS28 = """
alien;Alien;1979;Horror|Science Fiction;Ridley Scott;Sigourney Weaver|John Hurt;117;dark|scary;space travel|survival
aliens;Aliens;1986;Action|Science Fiction;James Cameron;Sigourney Weaver;137;exciting|violent;space travel|war
matrix;The Matrix;1999;Action|Science Fiction;Lana Wachowski;Keanu Reeves;136;exciting|stylish;virtual reality
heat;Heat;1995;Crime|Thriller;Michael Mann;Al Pacino|Robert De Niro;170;dark|tense;heist
her;Her;2013;Romance|Science Fiction;Spike Jonze;Joaquin Phoenix;126;melancholy;artificial intelligence
up;Up;2009;Animation|Comedy|Family;Pete Docter;Ed Asner;96;funny|heartwarming;adventure
it;It;2017;Horror;Andy Muschietti;Bill Skarsgård;135;scary;small town life
moon;Moon;2009;Science Fiction;Duncan Jones;Sam Rockwell;97;melancholy;space travel;English;United Kingdom
brazil;Brazil;1985;Comedy|Science Fiction;Terry Gilliam;Jonathan Pryce;142;satirical;dystopia;English;United Kingdom
amelie;Amélie;2001;Comedy|Romance;Jean-Pierre Jeunet;Audrey Tautou;122;funny|romantic;first love;French;France
godfather;The Godfather;1972;Crime|Drama;Francis Ford Coppola;Al Pacino|Marlon Brando;175;dark|epic;gangsters
inception;Inception;2010;Action|Science Fiction;Christopher Nolan;Leonardo DiCaprio|Tom Hardy;148;exciting;heist|dreams
memento;Memento;2000;Mystery|Thriller;Christopher Nolan;Guy Pearce|Carrie-Anne Moss;113;dark|mind-bending;revenge
bigfish;Big;1988;Comedy|Family;Penny Marshall;Tom Hanks;104;funny|heartwarming;growing up
gump;Forrest Gump;1994;Drama|Romance;Robert Zemeckis;Tom Hanks|Robin Wright;142;bittersweet;love
ransom;Mission: Impossible;1996;Action|Thriller;Brian De Palma;Tom Cruise;110;exciting|tense;espionage
express;Horror Express;1972;Horror|Science Fiction;Eugenio Martín;Peter Cushing;90;scary|eerie;monsters;English;Spain
ikiru;Ikiru;1952;Drama;Akira Kurosawa;Takashi Shimura;143;thoughtful|melancholy;ageing;Japanese;Japan
samurai;Seven Samurai;1954;Action|Drama;Akira Kurosawa;Toshiro Mifune;207;epic|exciting;samurai;Japanese;Japan
haine;La Haine;1995;Crime|Drama;Mathieu Kassovitz;Vincent Cassel;98;violent|bleak;class divide;French;France
unforgiven;Unforgiven;1992;Western|Drama;Clint Eastwood;Clint Eastwood|Morgan Freeman;130;violent|bleak;revenge
private;Saving Private Ryan;1998;War|Drama;Steven Spielberg;Tom Hanks|Matt Damon;169;violent|epic;war
toystory;Toy Story;1995;Animation|Comedy|Family;John Lasseter;Tom Hanks|Tim Allen;81;funny|playful;friendship
notting;Notting Hill;1999;Comedy|Romance;Roger Michell;Hugh Grant;124;funny|romantic;first love;English;United Kingdom
fargo;Fargo;1996;Comedy|Crime;Joel Coen|Ethan Coen;Frances McDormand;98;dark|funny;kidnapping
thing;The Thing;1982;Horror|Science Fiction;John Carpenter;Kurt Russell;109;scary;survival
thing51;The Thing;1951;Horror|Science Fiction;Christian Nyby;James Arness;87;scary;monsters
spirited;Spirited Away;2001;Animation|Fantasy|Family;Hayao Miyazaki;Rumi Hiiragi;125;whimsical;magic;Japanese;Japan
"""

_GARDEN_TOOLS = """
p1;Felco 2 Pruning Shears;Felco;Hand Tools|Pruning;59.90;Red;steel
p2;Felco 6 Compact Pruners;Felco;Hand Tools|Pruning;64.50;Red;steel
p3;Fiskars Bypass Pruner;Fiskars;Hand Tools|Pruning;19.99;Black;steel
p4;Fiskars Ergo Trowel;Fiskars;Hand Tools|Digging;9.50;Black;aluminium
p5;Nature Bird Feeder;Nature;Bird Feeders;24.00;Green;wood
p6;Oak Window Feeder, a Piece of Nature;Birdhaus;Bird Feeders;39.00;Brown;wood
p7;Copper Watering Can;Haws;Watering;89.00;Copper;copper
p8;Haws Indoor Watering Can 1 Litre;Haws;Watering;29.00;Green;steel
p9;Soaker Hose 15 m;Gardena;Watering|Hoses;22.50;Black;rubber
p10;Gardena Sprinkler;Gardena;Watering;17.00;Black;plastic
p11;Kneeling Pad for Kids;Joy of Nature;Accessories|For Kids;12.00;Green;foam
p12;Children's Rake;Fiskars;Hand Tools|For Kids;8.00;Red;steel
"""


def films28(folder: Path) -> Store:
    """28 films; Up, The Thing of 1982 and It are the best known of their names."""
    store = Store(folder / "films28.db")
    items = []
    for line in _FILMS28.strip().splitlines():
        item_id, title, year, genres, directors, cast, minutes, moods, themes, *origin = line.split(";")
        language, country = origin or ("English", "United States")
        attributes = {
            "year": int(year),
            "genres": _list(genres),
            "directors": _list(directors),
            "cast": _list(cast),
            "language": language,
            "country": country,
            "minutes": int(minutes),
            "moods": _list(moods),
            "themes": _list(themes),
        }
        items.append(Item(item_id, title, "", attributes))
    store.items.put(items)
    store.interactions.add([Interaction(f"u{n}", "thing", "like", at=float(n)) for n in range(3)])
    return store


def tagged(folder: Path) -> Store:
    """Films with genres, years and the tags of careless people, as MovieLens has them: no cast, no running time."""
    store = Store(folder / "tagged.db")
    rows = (
        ("1", "Forrest Gump", 1994, "Drama|Romance|War", "good|Tom Hanks|shrimp|watch"),
        ("2", "Big", 1988, "Comedy|Fantasy", "Tom Hanks|funny|seen more than once"),
        ("3", "Alien", 1979, "Horror|Sci-Fi", "aliens|story|atmospheric"),
        ("4", "Twelve Monkeys", 1995, "Sci-Fi|Thriller", "time travel|mindfuck|watch"),
        ("5", "Grease", 1978, "Comedy|Musical|Romance", "good|high school"),
        ("6", "Rear Window", 1954, "Mystery|Thriller", "Hitchcock|suspense"),
        ("7", "Airplane!", 1980, "Comedy", "funny|hilarious|good"),
        ("8", "Up", 2009, "Animation|Children|Comedy", "pixar|story"),
    )
    store.items.put(
        [
            Item(item_id, title, "", {"year": year, "genres": _list(genres), "tags": _list(tags)})
            for item_id, title, year, genres, tags in rows
        ]
    )
    return store


def shop(folder: Path) -> Store:
    """Thirty pots, spades and creams with brand, category and price; hidden and prose attributes among them."""
    store = Store(folder / "shop.db")
    kinds = ("Pots", "Spades", "Creams")
    store.items.put(
        Item(
            f"p{n}",
            f"{('Pot', 'Spade', 'Cream')[n % 3]} number {n}",
            "",
            {
                "brand": ("Acme", "Bloom", "Corol")[n // 3 % 3],
                "categories": (kinds[n % 3], "Garden" if n % 3 < 2 else "Beauty"),
                "price": 5.0 + n,
                "sku": f"SKU-{n:04}",
                "notes": f"A long text about thing {n} that no other thing in this whole shop has.",
            },
        )
        for n in range(30)
    )
    return store


def garden_tools(folder: Path) -> Store:
    """12 garden tools with brand, category, price, color and material; no year, no running time."""
    store = Store(folder / "garden_tools.db")
    items = []
    for line in _GARDEN_TOOLS.strip().splitlines():
        item_id, title, brand, categories, price, color, material = line.split(";")
        attributes = {
            "brand": brand,
            "categories": _list(categories),
            "price": float(price),
            "color": color,
            "material": material,
        }
        items.append(Item(item_id, title, "", attributes))
    store.items.put(items)
    return store
