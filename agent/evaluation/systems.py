"""The systems that can be evaluated: each takes a case and gives a ranking."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np

from recmind.agent.evaluation.records import Case, Label, Outcome
from recmind.agent.evaluation.validity import faults
from recmind.agent.models.offline import NAME as OFFLINE
from recmind.agent.models.offline import OfflinePlanner
from recmind.agent.options import MOST_ASKED, Model
from recmind.agent.planner import fallback_ranking
from recmind.agent.recommender import RecMind
from recmind.agent.serving.prepared_request import first_step
from recmind.agent.state import AgentContext
from recmind.data.arrays import Int64s
from recmind.data.conditions import Condition
from recmind.data.workspace import Workspace
from recmind.tools.evidence.slate import Finding, Findings

AGENT, HYBRID, SEARCH = "agent", "hybrid", "search"
DEADLINE_S = 24 * 3600.0
"""The time limit of systems that wait for no model: practically none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of a system to one case."""

    ranking: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the outcome."""


class Bench:
    """The opened copy of the workspace, and the systems on it. A context manager.

    Args:
        workspace: the copy.
        depth: the length of the engines' rankings.
        k: how many items the agent is asked for, and for how many diversity is considered.
        model: the agent's chat model; None: the offline planner.
        diversity: the diversity of the hybrid ranker and the agent, 0 to 1.
    """

    def __init__(
        self, workspace: Workspace, *, depth: int, k: int, model: Model = None, diversity: float = 0.0
    ) -> None:
        self.depth = depth
        self.diversity = diversity
        self.k = min(k, MOST_ASKED)
        self.recmind = RecMind(workspace, model=model or OFFLINE)
        self.store = self.recmind.store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evaluation")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self.recmind.close()

    def run_case(self, system: str, case: Case, labels: tuple[Label, ...] = ()) -> Outcome:
        """The outcome of one case. The time covers the system alone, not the checks afterwards.

        Args:
            system: the name of the system.
            case: the case.
            labels: the items whose confidence is measured on this case.
        """
        begun = time.perf_counter()
        answered = SYSTEMS[system](self, case)
        seconds = time.perf_counter() - begun
        places = {item_id: rank for rank, item_id in enumerate(answered.ranking, 1)}
        checked = self._checked(case, answered) if system == AGENT else answered.facts
        return Outcome(
            case_id=case.case_id,
            system=system,
            ranking=answered.ranking,
            ranks=tuple(places.get(target) for target in case.targets),
            seconds=round(seconds, 6),
            confidences=self._confidences(case, labels) if system in (HYBRID, AGENT) else (),
            **checked,
        )

    # -- the systems ---------------------------------------------------------------------------------------------

    def popularity(self, case: Case) -> Answered:
        """The items with most interactions that the user has not had."""
        numbers = self._by_popularity
        consumed = self._consumed(case)
        allowed = self._candidates(case)
        if allowed is not None:
            numbers = numbers[np.isin(numbers, allowed)]
        kept = numbers[: self.depth + len(consumed)]
        return self._ranked(kept[~np.isin(kept, consumed)][: self.depth])

    def collaborative(self, case: Case) -> Answered:
        """The items that the user's history leads to, re-ranked; none for a user without history."""
        engines = self.recmind.engines
        allowed = self._candidates(case)
        hits = engines.reranker.recommend(
            engines.history.signals(case.user_id),
            self.depth,
            set(self._consumed(case).tolist()),
            self.store.items.matching() if allowed is None else allowed,
        )
        return self._ranked(np.array([hit.item_number for hit in hits], dtype=np.int64))

    def search(self, case: Case) -> Answered:
        """The items that the words of the request find."""
        hits = self.recmind.engines.search.search(case.query, n=self.depth)
        return Answered(tuple(hit.item_id for hit in hits))

    def hybrid(self, case: Case) -> Answered:
        """The ranking without a model, over what the planner's rules look up or over the candidates of the case."""
        context = self._context(case, self.depth)
        brief, slate = first_step(context)
        if case.candidates is None:
            slate = fallback_ranking.gathered(context, brief, slate)
        else:
            items = self.store.items.get_many(case.candidates)
            rows = tuple(Finding(item_id, item.name) for item_id, item in items.items())
            slate, _ = slate.merged(Findings("candidates", rows))
        _, entries = fallback_ranking.ranked(replace(context, diversity=0.0), brief, slate, self.depth)
        if self.diversity > 0:
            # Diversity concerns only the list that people see; deeper ranks keep their order.
            _, seen = fallback_ranking.ranked(context, brief, slate, self.k)
            ids = {entry.item_id for entry in seen}
            entries = [*seen, *(entry for entry in entries if entry.item_id not in ids)][: self.depth]
        return Answered(tuple(entry.item_id for entry in entries))

    def agent(self, case: Case) -> Answered:
        """The whole agent, asked for as many items as the largest k."""
        answer = self.recmind.recommend(
            case.query,
            user_id=case.user_id,
            k=self.k,
            filters=self._filters(case),
            diversity=self.diversity,
            cache=False,
        )
        return Answered(tuple(found.item_id for found in answer.recommendations), {"answer": answer})

    # -- shared by them ------------------------------------------------------------------------------------------

    def _checked(self, case: Case, answered: Answered) -> dict[str, Any]:
        """The agent's answer as fields of an outcome, with its validity checked here."""
        answer = answered.facts["answer"]
        context = self._context(case, self.k)
        brief, _ = first_step(context)
        invalid, unproved = faults(answer, context, brief, case.candidates)
        return {
            "source": answer.source,
            "fallback_cause": answer.fallback_cause,
            "model": answer.model,
            "model_calls": answer.usage.model_calls,
            "tool_calls": answer.usage.tool_calls,
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "cost_usd": answer.usage.cost_usd,
            "repairs": len(answer.repairs),
            "recommendations": len(answer.recommendations),
            "invalid_items": invalid,
            "unproved_reasons": unproved,
        }

    def _context(self, case: Case, k: int) -> AgentContext:
        return AgentContext(
            query=case.query,
            user_id=case.user_id,
            k=k,
            filters=self._filters(case),
            diversity=self.diversity,
            store=self.store,
            engines=self.recmind.engines,
            model=self._planner,
            model_name=OFFLINE,
            limits=self.recmind.workspace.settings.limits,
            deadline=time.monotonic() + DEADLINE_S,
            pool=self._pool,
            look_up_pool=self._pool,
        )

    @cached_property
    def _planner(self) -> OfflinePlanner:
        return OfflinePlanner()

    @staticmethod
    def _filters(case: Case) -> tuple[Condition, ...]:
        return () if case.candidates is None else (Condition("item_id", "in", case.candidates),)

    def _candidates(self, case: Case) -> Int64s | None:
        """The numbers of the candidates, sorted, or None if all items are."""
        if case.candidates is None:
            return None
        return np.sort(np.array(list(self.store.items.numbers_of(case.candidates).values()), dtype=np.int64))

    def _consumed(self, case: Case) -> Int64s:
        consumed = self.store.interactions.consumed_ids(case.user_id) if case.user_id is not None else ()
        return np.array(list(self.store.items.numbers_of(consumed).values()), dtype=np.int64)

    @cached_property
    def _by_popularity(self) -> Int64s:
        """The available items with interactions, most first, ties by number."""
        counts = self.store.counts.of_items(self.store.items.matching())
        known = np.flatnonzero(counts.interactions > 0)
        order = np.lexsort((counts.item_numbers[known], -counts.interactions[known]))
        return counts.item_numbers[known][order]

    def _ranked(self, numbers: Int64s) -> Answered:
        return Answered(tuple(self.store.items.ids_of(numbers.tolist()).values()))

    def _confidences(self, case: Case, labels: tuple[Label, ...]) -> tuple[tuple[float, bool], ...]:
        """The confidence in each of these items, and whether it came true; none if no confidence is learned."""
        engines = self.recmind.engines
        if engines.confidence is None:
            return ()
        about = {item_id: true for item_id, true, kind in labels if kind == (engines.confidence.kind or "")}
        said = engines.confidences(case.user_id, list(about))
        return tuple((value, about[item_id]) for item_id, value in said.items())


SYSTEMS: Mapping[str, Callable[[Bench, Case], Answered]] = {
    "popularity": Bench.popularity,
    "collaborative": Bench.collaborative,
    SEARCH: Bench.search,
    HYBRID: Bench.hybrid,
    AGENT: Bench.agent,
}
