"""Makes the workspace of an evaluation: a copy without what is held out, with an index built from the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.evaluation.splits import Split
from recmind.data.progress import Progress, quiet
from recmind.data.store.copying import copy_whole, copy_without
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.build import build_index
from recmind.tools.index.manifest import Manifest

_LENT = "000000"
"""The name of the source's index in the copy while the copy's own is built: it sorts before any build."""


def copied(
    source: Workspace,
    home: Path,
    arrays: InteractionArrays,
    split: Split,
    *,
    tune: bool = False,
    progress: Progress = quiet,
) -> Workspace:
    """The indexed copy in this folder, made anew.

    Only the vectors of items with unchanged text are taken from the source's index. Everything else is learned from the
    copy, with ``tune`` the parameters too: those of the source may have been chosen by what is held out. The manifest
    holds no times, so that equal copies are equal in every byte. If nothing is held out, the index is copied unchanged.

    Args:
        source: the workspace.
        home: the folder of the copy; anything in it is removed.
        arrays: the interactions of the workspace.
        split: which interactions are held out.
        tune: whether to tune parameters and learn confidence on the copy.
        progress: called while the copy is made.
    """
    shutil.rmtree(home, ignore_errors=True)
    if not split.held_out.any():
        return copy_whole(source, home)
    copy = copy_without(source, home, arrays, split, progress)
    _lend_vectors(source, copy)
    with Store(copy.database, copy.settings) as store:
        manifest = build_index(copy, store, progress, tuned=tune)
    for leftover in (copy.index_folder / _LENT, copy.cache):
        shutil.rmtree(leftover, ignore_errors=True)
    (copy.index_folder / "LOCK").unlink(missing_ok=True)
    replace(manifest, built_at=0.0, seconds=0.0, encoding_s=0.0, encoded=0).write(copy.index_folder / manifest.version)
    return copy


def is_tuned(workspace: Workspace) -> bool:
    """Whether the index in use was tuned to its interactions.

    Args:
        workspace: the workspace.

    Raises:
        RecMindError: the index cannot be read.
    """
    built = workspace.current_index()
    return built is not None and bool(Manifest.read(built).parameters.get("tuned"))


def _lend_vectors(source: Workspace, copy: Workspace) -> None:
    """Puts the source's index into the copy as if it were an older build of it: a build takes over its vectors."""
    try:
        built = source.current_index()
        if built is None:
            return
        manifest = Manifest.read(built)
    except RecMindError:
        # The index is damaged, or of another RecMind: the texts are encoded again.
        return
    lent = copy.index_folder / _LENT
    shutil.copytree(built, lent)
    # No store has this clock, so that it is never taken for a build of the copy; nothing tuned is taken along.
    replace(manifest, version=_LENT, clock=-1, catalogue_version=-1, parameters={}).write(lent)
    (copy.index_folder / "CURRENT").write_text(_LENT + "\n", encoding="utf-8")
