import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tools.blas import on_one_thread


def threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_inside_there_is_one_thread_and_afterwards_what_there_was() -> None:
    assert np.ones((2, 2)).sum() == 4
    before = threads()
    with on_one_thread():
        assert set(threads()) <= {1}
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
