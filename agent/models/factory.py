"""Opens chat models by name: ``openai:NAME`` for all that speak OpenAI's protocol, ``provider:NAME`` for the others."""

from __future__ import annotations

import os
import re
from typing import Any

from langchain_core.language_models import BaseChatModel

from recmind.agent.models.failures import OPENAI_KEY, Who, failure_of, no_key
from recmind.data.errors import InputError
from recmind.data.settings import Limits

TEMPERATURE = 0.0
SEED = 7
"""Fixed, so that the same request gets the same answer if the provider supports it."""
RETRIES = 1
"""More retries would use up the time that the fallback needs."""

URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
NO_KEY = "no-key-needed"
"""Sent to servers for which no key is set; local servers accept any key."""

REASONING = re.compile(r"^(o\d|gpt-[5-9](?!.*chat))")
"""OpenAI's names of models that reject a temperature and, behind their newer API, a seed."""


class ModelNameError(InputError):
    """A model's name contains no provider, or an unknown one."""


class ModelPackageMissing(InputError):  # noqa: N818  reads as the fact that it is
    """The package that talks to this provider is not installed."""


def open_model(name: str, limits: Limits | None = None) -> BaseChatModel:
    """The chat model of this name, ready to be called; nothing is sent yet.

    ``openai:NAME`` goes to OpenAI or, if ``OPENAI_BASE_URL`` is set, to the server there.

    Args:
        name: ``provider:NAME``.
        limits: how long a call may take; None: the defaults.

    Raises:
        ModelNameError: the name contains no provider, or an unknown one.
        ModelPackageMissing: the package for this provider is not installed.
        ModelFailure: a key is needed and not set (``no_key``), or the provider's client cannot be made.
    """
    limits = limits or Limits()
    provider, separator, model = name.strip().partition(":")
    if not separator or not provider or not model:
        raise ModelNameError(
            f"{name!r} names no provider. Write PROVIDER:NAME, for example openai:{model or provider or 'gpt-4o-mini'}."
        )
    if provider == "openai":
        return _open_openai(name.strip(), model, limits)
    return _open_other(name.strip(), provider, model)


def model_name_of(model: BaseChatModel) -> str:
    """The name of an opened model for people: ``openai:gpt-4o-mini``, or its class if it has no name."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    kind = type(model).__name__
    if not isinstance(name, str) or not name:
        return kind
    return f"openai:{name}" if kind == "ChatOpenAI" else name


def who_is(model: Any, name: str | None = None) -> Who:
    """How messages to people name this model.

    Args:
        model: the model; tools and the like that are bound around it are ignored.
        name: a name to use instead of its own.
    """
    model = innermost(model)
    key: Any = getattr(model, "openai_api_key", None)
    keyless = hasattr(key, "get_secret_value") and key.get_secret_value() == NO_KEY
    endpoint = getattr(model, "openai_api_base", None) or getattr(model, "base_url", None)
    return Who(name or model_name_of(model), str(endpoint or ""), keyless)


def innermost(model: Any) -> Any:
    """The model itself, without anything that is bound around it."""
    while hasattr(model, "bound"):
        model = model.bound
    return model


def _open_openai(name: str, model: str, limits: Limits) -> BaseChatModel:
    endpoint = next((os.environ[variable] for variable in URL_VARIABLES if os.environ.get(variable)), None)
    key = os.environ.get(OPENAI_KEY, "").strip()
    if not key and endpoint is None:
        raise no_key(Who(name))
    try:
        from pydantic import SecretStr  # noqa: PLC0415

        from recmind.agent.models.openai_chat import ChatOpenAI, LoopClient  # noqa: PLC0415  takes a second and a half
    except ImportError:
        raise ModelPackageMissing(f"{name} needs langchain-openai. Run: pip install langchain-openai") from None
    steady: dict[str, Any] = {} if REASONING.match(model) else {"temperature": TEMPERATURE, "seed": SEED}
    return ChatOpenAI(
        model=model,
        base_url=endpoint,
        api_key=SecretStr(key or NO_KEY),
        # Needed for token limits; by default it is not requested when a base URL is set.
        stream_usage=True,
        # For each read: a stream that falls silent must not hold its thread for ever. Calls have their own deadline.
        timeout=limits.seconds,
        max_retries=RETRIES,
        http_async_client=LoopClient(timeout=limits.seconds),
        # If one client is given, LangChain sets socket options on the other one, which would turn proxies off.
        http_socket_options=(),
        **steady,
    )


def _open_other(name: str, provider: str, model: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model  # noqa: PLC0415  takes most of a second

    try:
        opened = init_chat_model(model, model_provider=provider, temperature=TEMPERATURE)
    except ImportError as error:
        found = re.search(r"pip install (?:-U )?([\w-]+)", str(error))
        package = found[1] if found else f"langchain-{provider.replace('_', '-')}"
        raise ModelPackageMissing(f"{name} needs {package}. Run: pip install {package}") from None
    except Exception as error:
        text = str(error)
        if "nsupported" in text and "provider" in text.lower():
            known = re.search(r"(?s)supported (?:model )?providers[^:]*:\s*(.+)", text, re.IGNORECASE)
            choices = f" Known: {' '.join(known[1].split())[:300]}" if known else ""
            raise ModelNameError(f"{name!r}: there is no provider {provider!r}.{choices}") from None
        if re.search(r"api[_ ]?key|credential|token", text, re.IGNORECASE):
            raise no_key(Who(name)) from None
        raise failure_of(error, Who(name)) from error
    assert isinstance(opened, BaseChatModel)
    return opened
