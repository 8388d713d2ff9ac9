"""What is wrong with the arguments of a call, in words for the model that wrote them."""

from __future__ import annotations

from pydantic import ValidationError

MOST = 3
"""Faults that are told: the first ones."""


def faults(error: ValidationError, hidden: str = "") -> str:
    """The first three faults, each with the place of the field: ``n: Input should be a valid integer; ...``.

    Args:
        error: what reading the arguments raised.
        hidden: an argument that the model does not give; its faults are left out. Empty for none.
    """
    told = [found for found in error.errors()[:MOST] if found["loc"] != (hidden,)]
    return "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in told)
