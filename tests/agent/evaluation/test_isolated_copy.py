"""Nothing of what is held out remains in any byte of the workspace that is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from recmind.agent.evaluation.isolated_copy import copied
from recmind.agent.evaluation.protocols import questions
from recmind.data.errors import WorkspaceError
from recmind.data.importers import import_movielens
from recmind.data.records import Interaction, Preference
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index
from recmind.tools.index.engines import open_engines
from recmind.tools.index.manifest import verify

CUT = 1_900_000_000.0
"""Unix seconds, after everything in the demo."""


def copy_of(home: Path, target: Path, protocol: str = "leave-one-out", **options) -> Workspace:
    source = Workspace.open(home)
    with Store(source.database, source.settings) as store:
        asked = questions(store, protocol, **options)
    return copied(source, target, asked.arrays, asked.split)


def artifacts(home: Path) -> dict[str, bytes]:
    """Every file of the workspace by name; none of its folders may be left out."""
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def alter_last(store: Store, items: list[str]) -> int:
    """Give every user's last interaction another item, value and time, and another kind where it may have one."""
    last: dict[str, Interaction] = {}
    for user_id in store.users.ids():
        last[user_id] = store.interactions.of_user(user_id, limit=1)[0]
    with store.database.writing() as conn:
        for user_id, done in last.items():
            conn.execute(
                """DELETE FROM interactions WHERE user_number = (SELECT user_number FROM users WHERE user_id = ?)
                AND item_number = (SELECT item_number FROM items WHERE item_id = ?)""",
                [user_id, done.item_id],
            )
        store.counts.refresh()
    altered = []
    for place, (user_id, done) in enumerate(last.items()):
        had = {interaction.item_id for interaction in store.interactions.of_user(user_id)}
        item_id = next(i for i in items[place:] + items if i not in had and i != done.item_id)
        altered.append(Interaction(user_id, item_id, "purchase", 1.5, CUT + place))
    return store.interactions.add(altered)


def test_altered_held_out_rows_leave_every_artifact_as_it_was(demo_copy: Path, tmp_path: Path) -> None:
    before = artifacts(copy_of(demo_copy, tmp_path / "before").home)
    source = Workspace.open(demo_copy)
    with Store(source.database, source.settings) as store:
        items = [item.item_id for _, item in store.items.all()]
        assert alter_last(store, items) == len(store.users.ids())
        build_index(source, store)
    after = artifacts(copy_of(demo_copy, tmp_path / "after").home)
    assert after.keys() == before.keys()
    assert {"recmind.db", "index/CURRENT", "index/000001/manifest.json"} <= before.keys()
    assert [name for name in before if before[name] != after[name]] == []
    assert not any(b"purchase" in content for content in after.values())


def test_the_source_is_only_read(demo_copy: Path, tmp_path: Path) -> None:
    before = artifacts(demo_copy)
    copy_of(demo_copy, tmp_path / "copy")
    after = {name: content for name, content in artifacts(demo_copy).items() if not name.endswith(("-wal", "-shm"))}
    assert {name: before.get(name) for name in after} == after


def test_nothing_that_reads_the_copy_knows_the_targets(demo_copy: Path, tmp_path: Path) -> None:
    source = Workspace.open(demo_copy)
    with Store(source.database, source.settings) as store:
        asked = questions(store, "leave-one-out")
        total = store.catalogue().interactions
        counts = {item.item_id: n for (_, item), n in zip(
            store.items.all(), store.counts.of_items().interactions.tolist(), strict=True)}  # fmt: skip
    copy = copied(source, tmp_path / "copy", asked.arrays, asked.split)
    verify(copy.current_index() or Path())
    taken: dict[str, int] = {}
    for case in asked.cases:
        taken[case.targets[0]] = taken.get(case.targets[0], 0) + 1
    with Store(copy.database, copy.settings) as store:
        engines = open_engines(copy, store)
        assert not engines.stale
        assert engines.manifest.interactions == total - len(asked.cases) == store.catalogue().interactions
        assert (engines.manifest.built_at, engines.manifest.seconds, engines.manifest.encoded) == (0, 0, 0)
        for case in asked.cases:
            assert case.user_id is not None
            assert case.targets[0] not in store.interactions.consumed_ids(case.user_id)
            assert case.targets[0] not in {row.item_id for row in engines.history.interactions(case.user_id, n=None)}
        now = {item.item_id: n for (_, item), n in zip(
            store.items.all(), store.counts.of_items().interactions.tolist(), strict=True)}  # fmt: skip
        assert now == {item_id: n - taken.get(item_id, 0) for item_id, n in counts.items()}
        assert store.problems() == []


def folder(tmp_path: Path, name: str, ratings: str, tags: str) -> Path:
    made = tmp_path / name
    made.mkdir()
    titles = ("Alien", "Big", "Clue", "Dune", "Heat", "Jaws")
    movies = "".join(f"{n},{title} (1980),Drama\n" for n, title in enumerate(titles, 1))
    (made / "movies.csv").write_text(f"movieId,title,genres\n{movies}")
    (made / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{ratings}")
    (made / "tags.csv").write_text(f"userId,movieId,tag,timestamp\n{tags}")
    return made


def imported(home: Path, files: Path) -> Path:
    workspace = Workspace.open(home, create=True)
    with Store(workspace.database, workspace.settings) as store:
        import_movielens(store, files)
        build_index(workspace, store)
    return home


@pytest.fixture
def tagged_home(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Builds a small MovieLens workspace, given who tagged the held-out film how."""

    def make(name: str, last: str, tag: str) -> Path:
        ratings = f"1,1,5,10\n1,2,4,20\n1,{last}\n2,1,5,11\n2,2,3,21\n2,4,4,31\n3,3,4,12\n3,4,2,22\n3,1,5,32\n"
        tags = f"1,3,{tag},9\n2,3,classic,9\n2,1,secret,9\n1,1,scary,9\n1,1,scary,9\n3,2,boyhood,9\n"
        return imported(tmp_path / name, folder(tmp_path, f"{name}-files", ratings, tags))

    return make


def test_a_users_own_tags_leave_with_the_film_they_are_on(
    tagged_home: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    home = tagged_home("one", "3,5,30", "whodunit")
    with Store(home / "recmind.db") as store:
        item = store.items.get("3")
        assert item is not None
        assert item.attributes["tags"] == ("whodunit", "classic")
    copy = copy_of(home, tmp_path / "copy")
    with Store(copy.database) as store:
        tags = {item.item_id: item.attributes.get("tags") for _, item in store.items.all()}
        # 3's last film is 1, which only others have tagged; 2's is 4; their tags on other films stay.
        assert tags == {"1": ("secret", "scary"), "2": ("boyhood",), "3": ("classic",), "4": None, "5": None, "6": None}
        assert store.attributes.values("tags") == [("boyhood", 1), ("classic", 1), ("scary", 1), ("secret", 1)]
        assert store.full_text.search("whodunit") == []
        assert store.full_text.search("classic") != []
    assert not any(b"whodunit" in content for content in artifacts(copy.home).values())


def test_altered_own_tags_leave_every_artifact_as_it_was(
    tagged_home: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    one = artifacts(copy_of(tagged_home("one", "3,5,30", "whodunit"), tmp_path / "copy-one").home)
    other = artifacts(copy_of(tagged_home("other", "3,0.5,3000", "Classic"), tmp_path / "copy-other").home)
    assert [name for name in one if one[name] != other.get(name)] == []
    assert one.keys() == other.keys()


def test_cold_items_lose_what_anybody_said_of_them(
    tagged_home: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    home = tagged_home("one", "3,5,30", "whodunit")
    source = Workspace.open(home)
    with Store(source.database, source.settings) as store:
        asked = questions(store, "cold-items", seed=next(
            seed for seed in range(99) if questions_of(store, seed) == ("3",)))  # fmt: skip
    copy = copied(source, tmp_path / "copy", asked.arrays, asked.split)
    with Store(copy.database) as store:
        item = store.items.get("3")
        assert item is not None
        assert "tags" not in item.attributes
        assert store.items.get("1") is not None
        assert not np.isin(store.interactions.arrays().item_numbers, asked.split.cold_items).any()


def questions_of(store: Store, seed: int) -> tuple[str, ...]:
    return questions(store, "cold-items", seed=seed).cases[0].targets


def test_a_temporal_copy_forgets_what_was_said_later(demo_copy: Path, tmp_path: Path) -> None:
    with Store(demo_copy / "recmind.db") as store:
        user_id = store.users.ids(1)[0]
        store.preferences.put(Preference(user_id, "no horror", "genres!=Horror", at=CUT))
        store.preferences.put(Preference(user_id, "no war", "genres!=War", at=1.0))
    copy = copy_of(demo_copy, tmp_path / "copy", "temporal")
    with Store(copy.database) as store:
        assert [preference.text for preference in store.preferences.of_user(user_id)] == ["no war"]


def test_requests_are_asked_of_a_whole_copy(demo_copy: Path, tmp_path: Path) -> None:
    with Store(demo_copy / "recmind.db") as store:
        item = next(item for _, item in store.items.all())
    (tmp_path / "asked.jsonl").write_text(f'{{"text": "the one with {item.title}", "item_id": "{item.item_id}"}}\n')
    copy = copy_of(demo_copy, tmp_path / "copy", "requests", requests=tmp_path / "asked.jsonl")
    with Store(copy.database, copy.settings) as store, Store(demo_copy / "recmind.db") as source:
        assert store.catalogue().interactions == source.catalogue().interactions
        assert not open_engines(copy, store).stale


def test_a_source_that_changes_meanwhile_is_noticed(demo_copy: Path, tmp_path: Path) -> None:
    source = Workspace.open(demo_copy)
    with Store(source.database, source.settings) as store:
        asked = questions(store, "leave-one-out")
        user_id = asked.cases[0].user_id
        assert user_id is not None
        store.forget_user(user_id)
    with pytest.raises(WorkspaceError, match=r"changed while it was copied: 145 of 146"):
        copied(source, tmp_path / "copy", asked.arrays, asked.split)
    assert not (tmp_path / "copy" / ".rough.db").exists()


def test_free_pages_keep_nothing(demo_copy: Path, tmp_path: Path) -> None:
    copy = copy_of(demo_copy, tmp_path / "copy")
    with closing(sqlite3.connect(copy.database)) as conn:
        assert conn.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert {row[0] for row in conn.execute("SELECT DISTINCT watermark FROM users")} == {1}
        assert dict(conn.execute("SELECT key, value FROM meta"))["clock"] == 1
