"""Completion in the shell: the script is click's, it is put where the shell reads it, and putting it twice is safe."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder with a space in its name and nothing in it; the person's shell is bash."""
    home = tmp_path / "my home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/usr/bin/bash")
    for name in ("XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_shown(recmind, shell):
    done = recmind("--show-completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_RECMIND_COMPLETE={shell}_complete" in done.out
    assert recmind("--show-completion", shell, "--json").json == {"shell": shell, "script": done.out}


@pytest.mark.parametrize(("shell", "start"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_the_start_up_file_reads_the_script_once(recmind, own_home, shell, start):
    (own_home / start).write_text("alias ll='ls -l'")  # without an end of line
    script = own_home / ".config" / "recmind" / f"completion.{shell}"
    line = f"[ ! -f '{script}' ] || . '{script}'\n"
    for _ in range(2):
        done = recmind("--install-completion", shell)
        told = f"Completion for {shell} is in {script}, and {own_home / start} reads it. It works in every new shell.\n"
        assert (done.code, done.out, done.err) == (0, told, "")
        assert (own_home / start).read_text() == f"alias ll='ls -l'\n{line}"
    assert script.read_text() == recmind("--show-completion", shell).out


def test_fish_looks_for_the_script_itself(recmind, own_home, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own_home / "settings"))
    done = recmind("--json", "--install-completion", "fish")
    script = own_home / "settings" / "fish" / "completions" / "recmind.fish"
    assert done.json == {"shell": "fish", "script": str(script), "read_by": None}
    assert [path for path in own_home.rglob("*") if path.is_file()] == [script]


def test_the_shell_is_the_persons_own_where_none_is_named(recmind, own_home):
    assert recmind("--install-completion").out.startswith("Completion for bash is in ")
    assert (own_home / ".bashrc").is_file()


@pytest.mark.parametrize(("own", "told"), [("/bin/tcsh", "SHELL is 'tcsh'."), ("", "SHELL is not set.")])
def test_another_shell_has_to_be_named(recmind, monkeypatch, own, told):
    monkeypatch.setenv("SHELL", own)
    done = recmind("--install-completion")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"recmind: error: {told} Name the shell: --install-completion bash, zsh or fish")


def test_only_known_shells_are_offered(recmind):
    done = recmind("--install-completion", "tcsh")
    assert done.code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'." in done.err


def test_what_cannot_be_written_is_told(recmind, own_home):
    (own_home / ".config").write_text("a file in the way")
    done = recmind("--install-completion", "bash")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("recmind: error: Cannot write ")
    assert done.err.endswith("Run: recmind --show-completion bash\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("rec", ["recommend"]), ("recommend --mode ", ["direct", "conversational", "explanation-first"])],
)
def test_bash_completes(recmind, own_home, typed, offered):
    recmind("--install-completion", "bash")
    program = own_home / "recmind"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'from recmind.agent.cli import main; main()' \"$@\"\n")
    program.chmod(0o755)
    words = ["recmind", *typed.split(" ")]
    asks = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _recmind_completion recmind; echo "${COMPREPLY[*]}"'
    command = f'. "$HOME/.bashrc"; {asks}'
    done = subprocess.run(
        ["bash", "-c", command, "bash", *words],
        env={**os.environ, "PATH": f"{own_home}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered
