"""The page: one HTML file with its script, its style and, if it is written to a file, its traces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import Template
from typing import Literal

from recmind.agent.pages.assets import asset, look, source_hash
from recmind.agent.tracing.page.packed import line, lines, packed
from recmind.agent.tracing.page.views import View

SCRIPTS = ("dom", "source", "rows", "list", "json", "tree", "panels", "trace", "main")
"""In this order: later scripts need earlier ones."""

_HERE = "recmind.agent.tracing.page"

PageSource = Literal["file", "server"]


def document(source: PageSource, data: Iterable[str], written: float) -> Iterator[str]:
    """The page in pieces.

    Args:
        source: where the page gets its traces: from its own file, or from the server that sent it.
        data: the blocks of a file, as ``block`` makes them.
        written: Unix seconds; in a file "the last hour" ends here.

    Yields:
        Pieces of HTML.
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
    """A value for the page to find in its own file; it contains nothing that HTML could take for a tag.

    Args:
        name: the name of the block: letters, digits, ``_`` and ``-``.
        value: the value, as JSON has it.

    Raises:
        ValueError: the name is not allowed.
    """
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"{name!r} is not a name for a block")
    data = line(value) if isinstance(value, list) else lines(value)
    return f'<script type="text/plain" id="{name}">{packed(data)}</script>'


def policy(source: PageSource, style: str, scripts: Iterable[str]) -> str:
    """The content security policy: the page may run its own scripts and ask its own server. Text never becomes markup.

    Args:
        source: where the page gets its traces.
        style: its style sheet.
        scripts: its scripts.
    """
    allowed = " ".join(source_hash(script) for script in scripts)
    connect = "'self'" if source == "server" else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {source_hash(style)}; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
