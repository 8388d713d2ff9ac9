"""How wide the house may grow: a folder that nobody can take in at a glance is two."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "tools", "data", "prompts")
MOST = {"tools": 13, "agent": 20}
"""Entries of these folders; ``MOST_ELSEWHERE`` of the folders inside the four packages."""
MOST_ELSEWHERE = 24
NOT_COUNTED = {"__init__.py", "__pycache__", "py.typed"}


def _folders() -> list[str]:
    return [
        str(folder.relative_to(ROOT))
        for package in PACKAGES
        for folder in (ROOT / package, *sorted((ROOT / package).rglob("*/")))
        if "__pycache__" not in folder.parts
    ]


@pytest.mark.parametrize("folder", _folders())
def test_a_folder_can_be_taken_in_at_a_glance(folder: str) -> None:
    entries = sorted({path.name for path in (ROOT / folder).iterdir()} - NOT_COUNTED)
    assert len(entries) <= MOST.get(folder, MOST_ELSEWHERE), entries


@pytest.mark.parametrize("folder", _folders())
def test_every_package_says_what_it_holds(folder: str) -> None:
    text = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert "TODO" not in text
