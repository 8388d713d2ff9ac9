"""``recmind doctor``: what is installed, found, stale or broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recmind.agent.cli.app import Command, Shared, pass_shared
from recmind.agent.cli.checks import MARKS, Check, guarded
from recmind.agent.cli.output import clean, columns, count, emit

if TYPE_CHECKING:
    from recmind.data.workspace import Workspace

DIRECT = (
    "langchain", "langchain-core", "langchain-openai", "langgraph", "faiss-cpu", "sentence-transformers", "torch",
    "sqlite-utils", "numpy", "scipy", "scikit-learn", "tokenizers", "pydantic", "click", "rich", "platformdirs",
    "rapidfuzz", "snowballstemmer",
)  # fmt: skip
LANGSMITH = (
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_ENDPOINT",
    "LANGSMITH_PROJECT",
    "LANGSMITH_API_KEY",
)


@click.command(cls=Command)
@click.option(
    "--model",
    metavar="NAME",
    help="Also ask this model, or both of auto:CHEAP,STRONG: does it answer, call a tool, report its usage?",
)
@pass_shared
def doctor(shared: Shared, model: str | None) -> None:
    """Say what is installed, found and stale. Exits with 1 where something is broken."""
    checks = [*_installation(), *_workspace(shared.home)]
    if model is not None:
        checks += _model(model, shared.home)
    broken = sum(check.status == "broken" for check in checks)
    emit(
        shared.as_json,
        {"ok": not broken, "checks": [asdict(check) for check in checks]},
        lambda: columns([(MARKS[check.status], check.name, clean(check.detail)) for check in checks], indent=""),
    )
    if broken:
        if not shared.as_json:
            click.echo(f"recmind: {count(broken, 'check')} failed", err=True)
        raise click.exceptions.Exit(1)


def _installation() -> Iterator[Check]:
    version = sys.version.split()[0]
    yield Check("python", "ok" if sys.version_info >= (3, 11) else "broken", f"{version} ({sys.executable})")
    yield guarded("recmind", _own_version)
    yield guarded("packages", _packages)
    yield guarded("sqlite", _sqlite)
    yield _langsmith()


def _own_version() -> Check:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    place = Path(__file__).parents[2]
    try:
        return Check("recmind", "ok", f"{version('recmind')} ({place})")
    except PackageNotFoundError:
        return Check("recmind", "note", f"runs from {place}, not installed")


def _packages() -> Check:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    found, missing = [], []
    for name in DIRECT:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", "broken", f"missing: {', '.join(missing)}. Run: pip install {' '.join(missing)}")
    return Check("packages", "ok", ", ".join(found))


def _sqlite() -> Check:
    import sqlite3  # noqa: PLC0415

    try:
        with sqlite3.connect(":memory:") as db:
            db.execute("CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'trigram')")
    except sqlite3.OperationalError as error:
        return Check("sqlite", "broken", f"{sqlite3.sqlite_version}: no full text search with trigrams ({error})")
    finally:
        db.close()
    return Check("sqlite", "ok", f"{sqlite3.sqlite_version} with full text search")


def _langsmith() -> Check:
    named = {name: os.environ[name] for name in LANGSMITH if os.environ.get(name)}
    on = any(named.get(name, "").casefold() in ("true", "1") for name in LANGSMITH[:2])
    if not on:
        return Check("langsmith", "ok", "off: traces stay in the workspace")
    told = ", ".join(f"{name}={'(set)' if name.endswith('KEY') else value}" for name, value in named.items())
    return Check("langsmith", "note", f"on: requests are also sent to LangSmith ({told})")


def _workspace(home: Path | None) -> Iterator[Check]:
    from recmind.data.errors import WorkspaceError  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    encoder = "default"
    try:
        workspace = Workspace.open(home)
    except WorkspaceError as error:
        # A fresh installation has no workspace: that is not broken.
        yield Check("workspace", "note", str(error))
    else:
        yield Check("workspace", "ok", str(workspace.home))
        settings = guarded("settings", lambda: _settings(workspace))
        yield settings
        if settings.status != "broken":
            encoder = workspace.settings.encoder
            database = guarded("database", lambda: _database(workspace))
            yield database
            if database.status != "broken":
                yield guarded("index", lambda: _index(workspace))
    yield guarded("encoder", lambda: _encoder(encoder))


def _settings(workspace: Workspace) -> Check:
    settings = workspace.settings
    there = workspace.settings_file.is_file()
    return Check(
        "settings", "ok", f"{workspace.settings_file if there else 'defaults'}; model {settings.model or 'offline'}"
    )


def _database(workspace: Workspace) -> Check:
    from recmind.data.store.store import Store  # noqa: PLC0415

    with Store(workspace.database, workspace.settings) as store:
        if problems := store.problems():
            return Check("database", "broken", "; ".join(problems))
        catalogue = store.catalogue()
    told = (
        f"{count(catalogue.items, 'item')}, {count(catalogue.users, 'user')}, "
        f"{count(catalogue.interactions, 'interaction')}, intact"
    )
    return Check("database", "ok" if catalogue.items else "note", told if catalogue.items else f"{told}, but empty")


def _index(workspace: Workspace) -> Check:
    from recmind.data.store.store import Store  # noqa: PLC0415
    from recmind.tools.index.engines import open_engines  # noqa: PLC0415
    from recmind.tools.index.manifest import verify  # noqa: PLC0415

    folder = workspace.current_index()
    if folder is None:
        return Check("index", "note", "not built. Run: recmind index")
    with Store(workspace.database, workspace.settings) as store:
        verify(folder)
        engines = open_engines(workspace, store)
        if engines.stale:
            return Check("index", "note", f"{folder.name} is older than the catalogue. Run: recmind index")
    return Check("index", "ok", f"{folder.name}, up to date")


def _encoder(name: str) -> Check:
    from recmind.tools.encoders.encoder import DefaultEncoder, open_encoder  # noqa: PLC0415

    encoder = open_encoder(name)
    if isinstance(encoder, DefaultEncoder):
        encoder.verify(again=True)
    vector = encoder.encode_query("a test")
    return Check(
        "encoder", "ok", f"{encoder.name}, {len(vector)} dimensions, checksum {encoder.checksum[:12]} as expected"
    )


def _model(name: str, home: Path | None) -> Iterator[Check]:
    from recmind.agent.cli.doctor_models import model_checks  # noqa: PLC0415  only needed if a model is asked
    from recmind.data.errors import RecMindError  # noqa: PLC0415
    from recmind.data.settings import Limits  # noqa: PLC0415
    from recmind.data.workspace import Workspace  # noqa: PLC0415

    try:
        limits = Workspace.open(home).settings.limits
    except RecMindError:
        limits = Limits()  # no workspace yet, or unreadable settings: another check reports that
    yield from model_checks(name, limits)
