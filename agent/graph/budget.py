"""What a request may spend: checked before each model call and counted after it, for the request and for the day."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from langchain_core.messages import AIMessage

from recmind.agent.models.cache import is_cached
from recmind.agent.models.failures import FailureKind, ModelFailure
from recmind.agent.models.offline import OfflinePlanner
from recmind.agent.models.prices import FREE, cost_of
from recmind.agent.state import AgentContext, Spent
from recmind.data.spending import Ledger, Spending

log = logging.getLogger(__name__)

T = TypeVar("T")

NEVER_BILLED: frozenset[FailureKind] = frozenset(
    {"no_key", "bad_key", "no_server", "no_model", "rate_limit", "context_too_long", "rejected"}
)
"""Failures that happen before a model reads anything, and so cost nothing. The cost of other failures is unknown
unless their usage is known."""


def refused(spent: Spent, context: AgentContext) -> str | None:
    """Why no further model call is allowed, in words, or None; an allowed call is counted for the day."""
    return spent_out(spent, context) or _overdrawn(context)


async def arefused(spent: Spent, context: AgentContext) -> str | None:
    """``refused`` for an event loop, which a busy database must not block."""
    return spent_out(spent, context) or await _off_loop(context, lambda: _overdrawn(context))


def charged(spent: Spent, outcome: AIMessage | ModelFailure, context: AgentContext) -> Spent:
    """What is spent after one more call; the call is also counted for the day.

    Args:
        spent: what was spent before the call.
        outcome: the model's message, or how the call failed.
        context: the request's context, with price and limits.
    """
    after = counted(spent, outcome, context)
    _book(spent, after, context)
    return after


async def acharged(spent: Spent, outcome: AIMessage | ModelFailure, context: AgentContext) -> Spent:
    """``charged`` for an event loop.

    Args:
        spent: what was spent before the call.
        outcome: the model's message, or how the call failed.
        context: the request's context, with price and limits.
    """
    after = counted(spent, outcome, context)
    await _off_loop(context, lambda: _book(spent, after, context))
    return after


def spent_out(spent: Spent, context: AgentContext) -> str | None:
    """The limit of the request that forbids another model call, in words, or None."""
    limits, most = context.limits, context.limits.cost_usd
    if spent.model_calls >= limits.model_calls:
        return f"the limit of {limits.model_calls} model calls was reached"
    if spent.tokens >= limits.tokens:
        return f"the limit of {limits.tokens} tokens was reached"
    if most is not None and context.price is None:
        return f"the limit of ${most:g} cannot be kept: {_unpriced(context)}"
    if most is not None and context.price != FREE and (spent.cost_usd is None or spent.cost_usd >= most):
        return f"the limit of ${most:g} was reached"
    if time.monotonic() >= context.deadline:
        return f"the limit of {limits.seconds:g} seconds was reached"
    return None


def counted(spent: Spent, outcome: AIMessage | ModelFailure, context: AgentContext) -> Spent:
    """What the request has spent after one more call.

    A call that answers always has a usage, which is estimated if the server gives none.

    Args:
        spent: what was spent before the call.
        outcome: the model's message, or how the call failed.
        context: the request's context, with price and limits.
    """
    if isinstance(outcome, AIMessage) and is_cached(outcome):
        return replace(spent, model_calls=spent.model_calls + 1, cached_model_calls=spent.cached_model_calls + 1)
    usage = outcome.usage_metadata if isinstance(outcome, AIMessage) else outcome.usage
    cost: float | None
    if usage is not None:
        cost = None if context.price is None else cost_of(usage, context.price)
    else:
        turned_away = isinstance(outcome, ModelFailure) and outcome.kind in NEVER_BILLED
        cost = 0.0 if turned_away or context.price == FREE else None
    return replace(
        spent,
        model_calls=spent.model_calls + 1,
        input_tokens=spent.input_tokens + (usage["input_tokens"] if usage else 0),
        output_tokens=spent.output_tokens + (usage["output_tokens"] if usage else 0),
        cost_usd=None if spent.cost_usd is None or cost is None else spent.cost_usd + cost,
    )


def _overdrawn(context: AgentContext) -> str | None:
    """The limit of the day that forbids another call, in words, or None; an allowed call is counted."""
    ledger = _ledger(context)
    if ledger is None:
        return None
    if ledger.limits.cost_usd is not None and context.price is None:
        return f"the limit of ${ledger.limits.cost_usd:g} a day cannot be kept: {_unpriced(context)}"
    try:
        over = ledger.take_call(context.user_id)
    except sqlite3.Error as error:
        return f"what was spent today could not be looked up: {error}"
    whose = "for this user" if context.user_id is not None else "for requests that name no user"
    return over and f"the limit of {over} a day {whose} was reached"


def _book(before: Spent, after: Spent, context: AgentContext) -> None:
    """Counts the cost of the last call for the day."""
    ledger = _ledger(context)
    if ledger is None:
        return
    given_back = before.cached_model_calls - after.cached_model_calls
    cost = 0.0 if after.cost_usd is None or before.cost_usd is None else after.cost_usd - before.cost_usd
    try:
        ledger.add(context.user_id, Spending(given_back, after.tokens - before.tokens, cost))
    except sqlite3.Error as error:
        log.warning("a model call of %d tokens was not counted: %s", after.tokens - before.tokens, error)


def _ledger(context: AgentContext) -> Ledger | None:
    """Where the day's spending is counted, or None if it need not be counted."""
    counts = context.ledger is not None and context.ledger.limited and not isinstance(context.model, OfflinePlanner)
    return context.ledger if counts else None


def _unpriced(context: AgentContext) -> str:
    return f"the price of {context.model_name} is not known; state it under prices in recmind.toml"


async def _off_loop(context: AgentContext, work: Callable[[], T]) -> T:
    """The result of the work; it runs in a thread if it may wait for the database, so that the loop does not wait."""
    if _ledger(context) is None:
        return work()
    return await asyncio.get_running_loop().run_in_executor(context.pool, work)
