"""validate and repair: problems go back to the model once; after that they are corrected without it."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.runtime import Runtime

from recmind import prompts
from recmind.agent.graph.steady import steady
from recmind.agent.planner import fallback_ranking
from recmind.agent.state import AgentContext, Event, State, Verdict
from recmind.agent.validation.validator import find, given_up, judge, settle
from recmind.tools.brief import Brief
from recmind.tools.chat.submit import SUBMIT, Submission
from recmind.tools.evidence.slate import Slate


@steady
def validate(state: State, runtime: Runtime[AgentContext]) -> State:
    """The verdict on the submission; no problems are left once the model has used its chance to correct it."""
    context, submission, slate = runtime.context, state["submission"], state["slate"]
    assert submission is not None
    picked = [find(pick.item, slate) for pick in submission.picks]
    if any(entry is not None and "score" not in entry.scores for entry in picked):
        # The model asked for no ranking, but the scores of the answer need one.
        slate, _ = fallback_ranking.ranked(context, state["brief"], slate, 1)
    verdict = judge(submission, slate, state["brief"], context)
    last = bool(state.get("repaired") or state.get("cause"))
    if (verdict.problems and last) or (not verdict.problems and _short(verdict, state["brief"], context)):
        slate, verdict = _settled(submission, slate, state["brief"], context)
    if context.emit:
        text = f"{len(verdict.chosen)} passed" + (f", {len(verdict.problems)} problems" if verdict.problems else "")
        if not verdict.problems:
            for rank, chosen in enumerate(verdict.chosen, 1):
                facts = {"rank": rank, "item_id": chosen.item_id, "title": chosen.title, "score": chosen.score}
                context.emit(Event("item_validated", f"{rank}. {chosen.title}", facts))
        context.emit(Event("validated", text, {"problems": list(verdict.problems)}))
    return State(slate=slate, verdict=verdict)


def _short(verdict: Verdict, brief: Brief, context: AgentContext) -> bool:
    """Whether the answer has fewer items than were asked for although more items of the catalogue qualify."""
    missing = len(verdict.chosen) < context.wanted(brief)
    return missing and len(verdict.chosen) < fallback_ranking.qualifying(context, brief.without(verdict.dropped))


def _settled(submission: Submission, slate: Slate, brief: Brief, context: AgentContext) -> tuple[Slate, Verdict]:
    """The corrected verdict. If the slate holds too few candidates, the look-ups of the planner's rules run first."""
    kept, wanted = brief.without(given_up(submission, brief)), context.wanted(brief)
    slate, best = fallback_ranking.ranked(context, kept, slate, wanted)
    if len(best) < wanted:
        slate, best = fallback_ranking.ranked(context, kept, fallback_ranking.gathered(context, kept, slate), wanted)
    if len(best) < min(wanted, fallback_ranking.qualifying(context, kept)):
        # No more items match the words: take any others that qualify.
        slate, best = fallback_ranking.ranked(context, kept, fallback_ranking.listed(context, kept, slate), wanted)
    return slate, settle(submission, slate, brief, context, [entry.item_id for entry in best])


def repair(state: State, runtime: Runtime[AgentContext]) -> State:
    """The message to the model about an unusable answer: its problems, or that plain text is not an answer."""
    if runtime.context.emit:
        runtime.context.emit(Event("repairing", "asking the model to mend its answer"))
    submission, verdict = state.get("submission"), state.get("verdict")
    if state.get("cut"):
        # Some chat templates require that model and user take turns.
        again: list[AnyMessage] = [AIMessage("(cut off)"), HumanMessage(prompts.render("shorter"))]
        return State(messages=again, cut=False, shortened=True)
    if submission is not None and verdict is not None:
        problems = "\n".join(f"- {problem}" for problem in verdict.problems)
        fine = [e.handle for chosen in verdict.chosen if (e := state["slate"].of_item(chosen.item_id))]
        findings = ToolMessage(
            prompts.render("repair", problems=problems, fine=_fine(fine)),
            tool_call_id=state.get("submit_call_id") or "",
            name=SUBMIT,
            status="error",
        )
        return State(messages=[findings], repaired=True, submission=None, submit_call_id=None)
    candidates = ", ".join(entry.handle for entry in state["slate"].candidates()[:12]) or "none yet: look something up"
    return State(messages=[HumanMessage(prompts.render("nudge", candidates=candidates))], nudged=True)


def _fine(handles: Sequence[str]) -> str:
    return f"Keep {', '.join(handles)} as submitted. " if handles else ""


def said_nothing(message: AnyMessage) -> bool:
    """Whether a model's message holds no call, readable or not."""
    return isinstance(message, AIMessage) and not message.tool_calls and not message.invalid_tool_calls
