"""Remembers findings for the same question in the same state of the workspace."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from recmind.tools.evidence.slate import Findings
from recmind.tools.lookups import LookUps

LARGEST = 1_000
"""Largest number of findings that are remembered; the longest unused are removed first."""

State = tuple[str, float, int]
"""Version and time (Unix seconds) of the index, and the number of all writes to the database."""


class FindingsCache:
    """Findings by question, for one state of the workspace; any write or new index empties it. Threads may share it."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._found: OrderedDict[Any, Findings] = OrderedDict()
        self._state: State | None = None
        self._lock = threading.Lock()

    def get(self, state: State, key: Any) -> Findings | None:
        """The remembered findings, or None."""
        with self._lock:
            if state != self._state:
                self._found.clear()
                self._state = state
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def put(self, state: State, key: Any, findings: Findings) -> None:
        """Remember findings, unless the workspace has changed in the meantime.

        Args:
            state: state of the workspace when the question was asked.
            key: the question.
            findings: its findings.
        """
        with self._lock:
            if state == self._state:
                self._found[key] = findings
                if len(self._found) > self._largest:
                    self._found.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()


class RememberedLookUps:
    """Look-ups that ask the engines only questions that are not remembered."""

    def __init__(self, look_ups: LookUps, cache: FindingsCache) -> None:
        self.look_ups, self.cache = look_ups, cache

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Findings:
        """The findings of the tool, marked ``cached`` where they were remembered. Raises as ``LookUps.call`` does."""
        state, key = self._state(), (*self._asked(), tool, json.dumps(arguments, sort_keys=True, default=str))
        found = self.cache.get(state, key)
        if found is not None:
            return replace(found, cached=True)
        found = self.look_ups.call(tool, arguments)
        self.cache.put(state, key, found)
        return found

    def _state(self) -> State:
        context = self.look_ups.context
        manifest = context.engines.manifest
        return manifest.version, manifest.built_at, context.store.clock

    def _asked(self) -> tuple[Any, ...]:
        """All but tool and arguments that decides the findings: who asks, what binds, what is on the slate."""
        context, brief = self.look_ups.context, self.look_ups.brief
        read = tuple(_hashable(getattr(brief, part.name)) for part in fields(brief) if part.compare)
        entries = self.look_ups.slate.entries.values()
        slate = tuple((e.handle, e.item_id, e.role, tuple(e.scores.items())) for e in entries)
        return context.people, context.aggregation, context.k, context.diversity, read, slate


def _hashable(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, Mapping) else value
