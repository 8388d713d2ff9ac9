#!/usr/bin/env python3
"""Make the pictures in docs/pictures from the real thing: ``scripts/pictures.py``.

``answer.svg`` shows what ``recmind recommend`` writes to a terminal. ``trace.png`` shows the page of ``recmind trace
view`` in headless Chromium. Both come from a demo workspace that is made for them and deleted. Look at them afterwards.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
RECMIND = [sys.executable, "-m", "recmind"]
MOST_BYTES = 300_000
"""Largest size of a picture in the repository, in bytes."""

ASKED = ["recommend", "something like The Matrix, but funnier", "--user", "ada", "-k", "3"]
COLUMNS = 104
"""Width of the terminal, in characters."""
TRACED = [
    ["recommend", "a heist that goes wrong", "-k", "5", "--user", "ben"],
    ["recommend", "a science fiction film, no horror", "--thread", "evening", "-k", "3"],
    ["recommend", "something shorter", "--thread", "evening", "-k", "3"],
    ["recommend", "no horror, under two hours, from the 90s", "--user", "ada", "--user", "ben", "-k", "4"],
    ["recommend", "films by Miyazaki", "-k", "5"],
]
"""Further requests on the page of traces; the one shown at the terminal is the newest, and is open."""
PAGE_WIDTH, PAGE_HEIGHT = 1280, 760
WEB_FONT = re.compile(r"@font-face\s*{[^}]*}\s*")


def main() -> int:
    """Make both pictures and print their sizes; exit code 1 where one is too large."""
    with tempfile.TemporaryDirectory(prefix="recmind-pictures-") as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RECMIND_", "LANGSMITH_"))},
            "PYTHONPATH": str(ROOT / ".src"),
            "RECMIND_HOME": str(Path(folder) / "home"),
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        for words in (["import", "demo"], ["index"], *TRACED):
            subprocess.run([*RECMIND, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
        PICTURES.mkdir(parents=True, exist_ok=True)
        written = at_terminal([*RECMIND, *ASKED], environment)
        made = [draw_answer(written, PICTURES / "answer.svg")]
        page = Path(folder) / "traces.html"
        subprocess.run([*RECMIND, "trace", "view", "--out", str(page)], env=environment, check=True)
        made.append(draw_page(page, PICTURES / "trace.png"))
    for path in made:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return int(any(path.stat().st_size > MOST_BYTES for path in made))


def at_terminal(command: list[str], environment: dict[str, str]) -> str:
    """The output of the command at a terminal, with its colors; the steps on stderr are left out."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        read = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux says so where the other end is closed
                break
            if not part:
                break
            read += part
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return read.decode("utf-8").replace("\r\n", "\n")


def draw_answer(written: str, path: Path) -> Path:
    """Draw a terminal with this text below the command that was typed; returns the picture's path."""
    from rich.console import Console
    from rich.text import Text

    typed = " ".join(f'"{word}"' if " " in word else word for word in ASKED)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "bold green"), (f"recmind {typed}", "bold")), "\n")
        console.print(Text.from_ansi(written.rstrip()))
    # Without the font from the network: any monospaced font will do, because each line states its length.
    svg = WEB_FONT.sub("", console.export_svg(title="RecMind", unique_id="recmind"))
    svg = svg.replace("font-family: Fira Code", "font-family: Fira Code, DejaVu Sans Mono, Menlo, Consolas")
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    return path


def draw_page(page: Path, path: Path) -> Path:
    """Draw the page of traces with its newest request open; returns the picture's path."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("There is no Chromium. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # Chromium has none for root
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox)
        tab = browser.new_page(
            viewport={"width": PAGE_WIDTH, "height": PAGE_HEIGHT}, device_scale_factor=1.5, color_scheme="light"
        )
        tab.goto(page.as_uri())
        tab.wait_for_selector(".rows-inner > *:visible")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#runs .run")
        tab.screenshot(path=path)
        browser.close()
    with Image.open(path) as picture:
        # Text on a plain ground needs few colors, which saves three quarters of the bytes.
        picture.convert("RGB").quantize(128).save(path, optimize=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
