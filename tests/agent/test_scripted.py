"""The examples in the docstrings of the scripted model hold."""

from __future__ import annotations

import doctest

from tests.agent import scripted


def test_the_examples_of_the_scripted_model_hold() -> None:
    found = doctest.testmod(scripted)
    assert found.attempted > 0
    assert found.failed == 0
