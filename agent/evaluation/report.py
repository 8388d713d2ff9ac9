"""The report page: one self-contained HTML file, which opens without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from recmind.agent.evaluation import plots, sections
from recmind.agent.evaluation.report_text import MEASURES, asked, interval, label, number, spent, told
from recmind.agent.evaluation.sections import Cell, Section
from recmind.agent.pages.assets import asset, look

if TYPE_CHECKING:
    from recmind.agent.evaluation.summary import Summary


def write_report(summary: Summary, path: Path) -> None:
    """Writes the page into a file, as UTF-8."""
    path.write_text(report_page(summary), encoding="utf-8")


def report_page(summary: Summary) -> str:
    """The whole page; the same summary gives the same text."""
    return Template(asset("recmind.agent.evaluation", "report.html")).substitute(
        look=look(),
        title=escape(f"Evaluation: {summary.protocol}"),
        description=escape(summary.description),
        facts=escape(_facts(summary)),
        findings=_findings(summary),
        accuracy=_at_each_k(summary, sections.accuracy),
        comparisons=_comparisons(summary),
        figures="\n".join(_figures(summary)),
        lists=_at_each_k(summary, sections.lists),
        trust=_trust(summary),
        method=_method(summary),
    )


def _facts(summary: Summary) -> str:
    return f"{asked(summary)}; in brackets 95 % intervals from {summary.resamples:,} resamples of users."


def _findings(summary: Summary) -> str:
    """The main figures as sentences: each system, then each pair."""
    sentences = []
    for system in summary.systems:
        partly = "" if system.cases == summary.cases else f" (on {system.cases:,} of {summary.cases:,} cases)"
        found = {f"{name}@{summary.main_k}": system.metrics[f"{name}@{summary.main_k}"] for name in sections.HEADLINES}
        values = ", ".join(f"{label(m)} {number(one.value, 4)} {interval(one, 4)}".rstrip() for m, one in found.items())
        sentences.append(f"<strong>{escape(system.name)}</strong>: {escape(f'{values}{partly}; {spent(system)}')}.")
    headline = f"{sections.HEADLINES[-1]}@{summary.main_k}"
    sentences += [escape(told(one)) for one in summary.comparisons if one.metric == headline]
    return "<ul>\n" + "\n".join(f"<li>{sentence}</li>" for sentence in sentences) + "\n</ul>"


def _at_each_k(summary: Summary, section: sections.AtK) -> str:
    """The table at the main k, and folded tables for the other values of k."""
    others = [_table(section(summary, k)) for k in summary.k if k != summary.main_k]
    more = f"<details><summary>Other lengths of list</summary>\n{''.join(others)}</details>" if others else ""
    return _table(section(summary, summary.main_k)) + more


def _comparisons(summary: Summary) -> str:
    if not summary.comparisons:
        return "<p>One system has nothing to be compared with.</p>"
    n = len(summary.comparisons)
    caution = (
        "Pairs are compared case by case. A difference that is not told apart may still be there: it is probably "
        "smaller than the smallest visible one, which as many users would have shown four times in five. "
        f"At this level one comparison in twenty shows a difference by chance alone, and {n:,} were made here."
    )
    main = _table(sections.headlines(summary, summary.main_k))
    rest = "".join(_table(sections.comparisons(summary, k)) for k in summary.k)
    more = f"<details><summary>More measures and other lengths of list</summary>\n{rest}</details>"
    return f'<p class="aside">{caution}</p>{main}{more}'


def _figures(summary: Summary) -> list[str]:
    against = "what users took before" if summary.popularity_reference == "history" else "what was held out"
    found = [
        _figure("Hit rate over k", plots.hit_rate(summary), "Bands are 95 % intervals over users."),
        _figure(
            "Where the targets stand",
            plots.ranks(summary),
            "In the legend: targets beyond the last place that the system ranks.",
        ),
    ]
    if summary.comparisons:
        caption = "Dot: the difference; line: its 95 % interval; bar: missed more than one time in five."
        headline = f"{sections.HEADLINES[-1]}@{summary.main_k}"
        found.append(_figure(f"{label(headline)}, pair by pair", plots.differences(summary, headline), caption))
    if summary.items:
        caption = f"Lines are recommended items, bars are {against}."
        found.append(_figure("Popularity of what is recommended", plots.popularity(summary), caption))
    if sure := [system for system in summary.systems if system.calibration]:
        caption = "On the dashed line a confidence means what it says. Lines are 95 % intervals of a bin's share."
        found.append(_figure("Reliability of confidence", plots.reliability(sure), caption))
    if any(system.cases for system in summary.systems):
        caption = "Dot: median; box: middle half; line: 5th to 95th percentile; tick: 99th."
        found.append(_figure("Time of a request", plots.latency(summary), caption))
    return found


def _trust(summary: Summary) -> str:
    parts = [sections.calibration(summary), sections.validity(summary), sections.fallbacks(summary)]
    text = "".join(_table(section) for section in parts if section.rows)
    if tables := [_table(sections.reliability(system)) for system in summary.systems if system.calibration]:
        text += f"<details><summary>Reliability tables</summary>\n{''.join(tables)}</details>"
    chosen = sections.models(summary)
    return text + _table(sections.costs(summary)) + (_table(chosen) if chosen.rows else "")


def _method(summary: Summary) -> str:
    against = {
        "history": "what the user took before, where anything is known",
        "targets": "the targets of the case",
    }[summary.popularity_reference]
    settings = {**summary.settings, "popularity is held against": against}
    terms = "\n".join(f"<dt>{escape(str(name))}</dt><dd>{_setting(value)}</dd>" for name, value in settings.items())
    meanings = "\n".join(f"<dt>{escape(m.label)}</dt><dd>{escape(m.meaning)}</dd>" for m in MEASURES.values())
    notes = (
        "Intervals come from drawing whole users with replacement (percentile bootstrap), so they hold the spread "
        "over users and not that over other splits or seeds. Where all cases are alike there is none. Coverage and "
        "Gini are of all lists at once and have none either. ECE is the expected calibration error over bins of "
        "equal mass; ECE by chance is what perfectly calibrated confidences would show with as many pairs. Brier "
        "skill is above 0 where confidences are better than always saying the base rate. A cost is unknown where a "
        "price is not known."
    )
    return (
        f"<dl>\n{terms}\n</dl>\n<details><summary>What the measures mean</summary>\n<dl>\n{meanings}\n</dl>\n"
        f'<p class="aside">{notes}</p></details>'
    )


def _setting(value: object) -> str:
    """A setting as text; a dash if it was not set."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return escape(", ".join(map(str, value))) or "–"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return escape(", ".join(f"{key}: {one}" for key, one in value.items())) or "–"
    return escape(json.dumps(value, ensure_ascii=False))


def _figure(title: str, svg: str, caption: str) -> str:
    named = svg.replace("<svg", f'<svg aria-label="{escape(title)}"', 1)
    return f"<figure><h3>{escape(title)}</h3>{named}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(section: Section) -> str:
    kinds = ["words" if place in section.words else "figure" for place in range(len(section.header))]
    header = "".join(
        f'<th scope="col" class="{kind}">{escape(name)}</th>' for name, kind in zip(section.header, kinds, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(_cell(cell, kind, n == 0) for n, (cell, kind) in enumerate(zip(row, kinds, strict=True)))
        + "</tr>"
        for row in section.rows
    )
    caption = f"<caption>{escape(section.title)}</caption>"
    table = f"<table>{caption}<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    return f'<div class="scroll">{table}</div>\n'


def _cell(cell: Cell, kind: str, names_row: bool) -> str:
    note = f' <span class="note">{escape(cell.note)}</span>' if cell.note else ""
    tag, scope = ("th", ' scope="row"') if names_row else ("td", "")
    return f'<{tag}{scope} class="{kind}">{escape(cell.text)}{note}</{tag}>'
