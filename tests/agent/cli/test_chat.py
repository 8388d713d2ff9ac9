"""``recmind chat`` and ``recmind threads``, over a pipe."""

import json

import pytest
from click.testing import CliRunner

from recmind.agent.cli import cli
from recmind.agent.memory.thread_locks import ThreadLocks


def chat(home, lines, *options):
    done = CliRunner().invoke(
        cli, ["chat", "--home", str(home), *options], input="".join(f"{line}\n" for line in lines)
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_lines_are_requests_of_one_conversation(home):
    done = chat(
        home,
        ["a comedy", "", "/help", "why the first?", "start over", "/quit", "never read"],
        "-k",
        "2",
        "--thread",
        "t",
    )
    assert done.exit_code == 0
    blocks = done.stdout.split("thread t")
    assert len(blocks) == 4
    assert "I took this to mean: Comedy." in blocks[0]
    assert "was number 1 in the last list" in blocks[1]
    assert "Say what you are looking for" in done.stderr


def test_every_answer_is_one_object_on_a_line(home):
    done = chat(home, ["a comedy", "/new", "something else to watch", "Comedy"], "--json", "-k", "1")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({answer["thread"] for answer in answers}) == 1
    assert [len(answer["recommendations"]) for answer in answers] == [1, 0, 1, 1]
    assert [bool(answer["question"]) for answer in answers] == [False, True, False, False]


def test_an_empty_input_ends_cleanly_and_an_error_does_not_end_the_conversation(recmind, home):
    assert (chat(home, []).exit_code, chat(home, []).stdout) == (0, "")
    assert recmind("recommend", "a comedy", "--thread", "t", "--user", "ann", "--home", home).code == 0
    done = chat(home, ["a comedy", "/thread"], "--thread", "t")
    assert done.exit_code == 2
    assert "belongs to another user" in done.stderr
    assert done.stderr.endswith("t\n")


def test_threads_are_listed_shown_pruned_and_deleted(recmind, home):
    assert recmind("threads", "list", "--home", home).out == "There are no conversations.\n"
    assert recmind("recommend", "a comedy", "--thread", "one", "--user", "ann", "-k", 1, "--home", home).code == 0
    assert recmind("recommend", "", "--thread", "two", "--mode", "conversational", "--home", home).code == 0
    listed = recmind("threads", "list", "--home", home, "--json").json["threads"]
    assert [(t["thread_id"], t["user_id"], t["turns"], t["waiting"]) for t in listed] == [
        ("two", None, 1, True),
        ("one", "ann", 1, False),
    ]
    shown = recmind("threads", "show", "one", "--home", home).out
    assert "a comedy\n  taken as: Comedy.\n  shown: " in shown
    assert "asked back: Which genre" in recmind("threads", "show", "two", "--home", home).out
    assert recmind("threads", "show", "three", "--home", home).code == 2
    assert recmind("threads", "prune", "--days", "1", "--home", home).out == "Erased 0 conversations.\n"
    assert recmind("threads", "delete", "one", "three", "--home", home).out == "Erased one.\n"
    assert recmind("threads", "prune", "--days", "0", "--home", home, "--json").json == {"erased": ["two"]}


@pytest.mark.parametrize("reply", ["Comedy", "you choose"])
def test_a_question_is_answered_by_the_next_request(recmind, home, reply):
    asked = recmind("recommend", "--mode", "conversational", "-k", "2", "--thread", "t", "--home", home, "--json").json
    assert (asked["recommendations"], asked["thread"]) == ([], "t")
    answer = recmind("recommend", reply, "--thread", "t", "--home", home, "--json").json
    assert (len(answer["recommendations"]), answer["question"]) == (2, None)


def test_a_thread_that_another_process_is_at_work_on_is_one_line(recmind, home):
    words = ("recommend", "a comedy", "--thread", "t", "--limit", "seconds=0.2", "--home", home)
    turn = ThreadLocks(home / "threads.locks").take("t", 1)
    try:
        done, as_json = recmind(*words), recmind(*words, "--json")
    finally:
        turn.give_back()
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "recmind: error: Thread 't' is busy: other requests of it were not answered within 0.2 s. Ask again later, "
        "or in another thread.\n"
    )
    assert (as_json.code, as_json.err, as_json.json["type"]) == (1, "", "ThreadBusy")
