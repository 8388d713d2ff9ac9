"""``recmind trace export``: traces for other systems."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import count
from recmind.agent.cli.trace.moment import MOMENT


@click.command(cls=Command, short_help="Write traces for LangSmith or OpenTelemetry.")
@click.argument("trace_ids", metavar="[TRACE_ID]...", nargs=-1)
@click.option("--format", "form", type=click.Choice(["jsonl", "otlp"]), default="jsonl", show_default=True)
@click.option("--since", type=MOMENT, metavar="WHEN", help="From then on: 2026-01-31, or 90m, 2h, 3d ago.")
@click.option("-n", "n", type=click.IntRange(1), default=10_000, show_default=True, help="How many, newest first.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file. Default: standard output.")
@pass_shared
def export(
    shared: Shared, trace_ids: tuple[str, ...], form: str, since: float | None, n: int, out: Path | None
) -> None:
    """Write the latest requests, or those with these ids.

    jsonl is JSON Lines, a run on each, with LangSmith's fields. otlp is OpenTelemetry's JSON, a trace on each line,
    with the span kinds and attributes of OpenInference.
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.agent.tracing.export.json_lines import langsmith_lines, otlp_line  # noqa: PLC0415
    from recmind.data.files import whole_file  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    if trace_ids and since:
        raise click.UsageError("--since chooses among all requests: give it or ids.")
    with TraceStore(Workspace.open(shared.home).traces) as traces:
        wanted = trace_ids or [summary.trace_id for summary in traces.list(n, since=since)]
        with whole_file(out) if out else nullcontext(None) as file:
            for trace_id in wanted:
                tree = traces.tree(trace_id)
                for line in [otlp_line(tree)] if form == "otlp" else langsmith_lines(tree):
                    click.echo(line, file=file)
    click.echo(f"{count(len(wanted), 'trace')} written{f' to {out}' if out else ''}.", err=True)
