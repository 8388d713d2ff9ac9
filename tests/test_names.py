"""One word for one thing: a class name means the same wherever it is read."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "tools", "data", "prompts", "scripts")

TWICE = {
    "Asked": "options of a request (agent) and seeds of item-to-item links (tools), until both have names of their own",
    "Case": "a case of an evaluation (agent) and one that calibration or tuning learns from (tools), until renamed",
    "Question": "what is asked back (agent) and what is known of a user while ranking (tools), until renamed",
}
"""Names that are defined more than once, each with the reason."""


def _classes() -> Iterator[tuple[str, str]]:
    """Each class with its place; a leading underscore makes no other word of it."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    yield node.name.lstrip("_"), f"{path.relative_to(ROOT)}:{node.lineno}"


def _defined_twice() -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in _classes():
        places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_class_name_is_defined_twice() -> None:
    assert {name: places for name, places in _defined_twice().items() if name not in TWICE} == {}


def test_every_exception_is_still_one() -> None:
    assert set(TWICE) <= set(_defined_twice())
