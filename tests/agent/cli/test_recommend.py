"""What ``recmind recommend`` and ``recmind trace`` print, for people and for machines."""

import json
import os
import pty
import subprocess
import sys

import jsonschema
import pytest

from recmind.agent.answer import Answer, Recommendation, Usage
from recmind.agent.cli.recommend import as_text
from recmind.agent.schema import ANSWER


def test_json_meets_the_schema_that_is_printed(recmind, home):
    done = recmind("recommend", "a funny film in space", "--user", "ann", "-k", "3", "--home", home, "--json")
    assert (done.code, done.err) == (0, "")
    schema = recmind("schema").json
    assert schema == json.loads(json.dumps(ANSWER))
    jsonschema.Draft202012Validator(schema).validate(done.json)
    answer = done.json
    assert (answer["query"], answer["user_id"]) == ("a funny film in space", "ann")
    assert (answer["source"], answer["model"], answer["fallback_cause"]) == ("agent", "offline", None)
    assert [found["rank"] for found in answer["recommendations"]] == [1, 2, 3]
    assert all(found["reason"] and found["evidence"] for found in answer["recommendations"])


def printed_ids(done) -> list[str]:
    return [found["item_id"] for found in done.json["recommendations"]]


def test_filters_and_exclusions_bind(recmind, home):
    words = ("recommend", "--filter", "genres=Comedy", "--filter", "year<1990", "--home", home, "--json")
    assert set(printed_ids(recmind(*words))) == {"clue", "airplane", "big", "spaceballs"}
    assert set(printed_ids(recmind(*words, "--exclude", "big", "--exclude", "clue"))) == {"airplane", "spaceballs"}


def test_fewer_than_asked_for_is_success(recmind, home):
    done = recmind("recommend", "--filter", "year>1998", "-k", "50", "--home", home, "--json")
    assert (done.code, printed_ids(done)) == (0, ["galaxy"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--filter", "year>>1990"], "year"),
        (["--filter", "colour=red"], "colour"),
        (["--filter", "comedy"], "operator"),
        (["--model", "gpt"], "'gpt' names no provider"),
        (["--model", "nobody:gpt"], "nobody"),
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_line_and_exit_code_2(recmind, home, words, told):
    done = recmind("recommend", "x", *words, "--home", home)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") == 1


def test_a_workspace_without_index_says_the_next_step(recmind, home):
    (home / "index" / "CURRENT").unlink()
    done = recmind("recommend", "x", "--home", home)
    assert (done.code, done.out) == (2, "")
    assert "Run: recmind index" in done.err


def test_a_model_without_key_falls_back_and_says_so(recmind, home):
    done = recmind("recommend", "a comedy", "--model", "openai:gpt-4o-mini", "--home", home, "--json")
    assert done.code == 0
    assert (done.json["source"], done.json["model"]) == ("fallback", "openai:gpt-4o-mini")
    assert "OPENAI_API_KEY" in done.json["fallback_cause"]
    text = recmind("recommend", "a comedy", "--model", "openai:gpt-4o-mini", "--home", home)
    assert "The model did not answer, the ranker did: " in text.out


def test_no_fallback_makes_a_failing_model_an_error(recmind, home):
    done = recmind("recommend", "a comedy", "--model", "openai:gpt-4o-mini", "--no-fallback", "--home", home)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("recmind: error: ")
    assert done.err.count("\n") == 1


def test_piped_text_reads_well(recmind, home):
    done = recmind("recommend", "a comedy", "-k", "2", "--home", home)
    assert (done.code, done.err) == (0, "")
    assert "\n\n 1. " in done.out
    assert "\x1b" not in done.out
    last = done.out.splitlines()[-1]
    assert last.startswith("offline · ")
    assert " · trace " in last


def test_the_text_shows_everything_and_no_control_characters():
    found = Recommendation(1, "a", "Ali\x1b[31men\n", 0.5, "Be\x07cause.", (), 0.25)
    answer = Answer(
        query="x",
        user_id=None,
        recommendations=(found,),
        message="Taken as x.",
        source="fallback",
        model="openai:m",
        trace_id="0000000012345678",
        fallback_cause="it timed out",
        repairs=("One was dropped.",),
        usage=Usage(1, 2, 1000, 500, 0.0123),
        latency_ms=12.3,
    )
    assert as_text(answer) == (
        "Taken as x.\n\n"
        " 1. Ali[31men   (a, confidence 0.25)\n    Because.\n\n"
        "Repaired: One was dropped.\n"
        "The model did not answer, the ranker did: it timed out\n"
        "openai:m · 1 model call · 2 look-ups · 1,500 tokens · $0.0123 · 12 ms · trace 12345678"
    )


def test_traces_are_listed_and_shown(recmind, home):
    assert recmind("trace", "list", "--home", home).out == "No traces yet.\n"
    answer = recmind("recommend", "a comedy", "--user", "bob", "--home", home, "--json").json
    recmind("recommend", "a drama", "--home", home)
    listed = recmind("trace", "list", "--home", home, "--json").json["traces"]
    assert [trace["query"] for trace in listed] == ["a drama", "a comedy"]
    assert listed[1]["trace_id"] == answer["trace_id"]
    assert len(recmind("trace", "list", "-n", "1", "--home", home, "--json").json["traces"]) == 1
    assert [t["query"] for t in recmind("trace", "list", "--user", "bob", "--home", home, "--json").json["traces"]] == [
        "a comedy"
    ]
    assert recmind("trace", "list", "--failed", "--home", home, "--json").json == {"traces": []}
    table = recmind("trace", "list", "--home", home).out.splitlines()
    assert (table[0].split()[0], table[2].split()[0]) == ("TRACE", answer["trace_id"][-8:])

    shown = recmind("trace", "show", answer["trace_id"][-8:], "--home", home).out
    assert answer["trace_id"] in shown
    assert "picks  c" in shown
    assert recmind("trace", "show", "--home", home).out.count("a drama")
    assert len(recmind("trace", "show", "--full", "--home", home).out) > len(
        recmind("trace", "show", "--home", home).out
    )
    tree = recmind("trace", "show", answer["trace_id"], "--home", home, "--json").json
    assert tree["trace_id"] == answer["trace_id"]
    assert tree["runs"][0]["parent_run_id"] is None
    assert {run["run_type"] for run in tree["runs"]} >= {"chain", "llm", "tool"}


def test_an_unknown_trace_is_one_line(recmind, home):
    recmind("recommend", "a drama", "--home", home)
    done = recmind("trace", "show", "ffffffffffff", "--home", home)
    assert (done.code, done.out) == (2, "")
    assert "Run: recmind trace list" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("width", [100, 30])
def test_a_terminal_gets_a_table_and_live_steps(home, width):
    main, side = pty.openpty()
    words = [
        sys.executable,
        "-c",
        "from recmind.agent.cli import main; main()",
        "recommend",
        "a comedy",
        "-k",
        "2",
        "--home",
        str(home),
    ]
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm"}
    with subprocess.Popen(words, stdout=side, stderr=side, env=environment) as running:
        os.close(side)
        printed = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # Linux says so where the other side is closed
                break
            if not chunk:
                break
            printed += chunk
    os.close(main)
    text = printed.decode()
    assert running.returncode == 0
    assert "·" in text
    assert ("Score" in text) is (width > 40)
    assert "trace" in text
