"""Shell completion: ``recmind --install-completion`` and ``recmind --show-completion``, on top of click's."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class
from typing_extensions import override

from recmind.agent.cli.app import Application, Shared
from recmind.agent.cli.output import emit
from recmind.data.errors import RecMindError

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "recmind"
VARIABLE = "_RECMIND_COMPLETE"
"""The shell sets it to ask for completions; click then answers in place of the command line."""
OWN_SHELL = "the person's own"
"""Stands for the shell that the person uses, if they name none."""
ZSH_START = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
"""Zsh knows ``compdef`` only after this, and few people have it in ``.zshrc``."""


class _Shell(click.Choice[str]):
    """One of the shells, or the person's own if the option has no value."""

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return OWN_SHELL if value == OWN_SHELL else super().convert(value, param, ctx)


def add_completion(cli: Application) -> Application:
    """The command line with the two options added."""
    for name, callback, text in (
        ("--install-completion", _install, "Complete commands and options in this shell from now on, and exit."),
        ("--show-completion", _show, "Print the script that completes them, and exit."),
    ):
        option = click.Option(
            [name],
            is_flag=False,
            flag_value=OWN_SHELL,
            type=_Shell(SHELLS),
            metavar="[bash|zsh|fish]",
            expose_value=False,
            callback=callback,
            help=text,
        )
        cli.params.append(option)
    return cli


def script(shell: str) -> str:
    """The script that a shell must run to complete ``recmind``."""
    kind = get_completion_class(shell)
    assert kind is not None, f"click knows {shell}"
    source = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source().strip() + "\n"
    return ZSH_START + source if shell == "zsh" else source


def install(shell: str) -> tuple[Path, Path | None]:
    """Writes the script where the shell finds it. Doing it again changes nothing except an outdated script.

    Args:
        shell: the name of the shell.

    Returns:
        The script, and the start-up file that reads it; None for fish, which looks for scripts in a folder.

    Raises:
        RecMindError: a file cannot be written.
    """
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    starts = {
        "bash": Path.home() / ".bashrc",
        "zsh": Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc",
    }
    start = starts.get(shell)
    path = config / PROGRAM / f"completion.{shell}" if start else config / "fish" / "completions" / f"{PROGRAM}.fish"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script(shell), encoding="utf-8")
        if start is not None:
            place = shlex.quote(str(path))
            _add_line(start, f"[ ! -f {place} ] || . {place}")
    except OSError as error:
        raise RecMindError(
            f"Cannot write {error.filename!r}: {error.strerror}. Run: {PROGRAM} --show-completion {shell}"
        ) from None
    return path, start


def _add_line(path: Path, line: str) -> None:
    """Appends the line to the file, unless the file has it already."""
    held = path.read_bytes() if path.exists() else b""
    if line.encode() not in held.splitlines():
        with path.open("ab") as file:
            file.write((b"\n" if held and not held.endswith(b"\n") else b"") + line.encode() + b"\n")


def _acting(act: Callable[[click.Context, str], None]) -> Callable[..., None]:
    """The callback of an option that does something and ends the program; nothing happens if it is not given."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is None or ctx.resilient_parsing:
            return
        act(ctx, _own_shell(ctx, param) if value == OWN_SHELL else value)
        ctx.exit()

    return callback


def _own_shell(ctx: click.Context, param: click.Parameter) -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        told = f"SHELL is {name!r}" if name else "SHELL is not set"
        raise click.UsageError(f"{told}. Name the shell: {param.opts[0]} {', '.join(SHELLS[:-1])} or {SHELLS[-1]}", ctx)
    return name


@_acting
def _install(ctx: click.Context, shell: str) -> None:
    path, start = install(shell)
    told = {"shell": shell, "script": str(path), "read_by": None if start is None else str(start)}
    read_by = "" if start is None else f", and {start} reads it"
    emit(
        ctx.ensure_object(Shared).as_json,
        told,
        lambda: f"Completion for {shell} is in {path}{read_by}. It works in every new shell.",
    )


@_acting
def _show(ctx: click.Context, shell: str) -> None:
    text = script(shell)
    emit(ctx.ensure_object(Shared).as_json, {"shell": shell, "script": text}, lambda: text.rstrip("\n"))
