"""The JSON Schema of an answer, as ``recmind schema`` prints it: the promise about ``recmind recommend --json``."""

from __future__ import annotations

from typing import Any, get_args

from recmind.data.choices import Aggregation

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EVIDENCE_KINDS = ("request", "preference", "history", "collaborative", "semantic", "metadata", "popularity")

TEXT = {"type": "string"}
TEXT_OR_NULL = {"type": ["string", "null"]}
COUNT = {"type": "integer", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def _described(kind: dict[str, Any], description: str) -> dict[str, Any]:
    return {**kind, "description": description}


def _record(title: str, /, **properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these properties promised; later versions may add others."""
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": True,
    }


def _list(of: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": of, "description": description}


PROOF = _record(
    "Proof",
    kind={"enum": list(EVIDENCE_KINDS), "description": "What sort of fact it is."},
    text=_described(TEXT, "The fact as a noun phrase: 'genre Comedy', 'your 5-star rating of Alien'."),
    data={"type": "object", "description": "What is needed to check the fact again; the keys depend on the kind."},
)
FIT = _record(
    "Fit",
    user_id=_described(TEXT, "The member of the group."),
    fit=_described(SHARE, "The share of the other candidates that their own ranking puts below this one."),
)
RECOMMENDATION = _record(
    "Recommendation",
    rank={"type": "integer", "minimum": 1, "description": "1 is the best."},
    item_id=_described(TEXT, "The catalogue's own id."),
    title=_described(TEXT, "The item's title, or its id where it has none."),
    score=_described(SHARE, "Higher is better; comparable within one answer only."),
    reason=_described(TEXT, "Why, in a sentence; its facts come from the evidence."),
    evidence=_list(PROOF, "The facts behind the reason, checked against the catalogue and the user's history."),
    confidence={
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "A calibrated probability, or null where none has been learned.",
    },
    fits=_list(FIT, "How well it fits each member of a group; empty for one person."),
)
PORTRAIT = _record(
    "Portrait",
    user_id=_described(TEXT_OR_NULL, "Who it is about, or null where nobody was named."),
    text=_described(TEXT, "What was understood of the person, in a few sentences made of the evidence."),
    evidence=_list(PROOF, "The facts behind it, checked against the history and what the user stated."),
)
USAGE = _record(
    "Usage",
    model_calls=_described(COUNT, "Calls of the chat model."),
    tool_calls=_described(COUNT, "Look-ups made."),
    input_tokens=_described(COUNT, "Tokens the model read."),
    output_tokens=_described(COUNT, "Tokens the model wrote."),
    cost_usd={"type": ["number", "null"], "minimum": 0, "description": "US dollars, or null where no price is known."},
    cached_model_calls=_described(COUNT, "Of the model calls, those answered from the cache, without tokens or money."),
    cached_tool_calls=_described(COUNT, "Of the look-ups, those that were remembered."),
    cached={"type": "boolean", "description": "Whether the whole answer was remembered, so that nothing was asked."},
    model_choice=_described(TEXT_OR_NULL, "Why auto:CHEAP,STRONG chose the model, or null where it was named."),
)
ANSWER: dict[str, Any] = {
    "$schema": DIALECT,
    "description": "What `recmind recommend --json` prints.",
    **_record(
        "Answer",
        query=_described(TEXT, "The request as it was given."),
        user_id=_described(TEXT_OR_NULL, "Who it was for, or null."),
        recommendations=_list(RECOMMENDATION, "Best first; fewer than asked for where not enough items qualify."),
        message=_described(TEXT, "What the request was taken to mean, and what could not be done."),
        source={"enum": ["agent", "fallback"], "description": "fallback: the model failed, the ranker answered."},
        model=_described(TEXT, "The model that answered; 'offline' is the built-in planner."),
        trace_id=_described(TEXT, "For `recmind trace show`."),
        question=_described(TEXT_OR_NULL, "A clarifying question, where there is one instead of an answer."),
        fallback_cause=_described(TEXT_OR_NULL, "Why the fallback answered, or null."),
        repairs=_list(TEXT, "What the validator changed before the answer left, a sentence each."),
        usage=_described(USAGE, "What the request cost."),
        choices=_list(TEXT, "What the question offers, values of the catalogue."),
        thread=_described(TEXT_OR_NULL, "The conversation that the answer belongs to, or null."),
        latency_ms={"type": "number", "minimum": 0, "description": "Milliseconds from request to answer."},
        understood=_list(PORTRAIT, "What was understood of each person, in the mode explanation-first; else empty."),
        user_ids=_list(TEXT, "Everybody it was for: one person, the members of a group, or nobody."),
        aggregation={
            "enum": [*get_args(Aggregation), None],
            "description": "How the fits of a group's members became the score, or null.",
        },
    ),
}
"""JSON Schema, draft 2020-12. Answers may gain properties; none of these goes away."""
