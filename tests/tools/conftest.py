"""The small catalogues of ``tests.worlds``, opened for one test of the tools and closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recmind.data.store.store import Store
from tests import worlds


@pytest.fixture
def films10(tmp_path: Path) -> Iterator[Store]:
    """Ten films with genres and year, and no interactions; the test may add some."""
    with worlds.films10(tmp_path) as store:
        yield store


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """Thirty things of a shop with brand, category and price."""
    with worlds.shop(tmp_path) as store:
        yield store
