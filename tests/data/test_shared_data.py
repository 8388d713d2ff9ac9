"""Real data sets, where they are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recmind.data.conditions import matches, parse_condition
from recmind.data.importers import import_movielens, import_table
from recmind.data.store.store import Store


@pytest.fixture(scope="module")
def latest(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("latest") / "store.db") as store:
        report = import_movielens(store, shared_data / "ml-latest-small")
        assert (report.items, report.users, report.interactions) == (9742, 610, 100_836)
        assert report.seconds > 0
        yield store


def test_latest_small_describes_itself(latest: Store) -> None:
    catalogue = latest.catalogue()
    kinds = {attribute.name: attribute.kind for attribute in catalogue.attributes}
    assert kinds == {
        "genres": "list", "imdb_id": "text", "other_titles": "list", "tags": "list", "tmdb_id": "text",
        "year": "number",
    }  # fmt: skip
    year = catalogue.attribute("year")
    assert year is not None
    assert (year.minimum, year.maximum) == (1902, 2018)
    assert [(kind.name, kind.interactions) for kind in catalogue.kinds] == [("rating", 100_836)]
    assert latest.titles.by_key(["matrix", "net"]) == {"matrix": ["2571"], "net": ["185"]}
    assert latest.problems() == []


def test_sql_and_python_agree_on_latest_small(latest: Store) -> None:
    conditions = [parse_condition(text) for text in ("genres=comedy", "year>=1990", "tags~pixar", "genres!=Drama")]
    slow = [n for n, item in latest.items.all() if all(matches(condition, item) for condition in conditions)]
    assert latest.items.matching(conditions).tolist() == slow
    assert slow


def test_overviews_merge_into_latest_small(shared_data: Path, tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        import_movielens(store, shared_data / "ml-latest-small")
        report = import_table(
            store,
            items=shared_data / "movie-overviews.csv",
            columns={"items.item_id": "movieId", "items.description": "overview"},
        )
        assert (report.items, report.added, report.updated) == (3537, 0, 3537)
        toy = store.items.get("1")
        assert toy is not None
        assert toy.title == "Toy Story"
        assert toy.description.startswith("Led by Woody")
        keywords = toy.attributes["keywords"]
        assert isinstance(keywords, tuple)
        assert keywords[:2] == ("jealousy", "toy")
        assert store.catalogue().items == 9742


def test_beauty_comes_in_by_its_order_column(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "amazon-beauty"
    with Store(tmp_path / "store.db") as store:
        report = import_table(
            store,
            items=folder / "items.jsonl",
            interactions=folder / "interactions.tsv",
            columns={"interactions.at": "unix_time"},
            kind="purchase",
        )
        assert (report.items, report.users, report.interactions, report.skipped) == (12_101, 22_363, 198_502, [])
        arrays = store.interactions.arrays()
        same_user = arrays.user_numbers[1:] == arrays.user_numbers[:-1]
        assert (np.diff(arrays.positions)[same_user] == 1).all()
        assert np.isnan(arrays.at).sum() == 2 * 22_363
        assert [i.item_id for i in store.interactions.of_user("1", newest_first=False)] == ["1", "2", "3", "4", "5"]
        item = store.items.get("1")
        assert item is not None
        assert item.attributes["attributes"] == ("OPI", "Makeup", "Nails", "Nail Polish")
