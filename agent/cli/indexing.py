"""``recmind index``: build what recommendations are looked up in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import ProgressLine, emit

if TYPE_CHECKING:
    from recmind.tools.index.manifest import Manifest


@click.command(cls=Command)
@click.option("--force", is_flag=True, help="Build everything anew, even where nothing has changed.")
@click.option("--tune", is_flag=True, help="Find what suits these interactions, and learn confidence. Minutes.")
@pass_shared
def index(shared: Shared, force: bool, tune: bool) -> None:
    """Build the index; only what has changed is encoded again.

    The new index is built beside the old one, which answers until the new one is ready. With --tune the newest
    interaction of each user is held out to find how the others lead to it; later builds keep what was found.
    """
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415
    from recmind.tools.index.build import build_index  # noqa: PLC0415

    begun = time.perf_counter()
    workspace = Workspace.open(shared.home)
    before = workspace.index_folder / "CURRENT"
    used = before.read_text(encoding="utf-8").strip() if before.is_file() else None
    with Store(workspace.database, workspace.settings) as store, ProgressLine() as progress:
        manifest = build_index(workspace, store, progress, force=force, tuned=tune)
    told = {
        "home": str(workspace.home),
        "version": manifest.version,
        "built": manifest.version != used,
        "items": manifest.items,
        "encoder": manifest.encoder,
        "seconds": round(time.perf_counter() - begun, 3),
        "tuned": manifest.parameters["tuned"],
        "validation": manifest.parameters["validation"],
        "confidence": manifest.parameters["confidence"],
    }
    emit(
        shared.as_json,
        told,
        lambda: (
            f"Built index {told['version']} of {manifest.items:,} items in {told['seconds']:.1f} s."
            + (_tuned(manifest) if tune else "")
            if told["built"]
            else f"Index {told['version']} is up to date."
        ),
    )


def _tuned(manifest: Manifest) -> str:
    """The result of tuning, in words."""
    validation, confidence = manifest.parameters["validation"], manifest.parameters["confidence"]
    if not validation:
        return "\nNot tuned: fewer than 50 users have a past. The defaults stand."
    lines = [
        f"\nTuned on the newest interaction of {validation['users']:,.0f} users: it is among the first ten for "
        f"{validation['HR@10']:.1%} of them (NDCG@10 {validation['NDCG@10']:.4f})."
    ]
    if confidence is None:
        lines.append("Confidence could not be learned: it stays empty.")
    else:
        lines.append(f"Confidence: {confidence['meaning']}")
        lines.append(f"Off by {confidence['ece']:.3f} on average (ECE), Brier skill {confidence['brier_skill']:.3f}.")
    return "\n".join(lines)
