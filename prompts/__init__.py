"""The texts for the model: Markdown templates with named placeholders."""

from __future__ import annotations

import hashlib
import string
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["PromptError", "render", "version"]


class PromptError(Exception):
    """A template and its values do not fit together."""


def render(name: str, **values: object) -> str:
    """The template ``prompts/NAME.md`` with its placeholders filled.

    Args:
        name: name of the template, without ending.
        **values: the value of each placeholder.

    Raises:
        PromptError: placeholders without a value, or values without a placeholder; the message names all of them.
    """
    text, fields = _template(name)
    missing, unused = sorted(fields - set(values)), sorted(set(values) - fields)
    if missing or unused:
        raise PromptError(f"prompt {name!r}: missing values for {missing}, no placeholders for {unused}")
    return text.format(**values)


@cache
def version() -> str:
    """A short checksum of all templates, which changes whenever one of them does."""
    texts = sorted(
        (file.name, file.read_text(encoding="utf-8")) for file in files(__name__).iterdir() if _is_text(file)
    )
    return hashlib.sha256(repr(texts).encode()).hexdigest()[:16]


def _is_text(file: Traversable) -> bool:
    return file.name.endswith(".md")


@cache
def _template(name: str) -> tuple[str, frozenset[str]]:
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return text, frozenset(field for _, field, _, _ in string.Formatter().parse(text) if field)
