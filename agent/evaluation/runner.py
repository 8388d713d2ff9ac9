"""A run on disk: settings, cases, and outcomes, which are appended one by one so that no work is done twice."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from recmind.agent.evaluation.records import Case, Label, Outcome, Run
from recmind.data.errors import InputError
from recmind.data.progress import Progress, quiet

FORMAT = 1
Labels = Mapping[str, tuple[Label, ...]]
"""The labels of each case, by its id."""


class CaseRunner(Protocol):
    """Runs cases; ``recmind.agent.evaluation.systems.Bench`` is one."""

    def run_case(self, system: str, case: Case, labels: tuple[Label, ...] = ()) -> Outcome:
        """The outcome of one case.

        Args:
            system: the name of the system.
            case: the case.
            labels: the items whose confidence is measured on this case.
        """
        ...


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run. Making one touches no file."""

    path: Path

    @property
    def workspace(self) -> Path:
        """The folder of the copy that is asked."""
        return self.path / "workspace"

    @property
    def traces(self) -> Path:
        """The traces of the agent's requests; they stay when the copy is removed."""
        return self.path / "traces.db"

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.path / "report.html"

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "run.json").is_file()

    # -- the cases -----------------------------------------------------------------------------------------------

    def begin(self, state: Mapping[str, Any], cases: Sequence[Case], labels: Labels) -> None:
        """Writes the cases and then the state: a folder with a state has all its cases.

        Args:
            state: what ``run.json`` holds.
            cases: the cases.
            labels: the labels by case id.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({**asdict(case), "labels": labels.get(case.case_id, ())}) for case in cases]
        (self.path / "cases.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.path / "outcomes.jsonl").write_bytes(b"")
        self.write_state({"format": FORMAT, **state})

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replaces ``run.json``, whole or not at all."""
        beside = self.path / ".run.json"
        beside.write_text(json.dumps(state, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.replace(self.path / "run.json")

    def state(self) -> dict[str, Any]:
        """The contents of ``run.json``.

        Raises:
            InputError: no run was begun here, or another RecMind began it.
        """
        try:
            state: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            found = state["format"]
        except FileNotFoundError:
            raise InputError(f"There is no evaluation in {str(self.path)!r}: it has no run.json.") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{str(self.path / 'run.json')!r} cannot be read: {error}") from None
        if found != FORMAT:
            raise InputError(
                f"The evaluation in {str(self.path)!r} has format {found}, and this RecMind reads {FORMAT}. "
                "Begin another one."
            )
        return state

    def cases(self) -> tuple[tuple[Case, ...], dict[str, tuple[Label, ...]]]:
        """The cases in their order, and the labels by case."""
        cases: list[Case] = []
        labels: dict[str, tuple[Label, ...]] = {}
        for row in _json_lines(self.path / "cases.jsonl"):
            pairs = tuple((item_id, true, kind) for item_id, true, kind in row.pop("labels"))
            candidates = row.pop("candidates")
            targets = tuple(row.pop("targets"))
            case = Case(**row, targets=targets, candidates=None if candidates is None else tuple(candidates))
            cases.append(case)
            labels[case.case_id] = pairs
        return tuple(cases), labels

    # -- the outcomes ---------------------------------------------------------------------------------------------

    def outcomes(self) -> list[Outcome]:
        """The outcomes so far; an incomplete last line is cut off.

        Raises:
            InputError: another line is damaged.
        """
        path = self.path / "outcomes.jsonl"
        try:
            written = path.read_bytes()
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be read: {error}") from None
        whole = written.rfind(b"\n") + 1
        if whole < len(written):
            with path.open("r+b") as opened:
                opened.truncate(whole)
        return [_outcome(row) for row in _json_lines(path)]

    def ask_all(
        self,
        runner: CaseRunner,
        systems: Sequence[str],
        cases: Sequence[Case],
        labels: Labels,
        progress: Progress = quiet,
    ) -> list[Outcome]:
        """The outcomes of all systems and cases; those that are missing are asked for and stored one by one.

        Args:
            runner: runs the cases.
            systems: the names of the systems.
            cases: the cases.
            labels: the labels by case id.
            progress: called after every case.
        """
        outcomes = self.outcomes()
        answered = {(outcome.system, outcome.case_id) for outcome in outcomes}
        with (self.path / "outcomes.jsonl").open("a", encoding="utf-8") as opened:
            for system in systems:
                missing = [case for case in cases if (system, case.case_id) not in answered]
                done = len(cases) - len(missing)
                for case in missing:
                    progress(f"evaluating {system}", done, len(cases))
                    outcome = runner.run_case(system, case, labels.get(case.case_id, ()))
                    opened.write(json.dumps(asdict(outcome)) + "\n")
                    opened.flush()
                    outcomes.append(outcome)
                    done += 1
                progress(f"evaluating {system}", done, len(cases))
        return outcomes

    # -- the results ---------------------------------------------------------------------------------------------

    def write_results(self, run: Run, summary: Mapping[str, Any]) -> None:
        """Writes the ranks by case, the popularity of items and the figures.

        Args:
            run: the run.
            summary: its figures.
        """
        by_case = {case.case_id: case for case in run.cases}
        ranks = (
            (outcome.system, outcome.case_id, case.user_id or "", target, "" if rank is None else rank)
            for outcome in run.outcomes
            for case in (by_case[outcome.case_id],)
            for target, rank in zip(case.targets, outcome.ranks, strict=True)
        )
        _write_csv(self.path / "ranks.csv", ("system", "case_id", "user_id", "target", "rank"), ranks)
        counts = ((item_id, run.popularity.get(item_id, 0)) for item_id in run.item_ids)
        _write_csv(self.path / "items.csv", ("item_id", "interactions"), counts)
        text = json.dumps(summary, indent=1, ensure_ascii=False, default=str)
        (self.path / "summary.json").write_text(text + "\n", encoding="utf-8")

    def read(self) -> Run:
        """The run, with the outcomes stored so far."""
        state = self.state()
        cases, _ = self.cases()
        popularity: dict[str, int] = {}
        items = self.path / "items.csv"
        if items.is_file():
            with items.open(encoding="utf-8", newline="") as opened:
                popularity = {row["item_id"]: int(row["interactions"]) for row in csv.DictReader(opened)}
        return Run(
            protocol=state["settings"]["protocol"],
            description=state["description"],
            settings=state["settings"],
            systems=tuple(state["settings"]["systems"]),
            cases=cases,
            outcomes=tuple(self.outcomes()),
            item_ids=tuple(popularity),
            popularity=popularity,
        )


def _outcome(row: dict[str, Any]) -> Outcome:
    tuples: dict[str, Any] = {name: tuple(row.pop(name)) for name in ("ranking", "ranks")}
    pairs = tuple((said, true) for said, true in row.pop("confidences"))
    return Outcome(**row, **tuples, confidences=pairs)


def _json_lines(path: Path) -> list[dict[str, Any]]:
    found = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if line:
                try:
                    found.append(json.loads(line))
                except ValueError as error:
                    raise InputError(f"{str(path)!r}, line {number}, is damaged: {error}. Run it again.") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from None
    return found


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
