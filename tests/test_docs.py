"""Runs what README.md shows, in the order of the page.

A ``console`` block holds commands (``$ recmind ...``) and what they print; a line of ``...`` stands for any lines, and
``...`` inside a line for any text. ``python`` blocks share their names, as a reader types them one after the other.
Two comments steer this: ``<!-- file: shop.csv -->`` before a block puts the block into that file, and
``<!-- not run: REASON -->`` skips it aloud. Other blocks (``sh`` for what needs a network) are only read by people.
Commands and snippets use the indexed demo workspace.
"""

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
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
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ``recmind`` and a ``scripts/demo`` of this checkout, and the demo workspace beside it."""
    place = tmp_path_factory.mktemp("readme")
    (place / "bin").mkdir()
    (place / "here" / "scripts").mkdir(parents=True)
    write_script(
        place / "bin" / "recmind", f"exec '{sys.executable}' -c 'from recmind.agent.cli import main; main()' \"$@\""
    )
    write_script(place / "here" / "scripts" / "demo", 'exec recmind recommend "$@"')
    for command in ("recmind import demo", "recmind index"):
        done = run(place, command)
        assert done.returncode == 0, done.stderr
    return place


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
def names() -> dict:
    """What the snippets define for each other."""
    return {"__name__": "readme"}


PAGE = README.read_text(encoding="utf-8") if README.is_file() else ""
SHOWN = [block for block in blocks_of(PAGE) if block.kind in ("console", "python") or block.note.startswith("file:")]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: f"line-{block.line}-{block.kind}")
def test_readme(block, place, names, monkeypatch):
    if block.note.startswith("not run:"):
        pytest.skip(f"README.md, line {block.line}, is {block.note}")
    if block.note.startswith("file:"):
        (place / "here" / block.note.removeprefix("file:").strip()).write_text(block.text, encoding="utf-8")
    elif block.kind == "console":
        for command, shown in commands_of(block.text):
            assert command.startswith(("recmind ", "scripts/demo")), f"README.md shows {command!r}; use an sh block"
            done = run(place, command)
            assert done.returncode == 0, f"$ {command}\n{done.stderr}"
            assert agrees(shown, done.stdout), f"$ {command}\n{done.stdout}"
    else:
        monkeypatch.chdir(place / "here")
        monkeypatch.setenv("RECMIND_HOME", str(place / "home"))
        exec(compile("\n" * block.line + block.text, str(README), "exec"), names)


def test_readme_shows_a_request_and_a_snippet():
    assert {"console", "python"} <= {block.kind for block in SHOWN}


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
