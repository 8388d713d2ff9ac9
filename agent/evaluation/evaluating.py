"""``evaluate``: makes a copy without what is held out, asks every system every case, and computes the figures."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from recmind.agent.evaluation.feedback_cases import judged_requests
from recmind.agent.evaluation.isolated_copy import copied, is_tuned
from recmind.agent.evaluation.protocols import REQUESTS, CaseSet, questions
from recmind.agent.evaluation.records import Case, Run
from recmind.agent.evaluation.report import write_report
from recmind.agent.evaluation.runner import RunFolder
from recmind.agent.evaluation.saved_vectors import SavedVectors
from recmind.agent.evaluation.summary import Summary, summarize
from recmind.agent.evaluation.systems import AGENT, HYBRID, SEARCH, SYSTEMS, Bench
from recmind.agent.models.factory import model_name_of
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.options import MOST_ASKED
from recmind.data.errors import InputError, WorkspaceError
from recmind.data.progress import Progress, quiet
from recmind.data.store.store import Store
from recmind.data.version import recmind_version
from recmind.data.workspace import Workspace

if TYPE_CHECKING:
    from recmind.agent.options import Model

DEPTH = 100
"""The length of the engines' rankings, unless the largest k is more."""
DEFAULT_SYSTEMS = ("popularity", "collaborative", HYBRID)
REQUEST_SYSTEMS = ("popularity", SEARCH, HYBRID)


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """Everything that decides the results of a run, except the workspace."""

    protocol: str
    systems: tuple[str, ...]
    model: str | None
    """The chat model of the system ``agent``; None if that system is not asked."""
    k: tuple[int, ...]
    depth: int
    users: int | None
    seed: int
    target: str
    requests: str | None
    """The requests file."""
    tune: bool
    """Whether parameters are tuned and confidence is learned on the copy."""
    diversity: float = 0.0
    """The diversity of the hybrid ranker and the agent, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished run."""

    folder: Path
    run: Run
    summary: Summary


def evaluate(
    home: str | Path | None = None,
    protocol: str = "leave-one-out",
    systems: Sequence[str] | None = None,
    model: Model = None,
    *,
    k: Sequence[int] = (5, 10, 20),
    users: int | None = None,
    seed: int = 0,
    target: str = "any",
    requests: str | Path | None = None,
    out: str | Path | None = None,
    compare: tuple[str, str] | None = None,
    tune: bool | None = None,
    diversity: float = 0.0,
    keep: bool = False,
    progress: Progress = quiet,
) -> Evaluation:
    """Evaluates systems on a workspace; only a copy without what is held out is asked.

    Args:
        home: the workspace; see ``recmind.data.workspace.resolve_home``. It must be indexed.
        protocol: leave-one-out, temporal, sampled, cold-users, cold-items or requests.
        systems: of popularity, collaborative, search, hybrid and agent. None: those that fit the protocol, and the
            agent if a model is named.
        model: the agent's chat model, by name or as an object; None: the offline planner.
        k: the lengths of lists that are measured.
        users: at most this many cases are drawn at random; None for all.
        seed: the seed of everything that is drawn.
        target: ``any`` interaction is held out, or only ``positive`` ones.
        requests: the file of the protocol ``requests``: JSON Lines with a query and an item_id each. None: the requests
            of this workspace for which people said that an item was right (``judged_requests``).
        out: the folder of the run; None: one named by time and protocol in the workspace.
        compare: two of the systems; None compares each with each.
        tune: whether to tune parameters and learn confidence on the copy; None: if the index of the workspace is tuned
            too.
        diversity: 0 to 1, for the hybrid ranker and the agent; its cost is the difference to a run without it.
        keep: whether to leave the copy of the workspace in the folder.
        progress: called as the work goes on, after every case too.

    Raises:
        InputError: a name is unknown, a file is missing, or no case can be made.
        WorkspaceError: there is no workspace, or no index.
    """
    workspace = Workspace.open(home)
    asked = _systems(protocol, systems or compare, model)
    _check_pair(compare, asked)
    if workspace.current_index() is None:
        raise WorkspaceError(f"Nothing has been indexed in {str(workspace.home)!r}. Run: recmind index")
    folder = RunFolder(Path(out) if out is not None else new_folder(workspace, protocol))
    if folder.exists:
        raise InputError(f"There is an evaluation in {str(folder.path)!r} already. Continue it with --resume.")
    if protocol == REQUESTS and requests is None:
        requests = _judged(workspace, folder)
    settings = EvaluationSettings(
        protocol=protocol,
        systems=asked,
        model=_model_name(model) if AGENT in asked else None,
        k=_ks(k, asked),
        depth=max(DEPTH, *k),
        users=users,
        seed=seed,
        target=target,
        requests=None if requests is None else str(Path(requests).absolute()),
        tune=is_tuned(workspace) if tune is None else tune,
        diversity=diversity,
    )
    made, source = _read(workspace, settings)
    state = {
        "home": str(workspace.home),
        "begun_at": round(time.time(), 3),
        "finished_at": None,
        "source": source,
        "settings": asdict(settings),
        "description": made.description,
        "left_out": dict(made.left_out),
        "copied": False,
    }
    folder.begin(state, made.cases, made.labels)
    return _run(folder, workspace, model, made, compare=compare, keep=keep, progress=progress)


def _judged(workspace: Workspace, folder: RunFolder) -> Path:
    """The file of the requests that people judged, in the folder of the run. Raises InputError if there are none."""
    with TemporaryDirectory() as made:
        file = Path(made, "judged.jsonl")
        if not judged_requests(workspace.home, file):
            raise InputError(
                f"The protocol {REQUESTS} needs a file: give --requests FILE (JSON Lines with a query and an item_id) "
                "or say which items were right: recmind trace judge ID --item ITEM --score 1"
            )
        folder.path.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(file, folder.path))


def new_folder(workspace: Workspace, protocol: str) -> Path:
    """The folder of a run that begins now and names none."""
    return workspace.home / "evaluations" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{protocol}"


def resume(
    folder: str | Path,
    model: Model = None,
    *,
    given: Mapping[str, Any] | None = None,
    compare: tuple[str, str] | None = None,
    keep: bool = False,
    progress: Progress = quiet,
) -> Evaluation:
    """Continues a run that was stopped; its answers are neither lost nor asked for again.

    Args:
        folder: the folder of the run.
        model: the chat model, if it was given as an object; a model that was named is opened again.
        given: settings by name that the run is expected to have; None for none.
        compare: as for ``evaluate``.
        keep: as for ``evaluate``.
        progress: as for ``evaluate``.

    Raises:
        InputError: the settings or the workspace are not those that the run was begun with.
    """
    run = RunFolder(Path(folder))
    state = run.state()
    settings = state["settings"]
    _check_pair(compare, settings["systems"])
    named = {**(given or {}), **({} if model is None else {"model": _model_name(model)})}
    for name, value in named.items():
        wanted = list(value) if isinstance(value, tuple) else value
        if settings.get(name) != wanted:
            raise InputError(
                f"The run in {str(run.path)!r} was begun with {name} {settings.get(name)!r}, not {wanted!r}. "
                "Leave the option out, or begin another run."
            )
    workspace = Workspace.open(state["home"])
    with Store(workspace.database, workspace.settings) as store:
        _check_same(run, state["source"], _source(store, workspace))
    chosen = model if model is not None else settings["model"]
    return _run(run, workspace, chosen, None, compare=compare, keep=keep, progress=progress)


def _run(
    folder: RunFolder,
    workspace: Workspace,
    model: Model,
    made: CaseSet | None,
    *,
    compare: tuple[str, str] | None,
    keep: bool,
    progress: Progress,
) -> Evaluation:
    """Does the remaining work of a run that was begun. ``made`` is its cases; None if they must be read again."""
    state = folder.state()
    lists = {name: tuple(state["settings"][name]) for name in ("systems", "k")}
    settings = EvaluationSettings(**{**state["settings"], **lists})
    if not state["copied"] or not Workspace(folder.workspace).database.is_file():
        if made is None:
            made, _ = _read(workspace, settings)
        copied(workspace, folder.workspace, made.arrays, made.split, tune=settings.tune, progress=progress)
        state["copied"] = True
        folder.write_state(state)
    cases, labels = folder.cases()
    with Bench(
        Workspace(folder.workspace),
        depth=settings.depth,
        k=max(settings.k),
        model=model,
        diversity=settings.diversity,
    ) as bench:
        outcomes = folder.ask_all(bench, settings.systems, cases, labels, progress)
        numbers = bench.store.items.matching()
        counts = bench.store.counts.of_items(numbers).interactions.tolist()
        item_ids = tuple(bench.store.items.ids_of(numbers.tolist()).values())
        run = Run(
            protocol=settings.protocol,
            description=state["description"],
            settings={**state["settings"], "left_out": state["left_out"], "source": state["source"]},
            systems=settings.systems,
            cases=cases,
            outcomes=tuple(outcomes),
            item_ids=item_ids,
            popularity=dict(zip(item_ids, counts, strict=True)),
        )
        kept = _kept(bench, run, max(settings.k))
        summary = summarize(
            run,
            vectors=kept.vectors,
            histories=kept.histories,
            compare=None if compare is None else [compare],
            progress=progress,
        )
        traces = bench.recmind.workspace.traces
    folder.write_results(run, summary.to_dict())
    kept.save(folder.path)
    write_report(summary, folder.report)
    if traces.is_file():
        shutil.copyfile(traces, folder.traces)
    if not keep:
        shutil.rmtree(folder.workspace, ignore_errors=True)
    folder.write_state({**state, "copied": keep, "finished_at": round(time.time(), 3)})
    return Evaluation(folder.path, run, summary)


def _read(workspace: Workspace, settings: Any) -> tuple[CaseSet, dict[str, Any]]:
    """The cases, and the state of the workspace when they were read."""
    with Store(workspace.database, workspace.settings) as store:
        source = _source(store, workspace)
        made = questions(
            store,
            settings.protocol,
            seed=settings.seed,
            users=settings.users,
            target=settings.target,
            requests=None if settings.requests is None else Path(settings.requests),
        )
    return made, source


def _source(store: Store, workspace: Workspace) -> dict[str, Any]:
    """What the results depend on: if any of it changes, the run would be another one."""
    return {
        "clock": store.clock,
        "catalogue_version": store.catalogue_version,
        "settings": hashlib.sha256(workspace.settings.model_dump_json().encode()).hexdigest()[:16],
        "recmind": recmind_version(),
    }


def _check_same(run: RunFolder, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in now:
        if begun.get(name) != now[name]:
            raise InputError(
                f"The workspace has changed since the run in {str(run.path)!r} was begun: {name} was "
                f"{begun.get(name)!r} and is {now[name]!r}. Begin another run."
            )


def _systems(protocol: str, systems: Sequence[str] | None, model: Model) -> tuple[str, ...]:
    """The systems to ask, each once."""
    if not systems:
        chosen = REQUEST_SYSTEMS if protocol == REQUESTS else DEFAULT_SYSTEMS
        return chosen if model is None else (*chosen, AGENT)
    for name in systems:
        if name not in SYSTEMS:
            raise InputError(f"There is no system {name!r}; there are: {', '.join(SYSTEMS)}.")
    if SEARCH in systems and protocol != REQUESTS:
        raise InputError(
            f"The system {SEARCH} needs words, and the protocol {protocol} has none; use it with {REQUESTS}."
        )
    if model is not None and AGENT not in systems:
        raise InputError(f"A model is named, and none of {', '.join(systems)} asks it: add the system {AGENT}.")
    return tuple(dict.fromkeys(systems))


def _check_pair(compare: tuple[str, str] | None, systems: Sequence[str]) -> None:
    for name in compare or ():
        if name not in systems:
            raise InputError(f"{name!r} cannot be compared: the run has the systems {', '.join(systems)}.")


def _ks(k: Sequence[int], systems: Sequence[str]) -> tuple[int, ...]:
    found = tuple(sorted(set(k)))
    if not found or found[0] < 1:
        raise InputError(f"k is {list(k)}: give whole numbers from 1 on, as in 5,10,20.")
    if AGENT in systems and found[-1] > MOST_ASKED:
        raise InputError(f"k is {found[-1]}, and the agent gives {MOST_ASKED} recommendations at most.")
    return found


def _model_name(model: Model) -> str:
    return OFFLINE if model is None else model if isinstance(model, str) else model_name_of(model)


def _kept(bench: Bench, run: Run, deepest: int) -> SavedVectors:
    """The vectors of the items in the measured lists, for their similarity, and what the users took before."""
    used = list(dict.fromkeys(item_id for outcome in run.outcomes for item_id in outcome.ranking[:deepest]))
    vectors = bench.recmind.engines.search.vectors_of(used)
    rows = {item_id: row for row, item_id in enumerate(used)}
    return SavedVectors(rows, vectors, _histories(bench.store, run.cases))


def _histories(store: Store, cases: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    """What each user of the cases took before, by the copy."""
    users = dict.fromkeys(case.user_id for case in cases if case.user_id is not None)
    return {user_id: tuple(done.item_id for done in store.interactions.of_user(user_id)) for user_id in users}
