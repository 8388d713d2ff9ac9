"""What happened to each entry of a request's slate: who found it, its score, why it was recommended or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recmind.agent.tracing.records import TraceTree
from recmind.agent.tracing.views.run_contents import TracedCall, handles, messages_said, steps_of_request

SUBMIT = "submit_recommendations"
"""The call with which a model ends; it names what the model picks."""

RANKER = "rank_candidates"
"""The tool that ranks what other tools found."""

Fate = Literal["recommended", "rejected", "passed over", "reference"]
"""rejected: the model picked it, but the checks forbade it; passed over: nobody picked it; reference: it was never to
be recommended."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of the slate at the end of a request."""

    handle: str
    item_id: str
    title: str
    summary: str
    tools: tuple[str, ...]
    """The tools that found it, in order."""
    scores: Mapping[str, float]
    evidence: tuple[tuple[int, str, str], ...]
    """Number, kind and words of each fact that speaks for it."""
    fate: Fate
    rank: int | None
    """Its place in the answer, from 1; None if it is not in it."""
    remarks: tuple[str, ...]
    """What the checks said about it."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What one step added to the slate."""

    run_id: str
    added: tuple[str, ...]
    """Handles of the entries."""
    total: int
    """The number of entries after the step."""


@dataclass(frozen=True, slots=True)
class SubmissionCheck:
    """The result of checking a submission."""

    run_id: str
    passed: int
    problems: tuple[str, ...]
    repairs: tuple[str, ...]
    dropped: tuple[str, ...]


def candidates(tree: TraceTree) -> list[Candidate]:
    """All entries of the slate; empty if no slate was kept.

    The recommended come first, in their order, then those rejected, then the others as they were found.
    """
    slate = _mapping(tree.root.run.outputs.get("slate"))
    facts = [_mapping(fact) for fact in _list(slate.get("evidence"))]
    chosen = _mapping(tree.root.run.outputs.get("verdict")).get("chosen")
    ranks = {str(_mapping(one).get("item_id")): rank for rank, one in enumerate(_list(chosen), 1)}
    picked, said = _picked(tree), [sentence for verdict in submission_checks(tree) for sentence in _sentences(verdict)]
    found = [
        _candidate(_mapping(entry), facts, ranks, picked, said) for entry in _mapping(slate.get("entries")).values()
    ]
    order: dict[Fate, int] = {"recommended": 0, "rejected": 1, "passed over": 2, "reference": 3}
    return sorted(found, key=lambda one: (order[one.fate], one.rank or 0))


def growth(tree: TraceTree) -> list[Growth]:
    """The steps that added to the slate, in order."""
    found = []
    for node in steps_of_request(tree):
        change = _mapping(node.run.outputs.get("slate"))
        added = tuple(str(handle) for handle in _list(change.get("added")))
        if added and isinstance(total := change.get("entries"), int):
            found.append(Growth(node.run.id, added, total))
    return found


def submission_checks(tree: TraceTree) -> list[SubmissionCheck]:
    """The result of each check, in order; only the last if the steps did not keep theirs."""
    kept = [(node.run, node.run.outputs.get("verdict")) for node in steps_of_request(tree)]
    titles, words = handles(tree), _words_of_conditions(tree)
    found = [(run, said) for run, said in kept if isinstance(said, Mapping)]
    if not found and isinstance(last := tree.root.run.outputs.get("verdict"), Mapping):
        found = [(tree.root.run, last)]
    return [
        SubmissionCheck(
            run.id,
            len(_list(said.get("chosen"))),
            problems=tuple(titled(str(one), titles) for one in _list(said.get("problems"))),
            repairs=tuple(map(str, _list(said.get("repairs")))),
            dropped=tuple(words.get(str(label), str(label)) for label in _list(said.get("dropped"))),
        )
        for run, said in found
    ]


def checked(verdict: Mapping[str, Any]) -> str:
    """The result of a check in a few words."""
    chosen, problems, repairs = (len(_list(verdict.get(name))) for name in ("chosen", "problems", "repairs"))
    parts = [f"{chosen} passed"]
    if problems:
        parts.append(f"{problems} sent back to the model")
    if repairs:
        parts.append(f"{repairs} mended without it")
    return ", ".join(parts)


def titled(sentence: str, titles: Mapping[str, str]) -> str:
    """A sentence about an entry of the slate, with the title added to the handle that it begins with.

    Args:
        sentence: the sentence.
        titles: the titles by handle.
    """
    handle = sentence.partition(" ")[0].rstrip(":")
    title = titles.get(handle)
    return f"{handle} {title}{sentence[len(handle) :]}" if title else sentence


def picks(call: TracedCall, titles: Mapping[str, str]) -> str:
    """What a model submitted, by title, and the conditions that it dropped.

    Args:
        call: the final call of the model.
        titles: the titles by handle.
    """
    submitted = _mapping(call.arguments)
    named = [
        " ".join(filter(None, (str(pick.get("item")), titles.get(str(pick.get("item"))))))
        for pick in map(_mapping, _list(submitted.get("recommendations")))
    ]
    dropped = ", ".join(map(str, _list(submitted.get("dropped"))))
    return f"{', '.join(named) or 'nothing'}{f'; sets aside {dropped}' if dropped else ''}"


def _words_of_conditions(tree: TraceTree) -> dict[str, str]:
    """The conditions of a request by label, with the request's words."""
    bindings = _mapping(_mapping(tree.root.run.outputs.get("brief")).get("bindings"))
    return {label: f"{label} “{_mapping(binding).get('words')}”" for label, binding in bindings.items()}


def _candidate(
    entry: Mapping[str, Any],
    facts: list[Mapping[str, Any]],
    ranks: Mapping[str, int],
    picked: frozenset[str],
    said: list[str],
) -> Candidate:
    handle, item_id, title = (str(entry.get(name) or "") for name in ("handle", "item_id", "title"))
    rank, tools = ranks.get(item_id), [str(tool) for tool in _list(entry.get("tools"))]
    fate: Fate = "passed over"
    if rank is not None:
        fate = "recommended"
    elif entry.get("role") == "reference":
        fate = "reference"
    elif handle in picked:
        fate = "rejected"
    numbers = [n for n in _list(entry.get("evidence")) if isinstance(n, int) and 1 <= n <= len(facts)]
    return Candidate(
        handle=handle,
        item_id=item_id,
        title=title,
        summary=str(entry.get("summary") or ""),
        tools=tuple(tool for tool in tools if tool != RANKER) or tuple(tools),
        scores={name: s for name, s in _mapping(entry.get("scores")).items() if isinstance(s, (int, float))},
        evidence=tuple((n, str(facts[n - 1].get("kind")), str(facts[n - 1].get("text"))) for n in numbers),
        fate=fate,
        rank=rank,
        remarks=tuple(dict.fromkeys(s for s in said if _is_about(s, handle, title))),
    )


def _picked(tree: TraceTree) -> frozenset[str]:
    """The handles that the model named in any of its submissions."""
    return frozenset(
        str(_mapping(pick).get("item"))
        for run in tree.runs()
        if run.run_type == "llm"
        for said in messages_said(run)
        for call in said.calls
        if call.name == SUBMIT
        for pick in _list(_mapping(call.arguments).get("recommendations"))
    )


def _sentences(verdict: SubmissionCheck) -> Iterator[str]:
    yield from verdict.problems
    yield from verdict.repairs


def _is_about(sentence: str, handle: str, title: str) -> bool:
    """Whether a sentence is about an entry: problems begin with the handle, repairs name the title."""
    return sentence.startswith((f"{handle} ", f"{handle}:")) or bool(title and title in sentence)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
