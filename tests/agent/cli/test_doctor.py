"""The doctor finds what is missing, stale and broken."""

import pytest

import agent.models.factory
from agent.models.failures import ModelFailure, Who, no_key
from data.records import Item
from data.store import Store
from data.workspace import Workspace


def statuses(done) -> dict[str, str]:
    return {check["name"]: check["status"] for check in done.json["checks"]}


def detail(done, name: str) -> str:
    return next(check["detail"] for check in done.json["checks"] if check["name"] == name)


def test_all_is_well(recmind, home):
    done = recmind("doctor", "--home", home, "--json")
    assert (done.code, done.json["ok"]) == (0, True)
    assert set(statuses(done).values()) == {"ok"}
    text = recmind("doctor", "--home", home)
    assert (text.code, text.err) == (0, "")
    assert "8 items, 3 users, 5 interactions, intact" in text.out


def test_no_workspace_is_worth_a_note(recmind, tmp_path):
    done = recmind("doctor", "--home", tmp_path / "none", "--json")
    assert (done.code, statuses(done)["workspace"]) == (0, "note")


def test_a_stale_index_is_worth_a_note(recmind, home):
    workspace = Workspace.open(home)
    with Store(workspace.database) as store:
        store.put_items([Item("new", "New")])
    done = recmind("doctor", "--home", home, "--json")
    assert (done.code, statuses(done)["index"]) == (0, "note")
    assert "Run: recmind index" in detail(done, "index")


def test_a_damaged_index_is_broken(recmind, home):
    largest = max((home / "index" / "000001").iterdir(), key=lambda path: path.stat().st_size)
    changed = bytearray(largest.read_bytes())
    changed[-1] ^= 1
    largest.write_bytes(changed)
    done = recmind("doctor", "--home", home, "--json")
    assert (done.code, done.json["ok"], statuses(done)["index"]) == (1, False, "broken")
    text = recmind("doctor", "--home", home)
    assert (text.code, text.err) == (1, "recmind: 1 check failed\n")
    assert "BROKEN" in text.out


def test_a_damaged_database_is_broken(recmind, home):
    (home / "recmind.db").write_bytes(b"no database at all" * 100)
    done = recmind("doctor", "--home", home, "--json")
    assert (done.code, statuses(done)["database"]) == (1, "broken")


def test_wrong_settings_are_broken(recmind, home):
    (home / "recmind.toml").write_text("colour = 'blue'\n")
    done = recmind("doctor", "--home", home, "--json")
    assert (done.code, statuses(done)["settings"]) == (1, "broken")
    assert "colour" in detail(done, "settings")


def test_sending_traces_away_is_worth_a_note(recmind, home, monkeypatch):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_secret_secret")
    done = recmind("doctor", "--home", home, "--json")
    assert statuses(done)["langsmith"] == "note"
    assert "secret" not in done.out


class Fake:
    """A chat model as far as the doctor asks."""

    def __init__(self, **message):
        self.message = message

    def bind_tools(self, tools):
        return self

    def invoke(self, _text):
        from langchain_core.messages import AIMessage

        return AIMessage("", **self.message)


CALL = {"name": "weather", "args": {"city": "Paris"}, "id": "1"}
USAGE = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"tool_calls": [CALL], "usage_metadata": USAGE}, ("ok", "ok", "ok")),
        ({"tool_calls": [CALL]}, ("ok", "ok", "note")),
        ({"usage_metadata": USAGE}, ("ok", "broken", "ok")),
    ],
)
def test_a_model_is_asked_for_a_tool_call(recmind, home, monkeypatch, message, expected):
    monkeypatch.setattr(agent.models.factory, "open_model", lambda name: Fake(**message))
    done = recmind("doctor", "--home", home, "--json", "--model", "openai:x")
    found = statuses(done)
    assert (found["model"], found["model tools"], found["model usage"]) == expected
    assert done.code == ("broken" in expected)


def test_a_model_without_a_key_is_one_line(recmind, home, monkeypatch):
    done = recmind("doctor", "--home", home, "--json", "--model", "openai:gpt-4o-mini")
    assert (done.code, statuses(done)["model"]) == (1, "broken")
    assert detail(done, "model") == str(no_key(Who("openai:gpt-4o-mini")))
    assert isinstance(no_key(Who("x")), ModelFailure)
