"""``recmind trace list``: the latest requests, or those that meet conditions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import columns, emit
from recmind.agent.cli.trace.moment import MOMENT

if TYPE_CHECKING:
    from recmind.agent.tracing import TraceSummary

ID_SHOWN = 8
QUERY_SHOWN = 60


@click.command("list", cls=Command, short_help="List the latest requests.")
@click.option("-n", "n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@click.option("-q", "--text", metavar="WORDS", help="Only those in which all these words were asked, said or found.")
@click.option("--since", type=MOMENT, metavar="WHEN", help="From then on: 2026-01-31, or 90m, 2h, 3d ago.")
@click.option("--until", type=MOMENT, metavar="WHEN", help="Before then.")
@click.option("--user", "user_id", metavar="ID", help="Only this user's.")
@click.option("--model", metavar="NAME", help="Only this model's.")
@click.option("--slow", "slower_ms", type=click.FloatRange(0), metavar="MS", help="Only what took as long or longer.")
@click.option("--cost", "dearer", type=click.FloatRange(0), metavar="USD", help="Only what cost as much or more.")
@click.option("--failed", is_flag=True, help="Only requests that ended in an error.")
@click.option("--fallback", is_flag=True, help="Only requests that the fallback answered.")
@click.option("--judged", is_flag=True, help="Only requests that a person said something of.")
@pass_shared
def list_traces(shared: Shared, /, *, n: int, failed: bool, fallback: bool, **wanted: Any) -> None:
    """List the latest requests, or the latest that fit.

    \b
    recmind trace list --failed --since 2d
    recmind trace list -q "heist paris" --slow 500 --json
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    status, source = "error" if failed else None, "fallback" if fallback else None
    with TraceStore(Workspace.open(shared.home).traces) as traces:
        found = traces.list(n, status=status, source=source, **wanted)
    emit(shared.as_json, {"traces": [asdict(summary) for summary in found]}, lambda: _table(found))


def _table(found: list[TraceSummary]) -> str:
    from recmind.agent.tracing.views.formatting import duration, money, one_line  # noqa: PLC0415

    if not found:
        return "No traces yet."
    priced = any(summary.tokens.cost is not None for summary in found)
    judged = any(summary.score is not None for summary in found)

    def row(summary: TraceSummary) -> tuple[str, ...]:
        states = {"error": "  FAILED"} if summary.status == "error" else {"fallback": "  FALLBACK"}
        words = (one_line(summary.query, QUERY_SHOWN) or "(empty)") + "".join(states.values()) * (
            summary.status == "error" or summary.source == "fallback"
        )
        if summary.comment:
            words += f"  “{one_line(summary.comment, QUERY_SHOWN)}”"
        return (
            summary.trace_id[-ID_SHOWN:],
            summary.start_time.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            duration(summary.latency_ms),
            str(summary.runs),
            *((money(summary.tokens.cost),) if priced else ()),
            *(("-" if summary.score is None else f"{summary.score:.2f}",) if judged else ()),
            one_line(summary.model),
            one_line(summary.user_id or "-"),
            words,
        )

    priced_and_judged = (*(("COST",) if priced else ()), *(("SCORE",) if judged else ()))
    head = ("TRACE", "WHEN", "TOOK", "RUNS", *priced_and_judged, "MODEL", "USER", "REQUEST")
    return columns([head, *map(row, found)], indent="")
