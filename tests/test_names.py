"""One word for one thing: a class name means the same wherever it is read."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "tools", "data", "prompts", "scripts")


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
    assert _defined_twice() == {}
