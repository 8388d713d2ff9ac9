"""``recmind trace export``: lines for other systems, on standard output or in a file."""

from __future__ import annotations

import json
from pathlib import Path


def test_runs_of_the_latest_requests_or_of_some(recmind, home, tmp_path) -> None:
    ids = [recmind("recommend", text, "--home", home, "--json").json["trace_id"] for text in ("a comedy", "a drama")]
    done = recmind("trace", "export", "--home", home)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert list(dict.fromkeys(line["trace_id"] for line in lines)) == ids[::-1]
    assert [line["name"] for line in lines if "parent_run_id" not in line] == ["recommend", "recommend"]
    assert done.err == "2 traces written.\n"
    path = tmp_path / "spans.jsonl"
    done = recmind("trace", "export", ids[0][-8:], "--format", "otlp", "--out", path, "--home", home)
    assert (done.out, done.err) == ("", f"1 trace written to {path}.\n")
    (line,) = path.read_text(encoding="utf-8").splitlines()
    spans = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {span["traceId"] for span in spans} == {ids[0].replace("-", "")}
    assert recmind("trace", "export", "--since", "2099-01-01", "--home", home).out == ""


def test_what_cannot_be_is_one_line_and_writes_nothing(recmind, home) -> None:
    done = recmind("trace", "export", "last", "--since", "2d", "--home", home)
    assert (done.code, done.err.partition(" (")[0]) == (
        2,
        "recmind: error: --since chooses among all requests: give it or ids.",
    )
    path = Path(home) / "spans.jsonl"
    assert recmind("trace", "export", "ffffffff", "--out", path, "--home", home).code == 2
    assert not path.exists()
