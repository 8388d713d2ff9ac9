"""Importing MovieLens in its three layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recmind.data.errors import ImportFailed
from recmind.data.importers import import_movielens
from recmind.data.importers.movielens import split_title
from recmind.data.records import Interaction, Item, User
from recmind.data.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as store:
        yield store


def _folder(tmp_path: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder = tmp_path / "ml"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


LATEST = {
    "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Animation|Comedy\n"
    '2,"Net, The (1995)",(no genres listed)\n'
    '3,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Drama\n'
    "4,Babylon 5,Sci-Fi\n",
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n2,1,0.5,964982704\n1,2,5.0,964982800\n",
    "tags.csv": "userId,movieId,tag,timestamp\n1,1,pixar,5\n2,1,Pixar,6\n3,1,Pixar,6\n2,1,fun,7\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113957,\n",
}


@pytest.mark.parametrize(
    ("written", "title", "year", "others"),
    [
        ("Net, The (1995)", "The Net", 1995, ()),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            "The City of Lost Children", 1995, ("La Cité des enfants perdus",),
        ),
        ("Seven (a.k.a. Se7en) (1995)", "Seven", 1995, ("Se7en",)),
        ("Birdman: Or (The Unexpected Virtue of Ignorance) (2014)",
         "Birdman: Or (The Unexpected Virtue of Ignorance)", 2014, ()),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009, ()),
        ("Evangelion: 1.0 You Are (Not) Alone (2007)", "Evangelion: 1.0 You Are (Not) Alone", 2007, ()),
        ("Let the Right One In (Låt den rätte komma in) (2008)",
         "Let the Right One In", 2008, ("Låt den rätte komma in",)),
        ("Apartment, The (Appartement, L') (1996)", "The Apartment", 1996, ("L'Appartement",)),
        ("Bride, The (The Bride) (1985) ", "The Bride", 1985, ()),
        ("Death Note (2006–2007)", "Death Note", 2006, ()),
        ("Babylon 5", "Babylon 5", None, ()),
        ("2001 (1968)", "2001", 1968, ()),
        ("(2013)", "", 2013, ()),
    ],
)  # fmt: skip
def test_titles_are_put_right(written: str, title: str, year: int | None, others: tuple[str, ...]) -> None:
    assert split_title(written) == (title, year, others)


def test_latest_with_tags_and_links(store: Store, tmp_path: Path) -> None:
    report = import_movielens(store, _folder(tmp_path, LATEST))
    assert (report.items, report.users, report.interactions, report.added) == (4, 3, 3, 7)
    assert [item for _, item in store.items.all()] == [
        Item("1", "Toy Story", "", {
            "year": 1995, "genres": ("Animation", "Comedy"), "tags": ("Pixar", "fun"), "imdb_id": "tt0114709",
            "tmdb_id": "862"}),
        Item("2", "The Net", "", {"year": 1995, "imdb_id": "tt0113957"}),
        Item("3", "The City of Lost Children", "", {
            "year": 1995, "genres": ("Drama",), "other_titles": ("La Cité des enfants perdus",)}),
        Item("4", "Babylon 5", "", {"genres": ("Sci-Fi",)}),
    ]  # fmt: skip
    assert store.interactions.of_user("1") == [
        Interaction("1", "2", "rating", 5.0, 964982800.0),
        Interaction("1", "1", "rating", 4.0, 964982703.0),
    ]
    assert store.titles.by_key(["la cite des enfants perdus", "net"]) == {
        "la cite des enfants perdus": ["3"], "net": ["2"],
    }  # fmt: skip
    assert store.full_text.search("862") == []
    again = import_movielens(store, _folder(tmp_path, LATEST))
    assert (again.added, again.updated) == (0, 0)


def test_1m_with_latin_1_and_users(store: Store, tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        {
            "movies.dat": "1::Toy Story (1995)::Animation|Children's\n2::Misérables, Les (1995)::Drama\n",
            "ratings.dat": "1::1::5::978300760\n2::2::3::978302109\n",
            "users.dat": "1::F::1::10::48067\n2::M::56::16::07072\n",
        },
        "latin-1",
    )
    report = import_movielens(store, folder)
    assert (report.items, report.users, report.interactions) == (2, 2, 2)
    assert store.items.get("2") == Item("2", "Les Misérables", "", {"year": 1995, "genres": ("Drama",)})
    assert store.items.get("1") == Item("1", "Toy Story", "", {"year": 1995, "genres": ("Animation", "Children")})
    assert store.users.get("2") == User("2", {"gender": "M", "age": 56, "occupation": "16", "zip": "07072"})


def test_100k_with_genre_flags(store: Store, tmp_path: Path) -> None:
    def flags(*places: int) -> str:
        return "|".join("1" if place in places else "0" for place in range(19))

    folder = _folder(
        tmp_path,
        {
            "u.item": f"1|Toy Story (1995)|01-Jan-1995||http://x|{flags(3, 4, 5)}\n"
            f"2|Femme Nikita, La (1990)|01-Jan-1990||http://é|{flags(16)}\n3|unknown||||{flags(0)}\n",
            "u.data": "196\t1\t3\t881250949\n186\t2\t3\t891717742\n",
            "u.user": "196|24|M|technician|85711\n",
        },
        "latin-1",
    )
    import_movielens(store, folder)
    assert [item for _, item in store.items.all()] == [
        Item("1", "Toy Story", "", {"year": 1995, "genres": ("Animation", "Children", "Comedy")}),
        Item("2", "La Femme Nikita", "", {"year": 1990, "genres": ("Thriller",)}),
        Item("3", "unknown"),
    ]
    assert store.users.get("196") == User("196", {"age": 24, "gender": "M", "occupation": "technician", "zip": "85711"})
    assert store.interactions.of_user("186") == [Interaction("186", "2", "rating", 3.0, 891717742.0)]


def test_bad_rows_are_reported_with_file_and_line(store: Store, tmp_path: Path) -> None:
    files = dict(LATEST)
    files["ratings.csv"] += "1,99,4.0,1\n1,1,nan,1\n1,1,9,1\n,1,4,1\n1,1,4,\n1,1"
    files["movies.csv"] += "1,Again (2000),Drama\n"
    folder = _folder(tmp_path, files)
    with pytest.raises(ImportFailed) as raised:
        import_movielens(store, folder)
    assert [str(problem) for problem in raised.value.problems] == [
        "movies.csv:6: movieId '1' is repeated, first on line 2",
        "ratings.csv:5: no film '99'",
        "ratings.csv:6: rating 'nan' is not a finite number",
        "ratings.csv:7: rating '9' is not between 0 and 5",
        "ratings.csv:8: the user id is empty",
        "ratings.csv:10: 2 fields, and the header has 4 (cut off?)",
    ]
    assert store.catalogue().items == 0
    report = import_movielens(store, folder, skip_bad=tmp_path / "bad.csv")
    assert (report.items, report.interactions, len(report.skipped)) == (4, 4, 6)


def test_a_folder_of_something_else_says_what_it_holds(store: Store, tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"notes.txt": "x"})
    with pytest.raises(ImportFailed, match=r"movies.dat and ratings.dat \(1M\).*it holds: notes.txt"):
        import_movielens(store, folder)
    folder = _folder(tmp_path, {"movies.csv": "", "ratings.csv": "x"})
    with pytest.raises(ImportFailed, match=r"movies.csv is empty"):
        import_movielens(store, folder)
    folder = _folder(tmp_path, {"movies.csv": "id,title\n1,x\n"})
    with pytest.raises(ImportFailed, match=r"movies.csv has no column 'movieId'; it has: id, title"):
        import_movielens(store, folder)
