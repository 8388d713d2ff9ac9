"""Reads the files that pages are made of."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def asset(package: str, name: str) -> str:
    """The text of a file beside the modules of a package.

    Args:
        package: the package, with dots.
        name: the name of the file.
    """
    return files(package).joinpath(name).read_text(encoding="utf-8")


def look() -> str:
    """The style sheet of every page: colors by their use, and type."""
    return asset("recmind.agent.pages", "look.css").rstrip()


def source_hash(text: str) -> str:
    """The hash that names an inline style sheet or script in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
