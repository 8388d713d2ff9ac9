"""``recmind trace``: what happened inside a request."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from agent.cli.app import Group, Shared, pass_shared
from agent.cli.output import columns, emit
from agent.cli.trace_export import export
from agent.cli.trace_view import view

if TYPE_CHECKING:
    from agent.tracing import TraceSummary, TraceTree

ID_SHOWN = 8
QUERY_SHOWN = 60

trace = Group(
    name="trace", help="See what happened inside a request.", short_help="List and show the traces of requests."
)
trace.add_command(view)
trace.add_command(export)


@trace.command("list")
@click.option("-n", "n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@click.option("--user", "user_id", metavar="ID", help="Only this user's.")
@click.option("--model", metavar="NAME", help="Only this model's.")
@click.option("--failed", is_flag=True, help="Only requests that ended in an error.")
@pass_shared
def list_traces(shared: Shared, n: int, user_id: str | None, model: str | None, failed: bool) -> None:
    """List the latest requests."""
    from agent.tracing import TraceStore  # noqa: PLC0415
    from data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with TraceStore(workspace.traces) as traces:
        found = traces.list(n, user_id=user_id, model=model, status="error" if failed else None)
    emit(shared.as_json, {"traces": [asdict(summary) for summary in found]}, lambda: _table(found))


@trace.command()
@click.argument("trace_id", default="last")
@click.option("--full", is_flag=True, help="Also print what went into and came out of every step, as JSON.")
@pass_shared
def show(shared: Shared, trace_id: str, full: bool) -> None:
    """Show one request as a tree of its steps.

    TRACE_ID is an id, or any beginning or end of one; the newest request where it is left out.
    """
    from agent.tracing import TraceStore  # noqa: PLC0415
    from agent.tracing.render import render_tree  # noqa: PLC0415
    from data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    with TraceStore(workspace.traces) as traces:
        tree = traces.tree(trace_id)
    emit(shared.as_json, _as_json(tree), lambda: render_tree(tree, full=full))


def _as_json(tree: TraceTree) -> dict[str, Any]:
    """The summary, and all runs: parents before children, each naming its parent."""
    return {**asdict(tree.summary), "runs": [{**asdict(run), "latency_ms": run.latency_ms} for run in tree.runs()]}


def _table(found: list[TraceSummary]) -> str:
    from agent.tracing.render import duration, one_line  # noqa: PLC0415

    if not found:
        return "No traces yet."
    rows = [("TRACE", "WHEN", "TOOK", "RUNS", "MODEL", "USER", "REQUEST")]
    rows += [
        (
            summary.trace_id[-ID_SHOWN:],
            summary.start_time.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            duration(summary.latency_ms),
            str(summary.runs),
            one_line(summary.model),
            one_line(summary.user_id or "-"),
            (one_line(summary.query, QUERY_SHOWN) or "(empty)") + ("" if summary.status == "success" else "  FAILED"),
        )
        for summary in found
    ]
    return columns(rows, indent="")
