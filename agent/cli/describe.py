"""``recmind info`` sums up a workspace; ``recmind schema`` prints the shape of an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import clean, columns, count, emit, size

if TYPE_CHECKING:
    from recmind.data.catalogue import Catalogue

COMMON_SHOWN = 5


@click.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of what `recommend --json` prints."""
    from recmind.agent.schema import ANSWER  # noqa: PLC0415

    click.echo(json.dumps(ANSWER, indent=2))


@click.command(cls=Command, short_help="Sum up the workspace.")
@pass_shared
def info(shared: Shared) -> None:
    """Sum up the workspace: items, users, interactions, attributes, index, size."""
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with Store(workspace.database, workspace.settings) as store:
        told = _summary(store.catalogue())
        told["preferences"] = store.preferences.count()
    index = workspace.current_index()
    told = {
        "home": str(workspace.home),
        **told,
        "index": index.name if index else None,
        "size_bytes": _bytes_in(workspace.home),
    }
    emit(shared.as_json, told, lambda: _text(told))


def _summary(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "version": catalogue.version,
        "items": catalogue.items,
        "available": catalogue.available,
        "users": catalogue.users,
        "interactions": catalogue.interactions,
        "kinds": {kind.name: kind.interactions for kind in catalogue.kinds},
        "earliest": catalogue.earliest,
        "latest": catalogue.latest,
        "attributes": [
            {
                "attribute": attribute.name,
                "kind": attribute.kind,
                "items": attribute.items,
                "distinct_values": attribute.distinct_values,
                "minimum": attribute.minimum,
                "maximum": attribute.maximum,
                "common": [{"value": value, "items": items} for value, items in attribute.common[:COMMON_SHOWN]],
            }
            for attribute in catalogue.attributes
        ],
    }


def _text(told: dict[str, Any]) -> str:
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in told["kinds"].items())
    hidden = told["items"] - told["available"]
    rows = [
        ("Workspace", told["home"]),
        ("Items", f"{told['items']:,}" + (f" ({told['available']:,} available)" if hidden else "")),
        ("Users", f"{told['users']:,}"),
        ("Interactions", f"{told['interactions']:,}" + (f" ({kinds})" if kinds else "")),
    ]
    if told["earliest"] is not None:
        rows.append(("Time", f"{_day(told['earliest'])} to {_day(told['latest'])}"))
    rows += [
        ("Preferences", f"{told['preferences']:,}"),
        ("Index", told["index"] or "not built; run: recmind index"),
        ("Size", size(told["size_bytes"])),
    ]
    text = columns(rows, indent="")
    if told["attributes"]:
        text += "\nAttributes\n" + columns([_attribute(attribute) for attribute in told["attributes"]])
    return text


def _attribute(attribute: dict[str, Any]) -> tuple[str, str, str, str]:
    """One row of the table of attributes: name, kind, on how many items, and the range or the most common values."""
    if attribute["kind"] == "number":
        values = f"{attribute['minimum']:g} to {attribute['maximum']:g}"
    else:
        values = ", ".join(f"{clean(str(common['value']))} ({common['items']:,})" for common in attribute["common"])
        if attribute["distinct_values"] > len(attribute["common"]):
            values += f", ... {attribute['distinct_values']:,} in all"
    return clean(attribute["attribute"]), attribute["kind"], count(attribute["items"], "item"), values


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
