"""The validator: only what is proved gets into an answer. It trusts neither the model nor the tools.

It checks against the catalogue, the user's history and what binds the request. ``judge`` checks a submission. The model
is told once what is wrong; ``settle`` then replaces what is still wrong, piece by piece, from the evidence on the
slate, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from recmind.agent.planner.reason_templates import compose
from recmind.agent.state import AgentContext, Chosen, Verdict
from recmind.agent.validation.evidence_checks import holds, searchable, speaks_against
from recmind.agent.validation.reason_checks import ReasonText, read_reason
from recmind.data.conditions import matches
from recmind.data.records import Item
from recmind.data.text import normalize
from recmind.data.wording import first_few
from recmind.tools.brief import Brief
from recmind.tools.chat.submit import Pick, Submission
from recmind.tools.evidence.slate import Entry, Slate

TWICE = "is there twice"
MOST_EXAMPLES = 3
"""An example of a reason holds at most this many pieces of evidence."""


@dataclass
class Judge:
    """The checks of one request; remembers the items it has read."""

    slate: Slate
    brief: Brief
    context: AgentContext
    dropped: frozenset[str] = frozenset()
    items: dict[str, Item | None] = field(default_factory=dict)

    def item(self, item_id: str) -> Item | None:
        """The catalogue's item, read once."""
        if item_id not in self.items:
            self.items[item_id] = self.context.store.items.get(item_id)
        return self.items[item_id]

    @classmethod
    def of(cls, submission: Submission, slate: Slate, brief: Brief, context: AgentContext) -> Judge:
        """The judge of this submission; it reads all picked items at once.

        Args:
            submission: what the model submitted.
            slate: what handles and evidence numbers refer to.
            brief: what binds the request.
            context: the request's context, with store and engines.
        """
        entries = [entry for pick in submission.picks if (entry := find(pick.item, slate))]
        items: dict[str, Item | None] = dict(context.store.items.get_many(entry.item_id for entry in entries))
        return cls(slate, brief, context, given_up(submission, brief), items)

    def walk(self, picks: Iterable[Pick], taken: Collection[str]) -> Iterator[tuple[Pick, Entry | None, str | None]]:
        """Each pick with the entry it means, if any, and why that may not be recommended, or None if it may.

        An entry whose item id is in ``taken`` when its pick is reached is reported as ``TWICE``.

        Args:
            picks: the picks of a submission, in order.
            taken: ids of items that are already recommended; the caller may add to it on the way.

        Yields:
            A pick, its entry, and the fault.
        """
        for pick in picks:
            entry = find(pick.item, self.slate)
            twice = entry is not None and entry.item_id in taken
            yield pick, entry, TWICE if twice else self.fault(entry) if entry else None

    def fault(self, entry: Entry) -> str | None:
        """Why this entry may not be recommended, or None if it may."""
        item = self.item(entry.item_id)
        if item is None or not item.available:
            return "is not available"
        if entry.item_id in self.brief.consumed and entry.item_id in self.brief.excluded:
            return "is already in the user's history"
        if entry.item_id in self.brief.excluded:
            return "was ruled out by the request"
        if entry.role != "candidate":
            return "is a reference, not a candidate"
        broken = [str(c) for c in self.brief.binding_conditions(self.dropped) if not matches(c, item)]
        return f"breaks the condition {broken[0]}" if broken else None

    def proved(self, entry: Entry, numbers: Iterable[int]) -> list[int]:
        """The evidence numbers that hold for the entry when they are checked again."""
        item = self.item(entry.item_id)
        if item is None:
            return []
        return [n for n in numbers if (fact := self.slate.fact(n)) and holds(fact, item, self.context, self.brief)]

    def against(self, number: int) -> bool:
        """Whether the evidence with this number speaks against the item, by the store."""
        fact = self.slate.fact(number)
        return fact is not None and speaks_against(fact, self.context, self.brief)

    def in_favor(self, entry: Entry) -> list[int]:
        """The evidence numbers of the entry that are proved and speak for it."""
        return [n for n in self.proved(entry, entry.evidence) if not self.against(n)]

    def reason(self, pick: Pick, entry: Entry) -> ReasonText:
        """The pick's reason, checked; evidence that does not hold is among its problems."""
        item = self.item(entry.item_id)
        strict = self.context.strictness == "strict"
        granted = searchable(item) if item is not None and not strict else ""
        known_values = self.context.store.attributes.meanings
        text = pick.reason, pick.cites, entry, self.slate, self.item, known_values, granted
        read = read_reason(*text, strict=strict, against=self.against)
        own = [n for n in read.cites if n in entry.evidence]
        borrowed = [n for n in read.cites if n not in entry.evidence]
        true = {*self.proved(entry, own), *self._proved_of_references(borrowed)}
        lies = tuple(f"e{n} could not be proved" for n in read.cites if n not in true and self.slate.fact(n))
        return replace(read, problems=(*read.problems, *lies))

    def own_reason(self, entry: Entry) -> tuple[str, tuple[int, ...]] | None:
        """A reason built from what can be proved about the entry, or None if nothing can."""
        numbers = self.in_favor(entry)
        reason, cites = compose((n, self.slate.evidence[n - 1].kind) for n in numbers)
        if not reason:
            return None
        read = read_reason(reason, cites, entry, self.slate, self.item, lambda _: {})
        return read.text, read.cites

    def example(self, entry: Entry) -> str:
        """An example of a reason for the entry, for the model to follow; empty if nothing can be proved."""
        numbers = self.in_favor(entry)[:MOST_EXAMPLES]
        return compose((n, self.slate.evidence[n - 1].kind) for n in numbers)[0]

    def others(self, taken: Collection[str], most: int = 5) -> str:
        """Handles of at most ``most`` candidates that may be recommended and are not in ``taken``."""
        entries = sorted(self.slate.candidates(), key=lambda entry: -entry.scores.get("score", 0.0))
        free = (e.handle for e in entries if e.item_id not in taken and self.fault(e) is None)
        return ", ".join(islice(free, most)) or "nothing yet: look something up first"

    def _proved_of_references(self, numbers: Sequence[int]) -> list[int]:
        references = [entry for entry in self.slate.entries.values() if entry.role == "reference"] if numbers else []
        return [n for entry in references for n in self.proved(entry, [n for n in entry.evidence if n in numbers])]


def given_up(submission: Submission, brief: Brief) -> frozenset[str]:
    """The labels of request constraints that the submission drops.

    A model may have understood the words better than the rules did; the answer says so. What always binds has no label.
    """
    return frozenset(submission.dropped) & frozenset(brief.bindings)


def judge(submission: Submission, slate: Slate, brief: Brief, context: AgentContext) -> Verdict:
    """What passes of a submission, and what is wrong with the rest, written to the model.

    In the strictness ``lenient`` reasons that claim too much do not go back to the model: they are replaced at once.

    Args:
        submission: what the model submitted.
        slate: what handles and evidence numbers refer to.
        brief: what binds the request.
        context: the request's context, with store and engines.
    """
    judging = Judge.of(submission, slate, brief, context)
    chosen: list[Chosen] = []
    problems: list[str] = []
    repairs: list[str] = []
    seen: set[str] = set()
    picked = {entry.item_id for pick in submission.picks if (entry := find(pick.item, slate))}
    for pick, entry, fault in judging.walk(submission.picks, seen):
        if entry is None:
            problems.append(f"{_quoted(pick.item)} is not on the slate; choose among {judging.others(picked)}")
            continue
        seen.add(entry.item_id)
        if fault == TWICE:
            problems.append(f"{entry.handle} {fault}")
            continue
        if fault:
            problems.append(f"{entry.handle} {fault}: choose another, such as {judging.others(picked)}")
            continue
        reason = judging.reason(pick, entry)
        if not reason.problems:
            chosen.append(_chosen(entry, reason.text, reason.cites))
            continue
        own = judging.own_reason(entry) if context.strictness == "lenient" else None
        if own is not None:
            repairs.append(_rewrote(entry))
            chosen.append(_chosen(entry, *own))
            continue
        example = judging.example(entry)
        told = "; ".join(reason.problems)
        problems.append(
            f"{entry.handle}: {told}. Write for example: {example}" if example else f"{entry.handle}: {told}"
        )
    asked = context.wanted(brief)
    short = not problems and len(chosen) < asked
    fit = sum(judging.fault(entry) is None for entry in slate.candidates()) if short else 0
    wanted = min(asked, fit)
    if short and len(chosen) < wanted:
        free = judging.others(picked)
        problems.append(f"{len(chosen)} recommended, {asked} asked for: submit {wanted}, add for example {free}")
    dropped = tuple(sorted(judging.dropped))
    return Verdict(tuple(chosen[:asked]), tuple(problems), tuple(repairs), dropped)


def settle(
    submission: Submission, slate: Slate, brief: Brief, context: AgentContext, ranking: Sequence[str]
) -> Verdict:
    """The same submission with every fault corrected from the slate.

    Bad items are left out, bad reasons rewritten from evidence, and empty places filled from ``ranking``. ``repairs``
    says each change.

    Args:
        submission: what the model submitted.
        slate: what handles and evidence numbers refer to.
        brief: what binds the request.
        context: the request's context, with store and engines.
        ranking: item ids, best first, to fill empty places from.
    """
    judging = Judge.of(submission, slate, brief, context)
    chosen: list[Chosen] = []
    repairs: list[str] = []
    taken: set[str] = set()
    asked = context.wanted(brief)
    for pick, entry, fault in judging.walk(submission.picks, taken):
        if entry is None:
            repairs.append(f"Left out {_quoted(pick.item)}: it is not in the catalogue's candidates.")
            continue
        if fault:
            second = f"Left out a second {entry.title}."
            repairs.append(second if fault == TWICE else f"Left out {entry.title}: it {fault}.")
            continue
        if len(chosen) == asked:
            break
        reason = judging.reason(pick, entry)
        if reason.problems:
            own = judging.own_reason(entry)
            if own is None:
                repairs.append(f"Left out {entry.title}: nothing could be proved in its favor.")
                continue
            repairs.append(_rewrote(entry))
            chosen.append(_chosen(entry, *own))
        else:
            chosen.append(_chosen(entry, reason.text, reason.cites))
        taken.add(entry.item_id)
    added = _fill(chosen, taken, ranking, judging, asked)
    if added:
        repairs.append(f"Added {first_few(added)} from the ranking.")
    return Verdict(tuple(chosen), repairs=tuple(repairs), dropped=tuple(sorted(judging.dropped)))


def _fill(chosen: list[Chosen], taken: set[str], ranking: Sequence[str], judging: Judge, k: int) -> list[str]:
    """Adds items of the ranking to ``chosen`` until it holds ``k``; returns the titles added."""
    added: list[str] = []
    for item_id in ranking:
        if len(chosen) >= k:
            break
        entry = judging.slate.of_item(item_id)
        if entry is None or item_id in taken or judging.fault(entry):
            continue
        own = judging.own_reason(entry)
        if own is not None:
            chosen.append(_chosen(entry, *own))
            taken.add(item_id)
            added.append(entry.title)
    return added


def find(name: str, slate: Slate) -> Entry | None:
    """The entry that a model means: by handle, or by a title that only one entry has; None if there is none."""
    entry = slate.entries.get(name.strip("{}[]() ").lower())
    if entry is not None:
        return entry
    wanted = normalize(name)
    named = [e for e in slate.entries.values() if wanted and normalize(e.title) == wanted]
    return named[0] if len(named) == 1 else None


def _chosen(entry: Entry, reason: str, cites: tuple[int, ...]) -> Chosen:
    return Chosen(entry.item_id, entry.title, entry.scores.get("score", 0.0), reason, cites)


def _rewrote(entry: Entry) -> str:
    return f"Rewrote the reason for {entry.title} from evidence."


def _quoted(text: str, most: int = 40) -> str:
    clean = "".join(c for c in text if c.isprintable())
    return repr(clean if len(clean) <= most else clean[:most] + "…")
