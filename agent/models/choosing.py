"""Chooses the model for a request: the named one, opened once, or one of the two in ``auto:CHEAP,STRONG``."""

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
    """Why the model cannot be used, or None if it can."""
    why: str | None = None
    """Why ``auto`` chose it; None if it was named."""


class Models:
    """Opens models by name, once for each name and time limit. Safe to share between threads.

    Args:
        limits: the limits of the workspace.
        fallback: whether a model that cannot be opened is reported in the choice; False: it raises ``ModelFailure``.
    """

    def __init__(self, limits: Limits, *, fallback: bool) -> None:
        self._limits, self._fallback = limits, fallback
        self._opened: dict[tuple[str, float], BaseChatModel] = {}
        self._lock = threading.Lock()

    def choose(self, wanted: str | BaseChatModel, read: Callable[[], Understanding], seconds: float) -> Choice:
        """The model for a request.

        Args:
            wanted: a name, ``auto:CHEAP,STRONG``, or an opened model.
            read: reads the request; called only for ``auto``.
            seconds: how long the request may take; a model opened by name waits no longer for an answer.

        Raises:
            InputError: the name is not that of a model.
            ModelFailure: the model cannot be used, and there is no fallback.
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
            # Limits are doubled in steps, so that requests with different limits share a few clients.
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
