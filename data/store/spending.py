"""Spending on chat models by day and account, counted in the workspace's database by all its processes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from recmind.data.spending import Spending
from recmind.data.store.database import Database


class Accounts:
    """The accounts: one for each user, and one for requests that name no user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def writing(self) -> AbstractContextManager[Any]:
        """A transaction; inside, nobody else reads or writes an account."""
        return self._database.writing()

    def of(self, day: str, account: str) -> Spending:
        """The spending of the account on that day."""
        sql = "SELECT model_calls, tokens, cost_usd FROM spending WHERE day = ? AND account = ?"
        rows = self._database.rows(sql, [day, account])
        return Spending(*rows[0]) if rows else Spending()

    def add(self, day: str, account: str, spending: Spending, *, oldest: str) -> None:
        """Add to the spending of an account.

        Args:
            day: the day, ``YYYY-MM-DD`` in UTC.
            account: name of the account.
            spending: what to add.
            oldest: days before this one are deleted when a new account is made.
        """
        taken = spending.model_calls, spending.tokens, spending.cost_usd
        with self._database.writing() as conn:
            known = conn.execute(
                """UPDATE spending SET model_calls = model_calls + ?, tokens = tokens + ?, cost_usd = cost_usd + ?
                WHERE day = ? AND account = ?""",
                [*taken, day, account],
            ).rowcount
            if known:
                return
            conn.execute("INSERT INTO spending VALUES (?, ?, ?, ?, ?)", [day, account, *taken])
            conn.execute("DELETE FROM spending WHERE day < ?", [oldest])

    def forget(self, account: str) -> None:
        """Delete the account on all days."""
        with self._database.writing() as conn:
            conn.execute("DELETE FROM spending WHERE account = ?", [account])
