"""What an answer says about a group: how well each item fits every member, and how the fits became one score."""

from __future__ import annotations

from collections.abc import Sequence

from recmind.agent.answer import Fit
from recmind.data.wording import series
from recmind.tools.brief import Brief
from recmind.tools.context import RequestContext
from recmind.tools.engines.profile import Profile
from recmind.tools.evidence.slate import Entry
from recmind.tools.ranking.group import FIT

DIGEST_LINES, LINE_WORDS = 3, 24
"""How many lines of each member's profile a model reads, and how many words of each line."""
AGGREGATED = {
    "average": "the average of their fits",
    "least-misery": "the lowest of their fits",
    "most-pleasure": "the highest of their fits",
}


def fits_of(entry: Entry | None, context: RequestContext) -> tuple[Fit, ...]:
    """How well the entry fits each member, in the caller's order; empty for one person."""
    scores = entry.scores if entry else {}
    return tuple(Fit(user_id, scores.get(f"{FIT}{n}", 0.0)) for n, user_id in enumerate(context.members, 1))


def with_fits(reason: str, fits: Sequence[Fit]) -> str:
    """The reason, followed by how well the item fits each member."""
    told = ", ".join(f"{fit.user_id} {fit.fit:.2f}" for fit in fits)
    return f"{reason} Fits {told}." if told else reason


def sentences(brief: Brief, context: RequestContext) -> list[str]:
    """Sentences for the message: for whom, how the fits became one score, and about whom nothing is known."""
    history = context.engines.history
    unknown = [repr(user_id) for user_id in context.members if not history.profile(user_id).known]
    said = [
        f"For {series(context.members)} together: the score is {AGGREGATED[context.aggregation]}, where 1 is a "
        "member's best candidate and 0 their worst."
    ]
    if unknown:
        named = series(unknown)
        said.append(f"Nothing is known of {named} yet, so their fits rest on the request and on what others like.")
    if brief.preferences:
        said.append("What any of them once stated binds for all.")
    return said


def digest(profiles: Sequence[Profile]) -> str:
    """The members' profiles for a model to read, numbered, without ids."""
    lines = []
    for number, profile in enumerate(profiles, 1):
        told = profile.digest().splitlines()[:DIGEST_LINES] if profile.known else ["nothing is known."]
        lines.append(f"Member {number}: {' '.join(map(_shortened, told))}")
    return "\n".join(lines)


def _shortened(line: str) -> str:
    """The line, or its first parts that fit into ``LINE_WORDS``."""
    words = line.split()
    if len(words) <= LINE_WORDS:
        return line
    kept, comma, _ = " ".join(words[: LINE_WORDS + 1]).rpartition(",")
    return f"{kept}." if comma else f"{' '.join(words[:LINE_WORDS])}."
