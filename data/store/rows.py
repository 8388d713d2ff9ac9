"""Turns rows of the tables into records, and values into parameters of SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from recmind.data.records import AttributeValue, Item

T = TypeVar("T")

ITEM_COLUMNS = "item_number, item_id, title, description, attributes, created_at, available"
BATCH = 1000


def to_item(row: Sequence[Any]) -> tuple[int, Item]:
    """Item number and item of a row of ``ITEM_COLUMNS``."""
    number, item_id, title, description, attributes, created_at, available = row
    return number, Item(item_id, title, description, read_attributes(attributes), created_at, bool(available))


def read_attributes(text: str) -> Mapping[str, AttributeValue]:
    """Attributes from their stored JSON; lists become tuples."""
    loaded = json.loads(text)
    return MappingProxyType({name: tuple(v) if isinstance(v, list) else v for name, v in loaded.items()})


def as_json(values: Iterable[Any]) -> str:
    """The values as a parameter for ``json_each``."""
    return json.dumps([int(v) if isinstance(v, np.integer) else v for v in values])


def batched(rows: Iterable[T], n: int = BATCH) -> Iterator[list[T]]:
    """The rows in lists of n; the last list may be shorter."""
    rows = iter(rows)
    while batch := list(islice(rows, n)):
        yield batch
