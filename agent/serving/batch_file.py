"""Answers a file of requests in another file: a few at a time. A run that was stopped can be continued."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recmind.agent.answer import Answer
from recmind.agent.options import BATCH, RequestOptions, check_query
from recmind.agent.serving.batch import CONCURRENCY, JsonLine
from recmind.data.conditions import parse_condition, resolve_condition
from recmind.data.disk_cache import key_of
from recmind.data.errors import BadRow, InputError, RecMindError, unknown
from recmind.data.locking import Taken, turn
from recmind.data.progress import Progress, quiet

if TYPE_CHECKING:
    from recmind.agent.recommender import RecMind

FIELDS = BATCH
"""The fields of a line; all are optional."""


class BadRequests(InputError):  # noqa: N818  reads as what it is about
    """Some lines of a file are not requests; ``problems`` names each. No request was answered."""

    def __init__(self, file: Path, problems: list[BadRow]) -> None:
        count = len(problems)
        super().__init__(
            f"{file.name} has {count} bad {'line' if count == 1 else 'lines'}, so nothing was asked. "
            "Mend them, or use --skip-bad."
        )
        self.problems = problems


@dataclass(slots=True)
class BatchSummary:
    """Figures of a file of answers, summed over all runs that wrote it."""

    requests: int = 0
    answered_before: int = 0
    """Answers of earlier runs, which were stopped."""
    fallbacks: int = 0
    errors: int = 0
    """Requests with an error in place of an answer."""
    bad_lines: list[BadRow] = field(default_factory=list)
    model_calls: int = 0
    cached_model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """US dollars; None as soon as the cost of one answer is not known."""
    seconds: float = 0.0
    """Seconds that this run took."""

    def add(self, line: JsonLine) -> None:
        """Count one line of the file of answers."""
        self.requests += 1
        if "error" in line:
            self.errors += 1
            return
        usage = line["usage"]
        self.fallbacks += line["source"] == "fallback"
        for name in ("model_calls", "cached_model_calls", "tool_calls", "input_tokens", "output_tokens"):
            setattr(self, name, getattr(self, name) + usage[name])
        cost = usage["cost_usd"]
        self.cost_usd = None if self.cost_usd is None or cost is None else self.cost_usd + cost


def batch_file(
    rec: RecMind,
    requests: Path,
    out: Path,
    *,
    concurrency: int = CONCURRENCY,
    skip_bad: bool = False,
    progress: Progress = quiet,
    **options: Any,
) -> BatchSummary:
    """Answers the requests of one file in another, a line each.

    A line of the answers says which ``line`` of the requests it answers. Each is written as soon as it is ready, and an
    answer in the file is not asked for again: a run that was stopped or killed continues where it was.

    Args:
        rec: answers the requests.
        requests: JSON Lines, each an object with any of ``FIELDS``.
        out: JSON Lines, each an answer's ``to_dict`` or an ``error``, with ``line`` and ``request``, a key of what was
            asked.
        concurrency: how many requests run at a time.
        skip_bad: whether to leave out lines that are not requests.
        progress: called after every answer.
        **options: options of all requests, as for ``RecMind.recommend``.

    Raises:
        BadRequests: a line is not a request.
        InputError: a file cannot be read or written, ``out`` answers other requests, or another batch is writing it.
    """
    begun = time.monotonic()
    asked, bad = _read(rec, requests, options)
    if bad and not skip_bad:
        raise BadRequests(requests, bad)
    with _writing(rec, out):
        answered = _answered(out, requests, asked)
        summary = BatchSummary(bad_lines=bad, answered_before=len(answered))
        for line in answered.values():
            summary.add(line)
        missing = [number for number in asked if number not in answered]
        with out.open("ab", buffering=0) as opened:
            progress("answering", summary.requests, len(asked))
            found = rec.batch((asked[number].request for number in missing), concurrency=concurrency, **options)
            with closing(found):
                for place, outcome in found:
                    number = missing[place]
                    line = {"line": number, "request": asked[number].key, **_told(outcome)}
                    # One write: a process that is killed leaves a whole line, or an incomplete one that the next run
                    # removes.
                    opened.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")
                    summary.add(line)
                    progress("answering", summary.requests, len(asked))
            os.fsync(opened.fileno())
    summary.seconds = round(time.monotonic() - begun, 3)
    return summary


@dataclass(frozen=True, slots=True)
class _FileRequest:
    request: JsonLine
    key: str


@contextmanager
def _writing(rec: RecMind, out: Path) -> Iterator[None]:
    """Holds the lock of this file, which only one batch may write at a time."""
    rec.workspace.cache.mkdir(parents=True, exist_ok=True)
    lock = rec.workspace.cache / f"batch-{key_of((str(out.resolve()),)).hex()[:16]}.lock"
    try:
        with turn(lock, 0):
            yield
    except Taken:
        raise InputError(f"Another batch is writing {str(out)!r}. Wait until it ends.") from None


def _read(rec: RecMind, file: Path, options: Mapping[str, Any]) -> tuple[dict[int, _FileRequest], list[BadRow]]:
    """The requests by line number, and the lines that are not requests."""
    asked: dict[int, _FileRequest] = {}
    bad: list[BadRow] = []
    shared = json.dumps(options, sort_keys=True, default=str)
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read: {error.strerror}") from None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            request = _request(rec, json.loads(text.decode("utf-8-sig")), options)
        except (ValueError, InputError) as error:
            bad.append(BadRow(file.name, number, " ".join(str(error).split())))
        else:
            asked[number] = _FileRequest(request, key_of((shared, json.dumps(request, sort_keys=True))).hex()[:16])
    return asked, bad


def _request(rec: RecMind, read: Any, options: Mapping[str, Any]) -> JsonLine:
    """Parses one line. Raises InputError if it is not a valid request."""
    if not isinstance(read, dict):
        raise InputError(f"It holds {type(read).__name__} in place of an object with {', '.join(FIELDS)}.")
    for name in read:
        if name not in FIELDS:
            raise InputError(unknown(name, FIELDS, "field"))
    check_query(read.get("query", ""))
    RequestOptions.read({**options, **{name: value for name, value in read.items() if name != "query"}})
    for condition in read.get("filters", ()):
        resolve_condition(parse_condition(condition), rec.store.catalogue())
    return read


def _answered(out: Path, requests: Path, asked: Mapping[int, _FileRequest]) -> dict[int, JsonLine]:
    """The lines of ``out`` by the line that they answer; an incomplete last line is removed."""
    if not out.exists():
        return {}
    try:
        written = out.read_bytes()
        whole = written.rfind(b"\n") + 1
        if whole < len(written):
            os.truncate(out, whole)
    except OSError as error:
        raise InputError(f"{str(out)!r} cannot be read: {error.strerror}") from None
    answered: dict[int, JsonLine] = {}
    for place, text in enumerate(written[:whole].split(b"\n")[:-1], 1):
        try:
            line = json.loads(text)
            number, key = line["line"], line["request"]
        except (ValueError, TypeError, KeyError):
            told = f"{out.name}:{place}: this is no answer of a batch. Choose another file for --out."
            raise InputError(told) from None
        if number not in asked or asked[number].key != key:
            raise InputError(
                f"{out.name}:{place} answers line {number} of other requests, or with other options, than "
                f"{requests.name} has now. Choose another file for --out."
            )
        answered[number] = line
    return answered


def _told(outcome: Answer | RecMindError) -> dict[str, Any]:
    if isinstance(outcome, Answer):
        return outcome.to_dict()
    return {"error": " ".join(str(outcome).split()), "type": type(outcome).__name__}
