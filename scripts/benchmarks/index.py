"""The cost of ``recmind index`` beside the encoding, which it cannot avoid."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.common import latest_small, python, recmind
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.index.manifest import Manifest
from recmind.tools.search.item_text import embedded_text

_ENCODE = """
import json, sys
from recmind.tools.encoders.encoder import open_encoder
open_encoder().encode(json.load(open(sys.argv[1], encoding="utf-8")))
"""


def run(data: Path, work: Path) -> dict[str, float | int | str]:
    """Seconds of whole processes, each run once.

    ``encode_s`` only encodes the distinct texts; ``ratio`` is ``index_s / encode_s``. On a shared machine two runs are
    hard to compare, so ``ratio_within`` is ``index_s`` over the time that the encoder took in the same run, without its
    start.
    """
    workspace = latest_small(data, work)
    shutil.rmtree(workspace.index_folder, ignore_errors=True)
    home = str(workspace.home)
    with Store(workspace.database, workspace.settings) as store:
        items = [item for _, item in store.items.all()]
        texts = list(dict.fromkeys(embedded_text(item, store.settings) for item in items))
        listing = work / "texts.json"
        listing.write_text(json.dumps(texts), encoding="utf-8")
        python(_ENCODE.replace('json.load(open(sys.argv[1], encoding="utf-8"))', '["warm the disk"]'))
        encode_s, _ = python(_ENCODE, str(listing))
        index_s, _ = recmind("index", "--home", home, "--json")
        first = _manifest(workspace)
        unchanged_s, _ = recmind("index", "--home", home, "--json")
        changed = replace(items[0], description=items[0].description + " A changed description.")
        store.items.put([changed])
        one_changed_s, _ = recmind("index", "--home", home, "--json")
        second = _manifest(workspace)
    return {
        "items": len(items),
        "texts": len(texts),
        "encode_s": round(encode_s, 2),
        "index_s": round(index_s, 2),
        "ratio": round(index_s / encode_s, 3),
        "ratio_within": round(index_s / first.encoding_s, 3),
        "unchanged_s": round(unchanged_s, 2),
        "one_changed_s": round(one_changed_s, 2),
        "one_changed_encoded": second.encoded,
    }


def _manifest(workspace: Workspace) -> Manifest:
    folder = workspace.current_index()
    assert folder is not None, "indexed just now"
    return Manifest.read(folder)
