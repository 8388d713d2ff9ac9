"""Reasons of our own: one sentence built from the evidence of an item, in the same slots that a model uses.

The offline planner writes with it, the fallback too, and the validator where a model's reason could not be proved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from recmind.data.wording import series
from recmind.tools.evidence.slate import EvidenceKind


@dataclass(frozen=True, slots=True)
class Clause:
    """How evidence of one kind becomes part of a sentence."""

    kind: EvidenceKind
    words: str
    """What introduces the evidence: it has a verb, its subject is the item."""
    most: int
    """How many pieces of evidence of this kind one sentence takes up."""
    trails: bool = False
    """It stands after a "with" at the sentence's end, where another clause opens the sentence."""


CLAUSES = (
    Clause("request", "meets", 2),
    Clause("preference", "respects", 1),
    Clause("history", "takes you back to", 1),
    Clause("collaborative", "goes with", 1),
    Clause("semantic", "has", 1),
    Clause("metadata", "offers", 3, trails=True),
    Clause("popularity", "has", 1, trails=True),
)
"""In the order in which they speak for an item: first what was asked, last what everybody likes."""

ENOUGH = 3
"""Clauses in one sentence."""


def compose(evidence: Iterable[tuple[int, str]]) -> tuple[str, tuple[int, ...]]:
    """A reason with slots, and the evidence numbers it cites; ("", ()) when there is no evidence.

    Args:
        evidence: (number, kind) pairs of one item, in the order they were found.
    """
    by_kind: dict[str, list[int]] = {}
    for number, kind in evidence:
        by_kind.setdefault(kind, []).append(number)
    told = [(clause, by_kind[clause.kind][: clause.most]) for clause in CLAUSES if clause.kind in by_kind][:ENOUGH]
    if not told:
        return "", ()
    trailing = [number for clause, numbers in told if clause.trails for number in numbers]
    leading = [f"{clause.words} {_slots(numbers)}" for clause, numbers in told if not clause.trails]
    sentence = series(leading, comma=True) if leading else told[0][0].words
    if trailing:
        sentence += f"{', with' if leading else ''} {_slots(trailing)}"
    return f"{sentence[0].upper()}{sentence[1:]}.", tuple(number for _, numbers in told for number in numbers)


def _slots(numbers: list[int]) -> str:
    return series([f"{{e{number}}}" for number in numbers], comma=True)
