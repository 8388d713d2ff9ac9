"""The price of a model call: prices by name; those in the workspace's settings come before those RecMind knows."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata

from recmind.agent.models.factory import URL_VARIABLES, who_is
from recmind.agent.models.offline import OfflinePlanner
from recmind.data.settings import Price

FREE = Price(input=0, output=0)
MILLION = 1_000_000
OWN_HOSTS = ("api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com")
"""The known prices hold for these hosts. Another server may offer a model of the same name at another price."""

_SNAPSHOT = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@cache
def known_prices() -> Mapping[str, Price]:
    """The prices in ``prices.toml``, by ``provider:name``."""
    text = resources.files("recmind.agent.models").joinpath("prices.toml").read_text(encoding="utf-8")
    return {name: Price.model_validate(price) for name, price in tomllib.loads(text).items()}


def price_of(model: BaseChatModel, name: str, stated: Mapping[str, Price]) -> Price | None:
    """The price of an opened model, or None if it is not known.

    Args:
        model: the model; its address says whether a known price holds.
        name: the name it was opened by, such as ``openai:gpt-4o-mini``.
        stated: the prices in the workspace's settings, by name.
    """
    if isinstance(model, OfflinePlanner):
        return FREE
    undated = _SNAPSHOT.sub("", name)
    if found := stated.get(name) or stated.get(undated):
        return found
    endpoint = who_is(model).endpoint
    if not endpoint and name.startswith("openai:"):
        endpoint = next((os.environ[variable] for variable in URL_VARIABLES if os.environ.get(variable)), "")
    if endpoint and urlsplit(endpoint).hostname not in OWN_HOSTS:
        return None
    return known_prices().get(name) or known_prices().get(undated)


def cost_of(usage: UsageMetadata, price: Price) -> float:
    """The cost of this usage in US dollars."""
    details = usage.get("input_token_details") or {}
    cached = min(details.get("cache_read") or 0, usage["input_tokens"])
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = usage["input_tokens"] - cached
    return (fresh * price.input + cached * cached_price + usage["output_tokens"] * price.output) / MILLION
