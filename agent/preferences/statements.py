"""Separates lasting preferences in a request ("no horror please, ever") from what it wants this time."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WANT = (
    r"(?:want|recommend|show|give|suggest|offer|bring|play|send|like|care for|need|wish)(?: (?:me|us))?"
    r"(?: to (?:see|watch|read|hear|buy|play|get|have|be (?:shown|given|offered)))?"
)
_NEVER = re.compile(
    r"(?:^|[,;] |\b(?:and|but|please|i|we|ill|well|i'll|we'll) )(?:(?:i|we|will|would) )*"
    rf"(?:never(?: ever)?|(?:do not|dont|don't) ever) {_WANT} (?P<thing>anything|something|any|another|an?)?\b ?"
)
_REMEMBER = re.compile(
    r"^(?:please )?(?:remember|keep in mind|note|bear in mind)(?: please)?(?: that|:|,)? (?P<what>.+)$"
)
_FROM_NOW_ON = re.compile(r"^(?:please )?(?:from now on|in general|as a rule)[, ]+(?P<what>.+)$")
_ONCE = re.compile(
    r"\b(?:remember|note)(?: please)?(?: that|:)? (?:i|we)(?: have|ve|'ve| had)? ?(?:just )?(?:saw|seen)\b"
)
_FOR_GOOD = re.compile(
    r"[, ]+(?:please[, ]+)?(?:ever(?: again)?|for good|from now on|in general|as a rule|again ever|at any time)"
    r"(?:[, ]+please)?$"
)
_DENIAL = re.compile(r"\b(?:no|nothing|never|without|only|not)\b")
_PRAISE = re.compile(r"\b(?:best|worst|most|greatest|funniest|scariest|least)\b")
_FORGET = re.compile(
    r"^(?:please )?(?:forget|drop|delete|remove|ignore)(?: (?:that|about))?(?: (?:i|we)(?: have|ve|'ve| had)?"
    r"(?: once| ever)? (?:said|stated|told you|asked for|wanted)(?: that)?"
    r"| (?:my|our|the) (?:preference|rule|wish)(?: (?:for|about|of|that|against))?)[: ]+(?P<what>.+)$"
)
_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+|\n+")
_CHEAP = re.compile(
    r"\b(?:ever|never|remember|mind|note|for good|from now on|in general|as a rule|forget|drop|delete"
    r"|remove|ignore)\b",
    re.IGNORECASE,
)
WORDS_BETWEEN = 8
"""The most words between "no" and the "ever" that makes it last."""


@dataclass(frozen=True, slots=True)
class Statements:
    """A request, divided into what is wanted now and lasting preferences."""

    rest: str
    """The request without its lasting preferences."""
    keep: tuple[str, ...] = ()
    """Lasting preferences, in short: ``no horror``."""
    forget: tuple[str, ...] = ()
    """Preferences that are taken back."""

    @property
    def now(self) -> str:
        """The request if there is no user: its preferences hold this time only."""
        return ". ".join(part for part in (self.rest, *self.keep) if part)


def read_statements(query: str) -> Statements:
    """The lasting preferences in a request, and those it takes back. Without any, ``rest`` is the whole request."""
    if not _CHEAP.search(query):
        return Statements(query)
    rest: list[str] = []
    keep: list[str] = []
    forget: list[str] = []
    for sentence in _SENTENCE.split(query):
        plain = " ".join(sentence.replace("’", "'").split()).rstrip(".!?; ")
        if found := _FORGET.match(plain.casefold()):
            forget.append(_plain_denial(plain[found.start("what") :]))
        elif (stated := _stated(plain)) is not None:
            before, text = stated
            keep.append(text)
            if before:
                rest.append(before)
        else:
            rest.append(sentence)
    if not keep and not forget:
        return Statements(query)
    return Statements(" ".join(rest).strip(), tuple(keep), tuple(forget))


def _stated(sentence: str) -> tuple[str, str] | None:
    """What precedes a preference in its sentence, and the preference in short; None if there is none."""
    folded = sentence.casefold()
    for pattern in (_REMEMBER, _FROM_NOW_ON):
        if (found := pattern.match(folded)) and not _ONCE.search(folded):
            return "", _plain_denial(_FOR_GOOD.sub("", sentence[found.start("what") :]))
    if found := _NEVER.search(folded):
        return sentence[: found.start()].rstrip(" ,"), _plain_denial(_FOR_GOOD.sub("", sentence[found.start() :]))
    lasting = _FOR_GOOD.search(folded)
    if lasting is None or _PRAISE.search(folded):
        return None
    denials = [d.start() for d in _DENIAL.finditer(folded[: lasting.start()])]
    if not denials or len(folded[denials[-1] : lasting.start()].split()) > WORDS_BETWEEN:
        return None
    before = re.sub(
        r"[, ]*(?:\b(?:and|but|please|with|has|have))?[, ]*$", "", sentence[: denials[-1]], flags=re.IGNORECASE
    )
    return before, _plain_denial(sentence[denials[-1] : lasting.start()])


def _plain_denial(text: str) -> str:
    """``I never want anything over two hours`` as ``nothing over two hours``."""

    def denial(found: re.Match[str]) -> str:
        return "nothing " if found["thing"] in ("anything", "something") else "no "

    short = re.sub(_NEVER.pattern, denial, text, flags=re.IGNORECASE)
    short = re.sub(r"^never (?:ever )?(anything |something )?", _bare_never, short, flags=re.IGNORECASE)
    short = re.sub(r"(?:,? please| again)+$", "", short, flags=re.IGNORECASE)
    return short.strip(" ,.")


def _bare_never(found: re.Match[str]) -> str:
    return "nothing " if found[1] else "no "
