"""The policy that plans without a model: which look-ups a request asks for, and what to submit once they are in.

The offline planner speaks it as tool calls through the graph; the fallback follows it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recmind.agent.planner.reason_templates import compose
from recmind.agent.planner.task import ExploredLines, PlannerTask
from recmind.tools.chat.submit import SUBMIT

PlannedCall = tuple[str, dict[str, Any]]
"""A tool's name and its arguments."""

SPARE = 2
"""Ranked rows beyond those asked for, so that a rejected one can be replaced."""


READ = 2
"""Rows that a look-up describes. The planner reads none of them; the ranking describes the best of all."""


def look_ups(task: PlannerTask) -> list[PlannedCall]:
    """The first turn of a line of thought: everything that can be looked up at once."""
    if task.line:
        return [(name, {**arguments, "n": READ}) for name, arguments in LINES[task.line](task)]
    brief = task.brief
    where, wishes, likes, text = list(brief.bindings), list(brief.wishes), task.handles(brief.likes), brief.text
    calls: list[PlannedCall] = []
    if brief.again and brief.known_user:
        calls.append(("user_history", {"order": "highest", "where": where}))
    if likes:
        calls.append(("collaborative_filtering", {"like": likes, "where": where}))
        calls.append(("search_items", {"query": text, "like": likes, "where": where}))
        calls += [("search_items", {"query": text, "like": likes, "where": [*where, wish]}) for wish in wishes[:2]]
    elif text:
        calls.append(("search_items", {"query": text, "where": where}))
    calls += [("filter_items", {"where": [*where, wish]}) for wish in wishes[:3]]
    if len(wishes) > 1:
        calls.append(("filter_items", {"where": [*where, *wishes[:3]]}))
    if brief.known_user and not likes:
        calls.append(("collaborative_filtering", {"where": where}))
    if not (text or likes or wishes):
        calls.append(("filter_items", {"where": where}))
    if not (text or likes or where) or not brief.known_user:
        calls.append(("popular_items", {"where": where}))
    return [(name, {**arguments, "n": READ}) for name, arguments in calls]


def _of_the_past(task: PlannerTask) -> list[PlannedCall]:
    return [("collaborative_filtering", {"where": list(task.brief.bindings)})]


def _like_favorites(task: PlannerTask) -> list[PlannedCall]:
    brief, liked = task.brief, task.handles(task.brief.favorites)[:3]
    return [("search_items", {"query": brief.text, "like": liked, "where": list(brief.bindings)})]


def _wider(task: PlannerTask) -> list[PlannedCall]:
    where = list(task.brief.bindings)
    return [("filter_items", {"where": where}), ("popular_items", {"where": where})]


PAST, FAVORITES, WIDER = "what goes with the person's past", "what is like their favorites", "all that qualifies"
LINES: Mapping[str, Callable[[PlannerTask], list[PlannedCall]]] = {
    PAST: _of_the_past,
    FAVORITES: _like_favorites,
    WIDER: _wider,
}
"""Further lines of thought by their idea, and the look-ups of each."""


def another_line(task: PlannerTask, explored: ExploredLines) -> str:
    """The idea of a further line of thought that pays after what was explored, or an empty text."""
    pays = {
        PAST: task.brief.known_user and "collaborative_filtering" not in explored.tools,
        FAVORITES: bool(task.brief.favorites and task.brief.text),
        WIDER: explored.least < min(READ, task.wanted),
    }
    return next((idea for idea in LINES if pays[idea] and idea not in explored.ideas), "")


def ranking(wanted: int) -> PlannedCall:
    """The second turn: one ranking over all that was found, with a few rows more than are wanted."""
    return "rank_candidates", {"n": wanted + SPARE}


def submission(rows: Sequence[Mapping[str, Any]], wanted: int) -> PlannedCall:
    """The last turn: the best ranked rows, as many as are wanted, each with a sentence built from its evidence.

    Args:
        rows: of ``rank_candidates``: ``{"handle": "c7", "evidence": [[12, "metadata"], ...]}``, best first.
        wanted: how many recommendations to give.
    """
    picks: list[dict[str, Any]] = []
    for row in rows:
        reason, cites = compose((number, kind) for number, kind in row["evidence"])
        if reason and len(picks) < wanted:
            picks.append({"item": row["handle"], "cites": [f"e{n}" for n in cites], "reason": reason})
    return SUBMIT, {"recommendations": picks}
