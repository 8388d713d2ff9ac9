"""``recmind trace show``: one request as a tree of its steps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import emit

if TYPE_CHECKING:
    from recmind.agent.tracing import TraceTree
    from recmind.agent.tracing.store.judging import Judgement


@click.command(cls=Command, short_help="Show one request as a tree of its steps.")
@click.argument("trace_id", default="last")
@click.option("--full", is_flag=True, help="Also print what went into and came out of every step, as JSON.")
@click.option("--prompt", is_flag=True, help="Print what the models read and said instead, word by word.")
@pass_shared
def show(shared: Shared, trace_id: str, full: bool, prompt: bool) -> None:
    """Show one request as a tree of its steps, each with a bar that says when it ran.

    TRACE_ID is an id, or any beginning or end of one; the newest request where it is left out.
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.agent.tracing.views.render import render_prompts, render_tree  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    with TraceStore(Workspace.open(shared.home).traces) as traces:
        tree = traces.tree(trace_id)
        said = traces.judgements(tree.summary.trace_id)
    text = (lambda: render_prompts(tree)) if prompt else (lambda: render_tree(tree, said, full=full))
    emit(shared.as_json, _as_json(tree, said), text)


def _as_json(tree: TraceTree, said: list[Judgement]) -> dict[str, Any]:
    """The summary, what people said about the answer, and all runs: parents first, each with its parent's id."""
    runs = [{**asdict(run), "latency_ms": run.latency_ms} for run in tree.runs()]
    feedback = [{name: getattr(one, name) for name in ("at", "score", "comment", "item_id")} for one in said]
    return {**asdict(tree.summary), "feedback": feedback, "runs": runs}
