"""The slate: what the tools have found so far, with the evidence for each entry, kept outside the conversation.

Tools return ``Findings`` and change no state. After all calls of a turn, ``Slate.merged`` takes them up in the order of
the calls. It gives out the short handles (``c7``, ``r2``) and evidence numbers (``e12``) that the model reads and
quotes in place of catalogue ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from recmind.data.text import shortened

Role = Literal["candidate", "reference"]
"""A candidate may be recommended; a reference (a past item, a "like X") can be cited, not recommended."""

EvidenceKind = Literal["request", "preference", "history", "collaborative", "semantic", "metadata", "popularity"]


LONG_TITLE = 40
"""In letters: of a reference with a longer title a model reads the handle. Shops have titles of fifty words."""
SHOWN_TITLE = 90
"""The most letters of a title that a model reads."""

_Identity = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact about an item, with the data to check it again."""

    kind: EvidenceKind
    text: str
    """The fact as a noun phrase for reasons: ``genre Comedy``, ``your 5-star rating of Alien``."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The proof, JSON-ready. By kind: request {words, condition}; preference {text, condition}; history {item_id,
    kind, value, at, and against: true where it speaks against the item}; collaborative {because: [{item_id, weight}],
    score}; semantic {query, field, words, similarity}; metadata {attribute, value}; popularity {count, mean, since,
    until}."""
    masked: str = ""
    """The text for a model, without a user's id; empty where ``text`` names no user."""
    _identity: _Identity | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def identity(self) -> _Identity:
        """Equal for equal facts: items that share one (``genre Comedy``) share its number. Computed once."""
        if self._identity is None:
            object.__setattr__(self, "_identity", (self.kind, self.text, repr(self.data)))
        assert self._identity is not None, "it was just set"
        return self._identity

    @property
    def against(self) -> bool:
        """Whether the fact is no reason for an item, only a contrast to one."""
        return bool(self.data.get("against"))

    @property
    def shown(self) -> str:
        """The text that a model reads."""
        return self.masked or self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of a tool's result, before it has a handle."""

    item_id: str
    title: str
    role: Role = "candidate"
    evidence: tuple[Evidence, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    """Parts of a score by name (``collaborative``, ``semantic``, ...); higher is better. Unknown parts are absent."""
    summary: str = ""
    """A few values of the item for the model, beside title and evidence: ``1999 · Comedy, Sci-Fi``."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of one tool call: rows, best first, and a sentence about the whole."""

    tool: str
    rows: tuple[Finding, ...] = ()
    note: str = ""
    """For the model: how many items there are in all, or which condition to loosen."""
    shown: int = 10
    """How many rows the model reads; the slate takes up all."""
    cached: bool = False
    """Whether the findings were remembered: the same was asked before, and nothing has changed since."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item on the slate."""

    handle: str
    item_id: str
    title: str
    role: Role
    evidence: tuple[int, ...] = ()
    """Numbers into ``Slate.evidence``, counted from 1 as in ``e1``."""
    scores: Mapping[str, float] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    """Names of the tools that found it, in order."""
    summary: str = ""

    @property
    def short_title(self) -> str:
        """The title as a model reads it."""
        return shortened(self.title, SHOWN_TITLE)


@dataclass(frozen=True)
class Slate:
    """Entries by handle, and all evidence in the order of its numbers. Immutable: ``merged`` returns a new one."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()

    @cached_property
    def _by_item(self) -> dict[str, Entry]:
        return {entry.item_id: entry for entry in self.entries.values()}

    @cached_property
    def _numbers(self) -> dict[_Identity, int]:
        return {known.identity: n for n, known in enumerate(self.evidence, 1)}

    def merged(self, findings: Findings) -> tuple[Slate, list[Entry]]:
        """The slate with the findings added, and the entry of each row in row order.

        An item that is already there keeps its handle and gains evidence and scores. A reference stays a reference: an
        item that the request names in "like X", or that the user has consumed, does not become a candidate because a
        tool finds it.
        """
        entries, evidence = dict(self.entries), list(self.evidence)
        number_of, by_item = dict(self._numbers), dict(self._by_item)
        count = Counter([handle[0] for handle in entries])
        tool = findings.tool
        touched: list[Entry] = []
        for row in findings.rows:
            numbers: list[int] = []
            for fact in row.evidence:
                key = fact.identity
                number = number_of.get(key)
                if number is None:
                    evidence.append(fact)
                    number = number_of[key] = len(evidence)
                numbers.append(number)
            known = by_item.get(row.item_id)
            if known is None:
                letter = row.role[0]
                count[letter] += 1
                handle = f"{letter}{count[letter]}"
                own = tuple(dict.fromkeys(numbers))
                entry = Entry(handle, row.item_id, row.title, row.role, own, dict(row.scores), (tool,), row.summary)
            else:
                entry = Entry(
                    known.handle,
                    known.item_id,
                    known.title,
                    known.role,
                    tuple(dict.fromkeys((*known.evidence, *numbers))) if numbers else known.evidence,
                    {**known.scores, **row.scores},
                    known.tools if tool in known.tools else (*known.tools, tool),
                    known.summary or row.summary,
                )
            by_item[row.item_id] = entries[entry.handle] = entry
            touched.append(entry)
        merged = Slate(entries, tuple(evidence))
        # They are known already, and the next turn needs them: computing them again would make every turn slower.
        vars(merged).update(_by_item=by_item, _numbers=number_of)
        return merged, touched

    def candidates(self) -> list[Entry]:
        """The entries that may be recommended, in the order they were found."""
        return [entry for entry in self.entries.values() if entry.role == "candidate"]

    def fact(self, number: int) -> Evidence | None:
        """The evidence ``e{number}``, or None."""
        return self.evidence[number - 1] if 1 <= number <= len(self.evidence) else None

    def told(self, number: int) -> str:
        """The evidence ``e{number}`` as a model reads it, with handles in place of references' long titles."""
        text = self.evidence[number - 1].shown
        if len(text) > LONG_TITLE:
            for title, handle in self._long_titles:
                text = text.replace(title, handle)
        return text

    @cached_property
    def _long_titles(self) -> list[tuple[str, str]]:
        """The long titles of references with their handles, longest first."""
        named = [(e.title, e.handle) for e in self.entries.values() if e.role == "reference"]
        return sorted((pair for pair in named if len(pair[0]) > LONG_TITLE), key=lambda pair: -len(pair[0]))

    def of_item(self, item_id: str) -> Entry | None:
        """The entry of this catalogue id, or None."""
        return self._by_item.get(item_id)
