"""What was spent on chat models for each user and day: counted in the workspace's database, by all its processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recmind.data.database import Database
from recmind.data.settings import DailyLimits

KEPT_DAYS = 400
"""Days that are remembered: a year, and some more to look back at."""
NOBODY = "nobody"
"""The account of requests that name no user; the others begin with a colon."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one account has spent in a day."""

    model_calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    """Of the calls whose price is known."""

    def over(self, limits: DailyLimits) -> str | None:
        """The limit that is used up, in words, or None while more may be spent."""
        if limits.model_calls is not None and self.model_calls >= limits.model_calls:
            return f"{limits.model_calls} model calls"
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return f"{limits.tokens} tokens"
        if limits.cost_usd is not None and self.cost_usd >= limits.cost_usd:
            return f"${limits.cost_usd:g}"
        return None


class Ledger:
    """The accounts of a database under one set of limits. Nothing is counted while nothing is limited."""

    def __init__(
        self, database: Database, limits: DailyLimits, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """``now`` is the clock whose UTC date is the day."""
        self.database, self.limits, self._now = database, limits, now

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return self.limits != DailyLimits()

    def spent(self, user_id: str | None) -> Spending:
        """What was spent today for this user; None: for nobody in particular."""
        with self.database.writing() as db:
            return self._spent(db.conn, user_id)

    def take_call(self, user_id: str | None) -> str | None:
        """Counts a model call that is about to be made, or says in words which limit forbids it.

        Looking and counting are one step, so that two processes cannot both take the last call. Tokens and money are
        counted when they are known: calls under way may go beyond their limit by what they take.
        """
        with self.database.writing() as db:
            over = self._spent(db.conn, user_id).over(self.limits)
            if over is None:
                self._add(db.conn, user_id, Spending(model_calls=1))
            return over

    def add(self, user_id: str | None, spending: Spending) -> None:
        """Counts what a call took; negative numbers give back."""
        with self.database.writing() as db:
            self._add(db.conn, user_id, spending)

    @property
    def _day(self) -> str:
        return self._now().astimezone(UTC).date().isoformat()

    def _spent(self, conn: sqlite3.Connection, user_id: str | None) -> Spending:
        sql = "SELECT model_calls, tokens, cost_usd FROM spending WHERE day = ? AND account = ?"
        row = conn.execute(sql, [self._day, account_of(user_id)]).fetchone()
        return Spending(*row) if row else Spending()

    def _add(self, conn: sqlite3.Connection, user_id: str | None, spending: Spending) -> None:
        taken = spending.model_calls, spending.tokens, spending.cost_usd
        known = conn.execute(
            """UPDATE spending SET model_calls = model_calls + ?, tokens = tokens + ?, cost_usd = cost_usd + ?
            WHERE day = ? AND account = ?""",
            [*taken, self._day, account_of(user_id)],
        ).rowcount
        if known:
            return
        conn.execute("INSERT INTO spending VALUES (?, ?, ?, ?, ?)", [self._day, account_of(user_id), *taken])
        oldest = (self._now().astimezone(UTC).date() - timedelta(days=KEPT_DAYS)).isoformat()
        conn.execute("DELETE FROM spending WHERE day < ?", [oldest])


def account_of(user_id: str | None) -> str:
    """The name of a user's account."""
    return NOBODY if user_id is None else f":{user_id}"
