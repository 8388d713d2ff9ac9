"""The types of arrays, arrays in files, look-ups in sorted arrays, and products of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recmind.data.errors import RecMindError

Int64s = npt.NDArray[np.int64]
"""Like the other types, of any shape: the docstrings say which."""
Int32s = npt.NDArray[np.int32]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def save_arrays(folder: Path, prefix: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write each array into a file of its own: ``bm25_rows.npy`` for the prefix ``bm25`` and the name ``rows``."""
    for name, array in arrays.items():
        np.save(_array_file(folder, prefix, name), array, allow_pickle=False)


def load_arrays(folder: Path, prefix: str, rows: Sequence[str], entries: Sequence[str] = ()) -> dict[str, Any]:
    """The arrays of these names, mapped from their files rather than read; they must not be written into.

    Args:
        folder: where ``save_arrays`` put them.
        prefix: as it was given there.
        rows: the names of arrays that are equally long.
        entries: the names of others that are equally long. Where there are any, an array ``starts``, one longer than
            those of ``rows``, says where the entries of each row begin; its last number is the count of all entries.

    Raises:
        RecMindError: where a file cannot be read, or where the lengths do not fit together.
    """
    names = (*rows, *(("starts",) if entries else ()), *entries)
    found = {name: _mapped(_array_file(folder, prefix, name)) for name in names}
    expected = dict.fromkeys(rows, len(found[rows[0]]))
    if entries:
        starts = found["starts"]
        count = int(starts[-1]) if starts.ndim == 1 and len(starts) else -1
        expected |= {"starts": len(found[rows[0]]) + 1, **dict.fromkeys(entries, count)}
    for name, length in expected.items():
        if len(found[name]) != length:
            raise corrupt_index(_array_file(folder, prefix, name))
    return found


def corrupt_index(file: Path) -> RecMindError:
    """What to raise where this file of an index does not fit the others."""
    return RecMindError(f"The index file {str(file)!r} is corrupt (array lengths differ). Run: recmind index")


def _array_file(folder: Path, prefix: str, name: str) -> Path:
    return folder / f"{prefix}_{name}.npy"


def _mapped(file: Path) -> npt.NDArray[Any]:
    try:
        # A plain array over the same memory: every operation on a memmap pays for its subclass.
        return np.atleast_1d(np.load(file, mmap_mode="r", allow_pickle=False)).view(np.ndarray)
    except (OSError, ValueError, EOFError) as error:
        raise RecMindError(f"The index file {str(file)!r} cannot be read ({error}). Run: recmind index") from error


def index_in_sorted(ordered: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> tuple[Int64s, Bools]:
    """The place of each wanted number in a sorted array, and whether it is there; both have the shape of ``wanted``.

    Where a number is missing, its place is any valid one (0 in an empty array).

    Args:
        ordered: numbers, sorted.
        wanted: numbers in any order.
    """
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return places, np.asarray(ordered[places] == wanted)


def row_dots(rows: Float32s, vector: Float32s) -> Float32s:
    """The dot product of each row with the vector, float32 of shape (rows,), computed on the calling thread.

    ``rows @ vector`` splits the work among the threads of BLAS from about a thousand rows on, and waits for all of
    them. On a machine with other work to do, that takes ten times as long as it saves.

    Args:
        rows: float32 of shape (rows, dimension).
        vector: float32 of shape (dimension,).
    """
    return np.asarray(np.vecdot(rows, vector), dtype=np.float32)


def intersect_sorted(one: Int64s, other: Int64s) -> Int64s:
    """The numbers that both arrays have, sorted. Each array is sorted and has every number once."""
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return few[index_in_sorted(many, few)[1]]
