"""How much of RecMind's code one request runs: files entered and functions called."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.common import ROOT, recmind
from recmind import RecMind

NEEDS_DATA = False
REQUEST, USER, K = "something like The Matrix, but funnier", "ada", 3
FOLDERS = ("agent", "tools", "data", "prompts")
SHOWN = 12


def run(_data: Path, work: Path) -> dict[str, Any]:
    """Counts of the first offline request of an opened demo catalogue, in all threads; modules are imported before.

    ``calls`` counts each function of ours that is entered, comprehensions and properties included; generators once each
    time they go on. ``of_files`` is how many files there are. ``most_called`` and ``most_called_files`` show where the
    calls are.
    """
    home = work / "demo"
    recmind("import", "demo", "--home", str(home))
    recmind("index", "--home", str(home))
    with RecMind.open(home) as rec:
        rec.recommend(REQUEST, user_id=USER, k=K)
    with RecMind.open(home) as rec:
        # Nothing is remembered yet, and its threads begin with the request: those too are seen.
        seen = walked(lambda: rec.recommend(REQUEST, user_id=USER, k=K, cache=False))
    files: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for (file, name), calls in seen.items():
        files[file] += calls
        names[f"{file}:{name}"] += calls
    return {
        "calls": sum(seen.values()),
        "functions": len(seen),
        "files": len(files),
        "of_files": sum(1 for folder in FOLDERS for _ in (ROOT / folder).rglob("*.py")),
        "most_called_files": dict(files.most_common(SHOWN)),
        "most_called": dict(names.most_common(SHOWN)),
    }


def walked(ask: Callable[[], object]) -> Counter[tuple[str, str]]:
    """How often each function of ours was entered while ``ask`` ran, by file and qualified name."""
    seen: Counter[tuple[str, str]] = Counter()
    ours: dict[str, str | None] = {}

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code.co_filename not in ours:
                ours[code.co_filename] = _within(code.co_filename)
            if file := ours[code.co_filename]:
                seen[file, code.co_qualname] += 1

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        ask()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return seen


def _within(filename: str) -> str | None:
    """The file's place in the repository; None where it is not of the four folders."""
    path = Path(filename).resolve()
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in FOLDERS:
        return None
    return str(path.relative_to(ROOT))
