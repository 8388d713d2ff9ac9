"""``recmind evaluate``: how good the recommendations are, measured on what was held out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import ProgressLine, emit

if TYPE_CHECKING:
    from recmind.agent.evaluation.summary import Summary

DEFAULT_PROTOCOL = "leave-one-out"


def _lengths(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[int, ...]:
    """Whole numbers from 1 on, separated by commas."""
    try:
        found = tuple(int(part) for part in value.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 5,10,20")
    return found


@click.command(cls=Command, short_help="Measure how good the recommendations are.")
@click.argument("protocol", required=False)
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="NAME",
    help="popularity, collaborative, hybrid, agent, or search (with requests). Repeatable. Default: the first three.",
)
@click.option("--model", metavar="NAME", help="The agent's chat model, such as openai:NAME. Default: none is asked.")
@click.option(
    "--compare", nargs=2, metavar="A B", help="Compare two systems, or the runs in two folders, case by case."
)
@click.option(
    "-k", "k", callback=_lengths, default="5,10,20", metavar="K,K,...", show_default=True, help="Lengths of the lists."
)
@click.option("--users", type=click.IntRange(1), metavar="N", help="Draw at most N cases at random.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn.")
@click.option(
    "--target",
    type=click.Choice(["any", "positive"]),
    default="any",
    show_default=True,
    help="Whether any interaction can be held out, or only those that speak for the item.",
)
@click.option(
    "--requests",
    type=click.Path(dir_okay=False, path_type=Path),
    help="For the protocol requests: JSON Lines with a query and an item_id each. Default: those of which people said "
    "that an item was right (recmind trace judge).",
)
@click.option(
    "--tune/--no-tune",
    default=None,
    help="Choose parameters and learn confidence on the copy. Default: where the index of the workspace is tuned.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="The dial of hybrid and agent; compare with a run without it to see what it costs.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder of the run.")
@click.option(
    "--resume",
    "resumed",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Continue the run in this folder.",
)
@click.option("--keep", is_flag=True, help="Leave the copy of the workspace in the run's folder.")
@pass_shared
def evaluate(
    shared: Shared,
    /,
    *,
    protocol: str | None,
    systems: tuple[str, ...],
    compare: tuple[str, str] | None,
    out: Path | None,
    resumed: Path | None,
    **options: Any,
) -> None:
    """Measure recommendations on what was held out of a copy of the workspace, so that nothing can have seen it.

    PROTOCOL is leave-one-out (the default), temporal, sampled (the target among 100 candidates), cold-users,
    cold-items, or requests.

    \b
    recmind evaluate
    recmind evaluate sampled --users 200 --system hybrid --system agent --model openai:NAME
    recmind evaluate --compare RUN_A RUN_B
    """
    if compare is not None and all(Path(name, "run.json").is_file() for name in compare):
        _compare(shared, Path(compare[0]), Path(compare[1]))
        return
    from recmind.agent.evaluation.evaluating import evaluate as run_evaluation  # noqa: PLC0415
    from recmind.agent.evaluation.evaluating import new_folder, resume  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    named = protocol or DEFAULT_PROTOCOL
    folder = resumed or out or new_folder(Workspace.open(shared.home), named)
    with ProgressLine() as progress:
        try:
            if resumed is not None:
                given = _given({**options, "protocol": protocol, "systems": systems})
                done = resume(resumed, given=given, compare=compare, keep=options["keep"], progress=progress)
            else:
                done = run_evaluation(
                    shared.home, named, systems, compare=compare, out=folder, progress=progress, **options
                )
        except KeyboardInterrupt:
            progress.close()
            if (folder / "run.json").is_file():
                click.echo(
                    f"Stopped; what was answered is kept. Continue: recmind evaluate --resume {folder}", err=True
                )
            raise
    report = done.folder / "report.html"
    told = {"folder": str(done.folder), "report": str(report), **done.summary.to_dict()}
    _show(shared, done.summary, told, f"Report: {report}")


def _compare(shared: Shared, a: Path, b: Path) -> None:
    from recmind.agent.evaluation.comparing import compare_runs  # noqa: PLC0415

    summary = compare_runs(a, b)
    _show(shared, summary, summary.to_dict(), "")


def _show(shared: Shared, summary: Summary, told: dict[str, Any], closing: str) -> None:
    from recmind.agent.evaluation.table import plain_table, summary_table  # noqa: PLC0415

    if not shared.as_json and sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415

        Console(highlight=False).print(summary_table(summary))
        if closing:
            click.echo(f"\n{closing}")
        return
    emit(shared.as_json, told, f"{plain_table(summary)}\n\n{closing}".strip)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The settings given on the command line: a resumed run must have been begun with the same."""
    ctx = click.get_current_context()
    absent = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP)
    given = {
        name: value
        for name, value in options.items()
        if name != "keep" and ctx.get_parameter_source(name) not in absent and value not in (None, ())
    }
    if "requests" in given:
        given["requests"] = str(Path(given["requests"]).absolute())
    if "k" in given:
        given["k"] = tuple(sorted(set(given["k"])))
    return given
