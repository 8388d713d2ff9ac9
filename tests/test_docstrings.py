"""Docstrings say what each of three or more parameters is, and what their sections say is right and complete."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydoclint.main import _checkFile as sections_of  # its command has no option to leave out a code

ROOT = Path(__file__).parents[1]
FOLDERS = ("agent", "tools", "data")
FEW = 2
"""A function with at most this many parameters may describe them in its first line."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt]) -> Iterator[Function]:
    """The public functions of a module and the public methods of its public classes."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def exempt(function: Function) -> bool:
    """Whether the parameters are described elsewhere.

    Click shows its options, the base class describes overrides, and the schema that a model reads describes look-ups.
    """
    if any(each.annotation is not None and ast.unparse(each.annotation) == "Asking" for each in function.args.args):
        return True
    decorators = [ast.unparse(node) for node in function.decorator_list]
    return function.name.startswith("on_") or any(
        re.search(r"(^|\.)override$|(^|\.)(command|group|callback)\b|^click\.|pass_shared", name) for name in decorators
    )


def parameters(function: Function) -> list[str]:
    """The names of the parameters, without ``self``, ``cls``, ``*args`` and ``**kwargs``."""
    found = function.args
    names = [each.arg for each in (*found.posonlyargs, *found.args, *found.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def described(docstring: str) -> set[str]:
    """The parameters that the ``Args:`` section names."""
    _, _, section = docstring.partition("Args:\n")
    section = re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^ {4}\*{0,2}(\w+):", section, re.MULTILINE))


def gaps(code: str) -> list[str]:
    """``name: parameters`` of each public function that leaves some of its three or more parameters undescribed."""
    found = []
    for function in public_functions(ast.parse(code).body):
        names = parameters(function)
        if len(names) > FEW and not exempt(function):
            missing = set(names) - described(ast.get_docstring(function) or "")
            if missing:
                found.append(f"{function.name}: {', '.join(name for name in names if name in missing)}")
    return found


def test_a_parameter_without_a_description_is_found() -> None:
    code = '''
def rank(items, weights, n):
    """The best items.

    Args:
        items: item numbers.
        n: how many
            at most.

    Raises:
        weights: not a parameter here.
    """

class Index:
    def search(self, query, n, *, seed, **more):
        """Rows."""

    @override
    def put(self, a, b, c): ...

@click.command()
def show(a, b, c): ...

def search_items(desk: Asking, query, n):
    """Search items."""

def few(a, b): ...
def _private(a, b, c): ...
'''
    assert gaps(code) == ["rank: weights", "search: query, n, seed"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_functions_describe_their_parameters(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): missing
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (missing := gaps(path.read_text(encoding="utf-8")))
    }
    assert found == {}


OPTIONS = {
    "style": "google",
    "argTypeHintsInDocstring": False,
    "checkReturnTypes": False,
    "checkYieldTypes": False,
    "checkClassAttributes": False,
    "skipCheckingShortDocstrings": True,
    "skipCheckingPrivateFunctions": True,
    "allowInitDocstring": True,
}
RERAISED = {"BaseException"}
"""What a bare ``raise`` passes on."""


def wrong(path: Path) -> list[str]:
    """The violations in a file that count.

    Allowed are a first line that says what comes back in place of "Returns:" (DOC201), and exceptions that what is
    called raises (DOC502, DOC503 with more exceptions in the docstring than in the body).
    """
    found = []
    for violation in sections_of(path, **OPTIONS):
        code, text = violation.fullErrorCode, str(violation)
        if code in ("DOC201", "DOC501", "DOC502"):
            continue
        if code == "DOC503":
            told, raised = (set(re.findall(r"'([\w.]+)'", part)) for part in re.findall(r"\[.*?\]", text)[-2:])
            # A name without a capital is a function that makes the error.
            if {name for name in raised - RERAISED if not name.islower()} <= told:
                continue
        found.append(f"{path.relative_to(ROOT)}: {text}")
    return found


@pytest.mark.parametrize("folder", [*FOLDERS, "prompts", "scripts"])
def test_sections_of_docstrings_are_right_and_complete(folder: str) -> None:
    assert [line for path in sorted((ROOT / folder).rglob("*.py")) for line in wrong(path)] == []
