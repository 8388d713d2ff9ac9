"""``recmind trace view``: traces as a page for a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import ProgressLine, count, emit, size

if TYPE_CHECKING:
    from recmind.agent.tracing import TraceStore

ID_SHOWN = 8


@click.command(cls=Command, short_help="Write traces as a page for a browser, or serve it.")
@click.argument("trace_id", default="")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file. Default: traces.html here.")
@click.option("--serve", is_flag=True, help="Show the page at an address of this machine instead, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="With --serve; 0 takes a free one.")
@click.option(
    "-n", "n", type=click.IntRange(1, 10_000), default=500, show_default=True, help="How many, in a file, newest first."
)
@pass_shared
def view(shared: Shared, trace_id: str, out: Path | None, serve: bool, port: int, n: int) -> None:
    """Write the latest requests, or the one with TRACE_ID, as a page.

    The page is one HTML file that needs no network: a list to search, and for each request its tree of steps on a line
    of time, the prompt, the messages, the rows of each look-up, the slate and the checks.
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    if serve and out:
        raise click.UsageError("--out writes a file and --serve writes none: give one of them.")
    with TraceStore(Workspace.open(shared.home).traces) as traces:
        if serve:
            _serve(shared, traces, trace_id, port)
        else:
            _write(shared, traces, trace_id, out, n)


def _write(shared: Shared, traces: TraceStore, trace_id: str, out: Path | None, n: int) -> None:
    from recmind.agent.tracing.page import write_page  # noqa: PLC0415

    listed = [traces.tree(trace_id).summary] if trace_id else traces.list(n)
    named = f"trace-{listed[0].trace_id[-ID_SHOWN:]}.html" if trace_id else "traces.html"
    path = out or Path(named)
    with ProgressLine() as progress:
        n_bytes = write_page(path, traces, listed, progress)
    emit(
        shared.as_json,
        {"file": str(path), "traces": len(listed), "bytes": n_bytes},
        lambda: f"{path}: {count(len(listed), 'trace')}, {size(n_bytes)}. Open it in a browser.",
    )


def _serve(shared: Shared, traces: TraceStore, trace_id: str, port: int) -> None:
    from recmind.agent.tracing.page import PageServer  # noqa: PLC0415

    where = f"#{traces.tree(trace_id).summary.trace_id}" if trace_id else ""
    with PageServer(traces, port) as server:
        url = f"{server.url}{where}"
        emit(shared.as_json, {"url": url}, lambda: url)
        sys.stdout.flush()
        click.echo("Whoever uses this machine can read the traces there until Ctrl-C ends it.", err=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)
