"""Opening models by name, and what people are told when that cannot be done."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from recmind.agent.models.calling import ModelFailure
from recmind.agent.models.factory import ModelNameError, ModelPackageMissing, model_name_of, open_model, who_is
from recmind.agent.models.offline import OfflinePlanner
from recmind.data.settings import Limits
from tests.agent.scripted import ScriptedModel


@pytest.mark.parametrize("name", ["gpt-4o-mini", "openai:", ":gpt", "", "  "])
def test_a_name_must_say_who_serves_the_model(name: str) -> None:
    with pytest.raises(ModelNameError, match="Write PROVIDER:NAME, for example openai:"):
        open_model(name)


def test_a_bare_name_is_put_into_the_example() -> None:
    with pytest.raises(ModelNameError) as caught:
        open_model("gpt-4o-mini")
    assert str(caught.value) == (
        "'gpt-4o-mini' names no provider. Write PROVIDER:NAME, for example openai:gpt-4o-mini."
    )


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ModelNameError, match=r"'opnai:gpt-4o': there is no provider 'opnai'"):
        open_model("opnai:gpt-4o")


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_groq", None)
    with pytest.raises(ModelPackageMissing) as caught:
        open_model("groq:llama")
    assert str(caught.value) == "groq:llama needs langchain-groq. Run: pip install langchain-groq"


def test_no_key_and_nowhere_to_go_without_one() -> None:
    with pytest.raises(ModelFailure) as caught:
        open_model("openai:gpt-4o-mini")
    assert caught.value.kind == "no_key"
    assert str(caught.value) == (
        "openai:gpt-4o-mini needs a key, and OPENAI_API_KEY is not set. "
        "Set it, or OPENAI_BASE_URL to a server that needs none."
    )


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    model: Any = open_model("openai:llama3.2:3b", Limits(seconds=12))
    assert (model.model_name, model.temperature, model.seed) == ("llama3.2:3b", 0.0, 7)
    assert (model.request_timeout, model.max_retries, model.stream_usage) == (12, 1, True)
    assert str(who_is(model.bind_tools([]))) == "openai:llama3.2:3b at http://127.0.0.1:9/v1"
    assert who_is(model).keyless


def test_reasoning_models_take_no_temperature_and_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests-0123456789")
    model: Any = open_model("openai:o3-mini")
    assert (model.temperature, model.seed) == (None, None)


def test_the_key_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests-0123456789")
    model = open_model("openai:gpt-4o-mini")
    assert "0123456789" not in f"{model!r} {model} {who_is(model)!r} {model.to_json()}"


def test_models_are_called_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests-0123456789")
    assert model_name_of(open_model("openai:gpt-4o-mini")) == "openai:gpt-4o-mini"
    assert model_name_of(OfflinePlanner()) == "offline"
    assert model_name_of(ScriptedModel()) == "ScriptedModel"


def test_the_offline_planner_never_pays_for_the_client() -> None:
    program = (
        "import sys, recmind.agent.models.calling, recmind.agent.models.factory, recmind.agent.models.offline;"
        "names = 'openai', 'langchain_openai', 'langchain.chat_models', 'langgraph.graph';"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
