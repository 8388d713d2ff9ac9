"""Statistics of many requests: how many there were, how long they took, what they cost, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

By = Literal["day", "model"]


@dataclass(frozen=True, slots=True)
class Stats:
    """The requests of one day, of one model, or both. A rate is None if there was nothing to count."""

    day: str | None
    """2026-01-31, in UTC; None for all days."""
    model: str | None
    """None for all models."""
    requests: int
    failed: int
    """Requests without an answer."""
    fallbacks: int
    """Requests that the fallback answered."""
    p50_ms: float
    """The median time, in milliseconds."""
    p95_ms: float
    tokens: int
    cost: float | None
    """US dollars; None if no price is known."""
    model_calls: int
    cached_calls: int
    tool_calls: int
    failed_tools: int
    judged: int
    """Requests whose answer a person scored."""
    score: float | None
    """The mean of their scores."""

    @property
    def fallback_rate(self) -> float:
        """Share of the requests that the fallback answered."""
        return self.fallbacks / self.requests

    @property
    def cache_rate(self) -> float | None:
        """Share of the model calls that were answered from the cache."""
        return self.cached_calls / self.model_calls if self.model_calls else None

    @property
    def tool_error_rate(self) -> float | None:
        """Share of the tool calls that ended in an error."""
        return self.failed_tools / self.tool_calls if self.tool_calls else None


def stats(db: Database, by: Sequence[By], since: str | None) -> list[Stats]:
    """The figures of each group, the newest day first, then by model.

    Args:
        db: the file of traces.
        by: what the requests are grouped by; empty for one group of all.
        since: the time from which on requests count, as the traces store it; None for all.
    """
    sql = """
        SELECT substr(start_time, 1, 10) AS day, model, latency_ms, status, source, total_tokens, total_cost,
            model_calls, cached_calls, tool_calls, failed_tools,
            (SELECT avg(score) FROM judgements j WHERE j.number = traces.number) AS score
        FROM traces WHERE start_time >= ? ORDER BY latency_ms
    """
    groups: dict[tuple[str | None, str | None], list[Mapping[str, Any]]] = {}
    for row in db.query(sql, [since or ""]):
        key = row["day"] if "day" in by else None, row["model"] if "model" in by else None
        groups.setdefault(key, []).append(row)
    by_model = sorted(groups.items(), key=lambda group: group[0][1] or "")
    return [_stats(*key, rows) for key, rows in sorted(by_model, key=lambda group: group[0][0] or "", reverse=True)]


def _stats(day: str | None, model: str | None, rows: Sequence[Mapping[str, Any]]) -> Stats:
    """The figures of these rows, which are sorted by time taken, the shortest first."""
    times = [row["latency_ms"] for row in rows]
    costs = [row["total_cost"] for row in rows if row["total_cost"] is not None]
    scores = [row["score"] for row in rows if row["score"] is not None]

    def total(name: str) -> int:
        return sum(row[name] or 0 for row in rows)

    return Stats(
        day=day,
        model=model,
        requests=len(rows),
        failed=sum(row["status"] == "error" for row in rows),
        fallbacks=sum(row["source"] == "fallback" for row in rows),
        p50_ms=_quantile(times, 0.5),
        p95_ms=_quantile(times, 0.95),
        tokens=total("total_tokens"),
        cost=sum(costs) if costs else None,
        model_calls=total("model_calls"),
        cached_calls=total("cached_calls"),
        tool_calls=total("tool_calls"),
        failed_tools=total("failed_tools"),
        judged=len(scores),
        score=sum(scores) / len(scores) if scores else None,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
