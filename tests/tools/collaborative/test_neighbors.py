import numpy as np
import pytest

from recmind.tools.collaborative.neighbors import Neighbors


def rows(size: int, links: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Random compressed rows (starts, columns, values), and the same matrix as a table."""
    rng = np.random.default_rng(seed)
    table = np.zeros((size, size), np.float32)
    table.flat[rng.choice(size * size, links, replace=False)] = rng.random(links, np.float32) + 0.1
    present = table > 0
    starts = np.concatenate(([0], np.cumsum(present.sum(axis=1))))
    return starts, np.nonzero(present)[1].astype(np.int32), table[present], table


@pytest.mark.parametrize(("size", "links"), [(12, 60), (400, 500)], ids=["all items", "few of many"])
def test_sums_are_those_of_the_whole_matrix(size: int, links: int) -> None:
    starts, columns, values, table = rows(size, links, 3)
    asked = np.array([4, -1, 7, 4, 0, 9, 11])
    neighbors = Neighbors.of(starts, columns, values, asked)
    known = asked >= 0
    assert (neighbors.positions is None) == (size == 12)
    for weights in (np.linspace(-0.5, 2, 7), np.array([0, 0, 0, 0, 0, 1.5, 0])):
        whole = weights[known] @ table[asked[known]]
        places, met = neighbors.columns_of(np.arange(size))
        totals = neighbors.totals(weights)
        np.testing.assert_allclose(np.where(met, totals[0, places], 0.0), whole, rtol=1e-6)
        assert (
            neighbors.positions_of(np.arange(neighbors.width)[:3]).tolist()
            == np.flatnonzero(
                np.ones(size) if neighbors.positions is None else table[asked[known]].any(axis=0)
            ).tolist()[:3]
        )


def test_what_some_of_them_lead_to_and_each_single_link() -> None:
    starts, columns, values, table = rows(12, 60, 5)
    asked = np.array([3, -1, 8, 1])
    neighbors = Neighbors.of(starts, columns, values, asked)
    assert neighbors.reached_from(np.array([True, True, False, False]))[0].tolist() == (table[3] > 0).tolist()
    to, source, entries, given = neighbors.links_to(np.array([6, 2]))
    found = sorted(zip(to.tolist(), source.tolist(), given.tolist(), strict=True))
    expected = [(n, s, float(table[asked[s], place])) for n, place in enumerate((6, 2)) for s in (0, 2, 3)]
    assert found == [link for link in expected if link[2] > 0]
    assert values[entries].tolist() == given.tolist()
    assert [(6, 2)[n] for n in to.tolist()] == columns[entries].tolist()


def test_nothing_asked_leads_nowhere() -> None:
    starts, columns, values, _ = rows(12, 60, 5)
    neighbors = Neighbors.of(starts, columns, values, np.array([-1]))
    assert neighbors.totals(np.ones(1)).tolist() == [[0.0] * neighbors.width]
    assert not neighbors.reached_from(np.ones(1, np.bool_)).any()
    assert len(neighbors.columns_of(np.array([1]))[0]) == 1
