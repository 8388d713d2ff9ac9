"""Settings and the folder that everything lies in."""

from __future__ import annotations

from pathlib import Path

import pytest

from recmind.data.errors import WorkspaceError
from recmind.data.settings import KindMeaning, Settings
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace, resolve_home


def test_home_is_the_given_folder_then_the_variable_then_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert resolve_home(tmp_path) == tmp_path
    monkeypatch.setenv("RECMIND_HOME", str(tmp_path / "named"))
    assert resolve_home() == tmp_path / "named"
    monkeypatch.delenv("RECMIND_HOME")
    assert resolve_home().name == "recmind"
    assert resolve_home().is_relative_to(Path.home())


def test_opening_without_a_database_says_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"no RecMind database .*Run: recmind import demo --home"):
        Workspace.open(tmp_path)
    workspace = Workspace.open(tmp_path / "new", create=True)
    Store(workspace.database).close()
    assert Workspace.open(tmp_path / "new").home == tmp_path / "new"


def test_current_index_is_none_a_folder_or_a_clear_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.current_index() is None
    workspace.index_folder.mkdir()
    current = workspace.index_folder / "CURRENT"
    current.write_text("v1\n")
    with pytest.raises(WorkspaceError, match="'v1', is missing"):
        workspace.current_index()
    (workspace.index_folder / "v1").mkdir()
    assert workspace.current_index() == workspace.index_folder / "v1"
    current.write_text("../elsewhere")
    with pytest.raises(WorkspaceError):
        workspace.current_index()


def test_settings_have_defaults_and_are_read_from_toml(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.settings_file.write_text(
        'encoder = "my/model"\n[kinds.rating]\npositive = "threshold"\nthreshold = 4.0\n[limits]\nmodel_calls = 3\n',
        encoding="utf-8-sig",
    )
    settings = workspace.settings
    assert settings.encoder == "my/model"
    assert settings.limits.model_calls == 3
    assert settings.limits.tool_calls == 24
    assert settings.kind("rating") == KindMeaning(positive="threshold", threshold=4.0)
    assert settings.kind("skip").positive == "never"
    assert settings.kind("hummed") == KindMeaning()
    assert [kind for kind in ("rating", "seen", "view", "skip", "dislike") if settings.consumed(kind)] == [
        "rating", "seen", "view",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "colour"),
        ("limits = 3", "limits"),
        ("[limits]\nseconds = 0", "limits.seconds"),
        ("a = = 1", "line 1"),
    ],
)
def test_bad_settings_name_the_file_and_the_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "recmind.toml").write_text(text)
    with pytest.raises(WorkspaceError, match=r"recmind\.toml") as raised:
        _ = Workspace(tmp_path).settings
    assert said in str(raised.value)


def test_ids_and_links_are_hidden_attributes() -> None:
    settings = Settings()
    assert [n for n in ("imdb_id", "asin", "Image_Large", "genres", "video", "url") if settings.hidden(n)] == [
        "imdb_id", "asin", "Image_Large", "url",
    ]  # fmt: skip
