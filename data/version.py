"""The version of RecMind."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def recmind_version() -> str:
    """The version of the installed package; ``unknown`` where it runs from a folder."""
    try:
        return version("recmind")
    except PackageNotFoundError:
        return "unknown"
