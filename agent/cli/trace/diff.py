"""``recmind trace diff``: where two runs of one request begin to differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.output import emit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recmind.agent.tracing.views.differing import ComparedStep, TraceDifference

BEFORE = 40
"""Letters that are shown before the place where two texts differ."""


@click.command(cls=Command, short_help="Say where two runs of one request part.")
@click.argument("a")
@click.argument("b", default="last")
@pass_shared
def diff(shared: Shared, a: str, b: str) -> None:
    """Hold the requests with the ids A and B (the newest where it is left out) against each other.

    Times and ids do not count: what was asked and answered does.
    """
    from recmind.agent.tracing import TraceStore  # noqa: PLC0415
    from recmind.agent.tracing.views.differing import differ  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    with TraceStore(Workspace.open(shared.home).traces) as traces:
        one, other = traces.tree(a), traces.tree(b)
    found = differ(one, other)
    ids = {"a": one.summary.trace_id, "b": other.summary.trace_id}
    emit(shared.as_json, {**ids, **asdict(found)}, lambda: "\n".join(_told(ids, found)))


def _told(ids: dict[str, Any], found: TraceDifference) -> Iterator[str]:
    from recmind.agent.tracing.views.formatting import duration, one_line  # noqa: PLC0415

    yield f"A  {ids['a']}"
    yield f"B  {ids['b']}"
    for part in found.request:
        if not part.same:
            yield from ("", f"{part.name} differs", f"  A  {one_line(part.a)}", f"  B  {one_line(part.b)}")
    yield ""
    if found.parted is None:
        yield f"The same in all {len(found.steps)} steps."
    else:
        yield f"The same in {found.parted} step{'s' * (found.parted != 1)}; then"
        one, other = found.steps[found.parted]
        yield from _step("A", one, other)
        yield from _step("B", other, one)
        for n, pair in enumerate(found.steps[found.parted + 1 :], found.parted + 2):
            names = [f"{step.what} ({duration(step.latency_ms)})" if step else "(nothing)" for step in pair]
            yield f"  {n:>3}. {names[0]:<44} {names[1]}"
    changed = [part for part in found.answer if not part.same]
    yield ""
    yield "The same answer." if not changed else "The answer differs:"
    for part in changed:
        yield from (
            f"  {part.name}  A  {one_line(part.a or '(nothing)')}",
            f"  {' ' * len(part.name)}  B  {one_line(part.b or '(nothing)')}",
        )


def _step(letter: str, step: ComparedStep | None, other: ComparedStep | None) -> Iterator[str]:
    """A step, with what the other step does not say too."""
    yield f"  {letter}  {step.what if step else '(nothing more)'}"
    if step is None:
        return
    theirs = list(other.facts) if other else []
    for name, text in step.facts:
        if (name, text) not in theirs:
            yield f"       {name:<6} {_apart(text, next((said for known, said in theirs if known == name), ''))}"


def _apart(text: str, other: str) -> str:
    """The text on one line, from shortly before the place where the other text differs."""
    from recmind.agent.tracing.views.formatting import one_line  # noqa: PLC0415

    same = next((place for place, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return one_line(text if same <= BEFORE else f"… {text[same - BEFORE :]}")
