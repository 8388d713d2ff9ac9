"""``auto:CHEAP,STRONG``: which model a request needs, judged by what the rules understood, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.understanding import Understanding
from recmind.data.errors import InputError

AUTO = "auto:"

HARD_PARTS = 4
"""A request with this many conditions, wishes and titles is too complex for the cheap model."""
HARD_UNREAD = 8
"""The same for the number of words that the rules could not read."""
HARD_WORDS = 40
"""The same for the number of all words: such a text is a story rather than a request."""


@dataclass(frozen=True, slots=True)
class Route:
    """The model for one request."""

    name: str
    """The model's name; ``offline`` if no model is needed."""
    cause: str


def read_route(name: str) -> tuple[str, str] | None:
    """The cheap and the strong model of ``auto:CHEAP,STRONG``, or None for any other name.

    Args:
        name: a model's name.

    Raises:
        InputError: the name begins with ``auto`` and does not name two models.
    """
    if not name.startswith(AUTO):
        return None
    cheap, _, strong = (part.strip() for part in name.removeprefix(AUTO).partition(","))
    if not cheap or not strong or "," in strong:
        raise InputError(
            f"{name!r} does not name two models. Write auto:CHEAP,STRONG, as in auto:openai:small,openai:large."
        )
    return cheap, strong


def route(understanding: Understanding, cheap: str, strong: str) -> Route:
    """The model that this request needs.

    No model (``offline``) for a request that says nothing: only the history, or what is popular, can decide. The strong
    model for a request with many parts, with many words that the rules could not read, with a part that could not be
    used, or for a long text. The cheap model for any other.

    Args:
        understanding: what the rules understood of the request.
        cheap: the name of the cheap model.
        strong: the name of the strong model.
    """
    parts = [
        (len(understanding.bindings), "condition"),
        (len(understanding.wishes), "wish"),
        (len(understanding.likes) + len(understanding.unlikes), "title"),
    ]
    unread, words = len(understanding.text.split()), len(understanding.query.split())
    if understanding.empty and not any(number for number, _ in parts) and not unread:
        return Route(OFFLINE, "the request says nothing that a model could weigh")
    reasons = []
    if sum(number for number, _ in parts) >= HARD_PARTS:
        reasons.append(" and ".join(_counted(number, noun) for number, noun in parts if number))
    if unread >= HARD_UNREAD:
        reasons.append(f"{unread} words to search by")
    if understanding.unused:
        reasons.append(f"{_counted(len(understanding.unused), 'part')} that could not be used")
    if words >= HARD_WORDS:
        reasons.append(f"{words} words in all")
    if reasons:
        return Route(strong, f"hard: {', '.join(reasons)}")
    return Route(cheap, "plain: few parts, all of them read")


def rule(cheap: str, strong: str) -> str:
    """How ``route`` chooses, in a line for people."""
    return (
        f"no model for a request that says nothing beside who asks; {strong} from {HARD_PARTS} parts (conditions, "
        f"wishes, titles), {HARD_UNREAD} words to search by or {HARD_WORDS} words in all on, or where a part could "
        f"not be used; {cheap} for all others"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + ('es' if noun == 'wish' else 's')}"
