"""``recmind threads``: the conversations that are kept."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from recmind.agent.cli.app import Group, Shared, pass_shared
from recmind.agent.cli.output import clean, columns, count, emit
from recmind.data.wording import first_few

if TYPE_CHECKING:
    from recmind.agent.memory.thread import Thread
    from recmind.agent.memory.threads import Threads

SAID_SHOWN = 60
TITLES_SHOWN = 5

threads = Group(
    name="threads",
    help="List, show and erase the conversations that are kept.",
    short_help="List, show and erase conversations.",
)


@threads.command("list")
@click.option("-n", "n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, newest first.")
@click.option("--user", "user_id", metavar="ID", help="Only this user's.")
@pass_shared
def list_threads(shared: Shared, n: int, user_id: str | None) -> None:
    """List the conversations, the last used first."""
    with _open(shared) as opened:
        found = opened.all(n, user_id=user_id)
    rows = [
        [
            clean(summary.thread_id),
            _moment(summary.last),
            clean(summary.user_id or "-"),
            count(summary.turns, "turn"),
            clean(summary.first_said[:SAID_SHOWN]) or "(no words)",
        ]
        for summary in found
    ]
    emit(
        shared.as_json,
        {"threads": [asdict(summary) for summary in found]},
        lambda: columns(rows, indent="") or "There are no conversations.",
    )


@threads.command()
@click.argument("thread_id", metavar="THREAD")
@pass_shared
def show(shared: Shared, thread_id: str) -> None:
    """Show a conversation: what was said, what it was taken to mean, what was recommended."""
    from recmind.data.errors import InputError  # noqa: PLC0415

    with _open(shared) as opened:
        thread = opened.get(thread_id)
    if thread is None:
        raise InputError(f"There is no thread {thread_id!r}. See: recmind threads list")
    emit(shared.as_json, {"thread_id": thread_id, **thread.to_json()}, lambda: _text(thread))


@threads.command()
@click.option("--days", type=click.FloatRange(0), required=True, help="How long ago the last request must be.")
@pass_shared
def prune(shared: Shared, days: float) -> None:
    """Erase the conversations that nobody has used for this many days."""
    with _open(shared) as opened:
        gone = opened.prune(days)
    emit(shared.as_json, {"erased": gone}, lambda: f"Erased {count(len(gone), 'conversation')}.")


@threads.command()
@click.argument("thread_ids", metavar="THREAD...", nargs=-1, required=True)
@pass_shared
def delete(shared: Shared, thread_ids: tuple[str, ...]) -> None:
    """Erase these conversations."""
    with _open(shared) as opened:
        gone = [thread_id for thread_id in thread_ids if opened.delete(thread_id)]
    emit(
        shared.as_json,
        {"erased": gone},
        lambda: f"Erased {first_few(map(clean, gone))}." if gone else "There was no such conversation.",
    )


def _open(shared: Shared) -> Threads:
    from recmind.agent.memory.threads import Threads  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    return Threads(Workspace.open(shared.home).threads)


def _text(thread: Thread) -> str:
    blocks = [f"({count(thread.dropped, 'older turn')} no longer kept)"] if thread.dropped else []
    for turn in thread.turns:
        lines = [f"{_moment(turn.at)}  {clean(turn.said) or '(no words)'}"]
        if turn.question:
            lines.append(f"  asked back: {clean(turn.question)}")
        if turn.meaning:
            lines.append(f"  taken as: {clean(turn.meaning)}")
        if turn.shown:
            lines.append(f"  shown: {first_few((clean(found.title) for found in turn.shown), TITLES_SHOWN)}")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
