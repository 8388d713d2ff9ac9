"""The records of an evaluation: cases, the outcomes of systems, and a run of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

Label: TypeAlias = tuple[str, bool, str]
"""An item whose confidence is measured, whether it came true, and the kind of interaction: a graded kind (positive or
not), or empty for takings (taken, or never touched)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One ranking to make: for a user, for a request, or both."""

    case_id: str
    user_id: str | None
    query: str
    targets: tuple[str, ...]
    """The ids of the items that were held out, or that the request means."""
    candidates: tuple[str, ...] | None = None
    """If given, only these items are ranked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one system for one case."""

    case_id: str
    system: str
    ranking: tuple[str, ...]
    """Item ids, best first; at most as many as the depth of the run."""
    ranks: tuple[int | None, ...]
    """The rank of each target of the case, from 1; None if the ranking does not contain it."""
    seconds: float
    confidences: tuple[tuple[float, bool], ...] = ()
    """(confidence, label) pairs, from which calibration is measured."""
    source: str | None = None
    fallback_cause: str | None = None
    model: str | None = None
    """The model that was asked, ``offline`` if none was; None for a system that never asks one."""
    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    repairs: int = 0
    recommendations: int = 0
    """The number of recommendations that were checked."""
    invalid_items: int = 0
    unproved_reasons: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A whole evaluation: its protocol and settings, its cases, and the outcomes of every system."""

    protocol: str
    description: str
    """One sentence that states the protocol exactly."""
    settings: Mapping[str, JSON]
    """Seed, k, depth, versions, counts."""
    systems: tuple[str, ...]
    cases: tuple[Case, ...]
    outcomes: tuple[Outcome, ...]
    item_ids: tuple[str, ...] = ()
    """The ids of all available items of the copy, in the catalogue's order."""
    popularity: Mapping[str, int] = field(default_factory=dict)
    """The number of interactions by item id, in the copy; an item without any may be missing."""


VectorsOf = Callable[[Sequence[str]], "NDArray[np.floating]"]
"""Gives the vectors of these items, of shape (items, dimension); the row of an item without one is 0 or NaN."""
