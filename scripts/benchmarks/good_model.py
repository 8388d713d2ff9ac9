"""A chat model that does everything well and at once, in its own process: ``python -m benchmarks.good_model [WAIT_S]``.

It prints its base URL. After each line on stdin it prints its work since the last one: calls, its own seconds, tokens
of each.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from tests.endpoint import Endpoint, Json, Reply, calls

LETTERS_PER_TOKEN = 4
PICKS = 10

_BINDING = re.compile(r"^(q\d+) ", re.MULTILINE)
_REQUEST = re.compile(r"^Request: (.*)$", re.MULTILINE)
_ROW = re.compile(r"^(c\d+)\b.*?\b(e\d+)\b", re.MULTILINE)


def reply_to(body: Json, wait_s: float) -> Reply:
    """Three look-ups in one turn; after their answers, the first ten candidates, each with a fact of its own."""
    answers = [str(message["content"]) for message in body["messages"] if message["role"] == "tool"]
    if not answers:
        asked = str(body["messages"][1]["content"])
        # The request gives a label to each part that binds.
        binding = _BINDING.findall(asked)
        words = _REQUEST.search(asked)
        looked: tuple[tuple[str, Json], ...] = (
            ("search_items", {"query": words[1] if words else "", "where": binding, "n": 8}),
            ("collaborative_filtering", {"where": binding, "n": 6}),
            ("popular_items", {"where": binding, "n": 6}),
        )
        return calls(*looked, wait_s=wait_s)
    rows = dict(row for answer in answers for row in _ROW.findall(answer))
    picks = [
        {"item": item, "cites": [fact], "reason": f"It has {{{fact}}}."} for item, fact in list(rows.items())[:PICKS]
    ]
    return calls(("submit_recommendations", {"recommendations": picks}), wait_s=wait_s)


def tokens_of(body: Json) -> int:
    """About the number of tokens of a request: messages and tools, at four letters a token."""
    return len(json.dumps([body["messages"], body.get("tools", [])])) // LETTERS_PER_TOKEN


def main() -> None:
    """Serve until stdin ends."""
    wait_s = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    with Endpoint(always=lambda body: reply_to(body, wait_s)) as endpoint:
        print(endpoint.url, flush=True)
        for _ in sys.stdin:
            bodies: list[Any] = endpoint.requests[:]
            told = {"calls": len(bodies), "busy_s": endpoint.busy_s, "tokens": [tokens_of(body) for body in bodies]}
            endpoint.requests.clear()
            endpoint.busy_s = 0.0
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
