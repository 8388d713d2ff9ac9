"""The page itself: one HTML file that carries its script, its style and, where it is written to a file, its traces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import Template
from typing import Literal

from recmind.agent.pages.assets import asset, look, source_hash
from recmind.agent.tracing.page.packed import line, lines, packed
from recmind.agent.tracing.page.views import View

SCRIPTS = ("dom", "source", "rows", "list", "json", "tree", "panels", "trace", "main")
"""In the order in which they need each other."""

_HERE = "recmind.agent.tracing.page"

PageSource = Literal["file", "server"]


def document(source: PageSource, data: Iterable[str], written: float) -> Iterator[str]:
    """The page in pieces.

    Args:
        source: where the page gets its traces: from its own file, or from the server that sent it.
        data: the blocks of a file, as ``block`` makes them.
        written: Unix seconds; "the last hour" ends here in a file.
    """
    style = f"{look()}\n{asset(_HERE, 'page.css')}"
    scripts = [asset(_HERE, f"{name}.js") for name in SCRIPTS]
    page = Template(asset(_HERE, "page.html")).substitute(
        policy=policy(source, style, scripts),
        style=style,
        source=source,
        written=f"{written * 1000:.0f}",
        data=_DATA,
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )
    before, _, after = page.partition(_DATA)
    yield before
    for part in data:
        yield f"{part}\n"
    yield after


_DATA = "<!-- data -->"


def block(name: str, value: list[View] | View) -> str:
    """A value as the page finds it in its own file: nothing in it that HTML could take for a tag."""
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"{name!r} is no name for a block")
    data = line(value) if isinstance(value, list) else lines(value)
    return f'<script type="text/plain" id="{name}">{packed(data)}</script>'


def policy(source: PageSource, style: str, scripts: Iterable[str]) -> str:
    """What the page may do: run its own scripts and, from a server, ask that server. No text ever becomes markup."""
    allowed = " ".join(source_hash(script) for script in scripts)
    connect = "'self'" if source == "server" else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {source_hash(style)}; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
