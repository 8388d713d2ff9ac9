"""Runs what README.md and the pages in docs/ show, each page from top to bottom.

A ``console`` block holds commands (``$ recmind ...``) and what they print; a line of ``...`` stands for any lines, and
``...`` inside a line for any text. ``python`` blocks share their names, as a reader types them one after the other.
Three comments before a block steer this: ``<!-- file: shop.csv -->`` puts the block into that file,
``<!-- not run: REASON -->`` skips it aloud, and ``<!-- exit code 2 -->`` says how its commands end; what they say on
stderr is compared too then. Other blocks (``sh`` for what needs a network) are only read by people.
Commands and snippets of a page use a copy of the indexed demo workspace, which no other page has touched.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]+) -->\n+)?^```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PASSING = (
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r"\btrace [0-9a-f]{8}\b"), "trace ID"),
    (re.compile(r"[ \t]+"), " "),
)
"""What differs from run to run, and what is written in its place before output is compared."""
LIMIT_S = 120


@dataclass(frozen=True)
class Block:
    """A fenced block, with the comment before it."""

    line: int
    kind: str
    text: str
    note: str


def blocks_of(page: str) -> list[Block]:
    return [
        Block(page[: match.start("kind")].count("\n") + 1, match["kind"], match["text"], match["note"] or "")
        for match in BLOCK.finditer(page)
    ]


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines it is shown to print."""
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in text.splitlines():
        if continued:
            command, _ = found.pop()
            found.append((f"{command}\n{line}", []))
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
        continued = bool(found) and not found[-1][1] and (line.endswith("\\"))
    return found


def plain(line: str) -> str:
    for pattern, replacement in PASSING:
        line = pattern.sub(replacement, line)
    return line.strip()


def agrees(shown: list[str], printed: str) -> bool:
    """Whether the output is as it is shown; nothing shown promises nothing."""
    wanted = [plain(line) for line in shown if plain(line)]
    got = [plain(line) for line in printed.splitlines() if plain(line)]
    if not wanted:
        return True
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n" for line in wanted
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in got)) is not None


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The indexed demo workspace, to be copied."""
    place = made_place(tmp_path_factory.mktemp("demo"))
    for command in ("recmind import demo", "recmind index"):
        done = run(place, command)
        assert done.returncode == 0, done.stderr
    return place / "home"


@pytest.fixture(scope="module")
def places(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """For a page's name: its folder, with the demo workspace beside it. The same one each time."""
    made: dict[str, Path] = {}

    def place_of(page: str) -> Path:
        if page not in made:
            made[page] = made_place(tmp_path_factory.mktemp("page"))
            shutil.copytree(demo, made[page] / "home")
        return made[page]

    return place_of


def made_place(folder: Path) -> Path:
    """The folder with a ``recmind`` and a ``scripts/demo`` of this checkout."""
    (folder / "bin").mkdir()
    (folder / "here" / "scripts").mkdir(parents=True)
    write_script(
        folder / "bin" / "recmind", f"exec '{sys.executable}' -c 'from recmind.agent.cli import main; main()' \"$@\""
    )
    write_script(folder / "here" / "scripts" / "demo", 'exec recmind recommend "$@"')
    return folder


def write_script(path: Path, line: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{line}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run(place: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECMIND_", "LANGSMITH_", "OPENAI_"))
        },
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RECMIND_HOME": str(place / "home"),
        "HOME": str(place),
        "COLUMNS": "100",
    }
    words = ["bash", "-c", command]
    return subprocess.run(
        words, cwd=place / "here", env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


@pytest.fixture(scope="module")
def names() -> dict[str, dict]:
    """What the snippets of each page define for each other."""
    return {}


SHOWN = [
    (page, block)
    for page in PAGES
    for block in blocks_of(page.read_text(encoding="utf-8"))
    if block.kind in ("console", "python") or block.note.startswith("file:")
]


@pytest.mark.parametrize(
    ("page", "block"), SHOWN, ids=[f"{page.name}-line-{block.line}-{block.kind}" for page, block in SHOWN]
)
def test_page(page, block, places, names, monkeypatch):
    if block.note.startswith("not run:"):
        pytest.skip(f"{page.name}, line {block.line}, is {block.note}")
    place = places(page.name)
    if block.note.startswith("file:"):
        (place / "here" / block.note.removeprefix("file:").strip()).write_text(block.text, encoding="utf-8")
    elif block.kind == "console":
        code = int(block.note.removeprefix("exit code ")) if block.note.startswith("exit code ") else 0
        for command, shown in commands_of(block.text):
            assert command.startswith(("recmind ", "scripts/demo")), f"{page.name} shows {command!r}; use an sh block"
            done = run(place, command)
            assert done.returncode == code, f"$ {command}\n{done.stderr}"
            printed = done.stdout + (done.stderr if code else "")
            assert agrees(shown, printed), f"$ {command}\n{printed}"
    else:
        monkeypatch.chdir(place / "here")
        monkeypatch.setenv("RECMIND_HOME", str(place / "home"))
        known = names.setdefault(page.name, {"__name__": page.stem})
        exec(compile("\n" * block.line + block.text, str(page), "exec"), known)


def test_the_readme_shows_a_request_and_a_snippet():
    assert {"console", "python"} <= {block.kind for page, block in SHOWN if page.name == "README.md"}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 8_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Files that a page names are there; so are the headings, as GitHub and mkdocs name them."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", FENCED.sub("", text))
    lost = []
    for target in map("".join, targets):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        to = (page.parent / name) if name else page
        if not to.exists() or (heading and heading not in headings_of(to.read_text(encoding="utf-8"))):
            lost.append(target)
    assert lost == []


FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def headings_of(text: str) -> set[str]:
    """The headings of a page as the end of a link names them."""
    found = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-") for heading in found}


def test_the_site_shows_every_page():
    listed = set(re.findall(r"[\w-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {page.name for page in PAGES if page.parent == ROOT / "docs"}


def test_the_reference_names_what_there_is():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: (\S+)\.(\w+)$", page, re.MULTILINE)
    assert named
    assert [name for module, name in named if not hasattr(import_module(module), name)] == []
    import recmind

    assert set(recmind.__all__) <= {name for module, name in named if module == "recmind"}


def test_the_glossary_is_sorted():
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [word.casefold() for word in re.findall(r"^\*\*(.+?)\*\*:", page, re.MULTILINE)]
    assert len(words) > 40
    assert words == sorted(set(words))


def test_pictures_are_small():
    pictures = [path for path in (ROOT / "docs" / "pictures").iterdir() if path.suffix in (".png", ".svg")]
    assert pictures
    assert {path.name: size for path in pictures if (size := path.stat().st_size) > 300_000} == {}


def test_blocks_are_found_with_their_notes():
    console = "# A\n```console\n$ a\nb\n```\ntext\n"
    page = console + "<!-- file: x.csv -->\n```csv\n1\n```\n\n<!-- not run: slow -->\n\n```python\nx\n```\n"
    assert blocks_of(page) == [
        Block(2, "console", "$ a\nb\n", ""),
        Block(8, "csv", "1\n", "file: x.csv"),
        Block(14, "python", "x\n", "not run: slow"),
    ]


def test_commands_are_told_from_what_they_print():
    assert commands_of("$ recmind a \\\n    --b\nout\n...\n$ recmind c\n") == [
        ("recmind a \\\n    --b", ["out", "..."]),
        ("recmind c", []),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ([], "anything", True),
        (["a  b", "", "c"], "a b\nc\n", True),
        (["a", "..."], "a\nb\nc\n", True),
        (["...", "c"], "a\nb\nc\n", True),
        (["a ... z"], "a b c z\n", True),
        (["took 5 ms · trace 0123abcd"], "took 71 ms · trace ffffffff\n", True),
        (["a"], "a\nb\n", False),
        (["b"], "a\n", False),
    ],
)
def test_output_is_compared_where_it_is_shown(shown, printed, expected):
    assert agrees(shown, printed) is expected
