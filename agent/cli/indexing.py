"""``recmind index``: build what recommendations are looked up in."""

from __future__ import annotations

import time

import click

from agent.cli.app import Command, Shared, pass_shared
from agent.cli.output import ProgressLine, emit


@click.command(cls=Command)
@click.option("--force", is_flag=True, help="Build everything anew, even where nothing has changed.")
@pass_shared
def index(shared: Shared, force: bool) -> None:
    """Build the index; only what has changed is encoded again.

    The new index is built beside the old one, which answers until the new one is ready.
    """
    from data.store import Store  # noqa: PLC0415
    from data.workspace import Workspace  # noqa: PLC0415
    from tools.index import build  # noqa: PLC0415

    begun = time.perf_counter()
    workspace = Workspace.open(shared.home)
    before = workspace.index_folder / "CURRENT"
    used = before.read_text(encoding="utf-8").strip() if before.is_file() else None
    with Store(workspace.database, workspace.settings) as store, ProgressLine() as progress:
        manifest = build(workspace, store, progress, force=force)
    told = {
        "home": str(workspace.home),
        "version": manifest.version,
        "built": manifest.version != used,
        "items": manifest.items,
        "encoder": manifest.encoder,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    emit(
        shared.as_json,
        told,
        lambda: (
            f"Built index {told['version']} of {manifest.items:,} items in {told['seconds']:.1f} s."
            if told["built"]
            else f"Index {told['version']} is up to date."
        ),
    )
