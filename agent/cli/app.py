"""Shared by every command: the options that may stand anywhere on the line, and the report of failures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130
PROBLEMS_SHOWN = 10


@dataclass(slots=True)
class Shared:
    """The options that every command takes, before or after its name; the last one given counts."""

    home: Path | None = None
    """The workspace folder, or None: RECMIND_HOME, else the user's data folder."""
    as_json: bool = False


class Command(click.Command):
    """A command that also takes the shared options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())


class Group(click.Group):
    """A group that takes the shared options, as do its commands; without a command it prints its help."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"invoke_without_command": True, "callback": _help_when_bare}
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())


@click.pass_context
def _help_when_bare(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


class Application(Group):
    """The whole command line: reports every failure as one line (or one JSON object) and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs and exits with the exit code: 0 done, 2 bad usage or input, 1 failed, 130 interrupted.

        Args:
            args: the words after the name of the program; None takes them from ``sys.argv``.
            prog_name: the name of the program; None: ``recmind``.
            complete_var: the variable that asks for completions; None: click's own choice.
            standalone_mode: False: as click's ``main``, without reports and exit codes.
            **extra: passed on to click.
        """
        words = list(sys.argv[1:] if args is None else args)
        name = prog_name or "recmind"
        if not standalone_mode:
            return super().main(words, name, complete_var, standalone_mode=False, **extra)
        as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
        try:
            code = super().main(words, name, complete_var, standalone_mode=False, **extra)
            # Output is still in the buffer: if its reader has gone away, this fails here, not at shut-down.
            sys.stdout.flush()
        except click.Abort:
            report({"error": "interrupted", "type": "KeyboardInterrupt"}, as_json=as_json)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            leave_quietly()
        except click.ClickException as error:
            report({"error": _usage(error), "type": type(error).__name__}, as_json=as_json)
            sys.exit(BAD_INPUT)
        except Exception as error:  # noqa: BLE001  people must never see a traceback
            sys.exit(tell(error, as_json=as_json))
        sys.exit(code if isinstance(code, int) else 0)


def tell(error: Exception, *, as_json: bool) -> int:
    """Reports an error of a command as one line, and up to ten bad rows under it; returns the exit code.

    Args:
        error: the error.
        as_json: whether to report it as a JSON object.
    """
    from recmind.data.errors import InputError, RecMindError  # noqa: PLC0415

    if os.environ.get("RECMIND_DEBUG"):
        import traceback  # noqa: PLC0415

        traceback.print_exception(error, file=sys.stderr)
    told: dict[str, Any] = {"error": " ".join(str(error).split()), "type": type(error).__name__}
    if not isinstance(error, RecMindError):
        told["error"] = f"{type(error).__name__}: {told['error']}".removesuffix(": ")
        report(told, as_json=as_json, hint="set RECMIND_DEBUG=1 to see where it comes from")
        return FAILED
    problems = [str(row) for row in getattr(error, "problems", ())]
    if problems:
        told["problems"] = problems
    report(told, as_json=as_json)
    return BAD_INPUT if isinstance(error, InputError) else FAILED


def report(told: Mapping[str, Any], *, as_json: bool, hint: str = "") -> None:
    """Prints a failure: an object on stdout for machines, else a line on stderr.

    Args:
        told: the error, and what else is known about it.
        as_json: whether to print an object on stdout.
        hint: a further line for people; empty for none.
    """
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"recmind: error: {told['error']}{f' ({hint})' if hint else ''}", err=True)
    problems = told.get("problems", [])
    for row in problems[:PROBLEMS_SHOWN]:
        click.echo(f"  {row}", err=True)
    if len(problems) > PROBLEMS_SHOWN:
        click.echo(f"  ... and {len(problems) - PROBLEMS_SHOWN} more", err=True)


def leave_quietly() -> NoReturn:
    """Exits without a message after the reader of our output went away (``recmind ... | head``)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    sys.exit(FAILED)


def _usage(error: click.ClickException) -> str:
    """The message in one line, with the command that shows the help."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{message} (see: {context.command_path} --help)" if context else message


def _shared_options() -> list[click.Option]:
    return [
        click.Option(
            ["--home"],
            type=click.Path(file_okay=False, path_type=Path),
            expose_value=False,
            callback=_keep_home,
            help="The workspace folder. Default: RECMIND_HOME, else the user's data folder.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            is_eager=True,  # read before options that print something and end the program
            expose_value=False,
            callback=_keep_json,
            help="Print one JSON object.",
        ),
    ]


def _keep_home(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Shared).home = value


def _keep_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Shared).as_json = True


pass_shared = click.make_pass_decorator(Shared, ensure=True)
"""Hands a command the shared options as its first argument."""
