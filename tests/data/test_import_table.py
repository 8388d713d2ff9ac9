"""Importing anyone's tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recmind.data.errors import ImportFailed, InputError
from recmind.data.importers import ImportReport, import_table
from recmind.data.records import Interaction, Item, User
from recmind.data.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as store:
        yield store


@pytest.fixture
def shop(store: Store) -> Store:
    """A store with items 1, 2 and 007."""
    store.items.put([Item("1", "One"), Item("2", "Two"), Item("007", "Seven")])
    return store


def _write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return report.items, report.users, report.interactions, report.added, report.updated


def _items(store: Store) -> list[Item]:
    return [item for _, item in store.items.all()]


# -- what files look like ----------------------------------------------------------------------------------------------


def test_unknown_columns_become_attributes_with_inferred_kinds(store: Store, tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        "items.csv",
        "item_id,title,description,year,price,zip,genres,tags,note,in stock\n"
        '007,Bond 🍸,"A spy, shaken",1962,7.5,01234,Action|Spy,"[""a,b"", ""c""]",a | b,yes\n'
        "2,,,1999,,99999,Drama,[],,nan\n",
    )
    assert _counts(import_table(store, items=file)) == (2, 0, 0, 2, 0)
    assert _items(store) == [
        Item(
            "007",
            "Bond 🍸",
            "A spy, shaken",
            {
                "year": 1962, "price": 7.5, "zip": "01234", "genres": ("Action", "Spy"), "tags": ("a,b", "c"),
                "note": "a | b", "in stock": "yes",
            },
        ),
        Item("2", "", "", {"year": 1999, "zip": "99999", "genres": ("Drama",)}),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_the_delimiter_is_found_whatever_the_ending_says(
    store: Store, tmp_path: Path, delimiter: str, ending: str
) -> None:
    text = delimiter.join(["item_id", '"title, or name; maybe|so"', "year"]) + "\n" + delimiter.join(["1", "x", "3"])
    import_table(
        store,
        items=_write(tmp_path, f"items.{ending}", text),
        columns={"items.title": "title, or name; maybe|so"},
    )
    assert _items(store) == [Item("1", "x", attributes={"year": 3})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_encodings_are_recognized(store: Store, tmp_path: Path, encoding: str) -> None:
    file = _write(tmp_path, "items.csv", "item_id,title\r\n1,Amélie\r\n2,Señor Ñu\r\n".encode(encoding))
    import_table(store, items=file)
    assert [item.title for item in _items(store)] == ["Amélie", "Señor Ñu"]


def test_json_lines_keep_their_types(store: Store, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"item_id": 7, "title": "Seven", "year": 1999, "code": "12", "tags": ["a", 2, None], "new": True, "x": None},
        {"item_id": "007", "title": None, "maker": {"name": "Acme", "city": "Oslo"}, "cast": [{"name": "Zoë"}]},
        {"item_id": 8.0, "year": float("nan"), "code": ""},
    ]
    file = _write(tmp_path, "items.jsonl", "\ufeff" + "\n".join(map(json.dumps, rows)) + "\n\n")
    import_table(store, items=file)
    assert _items(store) == [
        Item("7", "Seven", "", {"year": 1999, "code": "12", "tags": ("a", "2"), "new": "true"}),
        Item("007", "", "", {"maker.name": "Acme", "maker.city": "Oslo", "cast": ("Zoë",)}),
        Item("8"),
    ]


def test_a_json_array_is_read_too(store: Store, tmp_path: Path) -> None:
    import_table(store, items=_write(tmp_path, "items.json", ' [{"item_id": 1, "n": 2}, {"item_id": 2}]'))
    assert _items(store) == [Item("1", attributes={"n": 2}), Item("2")]
    with pytest.raises(ImportFailed, match="not readable as JSON"):
        import_table(store, items=_write(tmp_path, "cut.json", '[{"item_id": 1}, {"it'))


def test_parquet_is_read_with_its_types(store: Store, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table(
        {
            "item_id": [1, 2],
            "title": ["One", None],
            "price": [2.0, float("nan")],
            "tags": [["a", "b"], []],
            "created_at": [datetime(2020, 1, 1, tzinfo=UTC), None],
        }
    )
    parquet.write_table(table, tmp_path / "items.parquet")
    import_table(store, items=tmp_path / "items.parquet")
    assert _items(store) == [
        Item("1", "One", "", {"price": 2, "tags": ("a", "b")}, created_at=1577836800.0),
        Item("2"),
    ]
    data = (tmp_path / "items.parquet").read_bytes()
    with pytest.raises(ImportFailed, match=r"half\.parquet is not readable as Parquet"):
        import_table(store, items=_write(tmp_path, "half.parquet", data[: len(data) // 2]))


def test_a_long_description_and_repeated_titles_are_fine(store: Store, tmp_path: Path) -> None:
    long = "ten words of text " * 11_112
    file = _write(tmp_path, "items.csv", f'item_id,title,description\n1,Same,"{long}"\n2,Same,\n3,,\n')
    assert len(long) > 200_000
    import_table(store, items=file)
    assert [item.title for item in _items(store)] == ["Same", "Same", ""]
    assert _items(store)[0].description == long.strip()
    assert [number for number, _ in store.full_text.search("words")] == [1]


# -- columns -----------------------------------------------------------------------------------------------------------


def test_columns_are_mapped_found_by_name_or_named_in_the_message(store: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "items.csv", "SKU,Name,Kinds\nA1,Lamp,light;home\n")
    with pytest.raises(ImportFailed) as raised:
        import_table(store, items=file)
    assert str(raised.value) == (
        "items.csv has no column 'item_id'. It has: 'SKU', 'Name', 'Kinds'. "
        "Say which one it is with --column items.item_id=COLUMN"
    )
    with pytest.raises(ImportFailed, match=r"no column 'sku', which is given for items.item_id. It has: 'SKU'"):
        import_table(store, items=file, columns={"items.item_id": "sku"})
    import_table(store, items=file, columns={"items.item_id": "SKU", "items.sort:text": "Kinds"})
    assert _items(store) == [Item("A1", "Lamp", attributes={"sort": "light;home"})]


def test_a_delimiter_that_nobody_uses_is_hinted_at(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match=r"It has: 'item_id\^title'.*Is something else than comma, tab"):
        import_table(store, items=_write(tmp_path, "items.csv", "item_id^title\n1^x\n"))


@pytest.mark.parametrize("left", ["item_id", "things.item_id", "items.", "interactions.colour"])
def test_a_mapping_to_nowhere_is_refused(shop: Store, tmp_path: Path, left: str) -> None:
    file = _write(tmp_path, "i.csv", "user_id,item_id\nu,1\n")
    with pytest.raises(InputError, match=left):
        import_table(shop, interactions=file, kind="like", columns={left: "item_id"})


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "items.csv is empty"), ("item_id,title\n", "no rows below its header"), ("\n\n", "no header line"),
     ("item_id,a,a\n1,2,3\n", "two columns called 'a'")],
)  # fmt: skip
def test_files_without_content_are_refused(store: Store, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImportFailed, match=said):
        import_table(store, items=_write(tmp_path, "items.csv", text))
    with pytest.raises(ImportFailed, match=r"Cannot read .*nowhere\.csv"):
        import_table(store, items=tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="at least one file"):
        import_table(store)


def test_the_catalogues_kinds_hold_for_later_files(store: Store, tmp_path: Path) -> None:
    import_table(store, items=_write(tmp_path, "a.csv", "item_id,genres,year,code\n1,A|B,1999,x1\n"))
    import_table(store, items=_write(tmp_path, "b.csv", "item_id,genres,year,code\n2,A,2000,12\n"))
    assert _items(store)[1] == Item("2", attributes={"genres": ("A",), "year": 2000, "code": "12"})
    with pytest.raises(ImportFailed, match=r"c\.csv:2: year 'old' is not a number, as year is elsewhere"):
        import_table(store, items=_write(tmp_path, "c.csv", "item_id,year\n3,old\n"))


# -- bad rows ----------------------------------------------------------------------------------------------------------

BAD_ITEMS = 'item_id,title,created_at\n1,One,\n,None,\n1,Again,\n3,"Two\nlines",soon\n4,Four,2020-01-01\n5,Fi\n'


def test_any_bad_row_stops_the_import_and_nothing_is_kept(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as raised:
        import_table(store, items=_write(tmp_path, "items.csv", BAD_ITEMS))
    assert [str(problem) for problem in raised.value.problems] == [
        "items.csv:3: item_id is empty (column 'item_id')",
        "items.csv:4: item_id '1' is repeated, first on line 2",
        "items.csv:5: created_at 'soon' is neither Unix seconds nor an ISO date",
        "items.csv:8: 2 fields, and the header has 3 (cut off?)",
    ]
    assert str(raised.value).startswith("4 rows are bad, so nothing was imported: items.csv:3: item_id is empty")
    assert "; ..." in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (_items(store), store.catalogue_version) == ([], 0)


def test_bad_rows_can_be_left_out_and_are_written_to_a_file(store: Store, tmp_path: Path) -> None:
    bad = tmp_path / "out" / "bad.csv"
    report = import_table(store, items=_write(tmp_path, "items.csv", BAD_ITEMS), skip_bad=bad)
    assert _items(store) == [Item("1", "One"), Item("4", "Four", created_at=1577836800.0)]
    assert [problem.line for problem in report.skipped] == [3, 4, 5, 8]
    with bad.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[2] == {
        "file": "items.csv",
        "line": "5",
        "reason": "created_at 'soon' is neither Unix seconds nor an ISO date",
        "row": '["3", "Two\\nlines", "soon"]',
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("u,99,rating,4,1,", "the catalogue has no item '99'"),
        (",1,rating,4,1,", "user_id is empty"),
        ("u,1,rating,nan,1,", "value 'nan' is not a finite number"),
        ("u,1,rating,inf,1,", "value 'inf' is not a finite number"),
        ("u,1,rating,-1,1,", "value '-1' is negative"),
        ("u,1,rating,many,1,", "value 'many' is not a number"),
        ("u,1,rating,4,yesterday,", "at 'yesterday' is neither Unix seconds nor an ISO date"),
        ("u,1,rating,4,nan,", "at 'nan' is not a finite number"),
        ("u,1,rating,4,1,1.5", "position '1.5' is not a whole number of at least 0"),
        ("u,1,rating,4,1,-1", "position '-1' is not a whole number of at least 0"),
        ("u,1,,4,1,", "the kind is empty"),
        ("u,1,rating", "3 fields, and the header has 6 (cut off?)"),
        ("u,1,rating,4,1,,7", "7 fields, and the header has 6 (an unquoted delimiter?)"),
        ('u,1,"rating,4,1,', "not readable as CSV: unexpected end of data"),
    ],
)
def test_bad_interactions_say_why(shop: Store, tmp_path: Path, row: str, reason: str) -> None:
    file = _write(tmp_path, "i.csv", f"user_id,item_id,kind,value,at,position\nu,1,like,,,\n{row}\n")
    with pytest.raises(ImportFailed) as raised:
        import_table(shop, interactions=file)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line) == ("i.csv", 3)
    assert problem.reason.startswith(reason)
    assert shop.users.get("u") is None


def test_a_json_lines_file_cut_in_half_is_reported(store: Store, tmp_path: Path) -> None:
    text = "".join(json.dumps({"item_id": n, "title": "é" * 9}, ensure_ascii=False) + "\n" for n in range(9)).encode()
    for cut in (len(text) // 2, len(text) // 2 + 1):
        with pytest.raises(ImportFailed, match=r"items.jsonl:5: not readable as JSON"):
            import_table(store, items=_write(tmp_path, "items.jsonl", text[:cut]))
    with pytest.raises(ImportFailed, match=r"a.jsonl:1: a JSON list where an object should be"):
        import_table(store, items=_write(tmp_path, "a.jsonl", '[1]\n{"item_id": 1}\n'))


def test_very_many_bad_rows_stop_early(shop: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "i.csv", "user_id,item_id\n" + "u,99\n" * 5000)
    with pytest.raises(ImportFailed, match="at least 1000 rows are bad") as raised:
        import_table(shop, interactions=file, kind="like")
    assert len(raised.value.problems) == 1000


# -- interactions and users --------------------------------------------------------------------------------------------


def test_interactions_of_several_kinds_with_times_in_several_forms(shop: Store, tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        "log.csv",
        "userId,itemId,event,stars,timestamp\n"
        "u,1,Rating,4.5,1577836800\nu,2,rating,3,2020-01-02\nu,007,VIEW,,1577836800000\nu,1,buy,,2020-01-03T00:00:00+01:00\n",
    )
    report = import_table(shop, interactions=file)
    assert _counts(report) == (0, 1, 4, 4, 0)
    assert set(shop.interactions.of_user("u")) == {
        Interaction("u", "1", "rating", 4.5, 1577836800.0),
        Interaction("u", "2", "rating", 3.0, 1577923200.0),
        Interaction("u", "007", "view", None, 1577836800.0),
        Interaction("u", "1", "buy", None, 1578006000.0),
    }


def test_the_kind_is_said_inferred_from_a_rating_column_or_asked_for(shop: Store, tmp_path: Path) -> None:
    rated = _write(tmp_path, "r.csv", "user_id,item_id,rating\nu,1,3\n")
    plain = _write(tmp_path, "p.csv", "user_id,item_id\nu,1\n")
    import_table(shop, interactions=rated)
    with pytest.raises(ImportFailed, match=r"p.csv does not say what its interactions are.*--kind purchase"):
        import_table(shop, interactions=plain)
    import_table(shop, interactions=plain, kind=" Purchase ")
    assert {i.kind for i in shop.interactions.of_user("u")} == {"rating", "purchase"}


def test_negative_values_can_be_allowed(shop: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "r.csv", "user_id,item_id,rating\nu,1,-3\n")
    import_table(shop, interactions=file, allow_negative=True)
    assert shop.interactions.of_user("u")[0].value == -3.0


def test_an_order_column_stands_in_for_times(shop: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "r.tsv", "user_id\titem_id\torder\tat\nu\t2\t1\t\nu\t007\t2\t\nu\t1\t0\t100\n")
    import_table(shop, interactions=file, kind="purchase")
    assert [i.item_id for i in shop.interactions.of_user("u", newest_first=False)] == ["1", "2", "007"]


def test_users_have_attributes(shop: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "u.csv", "user_id,age,likes\n007,30,a|b\nx,,\n")
    assert _counts(import_table(shop, users=file)) == (0, 2, 0, 0, 0)
    assert shop.users.get("007") == User("007", {"age": 30, "likes": ("a", "b")})
    assert shop.users.get("x") == User("x")


# -- importing again ---------------------------------------------------------------------------------------------------


def test_importing_again_updates_and_never_duplicates(store: Store, tmp_path: Path) -> None:
    items = _write(tmp_path, "items.csv", "item_id,title,tags\n1,One,a|b\n2,Two,c|d\n")
    log = _write(tmp_path, "log.csv", "user_id,item_id,rating,at\nu,1,3,10\nu,2,4,20\n")
    assert _counts(import_table(store, items=items, interactions=log)) == (2, 1, 2, 4, 0)
    version, mark = store.catalogue_version, store.users.watermark("u")
    assert _counts(import_table(store, items=items, interactions=log)) == (2, 1, 2, 0, 0)
    assert (store.catalogue_version, store.users.watermark("u")) == (version, mark), (
        "nothing changed, so no version changes"
    )
    _write(tmp_path, "items.csv", "item_id,title,tags\n1,Uno,a|b\n3,Three,\n")
    _write(tmp_path, "log.csv", "user_id,item_id,rating,at\nu,1,5,10\nv,3,4,20\n")
    assert _counts(import_table(store, items=items, interactions=log)) == (2, 2, 2, 2, 2)
    assert [item.title for item in _items(store)] == ["Uno", "Two", "Three"]
    assert store.users.watermark("u") > mark
    assert [(i.item_id, i.value) for i in store.interactions.of_user("u")] == [("2", 4.0), ("1", 5.0)]
    assert store.catalogue().interactions == 3


def test_a_second_item_file_merges(store: Store, tmp_path: Path) -> None:
    import_table(store, items=_write(tmp_path, "a.csv", "item_id,title,year\n1,One,1999\n2,Two,2000\n"))
    store.items.set_available(["1"], False)
    more = _write(tmp_path, "b.csv", "movie,overview,keywords\n1,A story,x|y\n")
    import_table(store, items=more, columns={"items.item_id": "movie", "items.description": "overview"})
    assert _items(store) == [
        Item("1", "One", "A story", {"year": 1999, "keywords": ("x", "y")}, available=False),
        Item("2", "Two", "", {"year": 2000}),
    ]
    import_table(store, items=_write(tmp_path, "c.csv", "item_id,available\n1,yes\n2,0\n"))
    assert [item.available for item in _items(store)] == [True, False]


def test_replace_makes_the_files_the_whole_truth(store: Store, tmp_path: Path) -> None:
    items = _write(tmp_path, "items.csv", "item_id,title,year\n1,One,1999\n2,Two,2000\n")
    log = _write(tmp_path, "log.csv", "user_id,item_id,rating,at\nu,1,3,10\nu,2,4,20\nv,2,1,5\nw,1,1,5\n")
    import_table(store, items=items, interactions=log)
    mark = store.users.watermark("w")
    _write(tmp_path, "items.csv", "item_id,title\n2,Deux\n3,Trois\n")
    _write(tmp_path, "log.csv", "user_id,item_id,rating,at\nu,2,5,20\nu,3,4,30\nw,1,1,5\n")
    report = import_table(store, items=items, interactions=log, replace=True)
    assert _counts(report) == (2, 2, 3, 2, 3)
    assert _items(store) == [
        Item("1", "One", "", {"year": 1999}, available=False),
        Item("2", "Deux"),
        Item("3", "Trois"),
    ]
    assert [(i.item_id, i.value) for i in store.interactions.of_user("u")] == [("3", 4.0), ("2", 5.0)]
    assert store.interactions.of_user("v") == []
    assert store.counts.of_items([1, 2]).interactions.tolist() == [1, 1]
    assert store.users.watermark("w") > mark
    import_table(store, items=_write(tmp_path, "back.csv", "item_id,title\n1,One\n2,Deux\n3,Trois\n"), replace=True)
    assert all(item.available for item in _items(store))
    assert store.problems() == []


def test_a_failed_replace_keeps_everything(shop: Store, tmp_path: Path) -> None:
    shop.interactions.add([Interaction("u", "1", "like")])
    items = _write(tmp_path, "items.csv", "item_id,title\n9,Nine\n")
    log = _write(tmp_path, "log.csv", "user_id,item_id\nu,9\nu,nowhere\n")
    with pytest.raises(ImportFailed, match=r"log.csv:3: the catalogue has no item 'nowhere'"):
        import_table(shop, items=items, interactions=log, kind="like", replace=True)
    assert [item.item_id for item in _items(shop)] == ["1", "2", "007"]
    assert all(item.available for item in _items(shop))
    assert len(shop.interactions.of_user("u")) == 1


def test_progress_is_told_on_long_files(shop: Store, tmp_path: Path) -> None:
    file = _write(tmp_path, "log.csv", "user_id,item_id\n" + "".join(f"u{n},1\n" for n in range(25_000)))
    told: list[tuple[str, int, int | None]] = []
    import_table(shop, interactions=file, kind="view", progress=lambda *step: told.append(step))
    assert told[:3] == [("log.csv", 10_000, 25_001), ("log.csv", 20_000, 25_001), ("log.csv", 25_000, 25_000)]
