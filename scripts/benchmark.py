#!/usr/bin/env python3
"""Measure RecMind: ``scripts/benchmark.py NAME [--data DIR] [--json]`` prints figures under stable keys.

``scripts/benchmark.py --help`` lists the benchmarks. DIR holds ``ml-latest-small`` and the other data sets that a
benchmark reads (default: RECMIND_TEST_DATA).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

_SCRIPTS = Path(__file__).resolve().parent
sys.path[:0] = [str(_SCRIPTS.parent / ".src"), str(_SCRIPTS.parent), str(_SCRIPTS)]

BENCHMARKS = {
    "index": "recmind index against encoding alone on MovieLens latest-small; then with nothing or one item changed",
    "quality": "ranking, search and confidence on public data, beside baselines; --only PART,... and --users N",
    "scale": "synthetic catalogues of 10,000 to 1,000,000 items; needs no data; --sizes N,... and --out DIR for a plot",
    "traces": "what a trace costs its request; many threads and processes tracing, one of them killed; needs no data",
    "page": "the page of traces in headless Chromium: 10,000 requests, 500 runs; needs no data, and Chromium",
    "agent": "what the framework takes of a request to a chat model, tokens, and 100 requests at once; loopback only",
    "walk": "how many calls and files of ours one request goes through, and where most of them are; needs no data",
    "latency": "a cold recmind recommend against importing sentence_transformers, and rec.recommend in a warm process",
}
"""By name: what is measured. The code is ``run`` in ``benchmarks/NAME.py``. It is called with the folder of data, a
folder to work in and the options that its ``options`` adds to the command line, if it has any; its result is printed by
keys."""


def main() -> int:
    """Run one benchmark; exit code 0, or 2 where its data is missing."""
    parser = argparse.ArgumentParser(
        description="Measure RecMind.",
        epilog="\n".join(f"{name:10}{what}" for name, what in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=BENCHMARKS, metavar="NAME", help="one of the benchmarks below")
    parser.add_argument("--data", type=Path, default=os.environ.get("RECMIND_TEST_DATA"), metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep the workspace in this folder, and use it again")
    given, rest = parser.parse_known_args()
    benchmark = import_module(f"benchmarks.{given.name}")
    data = Path(given.data or ".").absolute()
    if getattr(benchmark, "NEEDS_DATA", True) and (given.data is None or not data.is_dir()):
        print(f"There is no data folder {given.data}. Name it with --data or RECMIND_TEST_DATA.", file=sys.stderr)
        return 2
    own = argparse.ArgumentParser(prog=f"{parser.prog} {given.name}", add_help=False)
    if hasattr(benchmark, "options"):
        benchmark.options(own)
    options = vars(own.parse_args(rest))
    with tempfile.TemporaryDirectory(prefix="recmind-benchmark-") as temporary:
        try:
            work = given.work.absolute() if given.work else Path(temporary)
            figures: Mapping[str, Any] = benchmark.run(data, work, **options)
        except FileNotFoundError as error:
            print(f"The benchmark needs a file that is missing: {error.filename}", file=sys.stderr)
            return 2
    if given.json:
        print(json.dumps({"benchmark": given.name, **figures}, indent=1))
    else:
        rows = list(flat(figures))
        width = max(len(key) for key, _ in rows)
        for key, value in rows:
            print(f"{key:{width}}  {value}")
    return 0


def flat(figures: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Each figure with its key; the keys of nested mappings are joined by dots."""
    for key, value in figures.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}", value


if __name__ == "__main__":
    sys.exit(main())
