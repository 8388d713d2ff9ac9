"""The threads of the linear algebra library: all of them for much work, one for a request.

The library splits even small products among its threads, and waits for each of them. On a machine that is busy with
other work, the hundred products of a request then take ten times as long as on one thread. On an idle machine, more
threads gain a few milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_inside = 0
"""Number of threads that are inside ``on_one_thread``."""
_before: list[int] = []
"""The thread count of each shared library before the first thread came in."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Inside, the libraries compute on the calling thread.

    Restores the previous thread counts when the last caller exits.
    """
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
        # Only the thread that was first to set OpenBLAS may set it again, until that thread gives control back.
        give_back = getattr(library, "clear_controlling_thread", _nothing)
        give_back(force=True)
        library.set_num_threads(number)
        give_back(force=True)


def _nothing(*, force: bool) -> None:
    """Does nothing: other libraries, and older ones, have no control to give back."""


@cache
def _libraries() -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """NumPy's library, and those that others had loaded at the first call.

    The first tuple holds libraries with a thread count for each of our threads, as OpenMP has; the second holds those
    with one count for all threads.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    own = [getattr(library, "threading_layer", "") == "openmp" for library in found]
    of_threads, shared = ([x for x, is_own in zip(found, own, strict=True) if is_own == side] for side in (True, False))
    return tuple(of_threads), tuple(shared)
