"""Imports any tables: columns are found by name or by a mapping, and unknown columns become attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recmind.data.conditions import PSEUDO_ATTRIBUTES
from recmind.data.errors import ImportFailed, InputError
from recmind.data.importers.files import RowFile, open_rows
from recmind.data.importers.loader import Loader
from recmind.data.importers.report import ImportReport
from recmind.data.importers.values import KindFinder, to_attribute, to_finite, to_flag, to_text, to_time
from recmind.data.progress import Progress, quiet
from recmind.data.records import AttributeValue, Item, User
from recmind.data.store.interactions import Parsed
from recmind.data.store.store import Store
from recmind.data.text import fold, normalize

FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "items": {
        "item_id": ("item id", "itemid"),
        "title": ("title", "name"),
        "description": ("description",),
        "created_at": ("created at",),
        "available": ("available",),
    },
    "interactions": {
        "user_id": ("user id", "userid"),
        "item_id": ("item id", "itemid"),
        "kind": ("kind", "event", "event type"),
        "value": ("value", "rating", "stars"),
        "at": ("at", "timestamp", "time", "unix time", "datetime", "date"),
        "position": ("position", "order"),
    },
    "users": {"user_id": ("user id", "userid")},
}
"""The fields of each table, and the column names under which each is found without a mapping."""
_REQUIRED = {"items": ("item_id",), "interactions": ("user_id", "item_id"), "users": ("user_id",)}
_RATING_COLUMNS = ("rating", "stars")
_KINDS = ("text", "number", "list")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which place of a row holds which field or attribute."""

    fields: Mapping[str, int]
    """Place by field."""
    attributes: Mapping[str, tuple[int, str]]
    """Place and kind by attribute; only tables of items and users have any."""
    columns: tuple[str, ...]

    def value(self, field: str, row: Sequence[Any]) -> Any:
        """The value of a field in the row, or None."""
        place = self.fields.get(field)
        return None if place is None else row[place]


def import_table(
    store: Store,
    *,
    items: Path | None = None,
    interactions: Path | None = None,
    users: Path | None = None,
    columns: Mapping[str, str] | None = None,
    kind: str | None = None,
    skip_bad: Path | None = None,
    replace: bool = False,
    allow_negative: bool = False,
    progress: Progress = quiet,
) -> ImportReport:
    """Import CSV, TSV, JSON Lines, JSON or Parquet files: all of it, or nothing if a row is bad.

    Columns without a mapping are found by name. Other columns of items and users become attributes of that name; other
    columns of interactions are left out.

    Args:
        store: where everything is kept.
        items: the file of items, or None.
        interactions: the file of interactions, or None.
        users: the file of users, or None.
        columns: column by TABLE.FIELD, for columns whose names do not say it: ``{"items.item_id": "asin",
            "interactions.at": "day"}``. An attribute may stand in place of a field, with its kind if that should not be
            inferred: ``{"items.tags:list": "Tags"}``.
        kind: the kind of interactions whose file does not say; None infers it.
        skip_bad: a CSV file for bad rows, which are then left out; None: a bad row fails the import.
        replace: the files are complete: items that they lack become unavailable, interactions that they lack are
            deleted.
        allow_negative: accept negative values of interactions; otherwise they are bad rows, because some data sets
            write "not rated" as -1.
        progress: is called with the rows of each file.

    Returns:
        Counts of what was imported.

    Raises:
        InputError: there is no file, or the mapping names no table or field.
        ImportFailed: a file cannot be read or a row is bad; the error holds the problems.
    """
    mapping = _by_table(columns or {})
    if items is None and interactions is None and users is None:
        raise InputError("Give at least one file: items, interactions or users.")
    with Loader(store, skip_bad=skip_bad, replace=replace, progress=progress) as loader:
        if items is not None:
            file = open_rows(items)
            layout = _layout(file, "items", mapping["items"], _known_kinds(store))
            loader.put_items(_items(loader, file, layout), keep_available="available" not in layout.fields)
        if users is not None:
            file = open_rows(users)
            loader.put_users(_users(loader, file, _layout(file, "users", mapping["users"], {})))
        if interactions is not None:
            file = open_rows(interactions)
            layout = _layout(file, "interactions", mapping["interactions"], {})
            default = _default_kind(file, layout, kind)
            loader.put_interactions(_interactions(loader, file, layout, default, allow_negative))
    return loader.report


def read_items(loader: Loader, file: RowFile, kinds: Mapping[str, str]) -> Iterator[Item]:
    """The items of a file whose columns are named like the fields.

    Args:
        loader: the import that they belong to.
        file: the file.
        kinds: kinds of attributes that need not be inferred.
    """
    return _items(loader, file, _layout(file, "items", {}, kinds))


def _by_table(columns: Mapping[str, str]) -> dict[str, dict[str, str]]:
    mapping: dict[str, dict[str, str]] = {table: {} for table in FIELDS}
    for left, column in columns.items():
        table, dot, field = left.partition(".")
        if not dot or table not in FIELDS or not field:
            raise InputError(f"{left!r} is not TABLE.FIELD (such as items.item_id); the tables are {', '.join(FIELDS)}")
        mapping[table][field] = column
    return mapping


def _known_kinds(store: Store) -> dict[str, str]:
    return {attribute.name: attribute.kind for attribute in store.catalogue().attributes}


def _layout(file: RowFile, table: str, mapping: Mapping[str, str], known: Mapping[str, str]) -> Layout:
    """The places of the fields, as mapped or by name; then all other columns of items and users as attributes."""
    columns = file.columns
    fields: dict[str, int] = {}
    attributes: dict[str, tuple[int, str]] = {}
    kinds: dict[str, str] = {}
    chosen: dict[str, int] = {}
    for left, column in mapping.items():
        name, colon, wanted = left.rpartition(":")
        name, wanted = (name, wanted) if colon and wanted in _KINDS else (left, "")
        if column not in columns:
            raise ImportFailed(
                f"{file.path.name} has no column {column!r}, which is given for {table}.{left}. {_has(columns)}"
            )
        if name in FIELDS[table]:
            fields[name] = columns.index(column)
        elif table == "interactions":
            raise InputError(f"interactions.{left} is none of {', '.join(FIELDS[table])}")
        else:
            chosen[name] = columns.index(column)
            if wanted:
                kinds[name] = wanted
    taken = {*fields.values(), *chosen.values()}
    by_key = {normalize(column.replace("_", " ")): place for place, column in reversed(list(enumerate(columns)))}
    for field, names in FIELDS[table].items():
        exact = columns.index(field) if field in columns else None
        places = [exact, *(by_key.get(name) for name in names)]
        place = next((place for place in places if place is not None and place not in taken), None)
        if field not in fields and place is not None:
            fields[field] = place
            taken.add(place)
    for field in _REQUIRED[table]:
        if field not in fields:
            raise ImportFailed(
                f"{file.path.name} has no column {field!r}. {_has(columns)} "
                f"Say which one it is with --column {table}.{field}=COLUMN"
            )
    if table != "interactions":
        chosen |= {
            _attribute_name(column): place for place, column in enumerate(columns) if place not in taken and column
        }
        kinds = {**_infer(file, chosen, known, kinds), **kinds}
        attributes = {name: (place, kinds.get(name, "text")) for name, place in chosen.items()}
    return Layout(fields, attributes, columns)


def _attribute_name(column: str) -> str:
    """The column's name, changed if it equals the name of a field that every item has."""
    return f"{column}_" if column in (*PSEUDO_ATTRIBUTES, "available") else column


def _has(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:30]) + (", ..." if len(columns) > 30 else "")
    hint = " Is something else than comma, tab, ; or | between them?" if len(columns) == 1 else ""
    return f"It has: {shown}.{hint}"


def _infer(
    file: RowFile, chosen: Mapping[str, int], known: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The kinds of attributes: those of the catalogue, or inferred from all values of the file."""
    finders = {name: KindFinder(file.typed) for name in chosen if name not in given}
    if finders:
        places = [(chosen[name], finder.see) for name, finder in finders.items()]
        for _, values, reason in file.rows():
            if not reason:
                for place, see in places:
                    see(values[place])
    kinds: dict[str, str] = {}
    for name, finder in finders.items():
        before = known.get(name)
        # A text column may turn out to hold lists; a number or list attribute of the catalogue stays one.
        keep = before is not None and (before != "text" or finder.kind != "list")
        kinds[name] = str(before) if keep else finder.kind or "text"
    return kinds


def _attributes(layout: Layout, row: Sequence[Any]) -> dict[str, AttributeValue]:
    found = {}
    for name, (place, kind) in layout.attributes.items():
        value = to_attribute(row[place], kind, name)
        if value is not None:
            found[name] = value
    return found


def _items(loader: Loader, file: RowFile, layout: Layout) -> Iterator[Item]:
    first_line: dict[str, int] = {}
    for line, row in loader.rows(file):
        try:
            item_id = _required(layout, row, "item_id")
            if item_id in first_line:
                raise ValueError(f"item_id {item_id!r} is repeated, first on line {first_line[item_id]}")
            written = layout.value("available", row)
            item = Item(
                item_id=item_id,
                title=to_text(layout.value("title", row)),
                description=to_text(layout.value("description", row)),
                attributes=_attributes(layout, row),
                created_at=to_time(layout.value("created_at", row), "created_at"),
                available=True if written in (None, "") else to_flag(written, "available"),
            )
        except ValueError as error:
            loader.bad(file, line, str(error), row)
            continue
        first_line[item_id] = line
        yield item


def _users(loader: Loader, file: RowFile, layout: Layout) -> Iterator[User]:
    for line, row in loader.rows(file):
        try:
            yield User(_required(layout, row, "user_id"), _attributes(layout, row))
        except ValueError as error:
            loader.bad(file, line, str(error), row)


def _required(layout: Layout, row: Sequence[Any], field: str) -> str:
    text = to_text(layout.value(field, row))
    if not text:
        raise ValueError(f"{field} is empty (column {layout.columns[layout.fields[field]]!r})")
    return text


def _default_kind(file: RowFile, layout: Layout, kind: str | None) -> str:
    """The kind of interactions that do not state theirs. Raises ImportFailed where it is not known."""
    if kind is not None and fold(kind):
        return fold(kind)
    place = layout.fields.get("value")
    if place is not None and normalize(layout.columns[place]) in _RATING_COLUMNS:
        return "rating"
    if "kind" in layout.fields:
        return ""
    raise ImportFailed(
        f"{file.path.name} does not say what its interactions are. {_has(layout.columns)} "
        "Say it with --kind purchase (or rating, like, view, ...), or --column interactions.kind=COLUMN"
    )


def _interactions(
    loader: Loader, file: RowFile, layout: Layout, default: str, allow_negative: bool
) -> Iterator[Parsed]:
    known = loader.item_numbers()
    kinds: dict[Any, str] = {}
    # A missing field has the place behind the end of the row, where a None is appended.
    none = len(layout.columns)
    kind_place, value_place, at_place, order_place = (
        layout.fields.get(field, none) for field in ("kind", "value", "at", "position")
    )
    names = (*layout.columns, "")
    value_name, at_name = names[value_place], names[at_place]
    for line, row in loader.rows(file):
        try:
            user_id = _required(layout, row, "user_id")
            item_id = _required(layout, row, "item_id")
            if item_id not in known:
                raise ValueError(f"the catalogue has no item {item_id!r}")
            cells = (*row, None)
            written = cells[kind_place]
            kind = default if written is None else kinds.get(written)
            if kind is None:
                kind = kinds[written] = fold(to_text(written)) or default
            if not kind:
                raise ValueError("the kind is empty")
            number = cells[value_place]
            value = None if number in (None, "") else to_finite(number, value_name)
            if value is not None and value < 0 and not allow_negative:
                raise ValueError(f"{value_name} {number!r} is negative")
            at = to_time(cells[at_place], at_name)
            place = cells[order_place]
            position = 0.0 if place in (None, "") else to_finite(place, "position")
            if position != int(position) or not 0 <= position < 2**31:
                raise ValueError(f"position {place!r} is not a whole number of at least 0")
        except ValueError as error:
            loader.bad(file, line, str(error), row)
            continue
        yield user_id, item_id, kind, value, at, int(position)
