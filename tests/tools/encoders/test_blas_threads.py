import threading

import faiss  # noqa: F401  it brings a library of its own, whose threads are counted for each of ours
import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recmind.tools.encoders.blas_threads import _libraries, on_one_thread


def threads() -> list[int]:
    """Of NumPy's library and those that were loaded with it: others may come with the tests before this one."""
    return [library.num_threads for libraries in _libraries() for library in libraries]


def test_inside_there_is_one_thread_and_afterwards_what_there_was() -> None:
    assert np.ones((2, 2)).sum() == 4
    before = threads()
    assert before
    with on_one_thread():
        assert set(threads()) == {1}
    assert threads() == before
    with pytest.raises(KeyError), on_one_thread():
        raise KeyError
    assert threads() == before


@pytest.mark.parametrize("first_out", ["main", "other"])
def test_threads_that_overlap_leave_what_there_was(first_out: str) -> None:
    before, entered, leave = threads(), threading.Event(), threading.Event()

    def stay() -> None:
        with on_one_thread():
            entered.set()
            leave.wait()

    other = threading.Thread(target=stay)
    with on_one_thread():
        other.start()
        entered.wait()
        if first_out == "other":
            leave.set()
            other.join()
    leave.set()
    other.join()
    assert threads() == before


def test_any_thread_can_ask_for_it_whichever_was_first() -> None:
    with on_one_thread():
        pass
    before, seen = threads(), []

    def look() -> None:
        with on_one_thread():
            seen.append(set(threads()))

    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert seen == [{1}]
    assert threads() == before


def test_limits_that_others_set_around_it_are_given_back() -> None:
    before = threads()
    with threadpool_limits(1):
        with on_one_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before


def test_it_may_be_entered_again_inside_itself() -> None:
    before = threads()
    with on_one_thread():
        with on_one_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before
