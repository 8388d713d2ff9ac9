"""The requests of the golden answers over the demo catalogue: every way to ask, with a model's replies written out.

What each is answered is kept in ``golden/demo.json``; ``test_golden`` holds the product to it. A change of answers on
purpose is one command, and a diff to read: ``RECMIND_UPDATE_SNAPSHOTS=1 scripts/test tests/agent/test_golden.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recmind.agent.answer import Answer
from recmind.agent.recommender import RecMind
from recmind.data.errors import RecMindError
from tests.agent.scripted import ScriptedModel, looks_up_side_by_side
from tests.agent.test_recordings import of_catalogue, replayed
from tests.agent.understanding.test_reading import FILMS

USERS = ("ada", "adil", "agnes", "aiko", "akua", "alba")
THREADS = {
    "evening": (
        "comedies from the 90s",
        "but no romance",
        "something newer",
        "like the second one",
        "I hated the first",
    ),
    "space": ("something like Alien", "funnier", "shorter", "another one", "forget that, a western"),
    "question": ("I want to watch something", "Comedy", "for my kids"),
}
WRONG: tuple[dict[str, Any], ...] = ({"k": 0}, {"filters": ["nothing=1"]}, {"mode": "wild"}, {"diversity": 2.0})


def capable() -> ScriptedModel:
    """Looks up side by side, the past and a ranking too, and submits the first six."""
    return looks_up_side_by_side(("user_history", {}), ("rank_candidates", {}), k=6)


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """A name and the arguments of ``recommend``, in the order in which they are asked."""
    texts = [text for text, _ in FILMS][::2]
    for place, text in enumerate(texts):
        asked: dict[str, Any] = {"query": text, "k": 3}
        if place % 3 == 1:
            asked["user_id"] = USERS[place % len(USERS)]
        if place % 7 == 3:
            asked["filters"] = ["year>=1980"]
        if place % 11 == 4:
            asked["diversity"] = 0.4
        if place % 9 == 2:
            asked["mode"] = "explanation-first"
        yield "plain", asked
    for user_id in (None, "nobody", *USERS):
        yield "user", {"query": "", "user_id": user_id, "k": 5}
    for aggregation in ("average", "least-misery", "most-pleasure"):
        yield "group", {"query": "a funny film", "user_ids": USERS[:3], "aggregation": aggregation, "k": 3}
        yield "group", {"query": "", "user_ids": USERS[2:4], "aggregation": aggregation, "k": 3}
    for text in (*texts[:5], "a tense heist", "a smart science fiction film about machines"):
        yield "inspired", {"query": text, "user_id": "ada", "k": 3, "strategy": "self-inspiring"}
        yield "model", {"query": text, "user_id": "ada", "k": 3, "model": capable()}
        yield (
            "model inspired",
            {"query": text, "k": 3, "strategy": "self-inspiring", "model": capable()},
        )
    for name in of_catalogue("demo"):
        model, asked = replayed(name)
        yield f"recorded {name}", {**asked, "model": model}
    for thread, lines in THREADS.items():
        mode = "conversational" if thread == "question" else "direct"
        for line in lines:
            yield "thread", {"query": line, "thread": thread, "user_id": "adil", "k": 3, "mode": mode}
    yield "limited", {"query": "a western", "limits": {"tool_calls": 1}, "k": 3}
    yield (
        "limited model",
        {"query": "a western", "limits": {"model_calls": 1}, "k": 3, "model": capable()},
    )
    yield "excluded", {"query": "a western", "exclude": ["unforgiven-1992"], "k": 3}
    for options in WRONG:
        yield "wrong", {"query": "a western", **options}


def told(rec: RecMind, asked: dict[str, Any]) -> dict[str, Any]:
    """What comes back, without what differs from run to run: ids, times, and scores beyond four digits."""
    try:
        answer = rec.recommend(**asked)
    except RecMindError as error:
        return {"error": type(error).__name__, "text": str(error)}
    return {
        "items": [
            f"{found.item_id} {found.score:.3f}"
            + (f" {found.confidence:.3f}" if found.confidence is not None else "")
            + "".join(f" {fit.user_id}={fit.fit:.2f}" for fit in found.fits)
            for found in answer.recommendations
        ],
        "reasons": [found.reason for found in answer.recommendations],
        "evidence": [[f"{proof.kind}: {proof.text}" for proof in found.evidence] for found in answer.recommendations],
        **_said(answer),
    }


def _said(answer: Answer) -> dict[str, Any]:
    used = answer.usage
    said = {
        "message": answer.message,
        "question": answer.question,
        "choices": list(answer.choices),
        "understood": [portrait.text for portrait in answer.understood],
        "repairs": list(answer.repairs),
        "cause": answer.fallback_cause,
        "calls": f"{used.model_calls} model, {used.tool_calls} look-ups",
        "source": answer.source,
    }
    return {name: part for name, part in said.items() if part}
