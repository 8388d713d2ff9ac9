"""``recmind import``: fill a workspace from the demo catalogue, MovieLens, or anyone's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Group, Shared, pass_shared
from recmind.agent.cli.output import ProgressLine, count, emit

if TYPE_CHECKING:
    from recmind.data.importers import ImportReport
    from recmind.data.store.store import Store

A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
A_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
SKIPPED_SHOWN = 3

import_group = Group(
    name="import",
    help="Fill the workspace with items, users and interactions.\n\n"
    "Importing again updates and never duplicates. Each import is kept whole or not at all.",
    short_help="Fill the workspace: demo, movielens, table.",
)

skip_bad = click.option(
    "--skip-bad", is_flag=True, help="Keep the good rows where some are bad; default: keep nothing."
)
bad_rows = click.option(
    "--bad-rows",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where --skip-bad writes the bad rows. Default: bad-rows.csv in the workspace.",
)
replace = click.option(
    "--replace", is_flag=True, help="The files are the whole truth: what they do not name becomes unavailable."
)


@import_group.command()
@pass_shared
def demo(shared: Shared) -> None:
    """The demo catalogue: real films, and synthetic users."""
    from recmind.data.importers import import_demo  # noqa: PLC0415

    _run(shared, lambda store, progress: import_demo(store, progress=progress))


@import_group.command()
@click.argument("folder", type=A_FOLDER, metavar="DIR")
@skip_bad
@bad_rows
@replace
@pass_shared
def movielens(shared: Shared, folder: Path, skip_bad: bool, bad_rows: Path | None, replace: bool) -> None:
    """A MovieLens folder: latest, 1M or 100K, as GroupLens ships it."""
    from recmind.data.importers import import_movielens  # noqa: PLC0415

    bad = _bad_rows(shared, skip_bad, bad_rows)
    _run(
        shared,
        lambda store, progress: import_movielens(store, folder, skip_bad=bad, replace=replace, progress=progress),
        bad,
    )


@import_group.command()
@click.option("--items", type=A_FILE, help="Items: CSV, TSV, JSON Lines or Parquet.")
@click.option("--interactions", type=A_FILE, help="Interactions, in the same formats.")
@click.option("--users", type=A_FILE, help="Users with attributes, in the same formats.")
@click.option(
    "--column",
    "mappings",
    multiple=True,
    metavar="TABLE.FIELD=COLUMN",
    help="Which column holds what, e.g. items.item_id=asin or interactions.at=unix_time. Repeatable.",
)
@click.option("--kind", help="The kind of all interactions where the file does not say: rating, purchase, view, ...")
@skip_bad
@bad_rows
@replace
@pass_shared
def table(
    shared: Shared,
    *,
    items: Path | None,
    interactions: Path | None,
    users: Path | None,
    mappings: tuple[str, ...],
    kind: str | None,
    skip_bad: bool,
    bad_rows: Path | None,
    replace: bool,
) -> None:
    """Your own files. Unknown columns of items become attributes that can be searched and filtered.

    \b
    recmind import table --items products.csv --column items.item_id=sku
    recmind import table --interactions orders.jsonl --kind purchase
    """
    from recmind.data.importers import import_table  # noqa: PLC0415

    if items is None and interactions is None and users is None:
        raise click.UsageError("Give at least one of --items, --interactions, --users.", click.get_current_context())
    named = dict(_mapping(text) for text in mappings)
    bad = _bad_rows(shared, skip_bad, bad_rows)
    _run(
        shared,
        lambda store, progress: import_table(
            store,
            items=items,
            interactions=interactions,
            users=users,
            columns=named,
            kind=kind,
            skip_bad=bad,
            replace=replace,
            progress=progress,
        ),
        bad,
    )


def _mapping(text: str) -> tuple[str, str]:
    """``items.item_id=asin`` as (field, column)."""
    field, equals, column = text.partition("=")
    if not (equals and field.strip() and column.strip()):
        raise click.BadParameter(
            f"{text!r} is not TABLE.FIELD=COLUMN, such as items.item_id=asin", param_hint="--column"
        )
    return field.strip(), column.strip()


def _bad_rows(shared: Shared, skip_bad: bool, file: Path | None) -> Path | None:
    """The file for bad rows, or None if a bad row stops the import."""
    from recmind.data.workspace import resolve_home  # noqa: PLC0415

    if file is not None or not skip_bad:
        return file
    return resolve_home(shared.home) / "bad-rows.csv"


def _run(shared: Shared, load: Callable[[Store, Any], ImportReport], bad: Path | None = None) -> None:
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home, create=True)
    with Store(workspace.database, workspace.settings) as store, ProgressLine() as progress:
        done = load(store, progress)
    told: dict[str, Any] = {
        "home": str(workspace.home),
        "items": done.items,
        "users": done.users,
        "interactions": done.interactions,
        "updated": done.updated,
        "skipped": [str(row) for row in done.skipped],
        "bad_rows": str(bad) if bad and done.skipped else None,
        "seconds": round(done.seconds, 3),
    }
    emit(shared.as_json, told, lambda: _text(told))


def _text(told: dict[str, Any]) -> str:
    lines = [
        f"Imported {count(told['items'], 'item')}, {count(told['users'], 'user')} and "
        f"{count(told['interactions'], 'interaction')} into {told['home']} in {told['seconds']:.1f} s."
    ]
    if told["updated"]:
        lines.append(f"{count(told['updated'], 'row')} updated what was there.")
    if told["skipped"]:
        lines.append(f"{count(len(told['skipped']), 'bad row')} skipped and written to {told['bad_rows']}:")
        lines += [f"  {row}" for row in told["skipped"][:SKIPPED_SHOWN]]
    lines.append("Next: recmind index")
    return "\n".join(lines)
