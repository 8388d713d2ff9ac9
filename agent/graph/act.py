"""act: runs all tool calls of a turn in parallel, then merges what they found onto the slate."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime
from pydantic import ValidationError

from recmind.agent.planner import fallback_ranking
from recmind.agent.state import AgentContext, Event, EventKind, Question, Spent, State
from recmind.data.errors import RecMindError
from recmind.data.text import normalize
from recmind.tools.chat.ask import ASK, MOST_CHOICES, AskError, parse_question
from recmind.tools.chat.faults import faults
from recmind.tools.chat.submit import SUBMIT, Submission, SubmissionError, parse_submission
from recmind.tools.chat.toolbox import DESK, RANKING, TOOLS, Desk, render_rows
from recmind.tools.evidence.slate import Findings
from recmind.tools.lookups import LookUpError, LookUps

log = logging.getLogger(__name__)

TOOLS_BY_NAME: dict[str, BaseTool] = {tool.name: tool for tool in TOOLS}


def act(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """The slate with this turn's findings, a tool message for every look-up, and the submission if there is one.

    Args:
        state: the state so far.
        config: callbacks and metadata; the runs of the tools become children of its run.
        runtime: holds the request's context.
    """
    turn = _ToolTurn(state, config, runtime)
    for calls in turn.rounds:
        futures = turn.begun(calls)
        turn.take(calls, [_result(future, turn.seconds_left()) for future in futures])
    return turn.settle()


async def aact(state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> State:
    """``act`` for an event loop, which it does not block.

    Args:
        state: the state so far.
        config: callbacks and metadata; the runs of the tools become children of its run.
        runtime: holds the request's context.
    """
    turn = _ToolTurn(state, config, runtime)
    for calls in turn.rounds:
        futures = turn.begun(calls)
        await asyncio.wait([asyncio.wrap_future(future) for future in futures], timeout=turn.seconds_left())
        turn.take(calls, [_result(future, 0) for future in futures])
    return turn.settle()


class _ToolTurn:
    """The calls of one turn: runs them, and takes up their results."""

    def __init__(self, state: State, config: RunnableConfig, runtime: Runtime[AgentContext]) -> None:
        self.state, self.config, self.runtime = state, config, runtime
        self.context = runtime.context
        message = state["messages"][-1]
        assert isinstance(message, AIMessage)
        self.message = message
        self.submits = [call for call in message.tool_calls if call["name"] == SUBMIT]
        self.asks = [call for call in message.tool_calls if call["name"] == ASK and self.context.ask]
        ends = (SUBMIT, ASK) if self.context.ask else (SUBMIT,)
        look_ups = [call for call in message.tool_calls if call["name"] not in ends]
        left = max(0, self.context.limits.tool_calls - state["spent"].tool_calls)
        self.calls, self.over = look_ups[:left], look_ups[left:]
        by_kind = [[call for call in self.calls if (call["name"] == RANKING) == last] for last in (False, True)]
        self.rounds = [calls for calls in by_kind if calls]
        """Calls that run in parallel: a ranking comes after the other look-ups, because it ranks what they find."""
        self.slate, self.read = state["slate"], state["read"]
        self.results: list[Findings | str] = []
        self.answers: dict[int, ToolMessage] = {}
        """The answers by the ``id()`` of the call."""

    def seconds_left(self) -> float:
        return max(0.0, self.context.deadline - time.monotonic())

    def begun(self, calls: Sequence[ToolCall]) -> list[Future[Findings | str]]:
        """The future result of each call; the calls run in other threads."""
        pool = self.context.look_up_pool
        return [pool.submit(contextvars.copy_context().run, self.run, call) for call in calls]

    def run(self, call: ToolCall) -> Findings | str:
        """The findings of one call, or a message to the model that says why there are none."""
        tool = TOOLS_BY_NAME.get(call["name"])
        if tool is None:
            return f"There is no tool {call['name']!r}; there are {', '.join(TOOLS_BY_NAME)}."
        if self.context.emit:
            self.emit("tool_started", _spoken(call), call)
        look_ups = LookUps(self.context, self.state["brief"], self.slate)
        desk = Desk(self.context.caches.look_ups(look_ups) if self.context.caches else look_ups)
        try:
            # Some servers send no id; without one LangChain would return only the text.
            named = {**call, "id": call["id"] or "", "args": {**call["args"], DESK: desk}}
            with self.context.store.steady():
                message = tool.invoke(named, self.config)
        except ValidationError as error:
            return f"{call['name']} did not take these arguments ({faults(error, DESK)})."
        except (LookUpError, RecMindError) as error:
            return str(error)
        except Exception:
            # An error in one tool does not end the request: the other tools go on.
            log.exception("tool %s failed", call["name"])
            return f"{call['name']} failed; go on without it."
        found = message.artifact
        assert isinstance(found, Findings)
        self.emit(
            "tool_finished", f"{call['name']}: {len(found.rows)} rows", call, rows=len(found.rows), cached=found.cached
        )
        return found

    def take(self, calls: Sequence[ToolCall], results: Sequence[Findings | str]) -> None:
        """Puts the findings of these calls on the slate, in order, and writes the answers to the model."""
        self.results += results
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, str):
                self.answers[id(call)] = _answer(call, result, error=True)
                continue
            before = self.slate
            self.slate, entries = before.merged(result)
            text = render_rows(result, entries, self.slate, before, self.read)
            self.read |= {entry.handle for entry in entries[: result.shown]}
            rows = fallback_ranking.rows_of(entries[: result.shown], self.slate)
            self.answers[id(call)] = _answer(call, text, artifact={"rows": rows})

    def settle(self) -> State:
        """The state after this turn, once the results of all calls were taken."""
        answers = [self.answers[id(call)] for call in self.calls]
        limit = f"Not run: the limit of {self.context.limits.tool_calls} tool calls is reached. Submit now."
        answers += [_answer(call, limit, error=True) for call in self.over]
        for broken in self.message.invalid_tool_calls:
            # Servers reject a conversation in which a call has no answer.
            content = f"The arguments of {broken['name']} were no valid JSON: call it again."
            answers.append(
                ToolMessage(content, tool_call_id=broken["id"] or "", name=broken["name"] or "unknown", status="error")
            )
        if self.context.emit and self.calls:
            count = len(self.slate.candidates())
            facts = {"count": count, "new": count - len(self.state["slate"].candidates())}
            self.context.emit(Event("candidates", f"{count} candidates", facts))
        update = State(slate=self.slate, read=self.read, spent=self._spent(self.state["spent"], self.results))
        submission, submit_id, notes = self._submission(bool(self.calls or self.over))
        answers += notes
        question, notes = self._question(alone=not (self.calls or self.over or self.submits))
        answers += notes
        if question is not None:
            return State(question=question, spent=update["spent"])
        if answers and submission is None:
            answers[-1] = self._hurried(answers[-1])
        update.update(State(messages=list(answers), submission=submission, submit_call_id=submit_id))
        return update

    def _submission(self, looked_up: bool) -> tuple[Submission | None, str | None, list[ToolMessage]]:
        """What a turn without look-ups submits, the id of its first readable final call, and answers to the others.

        Some models make a final call for each item: what later calls add is put after what the first holds.
        """
        notes: list[ToolMessage] = []
        whole: Submission | None = None
        whole_id: str | None = None
        for call in self.submits:
            if looked_up:
                notes.append(
                    _answer(call, "Look-ups were made in the same turn: read them, then submit alone.", error=True)
                )
                continue
            try:
                submission = parse_submission(call["args"])
            except SubmissionError as error:
                notes.append(_answer(call, str(error), error=True))
                continue
            if whole is None:
                whole, whole_id = submission, call["id"]
            else:
                whole = whole.joined(submission)
                notes.append(_answer(call, "Taken together with the first final call of this turn."))
        return whole, whole_id, notes

    def _question(self, *, alone: bool) -> tuple[Question | None, list[ToolMessage]]:
        """The model's question to the person, with the choices that the catalogue has; else why it may not ask."""
        notes: list[ToolMessage] = []
        for call in self.asks:
            if not alone:
                notes.append(_answer(call, "Not asked: ask alone, before any look-up, or submit now.", error=True))
                continue
            try:
                asked = parse_question(call["args"])
            except AskError as error:
                notes.append(_answer(call, str(error), error=True))
                continue
            meant = self.context.store.attributes.meanings(map(normalize, asked.choices))
            choices = [meant[key][0][1] for key in map(normalize, asked.choices) if key in meant]
            return Question(asked.question, tuple(dict.fromkeys(choices))[:MOST_CHOICES]), []
        return None, notes

    def _hurried(self, last: ToolMessage) -> ToolMessage:
        """The last answer, with a warning if only one model call is left."""
        if self.context.limits.model_calls - self.state["spent"].model_calls != 1:
            return last
        return last.model_copy(update={"content": f"{last.content}\nThis was the last look-up: submit now."})

    def _spent(self, spent: Spent, results: Sequence[Findings | str]) -> Spent:
        cached = sum(isinstance(result, Findings) and result.cached for result in results)
        return replace(
            spent,
            tool_calls=spent.tool_calls + len(self.calls),
            cached_tool_calls=spent.cached_tool_calls + cached,
        )

    def emit(self, kind: EventKind, text: str, call: ToolCall, **facts: Any) -> None:
        """Sends an event about a tool call to the listener, if there is one.

        Args:
            kind: the kind of the event.
            text: the event in a line, for people.
            call: the tool call that it is about.
            **facts: further values for ``Event.data``.
        """
        if self.context.emit:
            self.context.emit(Event(kind, text, {"tool": call["name"], "arguments": call["args"], **facts}))


def _result(future: Future[Findings | str], seconds: float) -> Findings | str:
    """What a call found within ``seconds`` from now; a failed call gives a text that says so, and raises nothing."""
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        return "Not finished in time."


def _answer(call: ToolCall, text: str, *, artifact: Any = None, error: bool = False) -> ToolMessage:
    return ToolMessage(
        text,
        tool_call_id=call["id"] or "",
        name=call["name"],
        artifact=artifact,
        status="error" if error else "success",
    )


def _spoken(call: ToolCall) -> str:
    arguments: Sequence[str] = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in call["args"].items() if v]
    return f"{call['name']}({', '.join(arguments)})"
