"""``recmind recommend``: the answer to one request."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import click

from recmind.agent.cli.app import Shared, pass_shared
from recmind.agent.cli.output import clean, count, emit
from recmind.agent.cli.request_options import Asks, RequestCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from recmind.agent.answer import Answer, Recommendation
    from recmind.agent.options import Options
    from recmind.agent.state import Event

NARROWEST = 40
TRACE_SHOWN = 8
"""Letters shown from the end of a trace id: its beginning is the time, which traces of one moment share."""


@click.command(
    cls=RequestCommand,
    asks=Asks(without=("user_id", "ask")),
    short_help="Recommend items for a request, a user, or both.",
)
@click.argument("query", nargs=-1)
@click.option("--no-fallback", is_flag=True, help="Fail where the model fails, instead of answering without it.")
@pass_shared
def recommend(
    shared: Shared,
    /,
    *,
    query: tuple[str, ...],
    model: str | None,
    no_fallback: bool,
    **options: Any,
) -> None:
    """Recommend items for a QUERY in plain words, for a user's history, or both.

    \b
    recmind recommend "something like The Matrix, but funnier"
    recmind recommend "a western" --user ada -k 5 --filter 'year>=1990'
    """
    if len(query) > 1:
        raise click.UsageError('Put the request in quotes: recmind recommend "..."', click.get_current_context())
    from recmind.agent.recommender import RecMind  # noqa: PLC0415

    if len(set(options["user_ids"])) < 2 and options["aggregation"] != "average":
        click.echo("recmind: --aggregation changes nothing: it takes several people, each with --user", err=True)
    with RecMind.open(shared.home, model=model, fallback=not no_fallback) as rec:
        given = _given(options)
        words = "".join(query)
        answer = _shown(rec.stream(words, **given)) if sys.stderr.isatty() else rec.recommend(words, **given)
    if not shared.as_json and sys.stdout.isatty():
        _print_rich(answer)
    else:
        emit(shared.as_json, answer.to_dict(), lambda: as_text(answer))


def _shown(events: Iterator[Event]) -> Answer:
    """The answer at the end of the events; the steps before it are shown on stderr."""
    for event in events:
        if event.kind == "done":
            answer: Answer = event.data["answer"]
            return answer
        click.secho(f"· {clean(event.text)}", err=True, dim=True)
    raise RuntimeError("the stream of events ended without an answer")


def _given(options: Mapping[str, Any]) -> Options:
    """The options that do not have their default value: a reply inherits the others from the request it answers."""
    from recmind.agent.options import default  # noqa: PLC0415

    return cast("Options", {name: value for name, value in options.items() if value != default(name)})


def as_text(answer: Answer) -> str:
    """The answer as plain text that reads well in a file or a pipe."""
    blocks = [clean(text) for text in (*_understood(answer), answer.message) if text]
    if answer.question:
        blocks.append(clean(answer.question))
    blocks += [
        f"{found.rank:>2}. {clean(found.title)}  ({clean(found.item_id)}, {_figure(found)})\n    {clean(found.reason)}"
        for found in answer.recommendations
    ]
    blocks.append("\n".join(_closing(answer)))
    return "\n\n".join(blocks)


def _print_rich(answer: Answer) -> None:
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    parts: list[RenderableType] = [
        Text(clean(text)) for text in (*_understood(answer), answer.message, answer.question) if text
    ]
    if answer.recommendations and console.width > NARROWEST:
        sure = any(found.confidence is not None for found in answer.recommendations)
        table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
        table.add_column("#", justify="right", style="dim")
        table.add_column("Title", style="bold", ratio=2, overflow="fold")
        table.add_column("Confidence" if sure else "Score", justify="right")
        table.add_column("Why", ratio=5, overflow="fold")
        for found in answer.recommendations:
            table.add_row(str(found.rank), Text(clean(found.title)), _number(found), Text(clean(found.reason)))
        parts += [Text(), table, Text()]
    elif answer.recommendations:
        parts += [
            Text(f"\n{found.rank}. {clean(found.title)}\n{clean(found.reason)}") for found in answer.recommendations
        ]
        parts.append(Text())
    parts += [Text(line, style="dim") for line in _closing(answer)]
    console.print(Group(*parts))


def _understood(answer: Answer) -> list[str]:
    """A line for each person about whom something was understood."""
    several = len(answer.understood) > 1
    return [f"{person.user_id}: {person.text}" if several else person.text for person in answer.understood]


def _closing(answer: Answer) -> list[str]:
    """What was corrected, who answered instead of the model, and what it cost."""
    lines = [f"Repaired: {clean(repair)}" for repair in answer.repairs]
    if answer.source == "fallback":
        lines.append(f"The model did not answer, the ranker did: {clean(answer.fallback_cause or 'cause unknown')}")
    usage = answer.usage
    cost = [answer.model, count(usage.model_calls, "model call"), count(usage.tool_calls, "look-up")]
    if tokens := usage.input_tokens + usage.output_tokens:
        cost.append(count(tokens, "token"))
    if usage.cost_usd:
        cost.append(f"${usage.cost_usd:.4f}")
    if answer.thread:
        cost.append(f"thread {clean(answer.thread)}")
    cost += [f"{answer.latency_ms:.0f} ms", f"trace {answer.trace_id[-TRACE_SHOWN:]}"]
    return [*lines, " · ".join(cost)]


def _number(found: Recommendation) -> str:
    return f"{found.score if found.confidence is None else found.confidence:.2f}"


def _figure(found: Recommendation) -> str:
    return f"{'score' if found.confidence is None else 'confidence'} {_number(found)}"
