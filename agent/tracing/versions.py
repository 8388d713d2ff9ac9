"""The versions of data, index, prompts and RecMind that answered a request, for its trace."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from recmind.data.store.store import Store
from recmind.data.version import recmind_version
from recmind.tools.index.engines import Engines


def versions_of(store: Store, engines: Engines) -> dict[str, str]:
    """Versions by name: ``data`` counts changes of the catalogue, ``index`` is the build, ``prompts`` a fingerprint."""
    return {"data": str(store.catalogue_version), "index": engines.manifest.version, **_ours()}


@cache
def _ours() -> dict[str, str]:
    """The versions that do not change while the process runs."""
    made = hashlib.blake2b(digest_size=4)
    for file in sorted(files("recmind.prompts").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            made.update(f"{file.name}\n{file.read_text(encoding='utf-8')}\n".encode())
    return {"prompts": made.hexdigest(), "recmind": recmind_version()}
