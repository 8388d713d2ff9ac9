import numpy as np
import pytest
from scipy.sparse import csr_array

from recmind.tools import links
from recmind.tools.cooccurrence import strongest


def test_alike_is_the_cube_of_the_cosine_of_the_nearest() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)
    found = links.alike(vectors).toarray()
    assert found[0].tolist() == pytest.approx([0.0, 0.8**3, 0.0, 0.0], abs=1e-6)
    assert found[2].tolist() == pytest.approx([0.0, 0.6**3, 0.0, 0.0], abs=1e-6)
    assert found.diagonal().tolist() == [0.0] * 4


def test_a_text_keeps_its_nearest_neighbors_only() -> None:
    rng = np.random.default_rng(0)
    vectors = np.abs(rng.normal(size=(120, 6))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = links.alike(vectors)
    assert np.diff(found.indptr).tolist() == [links.NEIGHBORS] * 120
    exact = vectors @ vectors.T
    np.fill_diagonal(exact, -1)
    assert set(found[[3]].indices.tolist()) == set(np.argsort(-exact[3])[: links.NEIGHBORS].tolist())


def by_the_book(taken: np.ndarray, regularization: float) -> np.ndarray:
    inverse = np.linalg.inv(taken.T @ taken + regularization * np.eye(taken.shape[1]))
    found = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(found, 0)
    return np.maximum(found, 0)


@pytest.mark.parametrize("by_users", [True, False])
def test_ease_is_that_of_the_paper(by_users: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    taken = (rng.random((40, 25)) < 0.3).astype(float)
    users, items = np.nonzero(taken)
    if not by_users:
        monkeypatch.setattr(links, "EASE_USERS", 0)
    found = links.ease(users, items, 25, regularization=5.0)
    assert found is not None
    np.testing.assert_allclose(found.toarray(), by_the_book(taken, 5.0), atol=1e-4)


def test_ease_is_not_fitted_where_it_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "EASE_USERS", 1)
    monkeypatch.setattr(links, "EASE_ITEMS", 2)
    assert links.ease(np.array([0, 1]), np.array([0, 2]), 3) is None


def test_second_hand_links_are_the_product_without_the_item_itself() -> None:
    texts = csr_array(np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]))
    together = csr_array(np.array([[0, 0.2, 0], [0.3, 0, 0.4], [0, 0, 0]]))
    np.testing.assert_allclose(
        links.second_hand(texts, together).toarray(), [[0, 0, 0.2], [0, 0, 0], [0, 0, 0]], rtol=1e-6
    )


def test_the_strongest_are_the_largest_of_each_row_and_of_equal_ones_the_first() -> None:
    starts, values = np.array([0, 4, 4, 5]), np.array([1.0, 3.0, 1.0, 1.0, 0.5])
    assert strongest(starts, values, 2).tolist() == [True, True, False, False, True]
    assert strongest(starts, values, 4).all()


def test_so_many_lists_are_read_that_an_item_costs_the_same_in_any_catalogue() -> None:
    for count, expected in ((60_000, 8), (100_000, 8), (1_000_000, 4), (10_000_000, 1)):
        assert links._probes(int(4 * count**0.5), count) == expected
