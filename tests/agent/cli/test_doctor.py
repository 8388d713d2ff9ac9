"""The doctor finds what is missing, stale and broken."""

from dataclasses import replace

import pytest

from recmind.agent.models.failures import ModelFailure, Who, no_key
from recmind.data.records import Item
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from tests.endpoint import Endpoint, Reply, bad_key, calls, says


def statuses(done) -> dict[str, str]:
    return {check["name"]: check["status"] for check in done.json["checks"]}


def detail(done, name: str) -> str:
    return next(check["detail"] for check in done.json["checks"] if check["name"] == name)


def test_where_all_is_well_the_doctor_says_so(recmind, home):
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
        store.items.put([Item("new", "New")])
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


CALL = calls(("weather", {"city": "Paris"}))
ALL_FINE = ("ok", "ok", "ok")


@pytest.fixture
def endpoint(monkeypatch):
    """A server that behaves as each test scripts it; ``openai:NAME`` leads there."""
    with Endpoint() as opened:
        monkeypatch.setenv("OPENAI_BASE_URL", opened.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-some-key")
        yield opened


def of_model(done, what: str) -> tuple[str | None, ...]:
    found = statuses(done)
    return tuple(found.get(name) for name in (what, f"{what} tools", f"{what} usage"))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (CALL, ALL_FINE),
        (replace(CALL, usage=False), ("ok", "ok", "note")),
        (says('{"name": "weather", "arguments": {"city": "Paris"}}'), ("ok", "note", "ok")),
        (says("Sunny, I suppose."), ("ok", "broken", "ok")),
        (bad_key(), ("broken", None, None)),
    ],
    ids=["fine", "no usage", "calls as text", "no call", "401"],
)
def test_a_model_is_asked_for_a_tool_call(recmind, home, endpoint, reply, expected):
    endpoint.enqueue(reply)
    done = recmind("doctor", "--home", home, "--json", "--model", "openai:x")
    assert of_model(done, "model") == expected
    assert done.code == ("broken" in expected)
    assert len(endpoint.requests) == 1


def test_both_models_of_a_route_are_asked(recmind, home, endpoint):
    def reply(body):
        return CALL if body["model"] == "large" else says("Sunny.")

    endpoint.enqueue(reply, reply)
    done = recmind("doctor", "--home", home, "--json", "--model", "auto:openai:small,openai:large")
    assert [body["model"] for body in endpoint.requests] == ["small", "large"]
    assert of_model(done, "cheap model") == ("ok", "broken", "ok")
    assert of_model(done, "strong model") == ALL_FINE
    assert (done.code, statuses(done)["routing"]) == (1, "ok")
    assert "openai:large from 4 parts" in detail(done, "routing")
    assert detail(done, "routing").endswith("openai:small for all others")


def test_the_offline_planner_may_be_one_of_them(recmind, home, endpoint):
    endpoint.enqueue(CALL)
    done = recmind("doctor", "--home", home, "--model", "auto:offline,openai:large")
    assert (done.code, done.err, len(endpoint.requests)) == (0, "", 1)
    assert "cheap model         the offline planner, which asks nobody" in done.out


def test_a_route_to_one_model_is_one_line(recmind, home):
    done = recmind("doctor", "--home", home, "--json", "--model", "auto:openai:small")
    assert (done.code, statuses(done)["model"]) == (1, "broken")
    assert "does not name two models" in detail(done, "model")


def test_a_silent_model_is_given_up(recmind, home, endpoint):
    (home / "recmind.toml").write_text("[limits]\nseconds = 1\n")
    endpoint.enqueue(Reply(wait_s=600))
    done = recmind("doctor", "--home", home, "--json", "--model", "openai:x")
    assert (done.code, statuses(done)["model"]) == (1, "broken")
    assert "did not answer within" in detail(done, "model")


def test_a_model_without_a_key_is_one_line(recmind, home, monkeypatch):
    done = recmind("doctor", "--home", home, "--json", "--model", "openai:gpt-4o-mini")
    assert (done.code, statuses(done)["model"]) == (1, "broken")
    assert detail(done, "model") == str(no_key(Who("openai:gpt-4o-mini")))
    assert isinstance(no_key(Who("x")), ModelFailure)
