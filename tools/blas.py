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
_inside: set[int] = set()
"""The threads that are inside."""
_before: list[int] = []
"""How many threads each library had when the first of them came."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Inside, the library computes on the calling thread; what it did before comes back when the last thread leaves."""
    me = threading.get_ident()
    with _lock:
        if not _inside:
            _before[:] = [library.num_threads for library in _libraries()]
            _set([1] * len(_before))
        _inside.add(me)
    try:
        yield
    finally:
        with _lock:
            _inside.remove(me)
            if not _inside:
                _set(_before)


def _set(threads: Sequence[int]) -> None:
    for library, number in zip(_libraries(), threads, strict=True):
        # The controller listens to the thread alone that was first to set OpenBLAS, until that one gives it back.
        give_back = getattr(library, "clear_controlling_thread", _nothing)
        give_back(force=True)
        library.set_num_threads(number)
        give_back(force=True)


def _nothing(*, force: bool) -> None:
    """What an older or another library's controller needs before it is set."""


@cache
def _libraries() -> tuple[Any, ...]:
    """NumPy's library, and those that others had loaded when it was first asked for."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
