"""``recmind chat``: a conversation, line by line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from recmind.agent.cli.app import Shared, pass_shared, tell
from recmind.agent.cli.output import clean
from recmind.agent.cli.recommend import as_text
from recmind.agent.cli.request_options import Asks, RequestCommand

PROMPT = "> "
NEW = "start over"
HELP = """\
Say what you are looking for, then go on from the answer:
  something funny, no horror      less violent       something shorter     from the 90s instead
  why the second?                 I have seen that   more like the third   not that director
  show me more                    start over         no horror please, ever (kept for a named user)
/new begins anew, /thread says the name of this conversation, /help shows this, /quit or Ctrl-D ends."""


@click.command(
    cls=RequestCommand,
    asks=Asks(
        ("thread", "user_id", "k", "filters", "model", "ask"),
        help={
            "thread": "The conversation to go on with, or to begin. Default: a new one.",
            "k": "How many items an answer has.",
            "filters": "A condition that binds every answer.",
        },
        default={"k": 5},
    ),
    short_help="Talk about what to recommend.",
)
@pass_shared
def chat(
    shared: Shared,
    /,
    *,
    thread: str | None,
    model: str | None,
    **options: Any,
) -> int:
    """Talk about what to recommend: each line is a request that goes on with the conversation.

    Lines come from the terminal or a pipe. With --json every answer is one object on a line of its own.
    """
    from langsmith import uuid7  # noqa: PLC0415

    from recmind.agent.recommender import RecMind  # noqa: PLC0415
    from recmind.agent.serving.requests import THREAD_LETTERS  # noqa: PLC0415
    from recmind.data.errors import RecMindError  # noqa: PLC0415

    name = thread or uuid7().hex[-THREAD_LETTERS:]
    code, asked = 0, False
    with RecMind.open(shared.home, model=model) as rec:
        if sys.stdin.isatty():
            click.echo(f"Conversation {clean(name)}. /help says what can be said, Ctrl-D ends.", err=True)
        for line in _lines():
            if line.startswith("/") and line != "/new":
                if line in ("/quit", "/exit"):
                    break
                click.echo(clean(name) if line == "/thread" else HELP, err=True)
                continue
            if not line and not asked:
                continue
            said = NEW if line == "/new" else line
            try:
                answer = rec.recommend(said, thread=name, mode="conversational", **options)
            except RecMindError as error:
                code = tell(error, as_json=shared.as_json)
                continue
            asked = answer.question is not None
            printed = (
                json.dumps(answer.to_dict(), ensure_ascii=False, default=str) if shared.as_json else as_text(answer)
            )
            click.echo(printed if shared.as_json else f"{printed}\n")
            sys.stdout.flush()
    return code


def _lines() -> Iterator[str]:
    """The lines that the person types, until the end of the input or Ctrl-C."""
    terminal = sys.stdin.isatty()
    while True:
        try:
            if terminal:
                click.echo(PROMPT, nl=False, err=True)
                line = f"{input()}\n"
            else:
                line = sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            line = ""
        if not line:
            if terminal:
                click.echo(err=True)
            return
        yield line.strip()
