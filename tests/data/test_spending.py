"""What is counted for each user and day, by one process and by several."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recmind.data.settings import DailyLimits
from recmind.data.spending import KEPT_DAYS, Ledger, Spending
from recmind.data.store.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_calls_are_counted_until_there_are_none_left(store: Store) -> None:
    ledger = Ledger(store.spending, DailyLimits(model_calls=2), lambda: NOON)
    assert [ledger.take_call("ada") for _ in range(3)] == [None, None, "2 model calls"]
    assert ledger.spent("ada") == Spending(2)
    ledger.add("ada", Spending(-1))
    assert ledger.take_call("ada") is None


@pytest.mark.parametrize(
    ("limits", "over"),
    [({"tokens": 100}, "100 tokens"), ({"cost_usd": 0.5}, "$0.5"), ({"model_calls": 0}, "0 model calls"), ({}, None)],
    ids=str,
)
def test_tokens_and_money_are_counted_too(store: Store, limits, over) -> None:
    ledger = Ledger(store.spending, DailyLimits(**limits), lambda: NOON)
    ledger.add("ada", Spending(0, 100, 0.5))
    assert ledger.take_call("ada") == over
    assert ledger.limited is bool(limits)


def test_each_user_has_an_account_and_nobody_has_one(store: Store) -> None:
    ledger = Ledger(store.spending, DailyLimits(model_calls=1), lambda: NOON)
    for user_id in ("ada", "nobody", None):
        assert ledger.take_call(user_id) is None
        assert ledger.take_call(user_id) == "1 model calls"


def test_a_day_begins_at_midnight_utc(store: Store) -> None:
    moments = [datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=-5)))]
    ledger = Ledger(store.spending, DailyLimits(model_calls=1), lambda: moments[-1])
    assert ledger.take_call("ada") is None
    moments.append(datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert ledger.take_call("ada") == "1 model calls"
    moments.append(datetime(2026, 3, 3, tzinfo=UTC))
    assert ledger.take_call("ada") is None
    moments.append(moments[-1] + timedelta(days=KEPT_DAYS + 1))
    assert ledger.take_call("ada") is None
    with store.database.writing() as conn:
        assert [day for (day,) in conn.execute("SELECT day FROM spending")] == [moments[-1].date().isoformat()]


def test_a_forgotten_user_leaves_no_account(store: Store, tmp_path: Path) -> None:
    ledger = Ledger(store.spending, DailyLimits(model_calls=1), lambda: NOON)
    ledger.take_call("secret-person")
    store.forget_user("secret-person")
    assert ledger.spent("secret-person") == Spending()


TAKER = """
import sys
from recmind.data.settings import DailyLimits
from recmind.data.spending import Ledger
from recmind.data.store.store import Store
with Store(sys.argv[1]) as store:
    ledger = Ledger(store.spending, DailyLimits(model_calls=30))
    print(sum(ledger.take_call("ada") is None for _ in range(20)))
"""


def test_processes_that_ask_at_once_do_not_take_more_than_there_is(store: Store) -> None:
    command = [sys.executable, "-c", TAKER, str(store.path)]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(taker.communicate(timeout=60)[0]) for taker in takers) == 30
