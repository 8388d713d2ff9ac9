"""``recmind batch``: the answers to a file of requests."""

from __future__ import annotations

import gc
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Shared, pass_shared
from recmind.agent.cli.output import ProgressLine, count, duration, emit
from recmind.agent.cli.request_options import Asks, RequestCommand

if TYPE_CHECKING:
    from recmind.agent.serving.batch_file import BatchSummary

SHOWN = 3
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    cls=RequestCommand,
    asks=Asks(("k", "model", "limits", "cache"), help={"k": "How many items each."}),
    short_help="Answer a file of requests, a few at a time.",
)
@click.argument("requests", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="REQUESTS")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="Where the answers go, as JSON Lines.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=8, show_default=True, help="Requests asked at a time."
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that share the work: one for each core, at most.",
)
@click.option("--skip-bad", is_flag=True, help="Go on without lines that are no request; default: ask nothing.")
@click.option("--no-fallback", is_flag=True, help="An error where the model fails, instead of an answer without it.")
@pass_shared
def batch(
    shared: Shared,
    /,
    *,
    requests: Path,
    out: Path,
    model: str | None,
    concurrency: int,
    processes: int,
    skip_bad: bool,
    no_fallback: bool,
    **options: Any,
) -> None:
    """Answer the REQUESTS of a file, a JSON object a line: query, user_id (or user_ids and aggregation), k,
    filters, exclude and more, all of them optional.

    Each answer is written as soon as it is there, with the number of its line. Run again with the same files after
    whatever stopped it: what is answered is neither lost nor asked again.

    \b
    recmind batch users.jsonl --out recs.jsonl -k 5
    """
    from recmind.agent.recommender import RecMind  # noqa: PLC0415
    from recmind.agent.serving.batch_file import batch_file  # noqa: PLC0415

    # What was imported stays until the end: the collector need not walk it again and again.
    gc.freeze()
    opened = RecMind.open(shared.home, model=model, fallback=not no_fallback, processes=processes)
    with opened as rec, ProgressLine() as progress:
        if model is not None:
            options["model"] = model
        done = batch_file(rec, requests, out, concurrency=concurrency, skip_bad=skip_bad, progress=progress, **options)
    told = {**asdict(done), "bad_lines": [str(line) for line in done.bad_lines], "out": str(out)}
    emit(shared.as_json, told, lambda: _text(done, out))


def _text(done: BatchSummary, out: Path) -> str:
    before = f" ({done.answered_before:,} of them before)" if done.answered_before else ""
    lines = [f"{count(done.requests, 'request')} answered in {out}{before}, in {duration(done.seconds)}."]
    if done.fallbacks:
        lines.append(f"{count(done.fallbacks, 'answer')} by the ranker, as the model did not answer.")
    if done.errors:
        lines.append(f"{count(done.errors, 'request')} ended in an error; remove their lines to ask them again.")
    if done.bad_lines:
        lines.append(f"{count(len(done.bad_lines), 'bad line')} skipped:")
        lines += [f"  {line}" for line in done.bad_lines[:SHOWN]]
    spent = [count(done.model_calls, "model call"), count(done.tool_calls, "look-up")]
    if done.cached_model_calls:
        spent.append(f"{done.cached_model_calls:,} from the cache")
    spent.append(count(done.input_tokens + done.output_tokens, "token"))
    spent.append("cost unknown" if done.cost_usd is None else f"${done.cost_usd:.4f}")
    return "\n".join([*lines, " · ".join(spent)])
