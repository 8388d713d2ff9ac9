"""``recmind batch``: every request once, whatever stops it on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from recmind.agent.recommender import RecMind
from recmind.agent.serving.batch_file import batch_file
from recmind.data.errors import InputError
from tests.endpoint import Endpoint, bad_key

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """Three requests on lines 1, 2 and 4."""
    file = tmp_path / "users.jsonl"
    file.write_text(
        '{"user_id": "ann", "k": 2}\n{"query": "a comedy", "filters": ["year<1990"], "exclude": ["big"]}\n\n'
        '{"query": "space", "user_id": null, "diversity": 0.5}\n'
    )
    return file


def lines_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_each_request_gets_its_answer(recmind, home, requests, tmp_path):
    out = tmp_path / "recs.jsonl"
    done = recmind("batch", requests, "--out", out, "-k", "3", "--home", home, "--json")
    assert done.code == 0
    told = done.json
    assert (told["requests"], told["answered_before"], told["errors"], told["fallbacks"]) == (3, 0, 0, 0)
    assert (told["cost_usd"], told["bad_lines"], told["out"]) == (0.0, [], str(out))
    assert told["model_calls"] == sum(line["usage"]["model_calls"] for line in lines_of(out))
    answers = {line["line"]: line for line in lines_of(out)}
    assert sorted(answers) == [1, 2, 4]
    single = recmind("recommend", "--user", "ann", "-k", "2", "--home", home, "--json").json
    assert answers[1]["recommendations"] == single["recommendations"]
    assert {found["item_id"] for found in answers[2]["recommendations"]} == {"clue", "airplane", "spaceballs"}
    assert len(answers[4]["recommendations"]) == 3
    again = recmind("batch", requests, "--out", out, "-k", "3", "--home", home)
    assert (again.code, len(lines_of(out))) == (0, 3)
    assert again.out.startswith(f"3 requests answered in {out} (3 of them before), in 0 s.\n")
    assert again.out.rstrip().endswith("0 tokens · $0.0000")


def test_groups_are_requests_too(recmind, home, tmp_path):
    group = {"user_ids": ["ann", "bob"], "aggregation": "least-misery", "query": "a comedy", "k": 2}
    bad = {**group, "aggregation": "most"}, {**group, "user_id": "eve"}, {**group, "user_ids": "ann"}
    (tmp_path / "groups.jsonl").write_text("\n".join(map(json.dumps, (group, *bad))))
    out = tmp_path / "recs.jsonl"
    done = recmind("batch", tmp_path / "groups.jsonl", "--out", out, "--skip-bad", "--home", home, "--json")
    assert (done.code, done.json["requests"], len(done.json["bad_lines"])) == (0, 1, 3)
    (line,) = lines_of(out)
    words = ("--user", "ann", "--user", "bob", "--aggregation", "least-misery", "-k", "2", "--home", home, "--json")
    alone = recmind("recommend", "a comedy", *words).json
    assert (line["user_ids"], line["aggregation"]) == (["ann", "bob"], "least-misery")
    assert line["recommendations"] == alone["recommendations"]


def test_answers_of_other_requests_are_not_taken_for_these(recmind, home, requests, tmp_path):
    out = tmp_path / "recs.jsonl"
    recmind("batch", requests, "--out", out, "--home", home)
    kept = out.read_bytes()
    done = recmind("batch", requests, "--out", out, "-k", "3", "--home", home)
    assert (done.code, out.read_bytes()) == (2, kept)
    assert "of other requests, or with other options, than users.jsonl has now" in done.err
    out.write_text('{"mine": 1}\n')
    done = recmind("batch", requests, "--out", out, "--home", home)
    assert (done.code, out.read_text()) == (2, '{"mine": 1}\n')
    assert "recs.jsonl:1: this is no answer of a batch." in done.err


def test_bad_lines_are_named_before_anything_is_asked(recmind, home, tmp_path):
    file, out = tmp_path / "users.jsonl", tmp_path / "recs.jsonl"
    bad = [
        '{"query": "a comedy"', "[]", '{"name": "ann"}', '{"k": 0}', '{"k": "2"}', '{"filters": "year>1990"}',
        '{"filters": ["colour=red"]}', '{"user_id": 7}', '{"diversity": true}',
    ]  # fmt: skip
    file.write_text("\n".join(['{"query": "a comedy"}', *bad]))
    done = recmind("batch", file, "--out", out, "--home", home)
    assert (done.code, out.exists()) == (2, False)
    assert "users.jsonl has 9 bad lines, so nothing was asked" in done.err
    for number, told in enumerate(
        ("delimiter", "list in place of an object", "no field 'name'", "k is 0", "k is '2'", "a list of texts",
         "colour", "user_id is 7", "diversity is True"), 2,
    ):  # fmt: skip
        assert any(f"users.jsonl:{number}: " in line and told in line for line in done.err.splitlines()), told
    done = recmind("batch", file, "--out", out, "--home", home, "--skip-bad", "--json")
    assert (done.code, done.json["requests"], len(done.json["bad_lines"])) == (0, 1, 9)
    assert [line["line"] for line in lines_of(out)] == [1]


def test_an_error_stands_in_its_line(recmind, home, requests, tmp_path):
    out = tmp_path / "recs.jsonl"
    words = ("batch", requests, "--out", out, "--home", home, "--model", "openai:gpt-4o-mini")
    done = recmind(*words, "--no-fallback", "--json")
    assert (done.code, done.json["requests"], done.json["errors"]) == (0, 3, 3)
    assert {line["type"] for line in lines_of(out)} == {"ModelFailure"}
    assert all("OPENAI_API_KEY" in line["error"] for line in lines_of(out))
    out.unlink()
    assert recmind(*words, "--json").json["fallbacks"] == 3


def test_several_processes_answer_the_same(recmind, home, tmp_path):
    file, alone, shared = (tmp_path / name for name in ("users.jsonl", "alone.jsonl", "shared.jsonl"))
    file.write_text("".join(f'{{"query": "a comedy of {year}", "user_id": "ann"}}\n' for year in range(1980, 1990)))
    for out, processes in ((alone, "1"), (shared, "2")):
        words = ("--concurrency", "4", "--processes", processes, "-k", "2", "--home", home, "--json")
        done = recmind("batch", file, "--out", out, *words)
        assert (done.code, done.json["requests"], done.json["errors"]) == (0, 10, 0)
    found = [
        sorted((line["line"], [item["item_id"] for item in line["recommendations"]]) for line in lines_of(out))
        for out in (alone, shared)
    ]
    assert found[0] == found[1]


def test_a_batch_outlives_its_processes(home):
    with RecMind.open(home, processes=2) as rec:
        assert rec._workers is not None
        found = {}
        for place, answer in rec.batch(({"query": f"film {n}"} for n in range(12)), concurrency=3, k=1):
            found[place] = answer
            if len(found) == 2:
                os.kill(rec._workers._workers[0]._process.pid, signal.SIGKILL)
    assert sorted(found) == list(range(12))
    assert not [answer for answer in found.values() if isinstance(answer, Exception)]


def test_one_batch_at_a_time_writes_a_file(home, requests, tmp_path, monkeypatch):
    out, go_on, asked = tmp_path / "recs.jsonl", threading.Event(), threading.Event()

    def holds(_body):
        asked.set()
        assert go_on.wait(60)
        return bad_key()

    with Endpoint([holds] * 3) as endpoint, RecMind.open(home, model="openai:any") as rec:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        first = threading.Thread(target=batch_file, args=(rec, requests, out), kwargs={"concurrency": 3})
        first.start()
        assert asked.wait(60)
        with pytest.raises(InputError, match="Another batch is writing"):
            batch_file(rec, requests, out)
        go_on.set()
        first.join(60)
    assert len(lines_of(out)) == 3


def test_requests_are_asked_side_by_side_but_not_more_than_said(home, monkeypatch):
    together = threading.Barrier(4)
    under_way: list[int] = []

    def holds(_body):
        under_way.append(1)
        most.append(len(under_way))
        together.wait(60)
        under_way.pop()
        return bad_key()

    most: list[int] = []
    with Endpoint([holds] * 8) as endpoint, RecMind.open(home, model="openai:any") as rec:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        found = list(rec.batch(({"query": f"film {n}"} for n in range(8)), concurrency=4, k=1))
        assert sorted(place for place, _ in found) == list(range(8))
        assert {answer.query for _, answer in found} == {f"film {n}" for n in range(8)}
        with pytest.raises(InputError, match="concurrency is 0"):
            next(rec.batch([], concurrency=0))
    assert max(most) == 4


def test_a_killed_batch_goes_on_without_loss_or_repetition(home, tmp_path, monkeypatch):
    file, out, hanging = tmp_path / "users.jsonl", tmp_path / "recs.jsonl", threading.Semaphore(0)
    file.write_text("".join(f'{{"query": "film number {n}"}}\n' for n in range(9)))

    def hangs(_body):
        hanging.release()
        endpoint.closing.wait(60)
        return bad_key()

    with Endpoint([bad_key()] * 4 + [hangs] * 2) as endpoint:
        environment = {
            **os.environ, "OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "k", "PYTHONPATH": str(ROOT / ".src"),
        }  # fmt: skip
        words = ["batch", file, "--out", out, "--concurrency", "2", "-k", "2", "--home", home, "--model", "openai:any"]
        command = [sys.executable, "-c", "from recmind.agent.cli import main; main()", *map(str, words)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as killed:
            for _ in range(2):
                assert hanging.acquire(timeout=120)
            killed.send_signal(signal.SIGKILL)
        before = lines_of(out)
        assert len(before) == 4
        with out.open("a") as opened:
            opened.write('{"line": 5, "requ')  # as if the kill had come in the middle of a write
        endpoint.enqueue(*[bad_key()] * 5)
        done = subprocess.run([*command, "--json"], env=environment, capture_output=True, check=True, timeout=300)
        told = json.loads(done.stdout)
        assert (told["requests"], told["answered_before"], told["fallbacks"]) == (9, 4, 9)
        assert lines_of(out)[:4] == before
        assert sorted(line["line"] for line in lines_of(out)) == list(range(1, 10))
        assert len(endpoint.requests) == 4 + 2 + 5
