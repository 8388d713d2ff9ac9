"""What may be spent on chat models for each user and day: limits over accounts that all processes share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

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


class DailyAccounts(Protocol):
    """Where spending is kept, by day (UTC, ``YYYY-MM-DD``) and account; the store's ``spending`` is one."""

    def of(self, day: str, account: str) -> Spending:
        """What the account has spent on that day."""

    def add(self, day: str, account: str, spending: Spending, *, oldest: str) -> None:
        """Counts what was spent; days before the oldest may be forgotten."""

    def writing(self) -> AbstractContextManager[Any]:
        """Inside, nobody else reads or writes an account."""


class Ledger:
    """The accounts of a workspace under one set of limits. Nothing is counted while nothing is limited."""

    def __init__(
        self, accounts: DailyAccounts, limits: DailyLimits, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """``now`` is the clock whose UTC date is the day."""
        self.accounts, self.limits, self._now = accounts, limits, now

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return self.limits != DailyLimits()

    def spent(self, user_id: str | None) -> Spending:
        """What was spent today for this user; None: for nobody in particular."""
        with self.accounts.writing():
            return self.accounts.of(self._day, account_of(user_id))

    def take_call(self, user_id: str | None) -> str | None:
        """Counts a model call that is about to be made, or says in words which limit forbids it.

        Looking and counting are one step, so that two processes cannot both take the last call. Tokens and money are
        counted when they are known: calls under way may go beyond their limit by what they take.
        """
        with self.accounts.writing():
            over = self.accounts.of(self._day, account_of(user_id)).over(self.limits)
            if over is None:
                self.add(user_id, Spending(model_calls=1))
            return over

    def add(self, user_id: str | None, spending: Spending) -> None:
        """Counts what a call took; negative numbers give back."""
        oldest = (self._now().astimezone(UTC).date() - timedelta(days=KEPT_DAYS)).isoformat()
        self.accounts.add(self._day, account_of(user_id), spending, oldest=oldest)

    @property
    def _day(self) -> str:
        return self._now().astimezone(UTC).date().isoformat()


def account_of(user_id: str | None) -> str:
    """The name of a user's account."""
    return NOBODY if user_id is None else f":{user_id}"
