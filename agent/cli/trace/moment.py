"""Moments on the command line: a day, or how long ago."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any

import click
from typing_extensions import override

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[float]):
    """Unix seconds, written as ``2026-01-31``, ``2026-01-31T18:00`` (local time), or ``2h``, ``3d``, ``1w`` ago."""

    name = "moment"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if ago := _AGO.fullmatch(value.strip()):
            return time.time() - float(ago[1]) * _SECONDS[ago[2]]
        try:
            return datetime.fromisoformat(value.strip()).astimezone().timestamp()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no moment: write 2026-01-31, or how long ago, such as 90m, 2h, 3d.", param, ctx)


MOMENT = Moment()
