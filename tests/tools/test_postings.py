from __future__ import annotations

import math

import numpy as np
import pytest

from recmind.tools.postings import FIELD_WEIGHTS, LENGTH_NORM, SATURATION, Postings, PostingsBuilder

ROWS = [
    (["alien"], ["crew", "hunt", "crew"], ["horror"]),
    ([], ["marine", "crew"], ["action", "horror"]),
    (["up"], [], []),
    ([], [], []),
]


@pytest.fixture
def postings():
    words = PostingsBuilder()
    for row in ROWS:
        words.add(row)
    return words.build()


def by_hand(word: str) -> list[float]:
    """BM25F of the book, one row at a time."""
    means = [sum(len(row[f]) for row in ROWS) / len(ROWS) for f in range(3)]
    holding = sum(any(word in field for field in row) for row in ROWS)
    rarity = math.log(1 + (len(ROWS) - holding + 0.5) / (holding + 0.5))
    scores = []
    for row in ROWS:
        share = sum(
            FIELD_WEIGHTS[f] * row[f].count(word) / (1 - LENGTH_NORM + LENGTH_NORM * len(row[f]) / means[f])
            for f in range(3)
        )
        scores.append(rarity * share * (SATURATION + 1) / (share + SATURATION))
    return scores


def of_all(postings: Postings, wanted: dict[str, float]) -> tuple[np.ndarray, float]:
    """The score of every row, 0 where none of the stems is held."""
    rows, found, mass = postings.scores(wanted)
    assert rows.tolist() == sorted(set(rows.tolist()))
    scores = np.zeros(postings.count, dtype=np.float32)
    scores[rows] = found
    return scores, mass


@pytest.mark.parametrize("word", ["crew", "horror", "up", "unknown"])
def test_scores_are_bm25f(postings, word):
    scores, mass = of_all(postings, {word: 2.0})
    np.testing.assert_allclose(scores, [2 * score for score in by_hand(word)], rtol=1e-6)
    assert mass == pytest.approx(2 * postings.rarities([word]).get(word, 0.0))


def test_scores_add_up_over_words(postings):
    together, mass = of_all(postings, {"crew": 1.0, "horror": 0.5, "nothing": 9.0})
    np.testing.assert_allclose(together, np.array(by_hand("crew")) + 0.5 * np.array(by_hand("horror")), rtol=1e-6)
    assert mass == pytest.approx(sum(w * postings.rarities([word])[word] for word, w in (("crew", 1), ("horror", 0.5))))


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_a_row_that_comes_later_scores_as_if_it_were_known(postings, row):
    wanted = {"crew": 1.0, "horror": 0.5, "alien": 3.0}
    assert postings.score_of(ROWS[row], wanted) == pytest.approx(float(of_all(postings, wanted)[0][row]), rel=1e-6)


def test_rare_words_are_rarer_and_unknown_ones_rarest(postings):
    rarities = postings.rarities(["hunt", "horror", "nothing"])
    assert list(rarities) == ["hunt", "horror"]
    assert postings.rarest > rarities["hunt"] > rarities["horror"] > 0


def test_saved_and_loaded_they_are_the_same(postings, tmp_path):
    postings.save(tmp_path)
    loaded = Postings.load(tmp_path)
    wanted = {"crew": 1.0, "horror": 0.5}
    np.testing.assert_array_equal(of_all(loaded, wanted)[0], of_all(postings, wanted)[0])
    assert (loaded.count, loaded.lengths) == (postings.count, postings.lengths)
    assert not loaded.weights.flags.writeable


def test_files_that_disagree_are_refused(postings, tmp_path):
    postings.save(tmp_path)
    np.save(tmp_path / "words_rows.npy", np.arange(2, dtype=np.int32))
    with pytest.raises(ValueError, match="the files of its words disagree"):
        Postings.load(tmp_path)


def test_no_rows_and_no_words():
    empty = PostingsBuilder().build()
    assert empty.scores({"crew": 1.0})[0].shape == (0,)
    assert empty.rarities(["crew"]) == {}
    silent = PostingsBuilder()
    silent.add(([], [], []))
    assert silent.build().scores({"crew": 1.0})[0].tolist() == []


def test_few_postings_of_many_rows_add_up_as_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    words = PostingsBuilder()
    for _ in range(300):
        words.add(([f"w{n}" for n in rng.integers(0, 50, 2)], [f"w{n}" for n in rng.integers(0, 50, 3)], []))
    postings = words.build()
    wanted = {"w1": 1.0, "w7": 0.25, "w9": 0.0, "w30": 2.0}
    monkeypatch.setattr("recmind.tools.postings.SPARSE", 10**6)
    dense = postings.scores(wanted)
    monkeypatch.setattr("recmind.tools.postings.SPARSE", 0)
    sparse = postings.scores(wanted)
    assert dense[0].tolist() == sparse[0].tolist()
    np.testing.assert_allclose(dense[1], sparse[1], rtol=1e-6)
    assert dense[2] == sparse[2]
