"""Limits on what each user may spend on chat models in a day, over accounts that all processes share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from recmind.data.settings import DailyLimits

KEPT_DAYS = 400
"""Days that are kept: a year and some more to look back on."""
NOBODY = "nobody"
"""The account of requests that name no user; users' accounts begin with a colon."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The spending of one account in a day."""

    model_calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    """US dollars, for the calls whose price is known."""

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
    """Where spending is kept by day (UTC, ``YYYY-MM-DD``) and account; the store's ``spending`` is one."""

    def of(self, day: str, account: str) -> Spending:
        """The spending of the account on that day."""

    def add(self, day: str, account: str, spending: Spending, *, oldest: str) -> None:
        """Add to the spending of an account.

        Args:
            day: the day, ``YYYY-MM-DD`` in UTC.
            account: name of the account.
            spending: what to add.
            oldest: days before this one may be forgotten.
        """

    def writing(self) -> AbstractContextManager[Any]:
        """Inside, nobody else reads or writes an account."""


class Ledger:
    """The accounts of a workspace under one set of limits."""

    def __init__(
        self, accounts: DailyAccounts, limits: DailyLimits, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep accounts within limits.

        Args:
            accounts: where spending is kept.
            limits: the limits of each account and day.
            now: the clock; its UTC date is the day.
        """
        self.accounts, self.limits, self._now = accounts, limits, now

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return self.limits != DailyLimits()

    def spent(self, user_id: str | None) -> Spending:
        """Today's spending for this user; None: for requests that name no user."""
        with self.accounts.writing():
            return self.accounts.of(self._day, account_of(user_id))

    def take_call(self, user_id: str | None) -> str | None:
        """Count a model call that is about to be made, unless a limit forbids it.

        Looking and counting are one step, so that two processes cannot both take the last call. Tokens and money are
        counted when they are known, so calls in progress may exceed their limit by what they take.

        Args:
            user_id: the user; None for requests that name none.

        Returns:
            None if the call may be made; otherwise the limit that forbids it, in words.
        """
        with self.accounts.writing():
            over = self.accounts.of(self._day, account_of(user_id)).over(self.limits)
            if over is None:
                self.add(user_id, Spending(model_calls=1))
            return over

    def add(self, user_id: str | None, spending: Spending) -> None:
        """Add what a call took; negative numbers give back."""
        oldest = (self._now().astimezone(UTC).date() - timedelta(days=KEPT_DAYS)).isoformat()
        self.accounts.add(self._day, account_of(user_id), spending, oldest=oldest)

    @property
    def _day(self) -> str:
        return self._now().astimezone(UTC).date().isoformat()


def account_of(user_id: str | None) -> str:
    """The name of a user's account."""
    return NOBODY if user_id is None else f":{user_id}"
