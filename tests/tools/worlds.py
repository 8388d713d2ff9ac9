"""Small catalogues that the tests of the tools share: a few films, and a shop with brands and prices."""

from pathlib import Path

from recmind.data.records import Interaction, Item
from recmind.data.store.store import Store

FILMS = (
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


def films(folder: Path) -> Store:
    """Ten films with genres and year, and no interactions."""
    store = Store(folder / "films.db")
    store.items.put(
        Item(item_id, title, description, {"genres": genres, "year": year})
        for item_id, title, year, genres, description in FILMS
    )
    return store


def rated(user_id: str, *ratings: tuple[str, float], start: float = 1_000_000.0) -> list[Interaction]:
    """A user's ratings, one a day in this order."""
    return [Interaction(user_id, item, "rating", value, start + 86_400 * n) for n, (item, value) in enumerate(ratings)]


def bought(user_id: str, *items: str) -> list[Interaction]:
    """A user's purchases in this order, without times."""
    return [Interaction(user_id, item, "purchase", position=n) for n, item in enumerate(items)]


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
