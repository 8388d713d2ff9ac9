"""Imports MovieLens as GroupLens ships it: latest and the like (CSV), 1M and 10M (``::``), 100K (``u.item``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recmind.data.contributions import combined
from recmind.data.errors import ImportFailed
from recmind.data.importers.files import DelimitedFile, RowFile, SplitFile
from recmind.data.importers.loader import Loader
from recmind.data.importers.report import ImportReport
from recmind.data.importers.values import to_finite, to_list, to_text, to_time
from recmind.data.progress import Progress, quiet
from recmind.data.records import AttributeValue, Item, User
from recmind.data.store.interactions import Parsed
from recmind.data.store.store import Store
from recmind.data.text import normalize, put_article_first

KIND = "rating"
TAGS = "tags"
"""The attribute that users contribute to."""
LARGEST_RATING = 5.0

_GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_ITEM_100K = ("movieId", "title", "release date", "video release date", "imdb url", *_GENRES_100K)
_NO_GENRES = frozenset({"(no genres listed)", "unknown", ""})
_OTHER_GENRE_NAMES = {"Children's": "Children"}

_YEAR = re.compile(r"\s*\((\d{4})(?:\s*[-–]\s*(?:\d{4})?)?\)\s*$")
_LAST_BRACKETS = re.compile(r"\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*$")
_ALSO_KNOWN_AS = re.compile(r"^(?:a\.?k\.?a\.?:?|also known as)\s+", re.IGNORECASE)
# "Birdman: Or (The Unexpected Virtue of Ignorance)": a title cannot end with such a word, so the brackets belong to it.
_UNFINISHED = re.compile(r"(?:\b(?:or|and|of)|[:&,-])$", re.IGNORECASE)


Tags = dict[str, list[tuple[str, str]]]
"""By item id: user id and tag, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one release; None for a file that it lacks."""

    movies: RowFile
    ratings: RowFile
    tags: RowFile | None = None
    links: RowFile | None = None
    users: RowFile | None = None


def import_movielens(
    store: Store,
    folder: Path,
    *,
    skip_bad: Path | None = None,
    replace: bool = False,
    progress: Progress = quiet,
) -> ImportReport:
    """Import a MovieLens folder: films, ratings and, if the release has them, tags, links and users.

    A title is separated from its year (attribute ``year``) and from its other names (``other_titles``), with its
    article in front. Genres and tags are list attributes; ``imdb_id`` and ``tmdb_id`` are kept.

    Args:
        store: where everything is kept.
        folder: the unpacked release.
        skip_bad: a CSV file for bad rows, which are then left out; None: a bad row fails the import.
        replace: make other items unavailable and delete other interactions.
        progress: is called with the rows of each file.

    Returns:
        Counts of what was imported.

    Raises:
        ImportFailed: a file is missing or a row is bad; the error holds the problems.
    """
    files = _find(Path(folder))
    with Loader(store, skip_bad=skip_bad, replace=replace, progress=progress) as loader:
        tags = _tags(loader, files.tags) if files.tags else {}
        links = _links(loader, files.links) if files.links else {}
        loader.put_items(_movies(loader, files.movies, tags, links), keep_available=True)
        if files.users:
            loader.put_users(_users(loader, files.users))
        loader.put_interactions(_ratings(loader, files.ratings))
        loader.put_contributions(TAGS, tags)
    return loader.report


def _find(folder: Path) -> Files:
    """The files of the release that the folder holds."""
    if (folder / "movies.csv").is_file() and (folder / "ratings.csv").is_file():
        optional = {name: folder / f"{name}.csv" for name in ("tags", "links")}
        return Files(
            movies=_csv(folder / "movies.csv", ("movieId", "title", "genres")),
            ratings=_csv(folder / "ratings.csv", ("userId", "movieId", "rating", "timestamp")),
            tags=_csv(optional["tags"], ("userId", "movieId", "tag")) if optional["tags"].is_file() else None,
            links=_csv(optional["links"], ("movieId", "imdbId", "tmdbId")) if optional["links"].is_file() else None,
        )
    if (folder / "movies.dat").is_file() and (folder / "ratings.dat").is_file():
        users, tags = folder / "users.dat", folder / "tags.dat"
        user_columns = ("userId", "gender", "age", "occupation", "zip")
        return Files(
            movies=_split(folder / "movies.dat", ("movieId", "title", "genres"), "::"),
            ratings=_split(folder / "ratings.dat", ("userId", "movieId", "rating", "timestamp"), "::"),
            tags=_split(tags, ("userId", "movieId", "tag", "timestamp"), "::") if tags.is_file() else None,
            users=_split(users, user_columns, "::") if users.is_file() else None,
        )
    if (folder / "u.item").is_file() and (folder / "u.data").is_file():
        users = folder / "u.user"
        user_columns = ("userId", "age", "gender", "occupation", "zip")
        return Files(
            movies=_split(folder / "u.item", _ITEM_100K, "|"),
            ratings=_split(folder / "u.data", ("userId", "movieId", "rating", "timestamp"), "\t"),
            users=_split(users, user_columns, "|") if users.is_file() else None,
        )
    inside = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else []
    raise ImportFailed(
        f"{str(folder)!r} holds none of movies.csv and ratings.csv (latest), movies.dat and ratings.dat (1M), "
        f"u.item and u.data (100K); it holds: {', '.join(inside) or 'nothing'}"
    )


def _csv(path: Path, needed: Iterable[str]) -> RowFile:
    _check_not_empty(path)
    file = DelimitedFile(path)
    for column in needed:
        if column not in file.columns:
            raise ImportFailed(f"{path.name} has no column {column!r}; it has: {', '.join(file.columns)}")
    return file


def _split(path: Path, columns: tuple[str, ...], separator: str) -> RowFile:
    _check_not_empty(path)
    return SplitFile(path, columns, separator)


def _check_not_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise ImportFailed(f"{path.name} is empty.")


def split_title(written: str) -> tuple[str, int | None, tuple[str, ...]]:
    """Title, year and other titles: ``Net, The (1995)`` gives ("The Net", 1995, ())."""
    year = None
    rest = written.strip()
    if found := _YEAR.search(rest):
        year = int(found[1])
        rest = rest[: found.start()]
    others: list[str] = []
    while (found := _LAST_BRACKETS.search(rest)) and (before := rest[: found.start()].strip()):
        if _UNFINISHED.search(before):
            break
        others[:0] = [put_article_first(_ALSO_KNOWN_AS.sub("", found[1].strip()))]
        rest = before
    title = put_article_first(rest)
    return title, year, tuple(dict.fromkeys(o for o in others if o and normalize(o) != normalize(title)))


def _places(file: RowFile, *names: str) -> list[int]:
    return [file.columns.index(name) for name in names]


def _movies(loader: Loader, file: RowFile, tags: Tags, links: dict[str, dict[str, str]]) -> Iterator[Item]:
    id_place, title_place = _places(file, "movieId", "title")
    genres_place = file.columns.index("genres") if "genres" in file.columns else None
    flags_place = file.columns.index(_GENRES_100K[0]) if genres_place is None else 0
    first_line: dict[str, int] = {}
    for line, row in loader.rows(file):
        item_id = to_text(row[id_place])
        if not item_id or item_id in first_line:
            again = f"movieId {item_id!r} is repeated, first on line {first_line.get(item_id)}"
            loader.bad(file, line, again if item_id else "movieId is empty", row)
            continue
        first_line[item_id] = line
        title, year, others = split_title(to_text(row[title_place]))
        if genres_place is None:
            genres = tuple(g for g, flag in zip(_GENRES_100K, row[flags_place:], strict=False) if flag.strip() == "1")
        else:
            genres = to_list(row[genres_place])
        genres = tuple(_OTHER_GENRE_NAMES.get(genre, genre) for genre in genres if genre not in _NO_GENRES)
        given: dict[str, Any] = {
            "year": year,
            "genres": genres,
            TAGS: combined(tags.get(item_id, ())),
            "other_titles": others,
            **links.get(item_id, {}),
        }
        attributes: dict[str, AttributeValue] = {name: value for name, value in given.items() if value}
        yield Item(item_id, title, attributes=attributes)


def _tags(loader: Loader, file: RowFile) -> Tags:
    """Who gave which tag to each film, in the order of the file."""
    user_place, item_place, tag_place = _places(file, "userId", "movieId", "tag")
    given: Tags = {}
    for line, row in loader.rows(file):
        user_id, item_id, tag = to_text(row[user_place]), to_text(row[item_place]), to_text(row[tag_place])
        if not user_id or not item_id or not tag:
            loader.bad(file, line, "userId, movieId or tag is empty", row)
            continue
        given.setdefault(item_id, []).append((user_id, tag))
    return given


def _links(loader: Loader, file: RowFile) -> dict[str, dict[str, str]]:
    item_place, imdb_place, tmdb_place = _places(file, "movieId", "imdbId", "tmdbId")
    links = {}
    for _, row in loader.rows(file):
        imdb, tmdb = to_text(row[imdb_place]), to_text(row[tmdb_place])
        links[to_text(row[item_place])] = {"imdb_id": f"tt{imdb}" if imdb else "", "tmdb_id": tmdb}
    return links


def _users(loader: Loader, file: RowFile) -> Iterator[User]:
    columns = file.columns
    for line, row in loader.rows(file):
        values = dict(zip(columns, map(to_text, row), strict=True))
        user_id = values.pop("userId")
        if not user_id:
            loader.bad(file, line, "the user id is empty", row)
            continue
        attributes: dict[str, AttributeValue] = {name: value for name, value in values.items() if value}
        if values.get("age", "").isdecimal():
            attributes["age"] = int(values["age"])
        yield User(user_id, attributes)


def _ratings(loader: Loader, file: RowFile) -> Iterator[Parsed]:
    user_place, item_place, value_place, at_place = _places(file, "userId", "movieId", "rating", "timestamp")
    known = loader.item_numbers()
    for line, row in loader.rows(file):
        user_id, item_id = row[user_place].strip(), row[item_place].strip()
        try:
            if item_id not in known:
                raise ValueError(f"no film {item_id!r}")
            if not user_id:
                raise ValueError("the user id is empty")
            value = to_finite(row[value_place], "rating")
            if not 0 <= value <= LARGEST_RATING:
                raise ValueError(f"rating {row[value_place]!r} is not between 0 and {LARGEST_RATING:g}")
            at = to_time(row[at_place], "timestamp")
        except ValueError as error:
            loader.bad(file, line, str(error), row)
            continue
        yield user_id, item_id, KIND, value, at, 0
