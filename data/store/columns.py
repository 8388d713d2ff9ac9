"""Reads interactions as columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from recmind.data.catalogue import InteractionArrays, chronological
from recmind.data.store.database import Database
from recmind.data.store.rows import as_json

_CHUNK = 200_000
_COLUMNS = "user_number, item_number, kind_number, timed, moment, value, position"
_DTYPE = np.dtype("i4, i8, i2, i1, f8, f8, i8")
_DTYPE.names = ("user", "item", "kind", "timed", "moment", "value", "position")


def all_interactions(database: Database) -> InteractionArrays:
    """All interactions as columns, sorted by user, time and position."""
    return _arrays(database, f"SELECT {_COLUMNS} FROM interactions", ())  # noqa: S608


def interactions_of(database: Database, user_numbers: Iterable[int]) -> InteractionArrays:
    """The interactions of some users as columns, sorted by user, time and position."""
    sql = f"""SELECT {_COLUMNS} FROM interactions
        WHERE user_number IN (SELECT value FROM json_each(?))"""  # noqa: S608
    return _arrays(database, sql, [as_json(user_numbers)])


def _arrays(database: Database, sql: str, parameters: Any) -> InteractionArrays:
    cursor = database.conn.execute(sql, parameters)
    chunks = [np.empty(0, _DTYPE)]
    while rows := cursor.fetchmany(_CHUNK):
        chunks.append(np.array(rows, dtype=_DTYPE))
    table = np.concatenate(chunks)
    at = np.where(table["timed"] == 1, table["moment"], np.nan)
    order = chronological(table["user"], table["kind"], at, table["position"].astype(np.int32))
    table = table[order]
    kinds = database.rows("SELECT kind_number, kind FROM kinds ORDER BY kind_number")
    places = np.zeros(max((row[0] for row in kinds), default=0) + 1, dtype=np.int16)
    for place, (number, _) in enumerate(kinds):
        places[number] = place
    return InteractionArrays(
        user_numbers=np.ascontiguousarray(table["user"]),
        item_numbers=np.ascontiguousarray(table["item"]),
        kinds=places[table["kind"]],
        kind_names=tuple(row[1] for row in kinds),
        values=table["value"].astype(np.float32),
        at=at[order],
        positions=table["position"].astype(np.int32),
    )
