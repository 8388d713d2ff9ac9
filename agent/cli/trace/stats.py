"""``recmind trace stats``: statistics of many requests."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import columns, emit
from recmind.agent.cli.trace.moment import MOMENT

if TYPE_CHECKING:
    from recmind.agent.tracing.store.stats import By, Stats


_GROUPS: dict[str, tuple[By, ...]] = {"day": ("day",), "model": ("model",), "both": ("day", "model"), "all": ()}


@click.command(cls=Command, short_help="Count requests, time, cost and errors by day and model.")
@click.option("--by", type=click.Choice(list(_GROUPS)), default="both", show_default=True)
@click.option("--since", type=MOMENT, metavar="WHEN", help="From then on: 2026-01-31, or 90m, 2h, 3d ago.")
@pass_shared
def stats(shared: Shared, by: str, since: float | None) -> None:
    """Requests, latency, tokens and cost, cache hits, tool errors, fallbacks and scores, by day (UTC) and model."""
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    with TraceStore(Workspace.open(shared.home).traces) as traces:
        found = traces.stats(_GROUPS[by], since=since)
    emit(shared.as_json, {"stats": [_as_json(one) for one in found]}, lambda: _table(found, by))


def _as_json(one: Stats) -> dict[str, Any]:
    rates = {name: getattr(one, name) for name in ("fallback_rate", "cache_rate", "tool_error_rate")}
    return {**asdict(one), **rates}


def _table(found: list[Stats], by: str) -> str:
    from recmind.agent.tracing.views.formatting import duration, money, one_line  # noqa: PLC0415

    if not found:
        return "No traces yet."
    named = tuple(name.upper() for name in _GROUPS[by])
    head = ("REQUESTS", "P50", "P95", "TOKENS", "COST", "CACHED", "TOOL ERRORS", "FALLBACK", "FAILED", "SCORE")
    rows = [(*named, *head)]
    for one in found:
        names = {"DAY": one.day or "", "MODEL": one_line(one.model or "")}
        rows.append(
            (
                *(names[name] for name in named),
                f"{one.requests:,}",
                duration(one.p50_ms),
                duration(one.p95_ms),
                f"{one.tokens:,}",
                money(one.cost),
                _share(one.cache_rate),
                _share(one.tool_error_rate),
                _share(one.fallback_rate),
                _share(one.failed / one.requests),
                "-" if one.score is None else f"{one.score:.2f} of {one.judged}",
            )
        )
    return columns(rows, indent="")


def _share(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.0f} %"
