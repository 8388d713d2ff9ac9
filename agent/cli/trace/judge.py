"""``recmind trace judge``: say how good an answer was."""

from __future__ import annotations

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import emit


@click.command(cls=Command, short_help="Say what an answer was worth.")
@click.argument("trace_id")
@click.option("--score", type=click.FloatRange(0, 1), metavar="S", help="0 (useless) to 1 (just right).")
@click.option("--comment", default="", metavar="WORDS", help="What is to be said of it.")
@click.option("--item", "item_id", metavar="ID", help="The item it is about. Default: the whole answer.")
@pass_shared
def judge(shared: Shared, trace_id: str, score: float | None, comment: str, item_id: str | None) -> None:
    """Attach a score and a comment to the request with TRACE_ID, or any beginning or end of an id.

    They show in `recmind trace list`, `stats` and `view`; items that were right become cases of
    `recmind evaluate requests`.
    """
    import time  # noqa: PLC0415

    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    if score is None and not comment:
        raise click.UsageError("Give a --score, a --comment or both.", click.get_current_context())
    with TraceStore(Workspace.open(shared.home).traces) as traces:
        traces.judge(trace_id, score, comment, item_id=item_id, at=time.time())
        summary = traces.tree(trace_id).summary
    told = {"trace_id": summary.trace_id, "score": summary.score, "comment": summary.comment}
    emit(shared.as_json, told, lambda: f"Kept with trace {summary.trace_id}.")
