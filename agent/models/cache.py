"""The replies of chat models, cached in the workspace: the same conversation is not paid for twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, messages_from_dict, messages_to_dict
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, Generation
from typing_extensions import override

from recmind.agent.models.failures import ModelFailure, Who
from recmind.agent.models.replies import checked
from recmind.data.disk_cache import DiskCache, key_of

LARGEST = 2_000
"""Number of replies kept; the least recently used are dropped first."""

CACHED = "recmind_cached"
"""True in the ``response_metadata`` of a reply that came from the cache."""

_HEARD = ("type", "content", "tool_calls", "invalid_tool_calls", "tool_call_id", "name", "status")
"""The fields of a message that can change the next reply; ids, usage and what only RecMind reads cannot."""


class ResponseCache(BaseCache):
    """Replies by conversation, tools, model and parameters.

    The conversation holds the prompt, the profile and everything that the tools found, so a new version of any of these
    makes another key. One cache object is made for each request, because it knows whom the replies are for.

    Args:
        disk: the file that keeps the replies.
        owner: the user whose erasure removes the replies; None for nobody.
    """

    def __init__(self, disk: DiskCache, owner: str | None) -> None:
        self._disk, self._owner = disk, owner

    @override
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        kept = self._disk.get(_key(prompt, llm_string))
        if kept is None:
            return None
        (message,) = messages_from_dict([json.loads(kept)])
        assert isinstance(message, AIMessage)
        usage = UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0)
        facts = {**message.response_metadata, CACHED: True}
        return [
            ChatGeneration(message=message.model_copy(update={"usage_metadata": usage, "response_metadata": facts}))
        ]

    @override
    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        if len(return_val) != 1 or not isinstance(return_val[0], ChatGeneration):
            return
        message = return_val[0].message
        try:
            checked(message, Who("the model"), ())
        except ModelFailure:
            # A reply that cannot be used is not kept, so that the model is asked again.
            return
        (kept,) = messages_to_dict([message.model_copy(update={"id": None})])
        self._disk.put(_key(prompt, llm_string), json.dumps(kept).encode(), self._owner)

    @override
    def clear(self, **kwargs: Any) -> None:
        self._disk.path.unlink(missing_ok=True)


def caching(model: BaseChatModel, disk: DiskCache, owner: str | None) -> BaseChatModel:
    """The model with a cache, if it gives the same answer each time (temperature 0); otherwise the model unchanged.

    Args:
        model: the chat model.
        disk: the file that keeps the replies.
        owner: the user whose erasure removes the replies; None for nobody.
    """
    if getattr(model, "temperature", None) != 0 or model.cache is not None:
        return model
    return model.model_copy(update={"cache": ResponseCache(disk, owner)})


def is_cached(message: BaseMessage) -> bool:
    """Whether this reply came from the cache."""
    return bool(message.response_metadata.get(CACHED))


def _key(prompt: str, llm_string: str) -> bytes:
    """The same key for equal conversations: ids and usage of their messages do not count."""
    messages: list[Mapping[str, Any]] = json.loads(prompt)
    heard = [{name: message["kwargs"].get(name) for name in _HEARD} for message in messages]
    return key_of((llm_string, json.dumps(heard, sort_keys=True)))
