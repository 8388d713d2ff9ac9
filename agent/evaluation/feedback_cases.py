"""Makes cases from what people said about answers."""

from __future__ import annotations

import json
from pathlib import Path

from recmind.agent.tracing import TraceStore
from recmind.agent.tracing.records import CARRIED
from recmind.data.workspace import Workspace


def judged_requests(home: str | Path | None, out: Path, *, at_least: float = 0.5) -> int:
    """Writes the requests for which people said that an item was right, for the protocol ``requests``.

    A request that continues a conversation is left out: its words alone do not say what was meant.

    Args:
        home: the workspace; None: RECMIND_HOME, else the user's data folder.
        out: the file: JSON Lines with ``query``, ``item_id``, ``user_id`` and ``score``, one for each request and item.
        at_least: an item with this score or a higher one counts as right.

    Returns:
        The number of lines written.

    Raises:
        WorkspaceError: there is no workspace.
        TraceError: its traces cannot be read.
    """
    with TraceStore(Workspace.open(home).traces) as traces:
        # The last judgement of an item for a request counts.
        latest = {
            (one.query, one.user_id, one.item_id): one
            for one in traces.judgements()
            if one.query and one.item_id is not None and one.score is not None
        }
        right = [one for one in latest.values() if one.score is not None and one.score >= at_least]
        alone = [one for one in right if CARRIED not in traces.tree(one.trace_id).root.run.extra]
    lines = [{"query": one.query, "item_id": one.item_id, "user_id": one.user_id, "score": one.score} for one in alone]
    out.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return len(lines)
