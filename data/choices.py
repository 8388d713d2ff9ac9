"""The fixed words that requests and settings choose among. Importing this costs nothing, so the command line may."""

from __future__ import annotations

from typing import Literal

Mode = Literal["direct", "conversational", "explanation-first"]
"""How an answer comes: at once, perhaps after a question, or after what is understood of the person."""
