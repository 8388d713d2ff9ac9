"""``recmind evaluate`` at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recmind.agent.evaluation.systems import Bench
from recmind.data.records import Interaction
from recmind.data.store.store import Store
from tests.agent.cli.test_bad_days import Day
from tests.endpoint import Endpoint

ASKED = (
    ("something like Alien", "aliens"),
    ("a comedy", "airplane"),
    ("a funny film or a crime drama like Heat and Clue, no horror", "big"),
)


@pytest.fixture
def busy(home: Path) -> Path:
    """The tiny shop with ten more users, who each took four films."""
    films = ("alien", "aliens", "clue", "airplane", "heat", "big", "galaxy", "spaceballs")
    with Store(home / "recmind.db") as store:
        store.interactions.add(
            [
                Interaction(f"u{user}", films[(user + 3 * step) % 8], "rating", 1 + step, 1_600_000_000 + step)
                for user in range(10)
                for step in range(4)
            ]
        )
    return home


def test_a_table_a_report_and_the_same_as_json(recmind, busy, tmp_path):
    done = recmind("evaluate", "--home", busy, "-k", "1,3", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "The last interaction of each user" in done.out
    for name in ("popularity", "collaborative", "hybrid"):
        assert name in done.out
    assert done.out.rstrip().endswith(f"Report: {tmp_path / 'run' / 'report.html'}")
    told = recmind("evaluate", "--resume", tmp_path / "run", "--json").json
    assert told["folder"] == str(tmp_path / "run")
    assert told == {**told, **json.loads((tmp_path / "run" / "summary.json").read_text())}
    assert told["k"] == [1, 3]
    assert told["cases"] == 12
    assert Path(told["report"]).is_file()


def test_without_a_folder_the_run_lies_in_the_workspace(recmind, busy):
    told = recmind("evaluate", "cold-users", "--system", "popularity", "--home", busy, "--json").json
    assert Path(told["folder"]).parent == busy / "evaluations"
    assert told["folder"].endswith("-cold-users")
    assert list(told["systems"]) == ["popularity"]


def test_two_systems_and_two_runs_are_compared(recmind, busy, tmp_path):
    done = recmind(
        "evaluate", "--home", busy, "--compare", "collaborative", "popularity", "--out", tmp_path / "a", "--json"
    )
    assert {(c["a"], c["b"]) for c in done.json["comparisons"]} == {("collaborative", "popularity")}
    assert list(done.json["systems"]) == ["collaborative", "popularity"]
    recmind("evaluate", "--home", busy, "--system", "popularity", "--out", tmp_path / "b")
    both = recmind("evaluate", "--compare", tmp_path / "a", tmp_path / "b", "--json")
    assert {(c["a"], c["b"]) for c in both.json["comparisons"]} == {("a/popularity", "b/popularity")}
    assert {c["verdict"] for c in both.json["comparisons"]} == {"alike"}
    plain = recmind("evaluate", "--compare", tmp_path / "a", tmp_path / "b")
    assert "a/popularity" in plain.out


def test_whether_a_model_earns_its_cost(recmind, home, tmp_path, monkeypatch):
    (home / "recmind.toml").write_text(
        "".join(
            f'[prices."openai:{name}"]\ninput = {price}\noutput = {price}\n' for name, price in (("s", 1), ("l", 9))
        )
    )
    (tmp_path / "asked.jsonl").write_text("\n".join(json.dumps({"query": q, "item_id": i}) for q, i in ASKED))
    with Endpoint(always=Day().good) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        words = ("requests", "--requests", tmp_path / "asked.jsonl", "--compare", "agent", "hybrid", "-k", "3")
        done = recmind(
            "evaluate", *words, "--model", "auto:openai:s,openai:l", "--home", home, "--out", tmp_path / "run", "--json"
        )
    assert (done.code, done.json["settings"]["model"]) == (0, "auto:openai:s,openai:l")
    agent, hybrid = done.json["systems"]["agent"], done.json["systems"]["hybrid"]
    assert (agent["validity"]["fallbacks"], agent["validity"]["invalid_items"]) == (0, 0)
    assert agent["spending"]["models"] == {"openai:s": 2, "openai:l": 1}
    assert agent["spending"]["model_calls"] == len(endpoint.requests)
    assert agent["spending"]["cost_usd"] > 0
    assert (hybrid["spending"]["models"], hybrid["spending"]["model_calls"], hybrid["spending"]["cost_usd"]) == (
        {},
        0,
        0,
    )
    assert {(c["a"], c["b"]) for c in done.json["comparisons"]} == {("agent", "hybrid")}
    text = recmind("evaluate", "--resume", tmp_path / "run").out
    assert "Models chosen" in text
    assert "  agent   openai:l  1 of 3 (33.3 %)" in text
    assert "Differences at 3" in text


def test_a_stopped_run_says_how_to_go_on(recmind, busy, tmp_path, monkeypatch):
    real, asked = Bench.run_case, []

    def stopping(self, *args):
        asked.append(args)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(Bench, "run_case", stopping)
    done = recmind("evaluate", "--home", busy, "--system", "popularity", "--out", tmp_path / "run")
    assert done.code == 130
    assert f"Continue: recmind evaluate --resume {tmp_path / 'run'}" in done.err
    other = recmind("evaluate", "temporal", "--resume", tmp_path / "run", "--seed", "1", "--json")
    assert other.code == 2
    assert "was begun with seed 0, not 1" in other.json["error"] or "not 'temporal'" in other.json["error"]
    done = recmind("evaluate", "--resume", tmp_path / "run", "--json")
    assert (done.code, done.json["cases"], len(asked)) == (0, 12, 4 + 9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sideways"], "There is no protocol 'sideways'; there are: leave-one-out"),
        (["--system", "magic"], "There is no system 'magic'; there are: popularity"),
        (["-k", "5,x"], "'5,x' is not a list of whole numbers such as 5,10,20"),
        (["-k", "0"], "'0' is not a list of whole numbers"),
        (["requests"], "--requests FILE"),
        (["requests", "--requests", "nowhere.jsonl"], "nowhere.jsonl' cannot be read"),
        (["--users", "0"], "0 is not in the range"),
        (["--resume", "nowhere"], "There is no evaluation in 'nowhere'"),
        (["--compare", "hybrid", "nothing"], "There is no system 'nothing'"),
    ],
)
def test_bad_input_is_told_in_one_line(recmind, home, words, message):
    done = recmind("evaluate", *words, "--home", home)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (home / "evaluations").exists()


def test_too_few_users_and_no_index_are_told(recmind, home, tmp_path):
    (tmp_path / "new").mkdir()
    Store(tmp_path / "new" / "recmind.db").close()
    assert "Nothing has been indexed" in recmind("evaluate", "--home", tmp_path / "new").err
    with Store(home / "recmind.db") as store:
        for user_id in ("ann", "bob"):
            store.forget_user(user_id)
    done = recmind("evaluate", "--home", home)
    assert done.code == 2
    assert "no user to evaluate among 1 users" in done.err
