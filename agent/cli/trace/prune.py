"""``recmind trace prune``: delete old traces."""

from __future__ import annotations

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import count, emit, size


@click.command(cls=Command, short_help="Throw old traces away.")
@click.option("--days", type=click.FloatRange(0, min_open=True), metavar="N", help="Older ones go. Default: settings.")
@click.option("--mib", type=click.FloatRange(0, min_open=True), metavar="N", help="The file's size at most, likewise.")
@pass_shared
def prune(shared: Shared, days: float | None, mib: float | None) -> None:
    """Throw away what is older or more than `recmind.toml` allows, and give the space back.

    The same happens by itself now and then while requests are answered; only the file stays as large as it was.
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.open(shared.home)
    given = {name: value for name, value in (("days", days), ("mib", mib)) if value is not None}
    with TraceStore(workspace.traces, workspace.settings.traces.model_copy(update=given)) as traces:
        pruned = traces.prune()
    left = workspace.traces.stat().st_size if workspace.traces.exists() else 0
    emit(
        shared.as_json,
        {"pruned": pruned, "bytes": left},
        lambda: f"Threw {count(pruned, 'trace')} away; the file has {size(left)}.",
    )
