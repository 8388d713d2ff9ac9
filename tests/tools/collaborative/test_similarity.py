import numpy as np
import pytest
from scipy.sparse import csr_array

from recmind.tools.collaborative.similarity import NEIGHBORS, _probes, cosine_neighbors, two_hop


def test_a_link_by_text_is_the_cube_of_the_cosine_of_the_nearest() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], np.float32)
    found = cosine_neighbors(vectors).toarray()
    assert found[0].tolist() == pytest.approx([0.0, 0.8**3, 0.0, 0.0], abs=1e-6)
    assert found[2].tolist() == pytest.approx([0.0, 0.6**3, 0.0, 0.0], abs=1e-6)
    assert found.diagonal().tolist() == [0.0] * 4


def test_a_text_keeps_its_nearest_neighbors_only() -> None:
    rng = np.random.default_rng(0)
    vectors = np.abs(rng.normal(size=(120, 6))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = cosine_neighbors(vectors)
    assert np.diff(found.indptr).tolist() == [NEIGHBORS] * 120
    exact = vectors @ vectors.T
    np.fill_diagonal(exact, -1)
    assert set(found[[3]].indices.tolist()) == set(np.argsort(-exact[3])[:NEIGHBORS].tolist())


def test_two_hop_links_are_the_product_without_the_item_itself() -> None:
    similar = csr_array(np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]))
    together = csr_array(np.array([[0, 0.2, 0], [0.3, 0, 0.4], [0, 0, 0]]))
    np.testing.assert_allclose(two_hop(similar, together).toarray(), [[0, 0, 0.2], [0, 0, 0], [0, 0, 0]], rtol=1e-6)


def test_fewer_lists_are_read_of_a_larger_catalogue_so_that_an_item_costs_the_same_in_any_catalogue() -> None:
    for count, expected in ((60_000, 8), (100_000, 8), (1_000_000, 4), (10_000_000, 1)):
        assert _probes(int(4 * count**0.5), count) == expected
