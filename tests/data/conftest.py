"""The store that the tests of the data fill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recmind.data.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store; where a test file has a fixture of this name, that one fills it."""
    with Store(tmp_path / "store.db") as opened:
        yield opened
