"""The rows of a finished request: one for the request, one for each run, and the payloads they share."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from recmind.agent.tracing.records import Tokens
from recmind.agent.tracing.runs import ListenedRun
from recmind.agent.tracing.store.packing import Packed, pack
from recmind.agent.tracing.store.plain import CALL, MODEL, SLATE, Plainer
from recmind.agent.tracing.store.redaction import Redaction
from recmind.data.settings import TraceSettings

PROJECT = "recmind"
"""The project of the runs, unless LANGSMITH_PROJECT names another."""

UNFINISHED = "No end was recorded: it was given up, or still running when the request ended."

WORKING = frozenset({"messages", "slate", "spent", "read", "submit_call_id"})
"""Parts of the final state that the root does not repeat, because the runs of model and tools have them. The complete
slate is kept beside the root."""

_OF_LANGCHAIN = ("ls_", "lc_", "langgraph_")
"""Prefixes of the metadata that LangChain adds."""

_PLACES = frozenset(
    {
        "langgraph_path",
        "langgraph_triggers",
        "langgraph_checkpoint_ns",
        "checkpoint_ns",
        "lc_versions",
        "ls_integration",
    }
)
"""Metadata that LangGraph and LangChain add to every run and nobody needs."""

WORDS = 20_000
"""Only this many letters of a trace can be searched."""
_DULL = frozenset({"lc", "type", "id", "cites", "item", "item_id", "score", "usage_metadata", "response_metadata"})
"""Fields that hold no words of a request or an answer."""


@dataclass(slots=True)
class TraceRows:
    """One trace as it is written: values by column name."""

    trace: dict[str, Any]
    runs: list[dict[str, Any]]
    """Parents first."""
    payloads: dict[bytes, Packed] = field(default_factory=dict)
    """The payloads that ``shared`` of the runs refers to, by hash."""
    words: str = ""
    """The text that the trace is found by."""


def kept(root: ListenedRun, settings: TraceSettings) -> bool:
    """Whether a finished request leaves a trace; a request that went wrong always does."""
    # An id ends in random digits, which decide whether it belongs to the sample.
    return bool(root.error or root.outputs.get("cause")) or int(root.id[-8:], 16) < settings.sample * 2**32


def rows_of(root: ListenedRun, runs: Sequence[ListenedRun], settings: TraceSettings) -> TraceRows:
    """The rows of a finished request.

    Args:
        root: the run of the whole request.
        runs: all runs of it, parents before children.
        settings: what is kept of a request.
    """
    if settings.content == "timings":
        return _rows(root, runs, None)
    redaction = Redaction.of(settings)
    full = _Payloads(root, redaction, unchecked=[])
    rows = _rows(root, runs, full)
    # One search over all payloads takes far less time than one in each, and few traces contain any secrets.
    return _rows(root, runs, _Payloads(root, redaction)) if full.suspicious() else rows


def _rows(root: ListenedRun, runs: Sequence[ListenedRun], full: _Payloads | None) -> TraceRows:
    tokens = _tokens(runs)
    project = os.environ.get("LANGSMITH_PROJECT") or PROJECT
    rows = []
    for run in runs:
        error = run.error or (UNFINISHED if run.end_time is None else None)
        row = {
            "id": run.id,
            "parent_run_id": run.parent_run_id,
            "dotted_order": run.dotted_order,
            "name": run.name,
            "run_type": run.run_type,
            "start_time": _iso(run.start_time),
            "end_time": _iso(run.end_time) if run.end_time else None,
            "session_name": project,
            **_columns(tokens[run.id]),
        }
        if full is None:
            row |= {"inputs": "{}", "outputs": "{}", "extra": _timings(run), "shared": None, "tags": "[]"}
            row["error"] = error.partition(":")[0] if error else None
        else:
            row |= full.of(run)
            row["error"] = full.line(error) if error else None
        rows.append(row)
    if rows[0]["total_cost"] is None:
        # The agent knows prices that the model's reply does not report.
        rows[0]["total_cost"] = getattr(root.outputs.get("spent"), "cost_usd", None)
    trace = _request(root, runs) | {name: rows[0][name] for name in _columns(Tokens())}
    trace["error"] = rows[0]["error"].partition("\n\nTraceback ")[0] if root.error else None
    if full is None:
        return TraceRows(trace | {"query": "", "user_id": None}, rows)
    for name in ("query", "user_id"):
        trace[name] = full.line(str(trace[name]), name) if trace[name] is not None else None
    return TraceRows(trace, rows, full.payloads, full.words())


class _Payloads:
    """Makes the JSON texts of one trace, and remembers those that several runs share."""

    def __init__(self, root: ListenedRun, redaction: Redaction, unchecked: list[bytes] | None = None) -> None:
        self.root, self.redaction, self._unchecked = root, redaction, unchecked
        self.payloads: dict[bytes, Packed] = {}
        self._call, self._model, self._all = (Plainer(bounds, redaction, unchecked) for bounds in (CALL, MODEL, SLATE))
        self._metadata = root.extra.get("metadata") or {}
        self._hashes: dict[int, tuple[Any, str]] = {}
        self._said: dict[str, None] = {}
        """The texts that were asked, said and found, each once."""

    def of(self, run: ListenedRun) -> dict[str, Any]:
        """The columns of a run for its inputs and outputs."""
        shared: dict[str, dict[str, Any]] = {}
        if run is self.root:
            inputs, outputs = self._call.json(_asked(run)), self._call.json(_answered(run))
            self._note(orjson.loads(inputs), ("query", "user_id"))
            self._note(orjson.loads(outputs), ("message", "verdict", "cause"))
            if (slate := run.outputs.get("slate")) is not None:
                shared["outputs"] = {"slate": self._slate(slate)}
        elif run.run_type == "llm":
            given = dict(run.inputs)
            if messages := given.pop("messages", None):
                shared["inputs"] = {"messages": [[self._shared(message) for message in batch] for batch in messages]}
            inputs, outputs = self._model.json(given), self._model.json(run.outputs)
            self._note(orjson.loads(outputs), ("generations",))
        elif run.run_type == "chain":
            inputs = self._call.json({name: _outline(value) for name, value in run.inputs.items()})
            outputs = self._call.json({name: _change(run, name, value) for name, value in run.outputs.items()})
        else:
            inputs, outputs = self._call.json(run.inputs), self._call.json(run.outputs)
            self._note(orjson.loads(inputs))
        extra = self._extra(run)
        if (parameters := extra.get("invocation_params")) and parameters.get("tools"):
            shared["extra"] = {"invocation_params.tools": self._shared(parameters["tools"])}
            extra["invocation_params"] = {name: value for name, value in parameters.items() if name != "tools"}
        return {
            "inputs": pack(inputs),
            "outputs": pack(outputs),
            "extra": pack(self._model.json(extra)),
            "shared": orjson.dumps(shared).decode() if shared else None,
            "tags": self._call.json(run.tags),
        }

    def suspicious(self) -> bool:
        """Whether anything not searched yet may be a secret: then none of it may be kept."""
        return bool(self._unchecked) and self._call.suspicious(b"\n".join(self._unchecked or ()))

    def line(self, text: str, field: str = "") -> str:
        """The text, bounded and without secrets."""
        return self._call.line(text, field)

    def words(self) -> str:
        """The text that the trace is found by."""
        return "\n".join(self._said)[:WORDS]

    def _note(self, plain: Any, names: Collection[str] | None = None) -> None:
        """Notes the texts in JSON values; if names are given, only those under these names."""
        told = plain if names is None else {name: part for name, part in plain.items() if name in names}
        self._said.update(dict.fromkeys(_texts(told)))

    def _slate(self, slate: Any) -> str:
        text = self._all.json(slate)
        titles = [str(entry.title) for entry in getattr(slate, "entries", {}).values()]
        if self.redaction.own:
            titles = [self.line(title, "title") for title in titles]
        self._said.update(dict.fromkeys(titles))
        return self._kept_once(text)

    def _shared(self, value: Any) -> str:
        """The hash of a payload that is stored once, however many runs and requests have it."""
        known = self._hashes.get(id(value))
        if known is None:
            known = self._hashes[id(value)] = (value, self._kept_once(self._model.json(value)))
        return known[1]

    def _kept_once(self, text: str) -> str:
        made = hashlib.blake2b(text.encode(), digest_size=16)
        if made.digest() not in self.payloads:
            self.payloads[made.digest()] = pack(text)
        return made.hexdigest()

    def _extra(self, run: ListenedRun) -> dict[str, Any]:
        """What else LangChain reports about a run; metadata that all runs share is kept with the root alone."""
        metadata = run.extra.get("metadata") or {}
        if run is self.root:
            # The request itself is in the root's inputs.
            own = {name: value for name, value in metadata.items() if name.startswith(_OF_LANGCHAIN)}
        else:
            own = {
                name: value
                for name, value in metadata.items()
                if name not in _PLACES and self._metadata.get(name, self) is not value
            }
        return {**run.extra, "metadata": own} if own else {n: v for n, v in run.extra.items() if n != "metadata"}


def _request(root: ListenedRun, runs: Sequence[ListenedRun]) -> dict[str, Any]:
    """The columns of a request in the list of requests."""
    asked = _asked(root)
    models = [run for run in runs if run.run_type == "llm"]
    tools = [run for run in runs if run.run_type == "tool"]
    return {
        "trace_id": root.id,
        "start_time": _iso(root.start_time),
        "latency_ms": ((root.end_time or datetime.now(UTC)) - root.start_time).total_seconds() * 1000,
        "query": str(asked.get("query") or ""),
        "user_id": asked.get("user_id"),
        "model": str(asked.get("model") or ""),
        "source": None if root.error else "fallback" if root.outputs.get("cause") else "agent",
        "status": "error" if root.error else "success",
        "runs": len(runs),
        "model_calls": len(models),
        "cached_calls": sum(map(_cached, models)),
        "tool_calls": len(tools),
        "failed_tools": sum(run.error is not None for run in tools),
    }


def _tokens(runs: Sequence[ListenedRun]) -> dict[str, Tokens]:
    """The tokens of every run by id: its own and those of the runs below it, which come after their parents."""
    totals = {run.id: run.usage for run in runs}
    for run in reversed(runs):
        if run.parent_run_id in totals:
            totals[run.parent_run_id] += totals[run.id]
    return totals


def _columns(used: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.total,
        "total_cost": used.cost,
    }


def _asked(root: ListenedRun) -> dict[str, Any]:
    """The request: the root's metadata without what LangChain adds."""
    metadata = root.extra.get("metadata") or {}
    return {name: value for name, value in metadata.items() if not name.startswith(_OF_LANGCHAIN)}


def _answered(root: ListenedRun) -> dict[str, Any]:
    return {name: value for name, value in root.outputs.items() if name not in WORKING}


def _outline(value: Any) -> Any:
    """What a step was given, as names and sizes: the calls below it have the details."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:200]
    size = f" of {len(value)}" if isinstance(value, (list, tuple, dict, frozenset)) else ""
    return f"({type(value).__name__}{size})"


def _change(run: ListenedRun, name: str, value: Any) -> Any:
    """What a step changed in a part of the state; of a slate only what is new."""
    if hasattr(value, "entries") and hasattr(value, "evidence"):
        before = getattr(run.inputs.get(name), "entries", {})
        added = [handle for handle in value.entries if handle not in before]
        return {"entries": len(value.entries), "evidence": len(value.evidence), "added": added}
    if name == "messages" and isinstance(value, list):
        return [_outline(message) for message in value]
    return _outline(value) if isinstance(value, frozenset) else value


def _cached(run: ListenedRun) -> bool:
    """Whether a model call was answered from the cache."""
    for batch in run.outputs.get("generations") or ():
        for generation in batch:
            if getattr(generation.get("message"), "response_metadata", {}).get("cache_hit"):
                return True
    return False


def _timings(run: ListenedRun) -> str:
    """The part of ``extra`` that is kept if only timings are."""
    return orjson.dumps({name: run.extra[name] for name in ("first_token_s",) if name in run.extra}).decode()


def _texts(plain: Any) -> Iterator[str]:
    """The texts of JSON values that may be words of a person, an item or a model."""
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, list):
        for part in plain:
            yield from _texts(part)
    elif isinstance(plain, dict):
        for name, part in plain.items():
            if name not in _DULL:
                yield from _texts(part)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
