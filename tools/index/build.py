"""Builds the engines beside the ones in use and swaps them in whole; nothing is pickled.

``index/<version>/`` holds the files of one build and ``manifest.json``; ``index/CURRENT`` names the build in use.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from recmind.data.catalogue import InteractionArrays
from recmind.data.errors import RecMindError
from recmind.data.locking import Taken, turn
from recmind.data.progress import Progress, quiet
from recmind.data.settings import Settings
from recmind.data.signals import weights
from recmind.data.store.store import Store
from recmind.data.version import recmind_version
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.cooccurrence import CollaborativeParameters
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.confidence.confidence import Confidence
from recmind.tools.encoders.encoder import Encoder, open_encoder
from recmind.tools.index.manifest import FORMAT, BuiltFile, IndexFailed, Manifest, check_sizes, sum_of
from recmind.tools.ranking.item_times import ItemTimes
from recmind.tools.ranking.reranker import DEFAULT_SET_WEIGHTS, DEFAULT_WEIGHTS, Reranker
from recmind.tools.search.text_index import TextIndex
from recmind.tools.search.vector_index import FLAT_UP_TO, LISTS_FILE

if TYPE_CHECKING:
    from recmind.tools.index.tuning import Tuned

logger = logging.getLogger(__name__)

CURRENT = "CURRENT"
LONGEST_BUILD_S = 4 * 3600
"""Seconds that a build waits for another build of the same workspace."""


def build_index(
    workspace: Workspace, store: Store, progress: Progress = quiet, *, force: bool = False, tuned: bool = False
) -> Manifest:
    """Build what has changed since the last build and put it to use.

    Returns at once where nothing has changed. Two builds of one workspace take turns. The build before stays, older
    ones are removed. An interrupted build leaves nothing behind that is used.

    Args:
        workspace: where the index lies.
        store: the workspace's store.
        progress: is called during each step.
        force: reuse nothing of the build before.
        tuned: find the parameters and weights that suit these interactions, and learn the confidence in items. Later
            builds keep the parameters and weights until they are tuned again, and learn the confidence anew.

    Returns:
        The manifest of the build that is in use then.

    Raises:
        IndexFailed: another build of this workspace does not end.
    """
    folder = workspace.index_folder
    folder.mkdir(parents=True, exist_ok=True)
    encoder = open_encoder(workspace.settings.encoder, workspace.cache)
    with _turn(folder / "LOCK"):
        previous = None if force else _usable(workspace)
        if previous is not None and not tuned and _same(previous, store, encoder, workspace.settings):
            return previous
        begun = time.perf_counter()
        new = _next_version(folder)
        beside = folder / f".{new}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        try:
            manifest = _build_into(
                beside,
                new,
                workspace=workspace,
                store=store,
                encoder=encoder,
                previous=previous,
                tuned=tuned,
                progress=progress,
                begun=begun,
            )
            beside.rename(folder / new)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        used = _current(folder)
        _put_to_use(folder, new)
        _remove_old(folder, {new, used})
        logger.info("built index %s: %s items, %s encoded", new, manifest.items, manifest.encoded)
        return manifest


def _build_into(
    folder: Path,
    version_name: str,
    *,
    workspace: Workspace,
    store: Store,
    encoder: Encoder,
    previous: Manifest | None,
    tuned: bool,
    progress: Progress,
    begun: float,
) -> Manifest:
    """Fit all engines and write them and their manifest into the folder; the manifest comes back."""
    # Read before the items: whatever is written in the meantime makes the new build stale, not wrong.
    clock, catalogue_version = store.clock, store.catalogue_version
    index = TextIndex.fit(store, encoder, _reusable(previous, workspace, store, encoder), progress)
    index.save(folder, progress=progress)
    arrays = store.interactions.arrays()
    lists = folder / LISTS_FILE
    embeddings = ItemEmbeddings(index.numbers, index.vectors, lists if lists.is_file() else None)
    choice = _choice(previous, arrays, embeddings, store, tuned=tuned, progress=progress)
    collaborative = CollaborativeModel.fit(
        arrays, weights(arrays, store.settings), store.settings, progress, choice.parameters, embeddings
    )
    collaborative.save(folder)
    Reranker(collaborative, ItemTimes.of(arrays), embeddings, choice.weights, choice.set_weights).save(folder)
    confidence = (
        Confidence.fit(
            arrays, store.settings, collaborative, progress=progress, embeddings=embeddings, catalogue=index.numbers
        )
        if choice.validation
        else None
    )
    if confidence is not None:
        confidence.save(folder)
    manifest = Manifest(
        version=version_name,
        format=FORMAT,
        recmind=recmind_version(),
        encoder=encoder.name,
        encoder_checksum=encoder.checksum,
        dimension=encoder.dimension,
        items=len(index.numbers),
        encoded=index.encoded,
        encoding_s=round(index.encoding_s, 3),
        interactions=len(arrays),
        catalogue_version=catalogue_version,
        clock=clock,
        settings=_settings_sum(workspace.settings),
        parameters={
            "flat_up_to": FLAT_UP_TO,
            "collaborative": asdict(choice.parameters),
            "weights": dict(choice.weights),
            "set_weights": dict(choice.set_weights),
            "tuned": bool(choice.validation),
            "validation": dict(choice.validation),
            "confidence": None if confidence is None else {"meaning": confidence.meaning, **confidence.skill},
        },
        built_at=time.time(),
        seconds=round(time.perf_counter() - begun, 3),
        files={
            path.name: BuiltFile(path.stat().st_size, sum_of(path))
            for path in sorted(folder.iterdir())
            if path.is_file()
        },
    )
    manifest.write(folder)
    return manifest


def _choice(
    previous: Manifest | None,
    arrays: InteractionArrays,
    embeddings: ItemEmbeddings,
    store: Store,
    *,
    tuned: bool,
    progress: Progress,
) -> Tuned:
    """Parameters and weights: tuned now, or those of the build before if it was tuned, or untuned defaults."""
    # Answering a request must not pay for this import.
    from recmind.tools.index.tuning import Tuned, tune  # noqa: PLC0415

    if tuned and (found := tune(arrays, store.settings, embeddings, progress=progress)) is not None:
        return found
    before = previous.parameters if previous is not None and not tuned else {}
    if before.get("tuned"):
        parameters = CollaborativeParameters(**before["collaborative"])
        return Tuned(parameters, before["weights"], before["set_weights"], before["validation"])
    return Tuned(CollaborativeParameters(), DEFAULT_WEIGHTS, DEFAULT_SET_WEIGHTS, {})


def _same(manifest: Manifest, store: Store, encoder: Encoder, settings: Settings) -> bool:
    """Whether a new build would equal that one."""
    return (
        manifest.clock == store.clock
        and manifest.recmind == recmind_version()
        and (manifest.encoder, manifest.encoder_checksum) == (encoder.name, encoder.checksum)
        and manifest.settings == _settings_sum(settings)
    )


def _settings_sum(settings: Settings) -> str:
    """SHA-256 over the settings that the built files depend on; the chat model, say, is not among them."""
    parts = settings.model_dump(mode="json", include={"kinds", "allow_repeats", "encoder", "hidden_attributes"})
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _usable(workspace: Workspace) -> Manifest | None:
    """The manifest of the build in use, or None where there is none, or one that cannot be built upon."""
    try:
        folder = workspace.current_index()
        if folder is None:
            return None
        manifest = Manifest.read(folder)
        check_sizes(folder, manifest)
    except RecMindError as error:
        logger.warning("everything is built anew: %s", error)
        return None
    return manifest


def _reusable(previous: Manifest | None, workspace: Workspace, store: Store, encoder: Encoder) -> TextIndex | None:
    """The index whose text vectors can be used again, or None."""
    if previous is None or (previous.encoder, previous.encoder_checksum) != (encoder.name, encoder.checksum):
        return None
    try:
        return TextIndex.load(workspace.index_folder / previous.version, store, encoder)
    except RecMindError as error:
        logger.warning("everything is encoded anew: %s", error)
        return None


def _versions(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()]


def _next_version(folder: Path) -> str:
    return f"{max((int(path.name) for path in _versions(folder)), default=0) + 1:06d}"


def _current(folder: Path) -> str:
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _put_to_use(folder: Path, version_name: str) -> None:
    beside = folder / f".{CURRENT}"
    with beside.open("w", encoding="utf-8") as opened:
        opened.write(version_name + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(folder / CURRENT)


def _remove_old(folder: Path, kept: set[str]) -> None:
    """Remove all builds but these, and what interrupted builds left."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in kept and path.name.lstrip(".").isdigit():
            # A mapped file cannot be removed on Windows; the next build tries again.
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Inside, no other build of the workspace runs. Raises IndexFailed where another one does not end in time."""
    try:
        with turn(lock, LONGEST_BUILD_S):
            yield
    except Taken as error:
        raise IndexFailed(
            f"Another build of this workspace has not ended in time ({error}): {str(lock.parent)!r}."
        ) from None
