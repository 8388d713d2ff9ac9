"""Answers many requests, a few at a time; gives each answer as soon as it is ready."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from recmind.agent.answer import Answer
from recmind.agent.options import BATCH
from recmind.data.errors import InputError, RecMindError, shown, unknown

CONCURRENCY = 8

JsonLine = Mapping[str, Any]


def batch(
    recommend: Callable[..., Answer], requests: Iterable[JsonLine], *, concurrency: int = CONCURRENCY, **options: Any
) -> Generator[tuple[int, Answer | RecMindError]]:
    """The position of each request, counted from 0, with its answer or error, in the order in which they finish.

    Args:
        recommend: answers one request, as ``RecMind.recommend`` does.
        requests: ``query`` and options of each request, by name.
        concurrency: how many requests run at a time.
        **options: options of all requests; those of a single request take precedence.

    Yields:
        The position of a request, and its answer or error.

    Raises:
        InputError: ``concurrency`` is below 1.
    """
    if not isinstance(concurrency, int) or concurrency < 1:
        raise InputError(f"concurrency is {shown(concurrency)}; give a whole number from 1 on.")

    def ask(request: JsonLine) -> Answer | RecMindError:
        try:
            return recommend(**{**options, **_named(request)})
        except RecMindError as error:
            return error

    with ThreadPoolExecutor(concurrency, thread_name_prefix="recmind-batch") as pool:
        under_way: dict[Future[Answer | RecMindError], int] = {}
        try:
            for place, request in enumerate(requests):
                under_way[pool.submit(ask, request)] = place
                if len(under_way) >= concurrency:
                    yield from _finished(under_way)
            while under_way:
                yield from _finished(under_way)
        finally:
            for future in under_way:
                future.cancel()


def _named(request: Any) -> JsonLine:
    """The query and the options of a request. Raises InputError if they are not given by name."""
    if not isinstance(request, Mapping):
        raise InputError(f"A request is {shown(request)}; give query and options by name.")
    for name in request:
        if not isinstance(name, str):
            raise InputError(unknown(name, BATCH))
    return request


def _finished(
    under_way: dict[Future[Answer | RecMindError], int],
) -> Iterator[tuple[int, Answer | RecMindError]]:
    """The requests that are done, removed from ``under_way``; waits for at least one."""
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future.result()
