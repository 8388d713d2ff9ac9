"""``recmind trace replay``: run a request again, with the recorded replies of its model."""

from __future__ import annotations

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import emit


@click.command(cls=Command, short_help="Run a request again with the recorded replies of its model.")
@click.argument("trace_id", default="last")
@pass_shared
def replay(shared: Shared, trace_id: str) -> None:
    """Run the request with TRACE_ID again: what its model said then, and the data, the index and the rules of today.

    No model is asked. A request of a conversation is read against what that had carried over by then; its thread stays
    as it is. Where the answer is another, `recmind trace diff` says where the two part.
    """
    from recmind.agent.cli.recommend import as_text  # noqa: PLC0415
    from recmind.agent.recommender import RecMind  # noqa: PLC0415
    from recmind.agent.tracing.views.differing import differ  # noqa: PLC0415

    with RecMind.open(shared.home) as rec:
        before = rec.traces.tree(trace_id)
        answer = rec.replay(before.summary.trace_id)
        found = differ(before, rec.traces.tree(answer.trace_id))
    same = all(part.same for part in found.answer)
    told = {"replayed": before.summary.trace_id, "same_answer": same, "parted": found.parted, **answer.to_dict()}
    where = f"recmind trace diff {before.summary.trace_id} {answer.trace_id}"
    verdict = "The same answer as then." if same else f"Another answer than then. Run: {where}"
    emit(shared.as_json, told, lambda: f"{as_text(answer)}\n\n{verdict}")
