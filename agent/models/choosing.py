"""Which model a request is put to: the one that was named, opened once; or what ``auto:CHEAP,STRONG`` comes down to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from recmind.agent.models.factory import model_name_of, open_model
from recmind.agent.models.failures import ModelFailure
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.models.offline import OfflinePlanner
from recmind.agent.models.routing import read_route, route
from recmind.agent.understanding import Understanding
from recmind.data.settings import Limits

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """The model for one request."""

    model: BaseChatModel
    name: str
    failure: str | None = None
    """Why it cannot be asked, or None where it can."""
    why: str | None = None
    """Why it was chosen, where ``auto`` chose it."""


class Models:
    """Opens models by name, each once for about how long it may take. Safe to share between threads."""

    def __init__(self, limits: Limits, *, fallback: bool) -> None:
        """``fallback``: whether a model that cannot be opened is told in the choice; otherwise ``ModelFailure``."""
        self._limits, self._fallback = limits, fallback
        self._opened: dict[tuple[str, float], BaseChatModel] = {}
        self._lock = threading.Lock()

    def choose(self, wanted: str | BaseChatModel, read: Callable[[], Understanding], seconds: float) -> Choice:
        """The model that is wanted.

        Args:
            wanted: a name, ``auto:CHEAP,STRONG``, or an opened model.
            read: reads the request; called for ``auto`` alone.
            seconds: how long the request may take: a model opened by name waits as long for an answer.

        Raises:
            InputError: the name leads nowhere.
            ModelFailure: the model cannot be asked, and there is no fallback.
        """
        if not isinstance(wanted, str):
            return Choice(wanted, model_name_of(wanted))
        pair = read_route(wanted)
        if pair is None:
            return self._open(wanted, seconds)
        found = route(read(), *pair)
        log.info("%s chose %s: %s", wanted, found.name, found.cause)
        return self._open(found.name, seconds, why=found.cause)

    def _open(self, name: str, seconds: float, why: str | None = None) -> Choice:
        limits = self._limits
        while limits.seconds < seconds:
            # In steps, so that requests with a limit each share a few clients.
            limits = limits.changed({"seconds": 2 * limits.seconds})
        key = name, limits.seconds
        with self._lock:
            if key not in self._opened:
                try:
                    self._opened[key] = OfflinePlanner() if name == OFFLINE else open_model(name, limits)
                except ModelFailure as failure:
                    if not self._fallback:
                        raise
                    return Choice(OfflinePlanner(), name, str(failure), why)
            return Choice(self._opened[key], name, None, why)
