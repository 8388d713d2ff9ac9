"""The tools' questions in plain Python: handles and labels in, findings out.

``toolbox`` wraps them for chat models; the fallback calls them directly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np

from recmind.data.conditions import Condition, matches, parse_condition, resolve_condition
from recmind.data.errors import InputError
from recmind.tools.brief import Brief, Constraint
from recmind.tools.collaborative.cold_items import interleave
from recmind.tools.collaborative.user_sequence import SequenceItem
from recmind.tools.context import RequestContext
from recmind.tools.engines.attributes import TasteKey
from recmind.tools.engines.history import Order
from recmind.tools.evidence.facts import NO_FOCUS, Focus
from recmind.tools.evidence.findings import (
    collaborative_findings,
    details_findings,
    filter_findings,
    history_findings,
    popular_findings,
    rank_findings,
    search_findings,
)
from recmind.tools.evidence.slate import Entry, Finding, Findings, Slate
from recmind.tools.ranking.diversity import diversified
from recmind.tools.ranking.group import FIT, in_turns, together
from recmind.tools.ranking.hybrid import Ranked, RankInput

LEAST_ROWS = 20
"""Rows that a look-up puts on the slate, or twice ``k`` where that is more; the model reads the first ``n``. With
thirty, no more of the items that were meant were found, and a request took a fifteenth longer."""
HISTORY_ROWS = 200
"""Rows that a history puts on the slate where its items are candidates."""


class LookUpError(InputError):
    """A question cannot be answered as it is; the message is for the model."""


@dataclass(frozen=True, slots=True)
class LookUps:
    """The questions of one request. The conditions that always bind are part of every one."""

    context: RequestContext
    brief: Brief
    slate: Slate

    @property
    def rows(self) -> int:
        """The number of rows that a look-up puts on the slate."""
        return max(LEAST_ROWS, 2 * self.context.k)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Findings:
        """The findings of one tool.

        Args:
            tool: name of the tool, which is a method of this class.
            arguments: its arguments by name.

        Raises:
            LookUpError: a handle, a label or a date leads nowhere.
            ConditionError: a condition cannot be read or names what the catalogue does not have.
        """
        question: Callable[..., Findings] = getattr(self, tool)
        return question(**arguments)

    def search_items(
        self, query: str = "", like: Sequence[str] = (), where: Sequence[str] = (), n: int = 10
    ) -> Findings:
        """Items by meaning and words, and by similarity to others.

        Args:
            query: words to search for; may be empty.
            like: handles or titles of items to resemble.
            where: conditions, and labels of the request.
            n: how many rows the model reads.
        """
        conditions, liked = self._conditions(where), self._ids(like)
        search = self.context.engines.search
        hits = search.search(query, like=liked, conditions=conditions, exclude=self.brief.excluded, n=self.rows)
        return search_findings(
            hits, search, query=query, like=liked, conditions=conditions, focus=self._focus(conditions), shown=n
        )

    def filter_items(self, where: Sequence[str], sort: str = "popularity", n: int = 10) -> Findings:
        """Items that meet conditions.

        Args:
            where: conditions, and labels of the request.
            sort: ``popularity``, ``value``, ``recent`` or an attribute, with ``asc`` or ``desc`` behind it.
            n: how many rows the model reads.
        """
        conditions, barred = self._conditions(where), self.brief.excluded
        rows, total = self.context.engines.filter.select(conditions, sort=sort, exclude=barred, n=self.rows)
        return filter_findings(
            self.context.store,
            rows,
            total,
            conditions=conditions,
            exclude=barred,
            focus=self._focus(conditions),
            shown=n,
        )

    def collaborative_filtering(self, like: Sequence[str] = (), where: Sequence[str] = (), n: int = 10) -> Findings:
        """Items that go with the user's history, or with the liked items.

        Args:
            like: handles or titles of the liked items; without any, the history counts.
            where: conditions, and labels of the request.
            n: how many rows the model reads.
        """
        conditions, liked = self._conditions(where), self._ids(like)
        store, model = self.context.store, self.context.engines.collaborative
        allowed = store.items.matching(conditions)
        barred = set(store.items.numbers_of(self.brief.excluded).values())
        if liked:
            seeds = list(store.items.numbers_of(liked).values())
            hits = model.recommend_from_seeds(seeds, self.rows, barred, allowed)
        else:
            asked = [
                self.context.engines.reranker.recommend(past, self.rows, barred, allowed) for past in self._pasts()
            ]
            found = {hit.item_number: hit for hit in reversed(in_turns(asked))}
            hits = [*reversed(found.values())] if len(asked) > 1 else asked[0]
        return collaborative_findings(
            store,
            hits,
            similarity=self.context.engines.search.similarity,
            focus=self._focus(conditions),
            seeds=liked,
            shown=n,
        )

    def popular_items(self, where: Sequence[str] = (), since: str = "", until: str = "", n: int = 10) -> Findings:
        """The items that most people took and valued.

        Args:
            where: conditions, and labels of the request.
            since: first day, month or year of the period (``2016-01-31``); empty for no start.
            until: last day, month or year of the period; empty for no end.
            n: how many rows the model reads.
        """
        conditions = self._conditions(where)
        start, end = _moment(since), _moment(until, end=True)
        items = self.context.engines.popular.recommend(
            conditions, since=start, until=end, exclude=self.brief.excluded, n=self.rows
        )
        return popular_findings(
            self.context.store,
            items,
            conditions=conditions,
            since=start,
            until=end,
            focus=self._focus(conditions),
            shown=n,
        )

    def user_history(
        self,
        kind: str = "",
        where: Sequence[str] = (),
        order: str = "newest",
        since: str = "",
        until: str = "",
        n: int = 10,
    ) -> Findings:
        """The user's history; its items are candidates where the request asks for known items again.

        Args:
            kind: only this kind of interaction; empty for all.
            where: conditions, and labels of the request.
            order: ``newest``, ``oldest``, ``highest`` or ``lowest``.
            since: first day, month or year of the period (``2016-01-31``); empty for no start.
            until: last day, month or year of the period; empty for no end.
            n: how many rows the model reads.

        Raises:
            LookUpError: ``order`` or a day cannot be read.
        """
        if order not in get_args(Order):
            raise LookUpError(f"order is {order!r}; it is one of {', '.join(get_args(Order))}.")
        if not self.context.people:
            return Findings("user_history", note="Nobody is named in this request, so there is no history.")
        wanted = n if not self.context.members else max(2, n // len(self.context.members))
        found = [
            self._past_of(user_id, member, kind=kind, where=where, order=order, since=since, until=until, n=wanted)
            for member, user_id in enumerate(self.context.people, 1)
        ]
        rows = tuple(in_turns([part.rows for part in found]))
        notes = " ".join(dict.fromkeys(part.note for part in found if part.note))
        findings = Findings("user_history", rows, notes, sum(min(part.shown, len(part.rows)) for part in found))
        return _with_role(findings, self.brief, n) if self.brief.again else findings

    def _past_of(
        self, user_id: str, member: int, *, kind: str, where: Sequence[str], order: str, since: str, until: str, n: int
    ) -> Findings:
        """The history of one user."""
        history = self.context.engines.history
        rows = history.interactions(
            user_id,
            kinds=[kind] if kind else None,
            since=_moment(since),
            until=_moment(until, end=True),
            conditions=self._given(where),
            order=order,  # type: ignore[arg-type]  # checked against the Literal by the caller
            n=HISTORY_ROWS if self.brief.again else n,
        )
        total = history.profile(user_id).interactions
        # Only candidates have to meet the request's wishes; a reference only says what the user did.
        focus = self._focus(()) if self.brief.again else NO_FOCUS
        number = member if self.context.members else 0
        return history_findings(self.context.store, rows, total=total, focus=focus, shown=n, member=number)

    def item_details(self, items: Sequence[str]) -> Findings:
        """Everything about the first ten of these items, each given by handle, id or title."""
        titles = self.context.engines.titles
        ids: list[str] = []
        unknown: list[str] = []
        for name in items[:10]:
            entry = self.slate.entries.get(name.strip().lower())
            item_id = entry.item_id if entry else None
            if item_id is None and self.context.store.items.get(name) is not None:
                item_id = name
            if item_id is None:
                found = titles.find(name, 1)
                item_id = found[0].item_id if found else None
            if item_id is None:
                unknown.append(name)
            else:
                ids.append(item_id)
        return details_findings(self.context.store, self.context.engines.details.describe(ids), unknown=unknown)

    def rank_candidates(self, wishes: Sequence[str] = (), n: int = 10) -> Findings:
        """All candidates that nothing rules out, in the order of the hybrid ranker.

        Args:
            wishes: further conditions to weigh; the wishes of the request count in any case.
            n: how many rows the model reads.
        """
        candidates = self.qualified()
        weighed = self._wishes(wishes)
        rankings = [self._ranking_of(user_id, candidates, weighed) for user_id in self.context.people or (None,)]
        ranked = together(rankings, self.context.aggregation) if self.context.members else rankings[0]
        if self.context.diversity > 0:
            ids = [entry.item_id for entry in ranked]
            vectors = self.context.engines.search.vectors_of(ids)
            scores = [entry.score for entry in ranked]
            ranked = [ranked[place] for place in diversified(scores, vectors, n, self.context.diversity)]
        if not (self.brief.text.strip() or self.brief.likes or weighed):
            # Only the past decides here, and no past leads to an item without interactions.
            ranked = self._with_cold_items(ranked)
        # Only the best get facts; the others keep their score, so that every candidate has one.
        found = rank_findings(self.context.store, ranked[:n], focus=self._focus(()), shown=n)
        titles = {entry.item_id: entry.title for entry in candidates}
        rest = tuple(Finding(r.item_id, titles[r.item_id], scores={"score": r.score, **_fits(r)}) for r in ranked[n:])
        found = replace(found, rows=(*found.rows, *rest))
        if not found.rows:
            return Findings(
                "rank_candidates",
                note="No candidates qualify yet: look something up first, or in the same turn.",
            )
        return replace(found, note=self._fits_told(ranked[:n])) if self.context.members else found

    def _ranking_of(
        self, user_id: str | None, candidates: Sequence[Entry], wishes: Sequence[Constraint]
    ) -> list[Ranked]:
        """The candidates in the order for one user."""
        history = self.context.engines.history
        return self.context.engines.ranker.rank(
            [RankInput(entry.item_id, entry.scores) for entry in candidates],
            history=history.signals(user_id),
            like=self.brief.likes,
            unlike=self.brief.unlikes,
            query=self.brief.text,
            wishes=wishes,
            tastes=history.profile(user_id).lifts,
            surprise=self.brief.surprise,
            again=self.brief.again,
            given=any((c.attribute, c.operator) == ("item_id", "in") for c in self.brief.standing),
        )

    def _fits_told(self, ranked: Sequence[Ranked]) -> str:
        """A sentence for the model: how well each row fits every member."""
        rows = [
            f"{entry.handle} {'/'.join(f'{fit:.2f}' for fit in _fits(r).values())}"
            for r in ranked
            if (entry := self.slate.of_item(r.item_id))
        ]
        order = f"ordered by {self.context.aggregation}"
        return f"Fits of members 1 to {len(self.context.members)}, {order}: {', '.join(rows)}"

    def _pasts(self) -> list[tuple[SequenceItem, ...]]:
        """The past of each person; a single empty one where nobody is named."""
        history = self.context.engines.history
        return [history.signals(user_id) for user_id in self.context.people or (None,)]

    def _with_cold_items(self, ranked: Sequence[Ranked]) -> list[Ranked]:
        """The ranking with items without interactions on the places that ``interleave`` keeps for them."""
        numbers = self.context.store.items.numbers_of(entry.item_id for entry in ranked)
        taken = self.context.engines.reranker.item_times.interactions(
            np.array([numbers[r.item_id] for r in ranked], np.int64)
        )
        is_new = (taken == 0).tolist()
        earned, new = ([r for r, flag in zip(ranked, is_new, strict=True) if flag == side] for side in (False, True))
        return interleave(earned, new) if earned else list(ranked)

    def named(self, item_ids: Sequence[str]) -> Findings:
        """The items that the request names, as references."""
        rows = self.context.engines.details.describe(item_ids)
        return details_findings(self.context.store, rows)

    def qualified(self) -> list[Entry]:
        """The candidates on the slate that nothing rules out, which validation would accept."""
        binding = self.brief.binding_conditions()
        entries = [e for e in self.slate.candidates() if e.item_id not in self.brief.excluded]
        items = self.context.store.items.get_many(entry.item_id for entry in entries)
        return [
            entry
            for entry in entries
            if (item := items.get(entry.item_id)) is not None
            and item.available
            and all(matches(condition, item) for condition in binding)
        ]

    def _conditions(self, where: Sequence[str]) -> tuple[Condition, ...]:
        """The conditions that always bind, followed by the given conditions and labels."""
        return tuple(dict.fromkeys((*self.brief.standing, *self._given(where))))

    def _given(self, where: Sequence[str]) -> tuple[Condition, ...]:
        conditions: list[Condition] = []
        catalogue = self.context.store.catalogue()
        for text in where:
            label = text.strip().lower()
            if label in self.brief.bindings:
                conditions += self.brief.bindings[label].conditions
            elif label in self.brief.wishes:
                conditions.append(self.brief.wishes[label].conditions[0])
            elif re.fullmatch(r"[qw]\d+", label):
                known = ", ".join([*self.brief.bindings, *self.brief.wishes]) or "none"
                raise LookUpError(f"There is no label {label!r}; the request has: {known}.")
            else:
                conditions.append(resolve_condition(parse_condition(text), catalogue))
        return tuple(conditions)

    def _wishes(self, wishes: Sequence[str]) -> tuple[Constraint, ...]:
        """The wishes to weigh: those of the request, and the given conditions."""
        extra = [text for text in wishes if text.strip().lower() not in self.brief.wishes]
        return (*self.brief.wishes.values(), *(Constraint(text, (c,)) for text in extra for c in self._given([text])))

    def _ids(self, handles: Sequence[str]) -> list[str]:
        ids: list[str] = []
        for name in handles:
            entry = self.slate.entries.get(name.strip("{} ").lower())
            if entry is not None:
                ids.append(entry.item_id)
                continue
            found = self.context.engines.titles.find(name, 1)
            if not found or found[0].score < 0.8:
                known = ", ".join(list(self.slate.entries)[:12]) or "none yet"
                raise LookUpError(f"{name!r} is no handle of the slate ({known}) and no title of the catalogue.")
            ids.append(found[0].item_id)
        return ids

    def _focus(self, conditions: Sequence[Condition]) -> Focus:
        """What the request is about, so that the facts that matter to it are named first."""
        return Focus(
            tuple(c for c in conditions if c not in self.brief.standing),
            tuple(self.brief.bindings.values()),
            tuple(self.brief.wishes.values()),
            self._tastes(),
        )

    def _tastes(self) -> Mapping[TasteKey, float]:
        """The lifts of the person; for a group, the highest lift of any member."""
        if not self.context.members:
            return self.context.engines.history.profile(self.context.user_id).lifts
        tastes: dict[TasteKey, float] = {}
        for user_id in self.context.members:
            for key, lift in self.context.engines.history.profile(user_id).lifts.items():
                tastes[key] = max(lift, tastes.get(key, 0.0))
        return tastes


def _fits(ranked: Ranked) -> dict[str, float]:
    """The members' fits among the parts of a score; empty where no group asks."""
    return {name: fit for name, fit in ranked.parts.items() if name.startswith(FIT)}


def _with_role(findings: Findings, brief: Brief, n: int) -> Findings:
    """Past items as candidates, except those that were ruled out."""
    rows = tuple(
        replace(row, role="reference" if row.item_id in brief.excluded else "candidate") for row in findings.rows
    )
    return Findings(findings.tool, rows, findings.note, n)


def _moment(day: str, *, end: bool = False) -> float | None:
    """The first or, with ``end``, the last second of a day, month or year in UTC, as Unix seconds."""
    if not day.strip():
        return None
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", day.strip())
    try:
        if match is None:
            raise ValueError
        year, month, date = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        start = datetime(year, month, date, tzinfo=UTC)
    except ValueError:
        raise LookUpError(f"{day!r} is no day; write 2016, 2016-01 or 2016-01-31.") from None
    if not end:
        return start.timestamp()
    if match[3]:
        after = start + timedelta(days=1)
    elif match[2]:
        after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    else:
        after = datetime(year + 1, 1, 1, tzinfo=UTC)
    return after.timestamp() - 1
