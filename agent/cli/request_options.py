"""Makes the options of a command from ``RequestOptions``.

They are made when the command is used or its help is asked for, so that ``recmind --help`` need not import the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_origin

import click

from recmind.agent.cli.app import Command


@dataclass(frozen=True, slots=True)
class Asks:
    """The options of a request that a command takes."""

    only: tuple[str, ...] = ()
    """Only these, in this order; empty for all that have a flag."""
    without: tuple[str, ...] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    """Help texts that replace those of ``RequestOptions``, by option."""
    default: Mapping[str, Any] = field(default_factory=dict)
    """Defaults that replace those of ``RequestOptions``, by option."""

    def options(self) -> list[click.Option]:
        """The command's options; each value has the name that ``RecMind.recommend`` knows."""
        from recmind.agent.options import USES, default  # noqa: PLC0415  costs pydantic

        names = self.only or [name for name, uses in USES.items() if uses.flag and name not in self.without]
        return [
            _option(name, self.help.get(name, USES[name].help), self.default.get(name, default(name))) for name in names
        ]


class RequestCommand(Command):
    """A command that takes options of a request, after its arguments and required options."""

    def __init__(self, *args: Any, asks: Asks, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asks: Asks | None = asks

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All parameters."""
        if self._asks is not None:
            place = next((n for n, param in enumerate(self.params) if not _leads(param)), 0)
            self.params[place:place] = self._asks.options()
            self._asks = None
        return super().get_params(ctx)


def limits_of(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """The limits of ``--limit NAME=NUMBER``, by name; the callback of that option.

    Args:
        _ctx: not used.
        _param: not used.
        given: the values of the option.

    Raises:
        click.BadParameter: a value does not have this form.
    """
    limits = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            limits[name.strip()] = float(number)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not NAME=NUMBER, such as model_calls=3.") from None
    return limits


def _leads(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument) or param.required


def _option(name: str, told: str, default: Any) -> click.Option:
    """The option of a command; its type follows from the type in ``RequestOptions``."""
    from recmind.agent.options import FIELDS, USES, bounds, words_of  # noqa: PLC0415  costs pydantic

    option, uses = FIELDS[name], USES[name]
    flag = [uses.flag, name]
    if option.annotation is bool:
        return click.Option(flag, is_flag=True, callback=_switched if default else None, help=told)
    kind = get_origin(option.annotation)
    if kind is Mapping:
        return click.Option(flag, multiple=True, metavar=uses.metavar, callback=limits_of, help=told)
    if kind is tuple:
        return click.Option(flag, multiple=True, metavar=uses.metavar, help=told)
    words, (least, most) = words_of(option), bounds(option)
    ranges: type[click.IntRange | click.FloatRange] = click.IntRange if option.annotation is int else click.FloatRange
    return click.Option(
        flag,
        type=click.Choice(words) if words else ranges(least, most) if least is not None else str,
        metavar=uses.metavar,
        default=default,
        show_default=default is not None,
        help=told,
    )


def _switched(_ctx: click.Context, _param: click.Parameter, given: bool) -> bool:
    """``--no-cache`` is ``cache=False``."""
    return not given
