from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from recmind.data.errors import RecMindError, WorkspaceError
from recmind.data.records import Interaction, Item
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index
from recmind.tools.index.engines import open_engines
from recmind.tools.index.manifest import IndexFailed, Manifest, verify
from tests.tools.word_encoder import WordEncoder
from tests.worlds import FILMS5


@pytest.fixture
def encoder(monkeypatch):
    made = WordEncoder()
    for module in ("build", "engines"):
        monkeypatch.setattr(f"recmind.tools.index.{module}.open_encoder", lambda name, cache: made)
    return made


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "shop", create=True)


@pytest.fixture
def store(workspace):
    with Store(workspace.database, workspace.settings) as opened:
        opened.items.put(FILMS5)
        opened.interactions.add(
            Interaction(user, item, "like", at=float(at))
            for user, items in (("ann", ("alien", "aliens", "heat")), ("bob", ("alien", "aliens")), ("cy", ("up",)))
            for at, item in enumerate(items)
        )
        yield opened


def versions(workspace) -> list[str]:
    return sorted(path.name for path in workspace.index_folder.iterdir() if path.is_dir())


class TestIndexBuilding:
    def test_what_is_built_is_told_and_used(self, workspace, store, encoder):
        manifest = build_index(workspace, store)
        assert workspace.current_index() == workspace.index_folder / "000001"
        assert verify(workspace.current_index()) == manifest == Manifest.read(workspace.current_index())
        told = (manifest.version, manifest.items, manifest.encoded, manifest.interactions, manifest.encoder)
        assert told == ("000001", 5, 5, 6, "words")
        assert (manifest.dimension, manifest.catalogue_version) == (64, store.catalogue_version)
        on_disk = {path.name for path in workspace.current_index().iterdir()} - {"manifest.json"}
        assert set(manifest.files) == on_disk

    def test_nothing_changed_builds_nothing(self, workspace, store, encoder, monkeypatch):
        first = build_index(workspace, store)
        monkeypatch.setattr("recmind.tools.index.build.TextIndex", None)
        assert build_index(workspace, store) == first
        assert versions(workspace) == ["000001"]

    def test_one_changed_item_encodes_one_text(self, workspace, store, encoder):
        build_index(workspace, store)
        encoder.encoded.clear()
        store.items.put([Item("heat", "Heat", "A detective and a thief drink coffee.")])
        manifest = build_index(workspace, store)
        assert (manifest.version, manifest.encoded, len(encoder.encoded)) == ("000002", 1, 1)
        assert "coffee" in encoder.encoded[0]

    def test_a_new_interaction_encodes_nothing_and_reaches_the_model(self, workspace, store, encoder):
        build_index(workspace, store)
        encoder.encoded.clear()
        store.interactions.add([Interaction("cy", "heat", "like", at=9.0)])
        manifest = build_index(workspace, store)
        assert (manifest.version, manifest.interactions, encoder.encoded) == ("000002", 7, [])
        numbers = store.items.numbers_of(["up", "heat"])
        hits = open_engines(workspace, store).collaborative.recommend_from_seeds([numbers["up"]], 5)
        assert hits[0].item_number == numbers["heat"]
        assert [bool(hit.because) for hit in hits] == [True, False, False], "the others are alike by text only"

    def test_settings_that_decide_what_is_embedded_count_as_a_change(self, workspace, store, encoder):
        build_index(workspace, store)
        workspace.settings_file.write_text('hidden_attributes = ["genres"]')
        changed = Workspace.open(workspace.home)
        with Store(changed.database, changed.settings) as reopened:
            assert build_index(changed, reopened).encoded == len(FILMS5)
        assert not any("genres" in text for text in encoder.encoded[-len(FILMS5) :])

    def test_settings_that_do_not_are_none(self, workspace, store, encoder):
        build_index(workspace, store)
        workspace.settings_file.write_text('model = "openai:some"')
        assert build_index(Workspace.open(workspace.home), store).version == "000001"

    def test_force_reuses_nothing(self, workspace, store, encoder):
        build_index(workspace, store)
        assert build_index(workspace, store, force=True).encoded == len(FILMS5)

    def test_the_build_before_stays_and_older_ones_go(self, workspace, store, encoder):
        for _ in range(4):
            build_index(workspace, store, force=True)
        assert versions(workspace) == ["000003", "000004"]

    def test_a_build_that_fails_leaves_the_old_one_in_use(self, workspace, store, encoder, monkeypatch):
        first = build_index(workspace, store)
        store.items.put([Item("new", "New")])

        def fails(*args, **kwargs):
            raise RuntimeError("out of memory")

        monkeypatch.setattr("recmind.tools.index.build.CollaborativeModel.fit", fails)
        with pytest.raises(RuntimeError, match="out of memory"):
            build_index(workspace, store)
        assert versions(workspace) == ["000001"]
        assert open_engines(workspace, store).manifest == first

    def test_what_an_interrupted_build_left_is_swept_away(self, workspace, store, encoder):
        workspace.index_folder.mkdir()
        (workspace.index_folder / ".000001").mkdir()
        (workspace.index_folder / ".000007").mkdir()
        build_index(workspace, store)
        assert versions(workspace) == ["000001"]

    def test_a_damaged_build_is_built_anew(self, workspace, store, encoder, caplog):
        build_index(workspace, store)
        (workspace.current_index() / "search_vectors.npy").write_bytes(b"")
        assert build_index(workspace, store).encoded == len(FILMS5)
        (workspace.current_index() / "manifest.json").write_text("{")
        assert build_index(workspace, store).encoded == len(FILMS5)
        (workspace.index_folder / "CURRENT").write_text("gone")
        assert build_index(workspace, store).encoded == len(FILMS5)
        assert caplog.text.count("built anew") == 3
        verify(workspace.current_index())

    def test_two_builders_take_turns(self, workspace, store, encoder, monkeypatch):
        inside, most = 0, 0
        fit = WordEncoder.encode

        def slow(self, texts, progress=None):
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            time.sleep(0.05)
            inside -= 1
            return fit(self, texts)

        monkeypatch.setattr(WordEncoder, "encode", slow)
        made = []
        threads = [threading.Thread(target=lambda: made.append(build_index(workspace, store))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Who waited finds the work done.
        assert (most, {manifest.version for manifest in made}, len(made)) == (1, {"000001"}, 3)

    def test_a_catalogue_without_interactions_or_items(self, workspace, encoder):
        with Store(workspace.database) as empty:
            assert build_index(workspace, empty).items == 0
            assert open_engines(workspace, empty).search.search("space") == []
            empty.items.put(FILMS5)
            assert build_index(workspace, empty).items == len(FILMS5)
            assert open_engines(workspace, empty).search.search("heist", n=1)[0].item_id == "heat"

    def test_progress_is_told(self, workspace, store, encoder):
        told = []
        build_index(workspace, store, lambda what, done, total: told.append(what))
        assert told


class TestOpening:
    def test_nothing_built_names_the_next_step(self, workspace, store):
        with pytest.raises(WorkspaceError, match="Run: recmind index --home"):
            open_engines(workspace, store)

    def test_all_engines_answer(self, workspace, store, encoder):
        build_index(workspace, store)
        engines = open_engines(workspace, store)
        assert engines.search.search("space crew", n=1)[0].item_id == "alien"
        assert engines.titles.find("alien")[0].item_id == "alien"
        assert engines.popular.recommend()[0].item_id in {"alien", "aliens"}
        assert engines.history.profile("ann").known
        assert engines.ranker is not None
        assert engines.filter is not None

    def test_a_changed_catalogue_makes_it_stale_and_it_answers_all_the_same(self, workspace, store, encoder):
        build_index(workspace, store)
        engines = open_engines(workspace, store)
        assert not engines.stale
        store.items.put([Item("zoo", "Zoo", "Zebras escape.")])
        store.items.set_available(["alien"], False)
        assert engines.stale
        assert "zoo" in [hit.item_id for hit in engines.search.search("zebras", n=2)]
        assert "alien" not in [hit.item_id for hit in engines.search.search("space monster")]
        build_index(workspace, store)
        assert not open_engines(workspace, store).stale

    def test_engines_stay_usable_while_newer_builds_replace_theirs(self, workspace, store, encoder):
        build_index(workspace, store)
        engines = open_engines(workspace, store)
        for _ in range(3):
            build_index(workspace, store, force=True)
        assert engines.search.search("space crew", n=1)[0].item_id == "alien"

    def test_a_file_of_another_size_is_refused_at_once_and_a_changed_one_by_verify(self, workspace, store, encoder):
        build_index(workspace, store)
        file = workspace.current_index() / "search_vectors.npy"
        content = file.read_bytes()
        os.truncate(file, len(content) - 4)
        with pytest.raises(IndexFailed, match=rf"has {len(content) - 4} bytes instead of {len(content)}. Run: recmind"):
            open_engines(workspace, store)
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        open_engines(workspace, store)
        with pytest.raises(IndexFailed, match=r"has changed since it was built. Run: recmind index --force"):
            verify(workspace.current_index())
        file.unlink()
        with pytest.raises(IndexFailed, match="is missing"):
            open_engines(workspace, store)

    def test_another_format_is_refused(self, workspace, store, encoder):
        build_index(workspace, store)
        path = workspace.current_index() / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
        with pytest.raises(IndexFailed, match=r"has format 99, and this RecMind reads 5\. Run: recmind index"):
            open_engines(workspace, store)

    def test_an_index_of_an_older_recmind_is_built_anew(self, workspace, store, encoder):
        build_index(workspace, store)
        old = workspace.current_index()
        manifest = json.loads((old / "manifest.json").read_text())
        (old / "bm25_weights.npy").rename(old / "words.npy")
        manifest["files"]["words.npy"] = manifest["files"].pop("bm25_weights.npy")
        (old / "manifest.json").write_text(json.dumps({**manifest, "format": 3}))
        with pytest.raises(IndexFailed, match=r"has format 3, and this RecMind reads 5\. Run: recmind index"):
            open_engines(workspace, store)
        assert build_index(workspace, store).encoded == len(FILMS5)
        assert open_engines(workspace, store).search.search("space crew", n=1)[0].item_id == "alien"

    def test_another_encoder_in_the_settings_asks_for_a_build(self, workspace, store, encoder):
        build_index(workspace, store)
        encoder.checksum = "changed"
        with pytest.raises(RecMindError, match="Run: recmind index"):
            open_engines(workspace, store)
        assert build_index(workspace, store).encoded == len(FILMS5)

    def test_threads_share_engines(self, workspace, store, encoder):
        build_index(workspace, store)
        engines = open_engines(workspace, store)
        expected = engines.search.search("space monster", like=["up"])
        found = []
        threads = [
            threading.Thread(
                target=lambda: found.extend(engines.search.search("space monster", like=["up"]) for _ in range(5))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 20


def test_a_cold_search_imports_neither_torch_nor_scipy(workspace, store):
    build_index(workspace, store)
    program = (
        "import sys; from recmind.data.workspace import Workspace; from recmind.data.store.store import Store;"
        "from recmind.tools.index.engines import open_engines;"
        "w = Workspace.open(sys.argv[1]); s = Store(w.database, w.settings); e = open_engines(w, s);"
        "print(e.search.search('a crew in space hunted by a creature', n=1)[0].item_id); s.close();"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(workspace.home)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["alien", "[]"]


class TestTuning:
    def test_what_was_tuned_is_kept_by_later_builds(self, workspace, store, encoder):
        for user in range(60):
            films = ("alien", "aliens", "heat", "up")[user % 2 :]
            store.interactions.add(Interaction(f"u{user}", item, "like", at=float(n)) for n, item in enumerate(films))
        untuned = build_index(workspace, store)
        assert (untuned.parameters["tuned"], untuned.parameters["validation"]) == (False, {})
        assert not open_engines(workspace, store).confidence
        tuned = build_index(workspace, store, tuned=True)
        assert (tuned.version, tuned.parameters["tuned"], tuned.encoded) == ("000002", True, 0)
        assert tuned.parameters["validation"]["users"] == 62.0
        store.interactions.add([Interaction("dan", "up", "like", at=9.0)])
        later = build_index(workspace, store)
        assert later.version == "000003"
        for name in ("tuned", "collaborative", "weights", "validation"):
            assert later.parameters[name] == tuned.parameters[name]
        assert dict(open_engines(workspace, store).reranker.weights) == tuned.parameters["weights"]

    def test_few_users_leave_the_defaults(self, workspace, store, encoder):
        manifest = build_index(workspace, store, tuned=True)
        assert (manifest.parameters["tuned"], manifest.parameters["confidence"]) == (False, None)
