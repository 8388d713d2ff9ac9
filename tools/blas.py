"""The threads of the linear algebra library: all of them for much work, one for a request.

It shares out even small products, and waits for each share. Where other work keeps its threads from running, the
hundred products of a request take ten times as long as on one thread; where nothing does, they gain a few milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_inside: list[tuple[int, ...]] = []
"""For each thread that is inside, how many threads there were before the first of them came."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Inside, the library computes on the calling thread; what it did before comes back at the end, also where several
    threads are inside."""
    libraries = _libraries()
    with _lock:
        before = _inside[0] if _inside else tuple(library.num_threads for library in libraries)
        _inside.append(before)
    try:
        for library in libraries:
            library.set_num_threads(1)
        yield
    finally:
        with _lock:
            _inside.pop()
        # Each thread gives back what it took: OpenBLAS does not let one raise what another has lowered.
        for library, threads in zip(libraries, before, strict=True):
            library.set_num_threads(threads)


@cache
def _libraries() -> tuple[Any, ...]:
    """NumPy's library, and those that others had loaded when it was first asked for."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
