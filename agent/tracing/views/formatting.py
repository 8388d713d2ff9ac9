"""How figures, texts and steps of a trace are put into words."""

from __future__ import annotations

LONGEST_LINE = 110
"""The most characters of one text in an outline."""

STEPS = {
    "prepare": "reads the request, the person and what binds",
    "reason": "asks the model what to do next",
    "act": "does what the model called for",
    "inspire": "asks whether another line of thought would help",
    "validate": "checks every item and every reason",
    "repair": "tells the model what to mend",
    "fallback": "ranks without the model",
    "respond": "puts the answer together",
    "listen": "reads the message against what was said before",
    "ask": "asks the person back",
    "answer": "answers it as a request",
    "explain": "tells why an item was recommended",
    "remember": "keeps the conversation",
    "recmind": "the request by itself",
}
"""What each step of the agent does, for people who have never seen it."""

REPLIED = "takes the reply"
"""What the step ``ask`` does when the run continues."""


def duration(latency_ms: float | None) -> str:
    """Milliseconds or seconds with at most three digits: ``0.4 ms``, ``34 ms``, ``2.1 s``."""
    if latency_ms is None:
        return "unfinished"
    if latency_ms >= 1000:
        return f"{latency_ms / 1000:.1f} s"
    return f"{latency_ms:.0f} ms" if latency_ms >= 10 else f"{latency_ms:.1f} ms"


def money(dollars: float | None) -> str:
    """US dollars: ``$0.0012``, ``$1.20``; ``-`` if no price is known."""
    if dollars is None:
        return "-"
    return f"${dollars:.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """The text on one line, cut to this length, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def printable(text: str) -> str:
    """The text with its lines kept, without characters that could control a terminal."""
    return "".join(c for c in text if c.isprintable() or c == "\n")
