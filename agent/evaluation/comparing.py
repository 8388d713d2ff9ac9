"""Compares two runs on the cases that both have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recmind.agent.evaluation.records import Case, Outcome, Run
from recmind.agent.evaluation.runner import RunFolder
from recmind.agent.evaluation.saved_vectors import SavedVectors
from recmind.agent.evaluation.summary import Summary, summarize
from recmind.data.errors import InputError
from recmind.data.progress import Progress, quiet


def compare_runs(a: Path, b: Path, progress: Progress = quiet) -> Summary:
    """The comparison of two runs on their common cases: each system of a minus the system of the same name in b.

    If no name is in both, and each run has one system, these two are compared. A case is common if user, request,
    targets and candidates are equal.

    Args:
        a: the folder of one run.
        b: the folder of the other run.
        progress: called after every system and pair.

    Raises:
        InputError: nothing can be compared.
    """
    runs = RunFolder(a).read(), RunFolder(b).read()
    names = _names(a, b)
    first, second = ({case.case_id: case for case in run.cases} for run in runs)
    cases = tuple(case for case_id, case in first.items() if second.get(case_id) == case)
    if not cases:
        raise InputError(
            f"The runs in {str(a)!r} and {str(b)!r} have no case in common: compare runs of one protocol and seed."
        )
    pairs = _pairs(runs, names)
    k = sorted(set(_k(runs[0])) & set(_k(runs[1])))
    if not k:
        raise InputError(f"The runs measure lists of different lengths: {_k(runs[0])} and {_k(runs[1])}.")
    common = {case.case_id for case in cases}
    used = {name for pair in pairs for name in pair}
    outcomes = tuple(
        outcome for run, name in zip(runs, names, strict=True) for outcome in _renamed(run, name, common, used)
    )
    merged = Run(
        protocol=runs[0].protocol,
        description=f"{names[0]} and {names[1]} on {_of(cases, *runs)}. {runs[0].description}",
        settings={**runs[0].settings, "k": k},
        systems=tuple(name for pair in pairs for name in pair),
        cases=cases,
        outcomes=outcomes,
        item_ids=runs[0].item_ids,
        popularity=runs[0].popularity,
    )
    kept = [SavedVectors.load(folder) for folder in (a, b)]
    both = kept[0].joined(kept[1]) if kept[0] is not None and kept[1] is not None else None
    if both is None:
        return summarize(merged, compare=pairs, progress=progress)
    return summarize(merged, vectors=both.vectors, histories=both.histories, compare=pairs, progress=progress)


def _names(a: Path, b: Path) -> tuple[str, str]:
    """The folders' names, or a and b if these are equal."""
    names = a.resolve().name, b.resolve().name
    return ("a", "b") if names[0] == names[1] else names


def _pairs(runs: tuple[Run, Run], names: tuple[str, str]) -> list[tuple[str, str]]:
    of_a, of_b = runs[0].systems, runs[1].systems
    both = [(system, system) for system in of_a if system in of_b]
    if not both and len(of_a) == len(of_b) == 1:
        both = [(of_a[0], of_b[0])]
    if not both:
        raise InputError(f"The runs have no system in common: {', '.join(of_a)} and {', '.join(of_b)}.")
    return [(f"{names[0]}/{one}", f"{names[1]}/{other}") for one, other in both]


def _renamed(run: Run, name: str, cases: set[str], used: set[str]) -> list[Outcome]:
    renamed = (replace(outcome, system=f"{name}/{outcome.system}") for outcome in run.outcomes)
    return [outcome for outcome in renamed if outcome.case_id in cases and outcome.system in used]


def _k(run: Run) -> list[int]:
    asked = run.settings.get("k")
    return [value for value in asked if isinstance(value, int)] if isinstance(asked, list) else []


def _of(cases: tuple[Case, ...], one: Run, other: Run) -> str:
    return f"{len(cases):,} common cases of {len(one.cases):,} and {len(other.cases):,}"
