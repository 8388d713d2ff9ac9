"""The data that the page shows: a row of the list, and the details of one trace. Plain values, as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from recmind.agent.tracing.records import RunRecord, Tokens, TraceNode, TraceSummary, TraceTree
from recmind.agent.tracing.store.judging import Judgement
from recmind.agent.tracing.views.candidates import SUBMIT, candidates, checked, growth, picks, submission_checks
from recmind.agent.tracing.views.formatting import REPLIED, STEPS, one_line
from recmind.agent.tracing.views.run_contents import (
    TracedFindings,
    TracedMessage,
    found_by,
    handles,
    is_routing,
    messages_read,
    messages_said,
    model_of,
    own_words,
    question_of,
    spoken,
)

View = dict[str, Any]

KINDS = {"llm": "model", "tool": "tool", "retriever": "tool"}
"""The name of a run by its type; any other type is a step."""

LONGEST_HINT = 160


def row(summary: TraceSummary) -> View:
    """One row of the list. Durations are in milliseconds, times in milliseconds since 1970."""
    return {
        "id": summary.trace_id,
        "at": _moment(summary.start_time),
        "ms": round(summary.latency_ms, 3),
        "query": summary.query,
        "user": summary.user_id,
        "model": summary.model,
        "source": summary.source,
        "status": summary.status,
        "error": summary.error,
        "runs": summary.runs,
        "tokens": _tokens(summary.tokens),
        "score": summary.score,
        "comment": summary.comment,
    }


def details(tree: TraceTree, said: Sequence[Judgement] = ()) -> View:
    """Everything that is shown of one trace: row, answer, runs in order, slate, checks, and judgements.

    Args:
        tree: the trace.
        said: what people said about the answer.
    """
    nodes = list(tree.root.walk())
    places = {node.run.id: place for place, node in enumerate(nodes)}
    titles = handles(tree)
    return {
        "trace": row(tree.summary),
        "asked": tree.root.run.inputs,
        "answer": _answer(tree.root.run),
        "runs": [_run(node, places, tree.root.run.start_time, titles) for node in nodes],
        "slate": [asdict(candidate) for candidate in candidates(tree)],
        "growth": [_placed(asdict(step), places) for step in growth(tree)],
        "feedback": [
            {"item_id": one.item_id, "score": one.score, "comment": one.comment, "at": _moment(one.at)} for one in said
        ],
        "verdicts": [_placed(asdict(verdict), places) for verdict in submission_checks(tree)],
    }


def _answer(root: RunRecord) -> View:
    verdict = root.outputs.get("verdict")
    chosen = verdict.get("chosen") if isinstance(verdict, Mapping) else None
    return {
        "message": root.outputs.get("message"),
        "cause": root.outputs.get("cause"),
        "question": question_of(root.outputs),
        "chosen": chosen if isinstance(chosen, list) else [],
    }


def _run(node: TraceNode, places: Mapping[str, int], began: datetime, titles: Mapping[str, str]) -> View:
    run = node.run
    kind = KINDS.get(run.run_type, "step")
    first_token_s = run.extra.get("first_token_s")
    view: View = {
        "id": run.id,
        "parent": places.get(run.parent_run_id or "", 0) if places[run.id] else None,
        "name": model_of(run) or run.name,
        "kind": kind,
        "at": _between(began, run.start_time),
        "ms": run.latency_ms,
        "error": run.error,
        "routing": is_routing(node),
        "tokens": _tokens(run.tokens),
        "raw": {
            "run_type": run.run_type,
            "start_time": run.start_time.isoformat(),
            "end_time": run.end_time.isoformat() if run.end_time else None,
            "inputs": run.inputs,
            "outputs": run.outputs,
            "extra": run.extra,
            "tags": list(run.tags),
            "session_name": run.session_name,
            "dotted_order": run.dotted_order,
        },
    }
    hint = ""
    if kind == "model":
        read, said = messages_read(run), messages_said(run)
        view |= {"read": [asdict(message) for message in read], "said": [asdict(message) for message in said]}
        view["offered"] = _offered(run)
        view["first_token_ms"] = first_token_s * 1000 if isinstance(first_token_s, (int, float)) else None
        hint = _said(said, titles)
    elif kind == "tool":
        found = found_by(run)
        view |= {"arguments": run.inputs, "found": asdict(found)}
        hint = _looked_up(run, found)
    elif run.parent_run_id:
        hint = _step(run)
    view["hint"] = one_line(own_words(run.error) if run.error else hint, LONGEST_HINT)
    return view


def _offered(run: RunRecord) -> list[Any]:
    """The tools that were offered to a model, as the endpoint was told."""
    parameters = run.extra.get("invocation_params")
    tools = parameters.get("tools") if isinstance(parameters, Mapping) else None
    return tools if isinstance(tools, list) else []


def _step(run: RunRecord) -> str:
    """The result of a step, or its purpose."""
    heard, verdict = run.outputs.get("heard"), run.outputs.get("verdict")
    if run.outputs.get("asked"):
        return f"asked the person: {question_of(run.outputs)}"
    if isinstance(heard, Mapping):
        return str(heard.get("meaning"))
    if run.name == "validate" and isinstance(verdict, Mapping):
        return checked(verdict)
    if "said" in run.outputs:
        return f"{REPLIED}: {run.outputs['said']}"
    return STEPS.get(run.name, "")


def _said(said: list[TracedMessage], titles: Mapping[str, str]) -> str:
    parts = [message.text for message in said if message.text]
    parts += [
        f"picks {picks(call, titles)}" if call.name == SUBMIT else f"{call.name}({spoken(call.arguments)})"
        for message in said
        for call in message.calls
    ]
    return " · ".join(parts)


def _looked_up(run: RunRecord, found: TracedFindings) -> str:
    rows = f"{found.total} row{'s' * (found.total != 1)}" if found.rows else found.text
    return " · ".join(part for part in (rows, spoken(run.inputs)) if part)


def _placed(view: View, places: Mapping[str, int]) -> View:
    """The view with the place of its run instead of the run's id."""
    return {**{name: value for name, value in view.items() if name != "run_id"}, "run": places[view["run_id"]]}


def _tokens(tokens: Tokens) -> View | None:
    if tokens.total is None and tokens.cost is None:
        return None
    return {"read": tokens.prompt, "written": tokens.completion, "total": tokens.total, "cost": tokens.cost}


def _moment(moment: datetime) -> float:
    return round(moment.timestamp() * 1000, 3)


def _between(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds() * 1000, 3)
