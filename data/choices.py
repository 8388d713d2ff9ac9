"""The fixed words that requests and settings choose among. Importing this costs nothing, so the command line may."""

from __future__ import annotations

from typing import Literal

Mode = Literal["direct", "conversational", "explanation-first"]
"""How an answer comes: at once, perhaps after a question, or after what is understood of the person."""

Strategy = Literal["react", "self-inspiring"]
"""How the agent looks things up: one line of thought, or further ones where all that was explored suggests it."""

Strictness = Literal["strict", "lenient"]
"""What becomes of a reason whose words claim what it does not cite.

strict: it goes back to the model once, then it is replaced. lenient: values that the item really has may stand uncited,
and what still claims more is replaced at once. Items, conditions and cited facts are checked alike in both.
"""

Aggregation = Literal["average", "least-misery", "most-pleasure"]
"""How the fits of a group's members become one score: their average, the lowest, or the highest."""
