"""All that the catalogue says about a few items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.data.text import format_number

DESCRIPTION_LENGTH = 400
_LISTED_VALUES = 12


@dataclass(frozen=True, slots=True)
class DetailsRow:
    """All that the catalogue says about one item."""

    item: Item
    text: str
    """Several lines: title, attributes, description."""
    count: int
    mean: float | None


class ItemDetails:
    """Describes single items. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def describe(self, item_ids: Iterable[str]) -> list[DetailsRow]:
        """The details of these items, in their order; unknown ids are left out."""
        items = self.store.items.get_many(dict.fromkeys(item_ids))
        numbers = self.store.items.numbers_of(items)
        counts = self.store.counts.of_items(list(numbers.values()))
        means = counts.means
        return [
            DetailsRow(
                item,
                details_text(self.store, item),
                int(counts.interactions[place]),
                None if np.isnan(means[place]) else float(means[place]),
            )
            for place, item in enumerate(items.values())
        ]


def details_text(store: Store, item: Item) -> str:
    """The item as text: title, a line for each attribute that is not hidden, description; long texts are cut."""
    lines = [item.name]
    for name, value in item.attributes.items():
        if store.settings.hidden(name) and name not in store.settings.title_attributes:
            continue
        if isinstance(value, tuple):
            more = f", … ({len(value)})" if len(value) > _LISTED_VALUES else ""
            written = ", ".join(value[:_LISTED_VALUES]) + more
        else:
            written = format_number(value) if isinstance(value, int | float) else value
        lines.append(f"{name}: {_cut(written)}")
    if item.description:
        lines.append(_cut(item.description))
    if not item.available:
        lines.append("Not available.")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_LENGTH else text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0] + " …"
