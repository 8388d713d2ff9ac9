"""The fixed words that requests and settings choose from. Importing this costs nothing, so the command line may."""

from __future__ import annotations

from typing import Literal

Mode = Literal["direct", "conversational", "explanation-first"]
"""How an answer comes: at once, perhaps after a question, or after a summary of the person's taste."""

Strategy = Literal["react", "self-inspiring"]
"""How the agent looks things up: one line of thought, or further ones where those before suggest it."""

Strictness = Literal["strict", "lenient"]
"""What happens to a reason whose words claim something that it does not cite.

strict: the reason goes back to the model once; then it is replaced. lenient: values that the item really has may stand
uncited, and a reason that still claims more is replaced at once. Both check items, conditions and cited facts alike.
"""

Aggregation = Literal["average", "least-misery", "most-pleasure"]
"""How the fits of a group's members become one score: their average, the lowest, or the highest."""
