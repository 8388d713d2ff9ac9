"""Shared by all tests: no network, no home folder, no settings of the person who runs them; data not ours to copy."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FORGOTTEN = ("RECMIND_", "LANGSMITH_", "LANGCHAIN_", "OPENAI_", "ANTHROPIC_", "OTEL_")


def pytest_configure() -> None:
    """Before anything reads them: settings of this machine must not decide a test."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of RECMIND_TEST_DATA with data that is not ours to copy; skips the test where it is absent."""
    folder = _SHARED_DATA
    if not folder:
        pytest.skip("RECMIND_TEST_DATA names no folder with MovieLens and Amazon Beauty")
    if not Path(folder).is_dir():
        pytest.skip(f"RECMIND_TEST_DATA={folder} is no folder")
    return Path(folder)


BuiltOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """Fills a folder of this name, once for all the processes that share the tests of a run; to be read only."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent

    def built(name: str, fill: Callable[[Path], None]) -> Path:
        folder = shared / f"{name}-once"
        with (shared / f"{name}.lock").open("w") as lock:
            # The others wait here, and leave the cores to the one that builds.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                fill(folder.with_suffix(".part"))
                folder.with_suffix(".part").rename(folder)
        return folder

    return built


@pytest.fixture(scope="session")
def movielens_home(shared_data: Path, built_once: BuiltOnce) -> Path:
    """A workspace with latest-small and its index, built once for all tests (minutes); to be read only."""
    from recmind.data.importers import import_movielens
    from recmind.data.store.store import Store
    from recmind.data.workspace import Workspace
    from recmind.tools.index.build import build_index

    folder = shared_data / "ml-latest-small"
    if not folder.is_dir():
        pytest.skip(f"{folder} is no folder")

    def fill(home: Path) -> None:
        workspace = Workspace.open(home, create=True)
        with Store(workspace.database, workspace.settings) as store:
            import_movielens(store, folder)
            build_index(workspace, store)

    return built_once("movielens", fill)


_SHARED_DATA = os.environ.get("RECMIND_TEST_DATA")


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty home folder, and none of the variables that change what RecMind does."""
    for name in list(os.environ):
        if name.startswith(FORGOTTEN):
            monkeypatch.delenv(name)
    home = _home(tmp_path_factory)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def _home(factory: pytest.TempPathFactory) -> Path:
    home = factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    return home


class NetworkUsed(BaseException):
    """Not an Exception, so that no ``except Exception`` in the code under test can hide it."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connecting to anything but this machine fails the test, even where the code under test swallows the error."""
    tried: list[str] = []

    def guarded(real: Any) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                tried.append(str(address))
                raise NetworkUsed(f"a test tried to connect to {address}")
            return real(self, address)

        return connect

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not _is_loopback(name):
            tried.append(name)
            raise NetworkUsed(f"a test tried to look up {name!r}")
        return real_look_up(host, *args, **kwargs)

    real_look_up = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield
    if tried:
        pytest.fail(f"the test used the network: {', '.join(tried)}")


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
