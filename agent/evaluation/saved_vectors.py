"""Keeps the vectors of recommended items and what each user took before, so that a run's lists can be measured later.

The copy of the workspace, which they come from, is removed after a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recmind.data.errors import InputError

VectorTable = NDArray[np.floating]
SavedHistories = Mapping[str, Sequence[str]]

_VECTORS, _HISTORIES = "vectors.npz", "histories.json"


@dataclass(frozen=True, slots=True)
class SavedVectors:
    """The vectors and histories of one run, or of two together."""

    rows: Mapping[str, int]
    """The row of each item among the vectors, by its id."""
    table: VectorTable
    """The vectors, of shape (items, dimension)."""
    histories: SavedHistories
    """The ids of the items that each user took before, by user id."""

    def vectors(self, item_ids: Sequence[str]) -> VectorTable:
        """The vectors of these items, of shape (items, dimension); 0 for an item that is not known."""
        rows = np.array([self.rows.get(item_id, len(self.table)) for item_id in item_ids], dtype=np.int64)
        return np.vstack((self.table, np.zeros_like(self.table[:1], shape=(1, self.table.shape[1]))))[rows]

    def save(self, folder: Path) -> None:
        """Writes everything into the folder; the vectors as float16, which is exact enough to measure lists."""
        np.savez(folder / _VECTORS, item_ids=np.array(list(self.rows), dtype=np.str_), table=np.float16(self.table))
        (folder / _HISTORIES).write_text(json.dumps(self.histories, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SavedVectors | None:
        """What was saved in a folder; None if nothing was.

        Args:
            folder: the folder of a run.

        Raises:
            InputError: it cannot be read.
        """
        if not (folder / _VECTORS).is_file():
            return None
        try:
            with np.load(folder / _VECTORS, allow_pickle=False) as read:
                rows = {item_id: row for row, item_id in enumerate(read["item_ids"].tolist())}
                table = read["table"].astype(np.float32)
            histories = json.loads((folder / _HISTORIES).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"What the run in {str(folder)!r} kept of its lists cannot be read: {error}") from None
        return cls(rows, table, histories)

    def joined(self, other: SavedVectors) -> SavedVectors | None:
        """Both as one; None if their vectors are of different encoders."""
        if self.table.shape[1] != other.table.shape[1]:
            return None
        new = [item_id for item_id in other.rows if item_id not in self.rows]
        rows = {**self.rows, **{item_id: len(self.table) + place for place, item_id in enumerate(new)}}
        table = np.concatenate((self.table, other.vectors(new)))
        return SavedVectors(rows, table, {**other.histories, **self.histories})
