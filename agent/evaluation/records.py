"""What an evaluation asks, what a system answered, and a run of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

Label: TypeAlias = tuple[str, bool, str]
"""An item whose confidence is measured, whether it came true, and what that is about: the graded kind that the user
gave it (positive or not), or empty for takings (taken, or never touched)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to be ranked: for a user, for a request, or both."""

    case_id: str
    user_id: str | None
    query: str
    targets: tuple[str, ...]
    """The ids of the items that were held out, or are meant."""
    candidates: tuple[str, ...] | None = None
    """Where given, only these items are ranked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one system made of one case."""

    case_id: str
    system: str
    ranking: tuple[str, ...]
    """Item ids, best first, at most to the depth of the run."""
    ranks: tuple[int | None, ...]
    """The 1-based rank of each target of the case; None where the ranking does not hold it."""
    seconds: float
    confidences: tuple[tuple[float, bool], ...] = ()
    """(confidence, label) pairs that calibration is measured on."""
    source: str | None = None
    fallback_cause: str | None = None
    model: str | None = None
    """Whom the request was put to, ``offline`` where no model was asked; None for a system that has none to ask."""
    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    repairs: int = 0
    recommendations: int = 0
    """How many recommendations were given, and so could be invalid."""
    invalid_items: int = 0
    unproved_reasons: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A whole evaluation: its protocol and settings, its cases and what every system made of them."""

    protocol: str
    description: str
    """One sentence that states the protocol exactly."""
    settings: Mapping[str, JSON]
    """Seed, k, depth, versions, counts."""
    systems: tuple[str, ...]
    cases: tuple[Case, ...]
    outcomes: tuple[Outcome, ...]
    item_ids: tuple[str, ...] = ()
    """Every available item of the workspace that was asked, in the catalogue's order."""
    popularity: Mapping[str, int] = field(default_factory=dict)
    """Interactions per item id, in the workspace that was asked; an item without any may be missing."""


VectorsOf = Callable[[Sequence[str]], "NDArray[np.floating]"]
"""The vectors of these items, of shape (items, dimension); an item's row is 0 or NaN where it has none."""
