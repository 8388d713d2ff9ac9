"""The hybrid ranker on its own feet: look-ups by policy and one ranking, with no model and no tool calls.

The fallback answers with it, and the validator fills with it the places that a model's answer left empty.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from recmind.agent.planner import rules
from recmind.agent.planner.task import PlannerTask
from recmind.data.errors import RecMindError
from recmind.tools.brief import Brief
from recmind.tools.context import RequestContext
from recmind.tools.evidence.slate import Entry, Slate
from recmind.tools.lookups import LookUps

log = logging.getLogger(__name__)


def gathered(context: RequestContext, brief: Brief, slate: Slate) -> Slate:
    """The slate with everything the policy would look up for this brief.

    Args:
        context: the request's context, with store and engines.
        brief: what binds the request.
        slate: what was found so far.
    """
    for name, arguments in rules.look_ups(PlannerTask(brief, slate, context.wanted(brief))):
        try:
            findings = LookUps(context, brief, slate).call(name, arguments)
        except RecMindError:
            log.exception("look-up %s failed", name)
            continue
        slate, _ = slate.merged(findings)
    return slate


def listed(context: RequestContext, brief: Brief, slate: Slate) -> Slate:
    """The slate with items that qualify, whatever the request is about.

    Args:
        context: the request's context, with store and engines.
        brief: what binds the request.
        slate: what was found so far.
    """
    slate, _ = slate.merged(LookUps(context, brief, slate).call("filter_items", {"where": list(brief.bindings)}))
    return slate


def ranked(context: RequestContext, brief: Brief, slate: Slate, n: int) -> tuple[Slate, list[Entry]]:
    """The slate with scores, and its best ``n`` candidates that nothing rules out, best first.

    Args:
        context: the request's context, with store and engines.
        brief: what binds the request.
        slate: what was found so far.
        n: how many candidates are wanted.
    """
    name, arguments = rules.ranking(n)
    slate, entries = slate.merged(LookUps(context, brief, slate).call(name, arguments))
    return slate, entries[:n]


def qualifying(context: RequestContext, brief: Brief) -> int:
    """How many items of the whole catalogue nothing rules out."""
    return context.store.items.count(brief.binding_conditions(), exclude=brief.excluded)


def rows_of(entries: Sequence[Entry], slate: Slate) -> list[dict[str, Any]]:
    """Entries as the policy reads them: handle, and (number, kind) of each piece of evidence in favor."""
    return [
        {
            "handle": entry.handle,
            "evidence": [[n, fact.kind] for n in entry.evidence if not (fact := slate.evidence[n - 1]).against],
        }
        for entry in entries
    ]
