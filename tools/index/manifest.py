"""What a build of the engines says about itself, and whether its files are still as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recmind.data.errors import RecMindError

FORMAT = 5
"""Format of the built files; files of another format have to be built anew."""
MANIFEST = "manifest.json"
REBUILD = "Run: recmind index"
REBUILD_ALL = "Run: recmind index --force"


class IndexFailed(RecMindError):  # noqa: N818  reads as the event that it is: "except IndexFailed"
    """The built index is damaged, or another build of it has not ended in time."""


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file of a build as it was written."""

    size: int
    """Bytes."""
    sha256: str
    """The checksum in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was built, from which data, and with which encoder and settings."""

    version: str
    """The name of the build's folder; later builds have higher numbers."""
    format: int
    recmind: str
    """The version of RecMind that built it."""
    encoder: str
    encoder_checksum: str
    dimension: int
    """Numbers in a vector."""
    items: int
    encoded: int
    """Number of texts that had to be encoded; the others had a vector in the build before."""
    interactions: int
    catalogue_version: int
    """The store's catalogue version when the build began."""
    clock: int
    """The store's clock when the build began: it counts every write, those of single users too."""
    settings: str
    """SHA-256 of the settings that the built files depend on."""
    parameters: Mapping[str, Any]
    """Parameters of the engines."""
    built_at: float
    """Unix seconds."""
    seconds: float
    files: Mapping[str, BuiltFile]
    encoding_s: float = 0.0
    """The part of ``seconds`` that the encoder took."""

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest in this folder. Raises IndexFailed where it is missing, unreadable or of another format."""
        try:
            loaded = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found = loaded["format"]
            if found == FORMAT:
                files = {name: BuiltFile(**facts) for name, facts in loaded.pop("files").items()}
                return cls(**loaded, files=files)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IndexFailed(f"The index in {str(folder)!r} has no readable {MANIFEST} ({error}). {REBUILD}") from None
        raise IndexFailed(
            f"The index in {str(folder)!r} has format {found}, and this RecMind reads {FORMAT}. {REBUILD}"
        )

    def write(self, folder: Path) -> None:
        """Write the manifest into this folder."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def verify(folder: Path) -> Manifest:
    """Check that every file of a build is as it was written; reads all files.

    Args:
        folder: the folder of the build.

    Returns:
        The manifest of the build.

    Raises:
        IndexFailed: a file has changed; the message names the first one.
    """
    manifest = Manifest.read(folder)
    check_sizes(folder, manifest)
    for name, expected in manifest.files.items():
        if sum_of(folder / name) != expected.sha256:
            raise IndexFailed(f"The index file {str(folder / name)!r} has changed since it was built. {REBUILD_ALL}")
    return manifest


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Check that every file of the build exists and has its size. Raises IndexFailed otherwise; reads no file."""
    for name, expected in manifest.files.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != expected.size:
            told = "is missing" if found is None else f"has {found} bytes instead of {expected.size}"
            raise IndexFailed(f"The index file {str(path)!r} {told}. {REBUILD}")


def sum_of(path: Path) -> str:
    """SHA-256 of the file, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
