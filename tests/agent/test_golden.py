"""Whole answers over the demo catalogue, word for word: whatever moves inside, they stay."""

from __future__ import annotations

import json
import os
from pathlib import Path

from recmind.agent.recommender import RecMind
from tests.agent.golden_requests import requests, told

KEPT = Path(__file__).parent / "golden" / "demo.json"
UPDATE = os.environ.get("RECMIND_UPDATE_SNAPSHOTS") == "1"


def test_the_answers_are_the_golden_ones(demo: RecMind):
    found = []
    for name, asked in requests():
        shown = {key: value for key, value in asked.items() if key != "model"}
        found.append({"case": name, "asked": shown, "answer": told(demo, asked)})
    found = json.loads(json.dumps(found))
    if UPDATE:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert [one["asked"] for one in found] == [one["asked"] for one in kept]
    assert len(kept) >= 100
    for now, before in zip(found, kept, strict=True):
        assert now == before
