"""The policy that plans without a model: which look-ups a brief asks for, and what to submit once they are in.

The offline planner speaks it as tool calls through the graph; the fallback follows it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recmind.agent.planner.reason_templates import compose
from recmind.tools.chat.submit import SUBMIT

PlannedCall = tuple[str, dict[str, Any]]
"""A tool's name and its arguments."""

SPARE = 2
"""Ranked rows beyond those asked for, so that a rejected one can be replaced."""


READ = 2
"""Rows that a look-up describes. The planner reads none of them; the ranking describes the best of all."""


def look_ups(brief: Mapping[str, Any]) -> list[PlannedCall]:
    """The first turn: everything that can be looked up at once.

    Args:
        brief: the request as ``recmind.agent.planner.fallback_ranking.described`` puts it.
    """
    where = list(brief["bindings"])
    likes, wishes, text = list(brief["likes"]), list(brief["wishes"]), brief["text"]
    if line := brief.get("line"):
        return [(name, {**arguments, "n": READ}) for name, arguments in LINES[line](brief)]
    calls: list[PlannedCall] = []
    if brief["again"] and brief["known_user"]:
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
    if brief["known_user"] and not likes:
        calls.append(("collaborative_filtering", {"where": where}))
    if not (text or likes or wishes):
        calls.append(("filter_items", {"where": where}))
    if not (text or likes or where) or not brief["known_user"]:
        calls.append(("popular_items", {"where": where}))
    return [(name, {**arguments, "n": READ}) for name, arguments in calls]


def _of_the_past(brief: Mapping[str, Any]) -> list[PlannedCall]:
    return [("collaborative_filtering", {"where": list(brief["bindings"])})]


def _like_favorites(brief: Mapping[str, Any]) -> list[PlannedCall]:
    liked = list(brief["favorites"][:3])
    return [("search_items", {"query": brief["text"], "like": liked, "where": list(brief["bindings"])})]


def _wider(brief: Mapping[str, Any]) -> list[PlannedCall]:
    where = list(brief["bindings"])
    return [("filter_items", {"where": where}), ("popular_items", {"where": where})]


PAST, FAVORITES, WIDER = "what goes with the person's past", "what is like their favorites", "all that qualifies"
LINES: Mapping[str, Callable[[Mapping[str, Any]], list[PlannedCall]]] = {
    PAST: _of_the_past,
    FAVORITES: _like_favorites,
    WIDER: _wider,
}
"""Further lines of thought by their idea, and the look-ups of each."""


def another_line(brief: Mapping[str, Any], explored: Mapping[str, Any]) -> str:
    """The idea of a further line of thought that pays, or an empty text.

    Args:
        brief: the request.
        explored: over all lines so far ``ideas``, ``tools`` (names, a look-up each) and ``least`` (rows of the look-up
            that brought least).
    """
    thin = explored["least"] < min(READ, brief["k"])
    pays = {
        PAST: brief["known_user"] and "collaborative_filtering" not in explored["tools"],
        FAVORITES: bool(brief["favorites"] and brief["text"]),
        WIDER: thin,
    }
    return next((idea for idea in LINES if pays[idea] and idea not in explored["ideas"]), "")


def ranking(brief: Mapping[str, Any]) -> PlannedCall:
    """The second turn: one ranking over all that was found."""
    return "rank_candidates", {"n": brief["k"] + SPARE}


def submission(brief: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> PlannedCall:
    """The last turn: the best ranked rows, each with a sentence built from its evidence.

    Args:
        brief: the request as ``described`` puts it.
        rows: of ``rank_candidates``: ``{"handle": "c7", "evidence": [[12, "metadata"], ...]}``, best first.
    """
    picks: list[dict[str, Any]] = []
    for row in rows:
        reason, cites = compose((number, kind) for number, kind in row["evidence"])
        if reason and len(picks) < brief["k"]:
            picks.append({"item": row["handle"], "cites": [f"e{n}" for n in cites], "reason": reason})
    return SUBMIT, {"recommendations": picks}
