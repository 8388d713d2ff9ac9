"""Threads on disk: whose they are, what is kept of them, and that erased is erased."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableConfig

from recmind.agent.answer import Proof, Recommendation
from recmind.agent.memory.saver import ThreadSaver
from recmind.agent.memory.thread import MOST_TURNS, Thread, Turn
from recmind.agent.memory.threads import Threads, ThreadSummary
from recmind.agent.understanding import Binding, TitleMention, Understanding, Wish
from recmind.data.conditions import parse_condition
from recmind.data.errors import InputError, WorkspaceError

DAY = 86_400.0
SHOWN = Recommendation(
    1, "alien", "Alien", 0.9, "Offers genre Horror.", (Proof("metadata", "genre Horror", {"value": 1}),)
)
UNDERSTOOD = Understanding(
    "scary",
    likes=(TitleMention("heat", "Heat", "heat"),),
    bindings=(Binding("q1", "from 1979", (parse_condition("year>=1979"), parse_condition("genres in Horror,Drama"))),),
    wishes=(Wish("dark", (parse_condition("moods=dark"),)),),
    count=3,
)


@pytest.fixture
def threads(tmp_path):
    with Threads(tmp_path / "threads.db") as opened:
        yield opened


def keep(threads: Threads, thread_id: str, user_id: str | None, *turns: Turn) -> Thread:
    """A thread of these turns, written down as a conversation would."""
    thread = Thread(user_id, understanding=UNDERSTOOD, shown=(SHOWN,), focus="alien")
    for turn in turns:
        thread = thread.with_turn(turn)
    config = RunnableConfig(configurable={"thread_id": thread_id, "checkpoint_ns": ""})
    checkpoint = {
        "v": 4, "id": f"{threads.saver.conn.total_changes:08}", "ts": "2026-01-01T00:00:00+00:00",
        "channel_values": {"thread": thread.to_json()}, "channel_versions": {"thread": 1}, "versions_seen": {},
        "updated_channels": None,
    }  # fmt: skip
    threads.saver.put(config, checkpoint, {"source": "loop", "step": 1, "parents": {}}, {})
    return thread


def test_a_thread_comes_back_as_it_was(threads):
    kept = keep(threads, "t", "ann", Turn("scary", "Scary.", (SHOWN,), at=1.0), Turn("?", question="Which?", at=2.0))
    assert threads.get("t") == kept
    assert kept.shown[0].evidence == SHOWN.evidence
    assert kept.turns[0].shown[0].evidence == ()
    assert kept.asked


def test_only_plain_values_are_written_and_only_the_newest(threads):
    keep(threads, "t", "ann", Turn("one", at=1.0))
    keep(threads, "t", "ann", Turn("one", at=1.0), Turn("two", at=2.0))
    with closing(sqlite3.connect(threads.path)) as conn:
        (written,) = conn.execute("SELECT type, checkpoint FROM checkpoints").fetchall()
    assert written[0] == "msgpack"
    assert b"agent." not in written[1]
    assert [turn.said for turn in threads.get("t").turns] == ["one", "two"]


def test_no_class_is_revived_from_the_file(tmp_path):
    saver = ThreadSaver(tmp_path / "threads.db")
    kind, written = saver.serde.dumps_typed({"thread": UNDERSTOOD})
    assert not isinstance(saver.serde.loads_typed((kind, written))["thread"], Understanding)
    with pytest.raises(NotImplementedError):
        saver.serde.loads_typed(("pickle", b"cos\nsystem\n(S'true'\ntR."))
    saver.conn.close()


def test_a_thread_belongs_to_its_user(threads):
    keep(threads, "hers", "ann", Turn("scary", at=1.0))
    keep(threads, "nobodys", None, Turn("scary", at=1.0))
    assert threads.open("hers", "ann").user_id == "ann"
    assert threads.open("new", "bob") == Thread("bob")
    for thread_id, user_id in (("hers", "bob"), ("hers", None), ("nobodys", "ann")):
        with pytest.raises(InputError, match=f"Thread '{thread_id}' belongs to another user"):
            threads.open(thread_id, user_id)
    for name in ("", "  ", "x" * 201):
        with pytest.raises(InputError, match="A thread's name has 1 to 200 letters"):
            threads.open(name, None)


def test_threads_are_listed_pruned_and_erased(threads):
    keep(threads, "old", "ann", Turn("scary", at=1 * DAY), Turn("scarier", at=2 * DAY))
    keep(threads, "new", "bob", Turn("funny", at=8 * DAY), Turn("", question="Which?", at=9 * DAY))
    old = ThreadSummary("old", "ann", 2, "scary", "scarier", 1 * DAY, 2 * DAY, False)
    new = ThreadSummary("new", "bob", 2, "funny", "", 8 * DAY, 9 * DAY, True)
    assert threads.all() == [new, old]
    assert threads.all(1) == [new]
    assert threads.all(user_id="ann") == [old]
    assert threads.prune(5, now=10 * DAY) == ["old"]
    assert (threads.delete("old"), threads.forget_user("ann")) == (False, 0)
    assert threads.forget_user("bob") == 1
    assert threads.all() == []
    assert not any(b"funny" in path.read_bytes() for path in threads.path.parent.iterdir())


def test_nothing_is_made_before_the_first_thread(tmp_path):
    with Threads(tmp_path / "threads.db") as threads:
        assert (threads.get("t"), threads.waiting("t"), threads.all(), threads.delete("t")) == (None, None, [], False)
    assert list(tmp_path.iterdir()) == []


def test_of_a_long_thread_the_number_of_the_oldest_turns_is_known():
    thread = Thread(None)
    for n in range(MOST_TURNS + 3):
        thread = thread.with_turn(Turn(str(n)))
    assert (thread.dropped, len(thread.turns), thread.turns[0].said) == (3, MOST_TURNS, "3")


def test_a_file_that_is_none_of_ours_is_one_line(tmp_path: Path):
    (tmp_path / "threads.db").write_text("these are not the threads you are looking for " * 100)
    with Threads(tmp_path / "threads.db") as threads, pytest.raises(WorkspaceError, match="Move the file away"):
        threads.open("t", None)
