"""What calls cost, and when that is not known."""

from __future__ import annotations

from typing import Any

import pytest

from recmind.agent.models.factory import open_model
from recmind.agent.models.offline import OfflinePlanner
from recmind.agent.models.prices import FREE, cost_of, known_prices, price_of
from recmind.data.settings import Price
from tests.agent.scripted import ScriptedModel

MINI = "openai:gpt-4o-mini"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    return open_model


def test_every_price_is_one() -> None:
    prices = known_prices()
    assert prices[MINI] == Price(input=0.15, cached_input=0.075, output=0.6)
    assert all(price.output > price.input > (price.cached_input or 0) for price in prices.values())


def test_known_models_have_their_price_at_their_own_address_only(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    assert price_of(opened(MINI), MINI, {}) == known_prices()[MINI]
    dated = f"{MINI}-2024-07-18"
    assert price_of(opened(dated), dated, {}) == known_prices()[MINI]
    assert price_of(opened("openai:nothing-known"), "openai:nothing-known", {}) is None
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert price_of(opened(MINI), MINI, {}) is None
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert price_of(opened(MINI), MINI, {}) == known_prices()[MINI]


def test_what_the_workspace_states_comes_first(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    stated = {MINI: Price(input=1, output=2), "openai:llama": FREE}
    assert price_of(opened(MINI), MINI, stated) == Price(input=1, output=2)
    assert price_of(opened(f"{MINI}-2024-07-18"), f"{MINI}-2024-07-18", stated) == Price(input=1, output=2)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert price_of(opened("openai:llama"), "openai:llama", stated) == FREE


def test_no_model_costs_nothing_and_a_stranger_is_not_known() -> None:
    assert price_of(OfflinePlanner(), "offline", {}) == FREE
    assert price_of(ScriptedModel(), "ScriptedModel", {}) is None


@pytest.mark.parametrize(
    ("details", "price", "cost"),
    [
        ({}, Price(input=2, output=8), 0.002 + 0.0008),
        ({"cache_read": 400}, Price(input=2, cached_input=0.5, output=8), 0.0012 + 0.0002 + 0.0008),
        ({"cache_read": 400}, Price(input=2, output=8), 0.002 + 0.0008),
        ({"cache_read": None}, Price(input=2, output=8), 0.002 + 0.0008),
        ({}, FREE, 0.0),
    ],
)
def test_a_call_costs_what_its_tokens_cost(details: Any, price: Price, cost: float) -> None:
    usage: Any = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, "input_token_details": details}
    assert cost_of(usage, price) == pytest.approx(cost)
