from typing import ClassVar

import numpy as np
import pytest

from recmind.data.arrays import index_in_sorted, intersect_sorted, load_arrays, row_dots, save_arrays
from recmind.data.errors import RecMindError


def test_places_among_sorted_numbers_and_none_where_there_are_none() -> None:
    places, known = index_in_sorted(np.array([2, 5, 9]), np.array([5, 1, 9, 10]))
    assert places[known].tolist() == [1, 2]
    assert known.tolist() == [True, False, True, False]
    assert index_in_sorted(np.empty(0, np.int64), np.array([1]))[1].tolist() == [False]


def test_what_both_have() -> None:
    assert intersect_sorted(np.array([1, 3, 5]), np.array([0, 3, 4, 5, 8])).tolist() == [3, 5]


def test_products_of_rows_are_those_of_a_matrix() -> None:
    rng = np.random.default_rng(0)
    rows, other = (rng.standard_normal((n, 384)).astype(np.float32) for n in (2_000, 3))
    found = row_dots(rows, other[0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rows @ other[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(row_dots(rows[:5, None], other), rows[:5] @ other.T, rtol=1e-4, atol=1e-4)
    assert row_dots(rows[:0], other[0]).shape == (0,)


class TestArrayFiles:
    ROWS, ENTRIES = ("items",), ("columns", "values")
    ARRAYS: ClassVar = {
        "items": np.array([3, 7]),
        "starts": np.array([0, 2, 3]),
        "columns": np.array([1, 0, 1], dtype=np.int32),
        "values": np.array([0.5, 0.25, 1.0], dtype=np.float32),
    }

    def test_they_are_mapped_and_the_same(self, tmp_path):
        save_arrays(tmp_path, "links", self.ARRAYS)
        loaded = load_arrays(tmp_path, "links", self.ROWS, self.ENTRIES)
        assert list(loaded) == list(self.ARRAYS)
        for name, array in self.ARRAYS.items():
            np.testing.assert_array_equal(loaded[name], array)
            assert loaded[name].dtype == array.dtype
            assert type(loaded[name]) is np.ndarray
            assert isinstance(loaded[name].base, np.memmap)
            assert not loaded[name].flags.writeable

    def test_none_at_all_can_be_kept(self, tmp_path):
        empty = {name: array[:0] for name, array in self.ARRAYS.items()} | {"starts": np.zeros(1, np.int64)}
        save_arrays(tmp_path, "links", empty)
        assert [len(array) for array in load_arrays(tmp_path, "links", self.ROWS, self.ENTRIES).values()] == [
            0,
            1,
            0,
            0,
        ]

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"items": np.arange(3)}, "starts"),
            ({"starts": np.arange(0)}, "starts"),
            ({"starts": np.array([0, 2, 4])}, "columns"),
            ({"values": np.zeros(2)}, "values"),
        ],
    )
    def test_lengths_that_do_not_fit_name_the_file_and_the_next_step(self, tmp_path, changed, named):
        save_arrays(tmp_path, "links", self.ARRAYS | changed)
        with pytest.raises(
            RecMindError, match=rf"links_{named}\.npy' is corrupt \(array lengths differ\)\. Run: recmind"
        ):
            load_arrays(tmp_path, "links", self.ROWS, self.ENTRIES)

    def test_rows_without_entries_need_one_length(self, tmp_path):
        save_arrays(tmp_path, "facts", {"items": np.arange(2), "counts": np.arange(2)})
        assert len(load_arrays(tmp_path, "facts", ("items", "counts"))["counts"]) == 2
        save_arrays(tmp_path, "facts", {"counts": np.arange(1)})
        with pytest.raises(RecMindError, match=r"facts_counts\.npy' is corrupt"):
            load_arrays(tmp_path, "facts", ("items", "counts"))

    @pytest.mark.parametrize("content", [None, b"", b"half"])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, content):
        save_arrays(tmp_path, "links", self.ARRAYS)
        file = tmp_path / "links_values.npy"
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(RecMindError, match=r"links_values\.npy' cannot be read \(.*\)\. Run: recmind index"):
            load_arrays(tmp_path, "links", self.ROWS, self.ENTRIES)

    def test_a_pickle_is_not_loaded(self, tmp_path):
        np.save(tmp_path / "facts_items.npy", np.array([{"a": 1}]), allow_pickle=True)
        with pytest.raises(RecMindError, match="cannot be read"):
            load_arrays(tmp_path, "facts", ("items",))
