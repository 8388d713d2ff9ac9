"""The threads of the linear algebra library: all of them for much work, one for a request.

It shares out even small products, and waits for each share. Where other work keeps its threads from running, the
hundred products of a request take ten times as long as on one thread; where nothing does, they gain a few milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_inside = 0
"""How many threads are inside."""
_before: list[int] = []
"""How many threads each library that all share had when the first of them came."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Inside, the libraries compute on the calling thread. Restores the previous thread counts when the last caller
    exits."""
    global _inside  # noqa: PLW0603  a count of threads is one for the process
    of_threads, shared = _libraries()
    mine = [library.num_threads for library in of_threads]
    _set(of_threads, [1] * len(mine))
    with _lock:
        if not _inside:
            _before[:] = [library.num_threads for library in shared]
            _set(shared, [1] * len(shared))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _set(shared, _before)
        _set(of_threads, mine)


def _set(libraries: Sequence[Any], threads: Sequence[int]) -> None:
    for library, number in zip(libraries, threads, strict=True):
        # The controller listens to the thread alone that was first to set OpenBLAS, until that one gives it back.
        give_back = getattr(library, "clear_controlling_thread", _nothing)
        give_back(force=True)
        library.set_num_threads(number)
        give_back(force=True)


def _nothing(*, force: bool) -> None:
    """What an older or another library's controller needs before it is set."""


@cache
def _libraries() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """NumPy's library, and those that others had loaded when it was first asked for: those that have a number for each
    of our threads, as OpenMP has, and those with one for all."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [getattr(library, "threading_layer", "") == "openmp" for library in found]
    of_threads, shared = ([x for x, is_own in zip(found, own, strict=True) if is_own == side] for side in (True, False))
    return tuple(of_threads), tuple(shared)
