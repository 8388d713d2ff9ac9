"""The plots of an evaluation, as SVG for the page: its style sheet gives the colors, in light and dark.

The same summary gives the same bytes: a plot contains no date, and its ids depend only on the plot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from recmind.agent.evaluation.report_text import label, milliseconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recmind.agent.evaluation.summary import RankBand, Summary, SystemSummary
    from recmind.data.evaluation.bootstrap import Estimate

SIZE = (5.6, 3.4)
"""Inches; the page scales a plot to the width it has."""
SERIES = 8
"""The number of colors in the style sheet, from ``--series-0`` on; markers distinguish further systems, and help
people who see no colors."""
NARROW = 100
"""If all times are within this factor, the axis needs ticks between the powers of ten."""
SHORTEST_MS = 0.001
"""Times too short to measure are drawn here: a logarithmic axis has no 0."""
MARKERS = "osD^vPX*"
INK, MUTED, GRID, BAND = "#f00d01", "#f00d02", "#f00d03", "#f00d04"
_STAND_INS = {INK: "--ink", MUTED: "--muted", GRID: "--line", BAND: "--band"} | {
    f"#f00e{n:02x}": f"--series-{n}" for n in range(SERIES)
}
"""matplotlib cannot draw with variables of a style sheet: these unique colors stand for them, and are replaced."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.markersize": 4,
}


def hit_rate(summary: Summary) -> str:
    """The hit rate over k by system, with its interval as a band."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    def draw(axes: Axes) -> None:
        for n, system in enumerate(summary.systems):
            ks = list(system.curve)
            estimates = list(system.curve.values())
            low = [one.value if one.low is None else one.low for one in estimates]
            high = [one.value if one.high is None else one.high for one in estimates]
            axes.fill_between(ks, low, high, color=_color(n), alpha=0.18, linewidth=0)
            axes.plot(ks, [one.value for one in estimates], color=_color(n), marker=_marker(n), label=system.name)
        axes.set(xlabel="k", ylabel="Hit rate within the first k", ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        _legend(axes)

    return _svg("hit-rate", draw)


def differences(summary: Summary, metric: str) -> str:
    """Each pair's difference in one metric with its interval; a bar behind it shows what could have been detected.

    Args:
        summary: the figures.
        metric: the name of the metric, such as ``hit_rate@10``.
    """
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    shown = [one for one in summary.comparisons if one.metric == metric]

    def draw(axes: Axes) -> None:
        for n, comparison in enumerate(shown):
            found = comparison.difference
            if found.smallest_visible is not None:
                axes.barh(n, 2 * found.smallest_visible, left=-found.smallest_visible, height=0.5, color=BAND)
            axes.errorbar(
                found.value, n, xerr=_reach(found), fmt="o", color=_color(0), capsize=3, elinewidth=1.5, markersize=5
            )
        axes.axvline(0, color=MUTED, linewidth=1)
        # Small differences have many digits.
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.use_sticky_edges = False
        axes.margins(x=0.05)
        axes.set(xlabel=f"Difference of {label(metric)}", ylim=(len(shown) - 0.5, -0.5))
        axes.set_yticks(range(len(shown)), [f"{one.a} − {one.b}" for one in shown])
        axes.grid(visible=False, axis="y")

    return _svg("differences", draw, height=1.1 + 0.42 * len(shown))


def ranks(summary: Summary) -> str:
    """The share of the targets at each rank, by system; the legend says how many are beyond the longest ranking."""
    bands = list(dict.fromkeys(band for one in summary.systems for band in _ranges(one.ranks)))
    bands.sort()

    def draw(axes: Axes) -> None:
        width = 0.8 / max(len(summary.systems), 1)
        for n, system in enumerate(summary.systems):
            targets = {(band.first, band.last): band.targets for band in system.ranks}
            total = max(sum(targets.values()), 1)
            lost = 100 * targets.get((0, None), 0) / total
            places = [place + (n - (len(summary.systems) - 1) / 2) * width for place in range(len(bands))]
            shares = [targets.get(band, 0) / total for band in bands]
            axes.bar(
                places, shares, width, color=_color(n), label=f"{system.name} ({lost:.0f} % beyond {system.depth})"
            )
        names = [f"{first}" if first == last else f"{first}–{last}" for first, last in bands]
        axes.set_xticks(range(len(bands)), names)
        axes.set(xlabel="Rank of the target", ylabel="Share of targets")
        axes.grid(visible=False, axis="x")
        axes.margins(y=0.1 + 0.09 * len(summary.systems))
        _legend(axes, 1 if len(summary.systems) < 4 else 2)

    return _svg("ranks", draw)


def popularity(summary: Summary) -> str:
    """Which tenths of the catalogue are recommended, by system, compared with the history or the targets."""
    tenths = range(1, 11)

    def draw(axes: Axes) -> None:
        if summary.reference_popularity:
            axes.bar(tenths, summary.reference_popularity, 0.9, color=BAND, label=_reference(summary))
        for n, system in enumerate(summary.systems):
            if system.popularity:
                axes.plot(tenths, system.popularity, color=_color(n), marker=_marker(n), label=system.name)
        axes.set_xticks(tenths, ["least", *("" for _ in range(8)), "most"])
        axes.set(xlabel="Tenths of the catalogue by popularity", ylabel=f"Share of the first {summary.main_k}")
        axes.set_ylim(0, None)
        axes.grid(visible=False, axis="x")
        _legend(axes)

    return _svg("popularity", draw)


def reliability(systems: Sequence[SystemSummary]) -> str:
    """How often recommendations came true, by their confidence; perfect confidence lies on the diagonal."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
        reach = 0.0
        for n, system in enumerate(systems):
            bins = system.calibration.bins if system.calibration else ()
            said, true = [one.confidence for one in bins], [one.share for one in bins]
            below = [one.share - one.low for one in bins]
            above = [one.high - one.share for one in bins]
            axes.errorbar(
                said, true, yerr=[below, above], color=_color(n), marker=_marker(n), elinewidth=1, label=system.name
            )
            reach = max(reach, *said, *(one.high for one in bins))
        end = min(1.0, reach * 1.05)
        axes.set(xlabel="Confidence", ylabel="Share that came true", xlim=(0, end), ylim=(0, end))
        _legend(axes)

    return _svg("reliability", draw)


def latency(summary: Summary) -> str:
    """The time of a case by system: the median, the middle half, and from the 5th to the 95th percentile."""
    from matplotlib.ticker import LogLocator  # noqa: PLC0415

    shown = [system for system in summary.systems if system.cases]

    def draw(axes: Axes) -> None:
        for n, system in enumerate(shown):
            at = {int(percent): max(ms, SHORTEST_MS) for percent, ms in system.latency.percentiles_ms.items()}
            color = _color(summary.systems.index(system))
            axes.plot([at[5], at[95]], [n, n], color=color, linewidth=1.5)
            axes.plot([at[25], at[75]], [n, n], color=color, linewidth=7, solid_capstyle="butt", alpha=0.45)
            axes.plot(at[50], n, color=color, marker="o", markersize=7)
            axes.plot(at[99], n, color=color, marker="|", markersize=9)
        axes.set_yticks(range(len(shown)), [system.name for system in shown])
        axes.set(xlabel="Time of a request", xscale="log", ylim=(len(shown) - 0.5, -0.5))
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < NARROW * low else (1,)))
        axes.xaxis.set_major_formatter(lambda value, _place: milliseconds(value))
        axes.xaxis.set_minor_formatter(lambda _value, _place: "")
        axes.grid(visible=False, axis="y")

    return _svg("latency", draw, height=1.1 + 0.42 * len(shown))


def _svg(name: str, draw: Callable[[Axes], None], height: float = SIZE[1]) -> str:
    """The drawing as an ``svg`` element whose colors are variables and whose ids are its own."""
    from matplotlib import style  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Begins with the defaults, so that a person's own matplotlibrc changes nothing.
    with style.context(["default", {**STYLE, "svg.hashsalt": name}]):
        figure = Figure(figsize=(SIZE[0], height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        out = StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 role="img"', svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return re.sub("|".join(_STAND_INS), lambda found: f"var({_STAND_INS[found[0]]})", svg).strip()


def _legend(axes: Axes, columns: int = 1) -> None:
    """Adds a legend, if anything is drawn."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", ncols=columns)


def _color(n: int) -> str:
    return f"#f00e{n % SERIES:02x}"


def _marker(n: int) -> str:
    return MARKERS[n % len(MARKERS)]


def _reach(found: Estimate) -> list[list[float]]:
    """How far the interval reaches below and above the value."""
    if found.low is None or found.high is None:
        return [[0.0], [0.0]]
    return [[max(found.value - found.low, 0.0)], [max(found.high - found.value, 0.0)]]


def _ranges(bands: Sequence[RankBand]) -> list[tuple[int, int]]:
    return [(band.first, band.last) for band in bands if band.last is not None]


def _reference(summary: Summary) -> str:
    return "taken before" if summary.popularity_reference == "history" else "targets"
