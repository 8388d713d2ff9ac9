"""The commands that fill, sum up and clear a workspace."""

import json

import pytest

from recmind.data.store.store import Store
from recmind.data.workspace import Workspace


def test_info_sums_the_catalogue_up(recmind, home):
    told = recmind("info", "--home", home, "--json").json
    assert {name: told[name] for name in ("items", "available", "users", "interactions", "kinds", "preferences")} == {
        "items": 8,
        "available": 8,
        "users": 3,
        "interactions": 5,
        "kinds": {"rating": 4, "view": 1},
        "preferences": 1,
    }
    assert (told["earliest"], told["latest"]) == (1_600_000_000, 1_600_000_300)
    by_name = {attribute["attribute"]: attribute for attribute in told["attributes"]}
    assert by_name["genres"]["common"][0] == {"value": "Comedy", "items": 5}
    assert (by_name["year"]["minimum"], by_name["year"]["maximum"]) == (1979, 1999)
    assert told["index"] == "000001"
    text = recmind("info", "--home", home).out
    for part in ("Items         8\n", "5 (4 rating, 1 view)", "2020-09-13 to 2020-09-13", "1979 to 1999", "Comedy (5)"):
        assert part in text


def test_index_says_whether_it_had_to_build(recmind, home):
    assert recmind("index", "--home", home).out == "Index 000001 is up to date.\n"
    again = recmind("index", "--home", home, "--force", "--json").json
    assert (again["built"], again["version"], again["items"]) == (True, "000002", 8)


def test_forget_erases_a_user_and_their_traces(recmind, home):
    assert recmind("recommend", "a comedy", "--user", "ann", "--thread", "t", "--home", home).code == 0
    told = recmind("forget", "ann", "--home", home, "--json").json
    assert told["user_id"] == "ann"
    assert told["erased"] == {
        "users": 1,
        "interactions": 2,
        "preferences": 0,
        "contributions": 0,
        "traces": 1,
        "threads": 1,
        "remembered": 0,
    }
    assert recmind("trace", "list", "--user", "ann", "--home", home, "--json").json == {"traces": []}
    assert recmind("forget", "ann", "--home", home).out == "Nothing was known of user 'ann'.\n"
    for path in home.rglob("*"):
        assert not path.is_file() or b"a comedy" not in path.read_bytes(), path


def test_an_unavailable_item_is_not_recommended(recmind, home):
    def found():
        answer = recmind("recommend", "--filter", "year=1985", "--home", home, "--json").json
        return [recommendation["item_id"] for recommendation in answer["recommendations"]]

    assert found() == ["clue"]
    assert recmind("items", "unavailable", "clue", "--home", home).out == "1 item made unavailable: Clue.\n"
    assert recmind("items", "unavailable", "clue", "--home", home).out == "Nothing had to change.\n"
    assert found() == []
    assert recmind("items", "available", "clue", "--home", home, "--json").json["changed"] == 1
    assert found() == ["clue"]
    assert recmind("items", "remove", "clue", "heat", "--home", home).code == 0
    assert found() == []
    workspace = Workspace.open(home)
    with Store(workspace.database) as store:
        assert store.items.get("clue") is None


def test_an_unknown_item_changes_nothing(recmind, home):
    done = recmind("items", "remove", "clue", "nope", "--home", home)
    assert (done.code, done.out) == (2, "")
    assert "'nope'" in done.err
    assert recmind("info", "--home", home, "--json").json["items"] == 8


def test_table_takes_a_file_and_its_columns(recmind, tmp_path):
    items = tmp_path / "shop.csv"
    items.write_text("sku,title,color\n1,Spade,green\n2,Rake,red\n")
    orders = tmp_path / "orders.jsonl"
    orders.write_text(json.dumps({"customer": "u", "sku": "1"}) + "\n")
    home = tmp_path / "new"
    columns = ("items.item_id=sku", "interactions.item_id=sku", "interactions.user_id=customer")
    named = [word for column in columns for word in ("--column", column)]
    words = ["--items", items, "--interactions", orders, *named, "--kind", "purchase"]
    told = recmind("import", "table", *words, "--home", home, "--json").json
    assert (told["items"], told["users"], told["interactions"], told["skipped"]) == (2, 1, 1, [])
    assert recmind("info", "--home", home, "--json").json["kinds"] == {"purchase": 1}


def test_bad_rows_stop_an_import_or_are_set_aside(recmind, tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\na,Spade\n,Nameless\n")
    stopped = recmind("import", "table", "--items", items, "--home", tmp_path / "new")
    assert (stopped.code, stopped.out) == (2, "")
    assert "items.csv:3" in stopped.err
    kept = recmind("import", "table", "--items", items, "--home", tmp_path / "new", "--skip-bad", "--json").json
    assert (kept["items"], len(kept["skipped"])) == (1, 1)
    assert kept["bad_rows"] == str(tmp_path / "new" / "bad-rows.csv")
    assert "Nameless" in (tmp_path / "new" / "bad-rows.csv").read_text()
    elsewhere = tmp_path / "bad.csv"
    kept = recmind(
        "import", "table", "--items", items, "--home", tmp_path / "other", "--bad-rows", elsewhere, "--json"
    ).json
    assert (kept["bad_rows"], elsewhere.is_file()) == (str(elsewhere), True)


@pytest.mark.parametrize("mapping", ["asin", "=asin", "items.item_id=", "products.item_id=asin"])
def test_a_mapping_that_cannot_be_read_is_bad_usage(recmind, tmp_path, mapping):
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\na,Spade\n")
    done = recmind("import", "table", "--items", items, "--column", mapping, "--home", tmp_path / "new")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("recmind: error: ")
