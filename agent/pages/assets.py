"""The files that pages are made of, as texts."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def asset(package: str, name: str) -> str:
    """The text of a file that lies beside the modules of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def look() -> str:
    """The style sheet of every page: colors by their use, type, and nothing that only one page needs."""
    return asset("recmind.agent.pages", "look.css").rstrip()


def source_hash(text: str) -> str:
    """What a content security policy calls an inline style sheet or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
