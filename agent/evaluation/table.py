"""An evaluation in the terminal: the tables that a person reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recmind.agent.evaluation import sections
from recmind.agent.evaluation.report_text import asked
from recmind.agent.evaluation.sections import Section
from recmind.agent.evaluation.summary import Summary

if TYPE_CHECKING:
    from rich.console import RenderableType

GAP = "  "


def shown_sections(summary: Summary) -> list[Section]:
    """The tables at the first k, without tables that have no rows."""
    found = [
        sections.accuracy(summary, summary.main_k),
        sections.headlines(summary, summary.main_k),
        sections.lists(summary, summary.main_k).without_notes(),
        sections.calibration(summary),
        sections.validity(summary),
        sections.fallbacks(summary),
        sections.costs(summary),
        sections.models(summary),
    ]
    return [section for section in found if section.rows]


def summary_table(summary: Summary) -> RenderableType:
    """The tables for a terminal, as wide as the terminal."""
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    parts: list[RenderableType] = [Text(line) for line in _opening(summary)]
    for section in shown_sections(summary):
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for place, name in enumerate(section.header):
            figures = place not in section.words
            table.add_column(name, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
        for row in section.rows:
            table.add_row(
                *(Text.assemble(_clean(cell.text), (f" {cell.note}" if cell.note else "", "dim")) for cell in row)
            )
        parts += [Text(), Text(section.title, style="bold"), table]
    return Group(*parts)


def plain_table(summary: Summary) -> str:
    """The tables as plain text that reads well in a file or a pipe."""
    blocks = ["\n".join(_opening(summary))]
    for section in shown_sections(summary):
        rows = [list(section.header)]
        rows += [[_clean(f"{cell.text} {cell.note}".rstrip()) for cell in row] for row in section.rows]
        widths = [max(len(row[place]) for row in rows) for place in range(len(section.header))]
        lines = [
            GAP.join(
                cell.ljust(width) if place in section.words else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        blocks.append("\n".join([section.title, *(f"{GAP}{line}".rstrip() for line in lines)]))
    return "\n\n".join(blocks)


def _opening(summary: Summary) -> list[str]:
    """The protocol, and what it was run on."""
    return [
        _clean(f"{summary.protocol}: {summary.description}"),
        f"{asked(summary)}; in brackets 95 % intervals over users",
    ]


def _clean(text: str) -> str:
    """The text without control characters, so that the name of a model or a cause cannot control the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
