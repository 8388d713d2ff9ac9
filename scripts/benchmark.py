#!/usr/bin/env python3
"""Measure RecMind: ``scripts/benchmark.py NAME [--data DIR] [--json]`` prints figures under stable keys.

Without a name it lists the benchmarks. DIR holds ``ml-latest-small`` (default: RECMIND_TEST_DATA).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

Figures = Mapping[str, float | int | str]
Benchmark = Callable[[Path, Path], Figures]
"""Called with the folder of data and a folder to work in; what it returns is printed under its keys."""

BENCHMARKS = {
    "index": "recmind index against encoding alone on MovieLens latest-small; then with nothing or one item changed",
    "latency": "a cold recmind recommend against importing sentence_transformers, and rec.recommend in a warm process",
}
"""By name: what is measured. The code is ``run`` in ``benchmarks/NAME.py``."""


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
    given = parser.parse_args()
    if given.data is None or not (data := Path(given.data).absolute()).is_dir():
        print(f"There is no data folder {given.data}. Name it with --data or RECMIND_TEST_DATA.", file=sys.stderr)
        return 2
    run: Benchmark = import_module(f"benchmarks.{given.name}").run
    with tempfile.TemporaryDirectory(prefix="recmind-benchmark-") as temporary:
        try:
            figures = run(data, given.work.absolute() if given.work else Path(temporary))
        except FileNotFoundError as error:
            print(f"The benchmark needs a file that is missing: {error.filename}", file=sys.stderr)
            return 2
    if given.json:
        print(json.dumps({"benchmark": given.name, **figures}, indent=1))
    else:
        width = max(map(len, figures))
        for key, value in figures.items():
            print(f"{key:{width}}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
