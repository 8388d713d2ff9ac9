"""How import, index, size and requests grow with the catalogue: synthetic ones from ten thousand items to a million.

Each step runs in its own process, so that its peak memory is its own. The items' vectors are random and clustered
(``benchmarks.synthetic``): encoding a million texts would take hours, and is measured by ``index``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks import synthetic
from benchmarks.common import PYTHONPATH, python
from recmind.agent.cli.output import ProgressLine

NEEDS_DATA = False
SIZES = (10_000, 100_000, 1_000_000)
REQUESTS = 30
"""Requests of each sort; each is asked for another user."""
FEEDBACKS = 10
LIMIT_GIB, LIMIT_MS, LIMIT_EXPONENT = 16, 100, 1.5
"""Limits at the largest size: peak memory, the median of warm requests, and the exponent of any growth."""
GROWING = (
    "import_s", "import_cpu_s", "import_peak_mib", "index_s", "index_cpu_s", "index_peak_mib", "disk_mib",
    "asking_peak_mib", "history_p50_ms", "history_cpu_p50_ms", "words_p50_ms", "words_cpu_p50_ms",
)  # fmt: skip
"""The figures whose growth is printed and drawn."""
PLOT = "scale.svg"

Figures = dict[str, float | int]


def run(_data: Path, work: Path, *, sizes: str = "", out: Path | None = None) -> dict[str, Any]:
    """The figures of each size, as ``items_N``; how they grow, as the exponent of the number of items; the goals met.

    The goals are judged at a million items. Steps whose figures are in ``work`` are not run again.

    - ``import_rows_per_s`` counts items and interactions.
    - ``peak_mib`` is that of a whole process, mapped files included; ``disk_mib`` is database and index.
    - ``cpu`` is the process's own work, which other work on the machine changes less than the time that passed.
    - ``yardstick_s`` is how long ``import sentence_transformers`` took just before a step, and ``yardstick_cpu_s`` its
      work: how fast the machine was.
    - ``history`` are requests without words by users with a history, the first of each user; ``words`` are short ones
      by other users, in words that were searched before; ``after_feedback`` come right after the same user's rating.

    Args:
        _data: not used.
        work: a folder for the workspaces.
        sizes: numbers of items, separated by commas; empty: ``SIZES``.
        out: a folder for the plot; None: ``work``.
    """
    chosen = sorted({int(size) for size in sizes.split(",") if size.strip()} or SIZES)
    by_size = {size: _measured(size, work / f"items_{size}") for size in chosen}
    figures: dict[str, Any] = {"vectors": "of the items: clustered random unit vectors of 384 dimensions"}
    figures |= {f"items_{size}": measured for size, measured in by_size.items()}
    if len(chosen) > 1:
        figures["exponent"] = {name: exponent(by_size, name) for name in GROWING}
        folder = work if out is None else out.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        plot(by_size, folder / PLOT)
        figures["plot"] = str(folder / PLOT)
    if (largest := by_size.get(SIZES[-1])) is not None:
        figures["goals"] = goals(largest, figures.get("exponent", {}))
    return figures


def goals(figures: Mapping[str, float], exponents: Mapping[str, float]) -> dict[str, bool]:
    """Whether each limit holds at the largest size."""
    peak = max(figures[name] for name in figures if name.endswith("_peak_mib"))
    slowest = max(figures[f"{sort}_p50_ms"] for sort in ("history", "words", "after_feedback"))
    return {
        f"peak_within_{LIMIT_GIB}_gib": peak <= LIMIT_GIB * 2**10,
        f"warm_p50_under_{LIMIT_MS}_ms": slowest < LIMIT_MS,
        "nothing_quadratic": max(exponents.values(), default=0.0) <= LIMIT_EXPONENT,
    }


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to the command line."""
    parser.add_argument("--sizes", default="", metavar="N,...", help=f"numbers of items; none: {_listed(SIZES)}")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the plot goes here; none: the folder to work in")


def exponent(by_size: Mapping[int, Mapping[str, float]], name: str) -> float:
    """The power of the number of items by which the figure grows, by least squares over the logarithms."""
    sizes = np.log(list(by_size))
    values = np.log([max(measured[name], 1e-9) for measured in by_size.values()])
    return round(float(np.polyfit(sizes, values, 1)[0]), 3)


def _listed(sizes: Sequence[int]) -> str:
    return ",".join(map(str, sizes))


def _measured(size: int, folder: Path) -> Figures:
    """The figures of one size, step by step; each finished step is kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "figures.json"
    figures: Figures = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for name, mark in (("importing", "import_s"), ("indexing", "index_s"), ("asking", "history_p50_ms")):
        if mark not in figures:
            figures |= {**_yardstick(_PEAKS[name]), **_in_a_process(name, size, folder)}
            kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures


def _yardstick(step: str) -> Figures:
    """How fast the machine is now, before this step."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, _ = python("import sentence_transformers")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {f"{step}_yardstick_s": round(seconds, 1), f"{step}_yardstick_cpu_s": round(worked, 1)}


def _in_a_process(name: str, size: int, folder: Path) -> Figures:
    """The figures of this step, run in its own process. Raises RuntimeError where it fails."""
    program = f"from benchmarks import scale; scale.step({name!r}, {size}, {str(folder)!r})"
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH}
    print(f"{size:,} items: {name}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} {size} items failed with {done.returncode}")
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def step(name: str, size: int, folder: str) -> None:
    """Run a single step in the process made for it; its figures go to stdout.

    Args:
        name: name of the step.
        size: number of items.
        folder: the folder of the workspace.
    """
    import resource

    figures = _STEPS[name](size, Path(folder))
    # Kilobytes, but bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({**figures, f"{_PEAKS[name]}_peak_mib": round(peak)}))


def _importing(size: int, folder: Path) -> Figures:
    from recmind.data.importers import import_table
    from recmind.data.store.store import Store
    from recmind.data.workspace import Workspace

    shutil.rmtree(folder / "home", ignore_errors=True)
    tables = folder / "tables"
    _in_a_process("writing", size, folder)
    workspace = Workspace.open(folder / "home", create=True)
    with ProgressLine() as line, Store(workspace.database, workspace.settings) as store:
        begun, worked = time.perf_counter(), time.process_time()
        report = import_table(
            store, items=tables / "items.tsv", interactions=tables / "interactions.csv", progress=line
        )
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    shutil.rmtree(tables)
    return {
        "items": report.items,
        "interactions": report.interactions,
        "users": report.users,
        "import_s": round(seconds, 2),
        "import_cpu_s": round(worked, 2),
        "import_rows_per_s": round((report.items + report.interactions) / seconds),
        "import_rows_per_cpu_s": round((report.items + report.interactions) / worked),
    }


def _writing(size: int, folder: Path) -> Figures:
    with ProgressLine() as line:
        synthetic.write(folder / "tables", size, line)
    return {}


def _indexing(_size: int, folder: Path) -> Figures:
    from recmind.data.store.store import Store
    from recmind.data.workspace import Workspace
    from recmind.tools.index.build import build_index

    workspace = Workspace.open(folder / "home")
    shutil.rmtree(workspace.index_folder, ignore_errors=True)
    with ProgressLine() as line, Store(workspace.database, workspace.settings) as store, _random_vectors():
        begun, worked = time.perf_counter(), time.process_time()
        manifest = build_index(workspace, store, line)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    built = workspace.index_folder / manifest.version
    index_mib = sum(path.stat().st_size for path in built.iterdir()) / 2**20
    database_mib = workspace.database.stat().st_size / 2**20
    return {
        "index_s": round(seconds, 2),
        "index_cpu_s": round(worked, 2),
        "database_mib": round(database_mib, 1),
        "index_mib": round(index_mib, 1),
        "disk_mib": round(database_mib + index_mib, 1),
    }


def _asking(size: int, folder: Path) -> Figures:
    from recmind import RecMind

    words = synthetic.requests(size)
    with RecMind.open(folder / "home", model="offline") as rec, _random_vectors():
        known = rec.store.users.ids()
        drawn = np.random.default_rng(size).permutation(len(known))[: 3 * REQUESTS]
        users = [known[place] for place in drawn.tolist()]

        def asked(query: str, user: str) -> tuple[float, float]:
            begun, worked = time.perf_counter(), time.process_time()
            answer = rec.recommend(query, user_id=user, cache=False)
            taken = time.perf_counter() - begun, time.process_time() - worked
            if not answer.recommendations or answer.fallback_cause:
                raise RuntimeError(f"{query!r} for {user} has no proper answer: {answer.fallback_cause}")
            return 1000 * taken[0], 1000 * taken[1]

        first_ms, _ = asked("", users[0])
        # Warm: the files are mapped and the words are known, but each measured user is new to the process.
        for user in users[1:REQUESTS]:
            asked("", user)
        for query in words:
            asked(query, users[0])
        history = [asked("", user) for user in users[REQUESTS : 2 * REQUESTS]]
        searched = [asked(words[place % len(words)], user) for place, user in enumerate(users[2 * REQUESTS :])]
        after = []
        for user in users[:FEEDBACKS]:
            rec.feedback(user, f"i{int(user[1:]) % size}", "rating", 4.0)
            after.append(asked("", user))
    figures: Figures = {"first_request_s": round(first_ms / 1000, 2)}
    for name, times in (("history", history), ("words", searched), ("after_feedback", after)):
        waited, worked = zip(*times, strict=True)
        figures[f"{name}_p50_ms"] = round(statistics.median(waited), 1)
        figures[f"{name}_p95_ms"] = round(statistics.quantiles(waited, n=20)[-1], 1)
        figures[f"{name}_cpu_p50_ms"] = round(statistics.median(worked), 1)
    return figures


def _random_vectors() -> ExitStack:
    """Inside, random vectors stand in for the default encoder's of the items."""
    from recmind.tools.encoders import encoder

    def opened(_name: str, cache: Path | None = None) -> synthetic.ClusteredVectors:
        return synthetic.ClusteredVectors(encoder.default_folder(), cache)

    patched = ExitStack()
    for module in ("build", "engines"):
        patched.enter_context(patch(f"recmind.tools.index.{module}.open_encoder", opened))
    return patched


_STEPS: Mapping[str, Callable[[int, Path], Figures]] = {
    "writing": _writing,
    "importing": _importing,
    "indexing": _indexing,
    "asking": _asking,
}
_PEAKS = {"writing": "writing", "importing": "import", "indexing": "index", "asking": "asking"}


def plot(by_size: Mapping[int, Mapping[str, float]], path: Path) -> None:
    """Draw how each figure grows, both axes by logarithm, beside a dotted line that grows as the items do."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    sizes = list(by_size)
    for axes, (unit, names) in zip(
        figure.subplots(1, 3),
        (
            ("seconds", ("import_s", "index_s")),
            ("MiB", ("import_peak_mib", "index_peak_mib", "asking_peak_mib", "disk_mib")),
            ("milliseconds", ("history_p50_ms", "history_p95_ms", "words_p50_ms", "words_p95_ms")),
        ),
        strict=True,
    ):
        for name in names:
            label = name.removesuffix("_" + name.rsplit("_", 1)[1]).replace("_", " ")
            axes.loglog(sizes, [by_size[size][name] for size in sizes], marker="o", label=label)
        start = min(by_size[sizes[0]][name] for name in names)
        axes.loglog(sizes, [start * size / sizes[0] for size in sizes], ":", color="gray", label="as the items")
        axes.set(xlabel="items", ylabel=unit)
        axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
