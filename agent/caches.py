"""The caches of a workspace: look-ups in memory; model replies and, if the settings say so, answers on disk.

| kept | key | until |
| --- | --- | --- |
| look-up, ``tools/lookup_cache.py`` | index, count of writes, user, constraints, slate, arguments | write, new index |
| model reply, ``agent/models/cache.py`` | conversation (prompt, profile, findings), tools, model, parameters | limit |
| answer | request, user, options, model, index, count of writes, prompts, release | limit |

Profiles (``tools/engines/history.py``: user's watermark, catalogue's version) and query vectors
(``tools/encoders/query_cache.py``: encoder, text) are remembered by their engines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, RunnableLambda
from pydantic import TypeAdapter

from recmind import prompts
from recmind.agent.answer import Answer, Usage
from recmind.agent.models.cache import LARGEST as LARGEST_RESPONSES
from recmind.agent.models.cache import caching
from recmind.data.disk_cache import DiskCache, key_of
from recmind.data.version import recmind_version
from recmind.data.workspace import Workspace
from recmind.tools.lookup_cache import FindingsCache, RememberedLookUps
from recmind.tools.lookups import LookUps

LARGEST_ANSWERS = 500


class Caches:
    """The caches of one workspace. Safe to share between threads and processes."""

    def __init__(self, workspace: Workspace) -> None:
        self.settings = workspace.settings.caches
        self._findings = FindingsCache()
        self._responses = DiskCache(workspace.cache / "responses.db", LARGEST_RESPONSES)
        self._answers = DiskCache(workspace.cache / "answers.db", LARGEST_ANSWERS)

    def model(self, model: BaseChatModel, user_id: str | None) -> BaseChatModel:
        """The model; its replies are remembered if the settings and the model allow it."""
        return caching(model, self._responses, user_id) if self.settings.responses else model

    def look_ups(self, look_ups: LookUps) -> LookUps | RememberedLookUps:
        """The look-ups; what they found before is used again if the settings allow it."""
        return RememberedLookUps(look_ups, self._findings) if self.settings.look_ups else look_ups

    def answer(self, key: bytes) -> Answer | None:
        """The remembered answer with a usage of zero, or None."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        answer = _answers().validate_json(kept)
        return replace(answer, usage=Usage(cost_usd=0.0, model_choice=answer.usage.model_choice, cached=True))

    def keep_answer(self, key: bytes, answer: Answer) -> None:
        """Keep an answer for the next equal request. Fallback answers and questions to the person are not kept."""
        if answer.source == "agent" and answer.question is None:
            self._answers.put(key, _answers().dump_json(answer), answer.user_id)

    def forget_user(self, user_id: str) -> int:
        """Erase what concerns this user; returns how many entries were erased on disk."""
        self._findings.clear()
        return sum(disk.forget(user_id) for disk in (self._responses, self._answers))


def answer_key(asked: Mapping[str, Any], state: Sequence[Any]) -> bytes:
    """The cache key of an answer.

    Args:
        asked: the request and its options, JSON-ready.
        state: the versions of the workspace that the answer depends on.
    """
    parts = (json.dumps(asked, sort_keys=True, default=str), json.dumps(state), prompts.version(), recmind_version())
    return key_of(parts)


def told_again(answer: Answer, config: RunnableConfig, trace_id: str, started: float) -> Answer:
    """The remembered answer as the answer to a new request, with a trace of its own: a single run that says "cached".

    Args:
        answer: the remembered answer.
        config: callbacks, run id and metadata of the new request.
        trace_id: the id of the new trace.
        started: ``time.monotonic()`` when the new request came in.
    """
    outputs = {"cached": True, "recommendations": [found.item_id for found in answer.recommendations]}
    again: RunnableLambda[dict[str, Any], dict[str, Any]] = RunnableLambda(lambda _: outputs, name="recommend")
    again.invoke({}, config)
    return replace(answer, trace_id=trace_id, latency_ms=round(1000 * (time.monotonic() - started), 3))


@cache
def _answers() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)
