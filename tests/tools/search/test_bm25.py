from __future__ import annotations

import math

import numpy as np
import pytest

from recmind.data.errors import RecMindError
from recmind.tools.search.bm25 import FIELD_WEIGHTS, LENGTH_NORM, SATURATION, Bm25Builder, Bm25Index

ROWS = [
    (["alien"], ["crew", "hunt", "crew"], ["horror"]),
    ([], ["marine", "crew"], ["action", "horror"]),
    (["up"], [], []),
    ([], [], []),
]


@pytest.fixture
def index():
    words = Bm25Builder()
    for row in ROWS:
        words.add(row)
    return words.build()


def by_hand(word: str) -> list[float]:
    """BM25F of the book, one row at a time."""
    means = [sum(len(row[f]) for row in ROWS) / len(ROWS) for f in range(3)]
    holding = sum(any(word in field for field in row) for row in ROWS)
    idf = math.log(1 + (len(ROWS) - holding + 0.5) / (holding + 0.5))
    scores = []
    for row in ROWS:
        share = sum(
            FIELD_WEIGHTS[f] * row[f].count(word) / (1 - LENGTH_NORM + LENGTH_NORM * len(row[f]) / means[f])
            for f in range(3)
        )
        scores.append(idf * share * (SATURATION + 1) / (share + SATURATION))
    return scores


def of_all(index: Bm25Index, wanted: dict[str, float]) -> tuple[np.ndarray, float]:
    """The score of every row, 0 where none of the stems is held."""
    rows, found, idf_sum = index.scores(wanted)
    assert rows.tolist() == sorted(set(rows.tolist()))
    scores = np.zeros(index.count, dtype=np.float32)
    scores[rows] = found
    return scores, idf_sum


@pytest.mark.parametrize("word", ["crew", "horror", "up", "unknown"])
def test_scores_are_bm25f(index, word):
    scores, idf_sum = of_all(index, {word: 2.0})
    np.testing.assert_allclose(scores, [2 * score for score in by_hand(word)], rtol=1e-6)
    assert idf_sum == pytest.approx(2 * index.idfs([word]).get(word, 0.0))


def test_scores_add_up_over_words(index):
    together, idf_sum = of_all(index, {"crew": 1.0, "horror": 0.5, "nothing": 9.0})
    np.testing.assert_allclose(together, np.array(by_hand("crew")) + 0.5 * np.array(by_hand("horror")), rtol=1e-6)
    assert idf_sum == pytest.approx(sum(w * index.idfs([word])[word] for word, w in (("crew", 1), ("horror", 0.5))))


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_a_row_that_comes_later_scores_as_if_it_were_known(index, row):
    wanted = {"crew": 1.0, "horror": 0.5, "alien": 3.0}
    assert index.score_of(ROWS[row], wanted) == pytest.approx(float(of_all(index, wanted)[0][row]), rel=1e-6)


def test_the_idf_of_rare_words_is_higher_and_of_unknown_ones_highest(index):
    idfs = index.idfs(["hunt", "horror", "nothing"])
    assert list(idfs) == ["hunt", "horror"]
    assert index.largest_idf > idfs["hunt"] > idfs["horror"] > 0


def test_saved_and_loaded_they_are_the_same(index, tmp_path):
    index.save(tmp_path)
    loaded = Bm25Index.load(tmp_path)
    wanted = {"crew": 1.0, "horror": 0.5}
    np.testing.assert_array_equal(of_all(loaded, wanted)[0], of_all(index, wanted)[0])
    assert (loaded.count, loaded.lengths) == (index.count, index.lengths)
    assert not loaded.weights.flags.writeable


def test_files_that_disagree_are_refused(index, tmp_path):
    index.save(tmp_path)
    np.save(tmp_path / "bm25_rows.npy", np.arange(2, dtype=np.int32))
    with pytest.raises(RecMindError, match=r"bm25_rows\.npy' is corrupt \(array lengths differ\)"):
        Bm25Index.load(tmp_path)


def test_no_rows_and_no_words():
    empty = Bm25Builder().build()
    assert empty.scores({"crew": 1.0})[0].shape == (0,)
    assert empty.idfs(["crew"]) == {}
    silent = Bm25Builder()
    silent.add(([], [], []))
    assert silent.build().scores({"crew": 1.0})[0].tolist() == []


def test_few_postings_of_many_rows_add_up_as_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    words = Bm25Builder()
    for _ in range(300):
        words.add(([f"w{n}" for n in rng.integers(0, 50, 2)], [f"w{n}" for n in rng.integers(0, 50, 3)], []))
    index = words.build()
    wanted = {"w1": 1.0, "w7": 0.25, "w9": 0.0, "w30": 2.0}
    monkeypatch.setattr("recmind.tools.search.bm25.SPARSE", 10**6)
    dense = index.scores(wanted)
    monkeypatch.setattr("recmind.tools.search.bm25.SPARSE", 0)
    sparse = index.scores(wanted)
    assert dense[0].tolist() == sparse[0].tolist()
    np.testing.assert_allclose(dense[1], sparse[1], rtol=1e-6)
    assert dense[2] == sparse[2]
