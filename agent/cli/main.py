"""Puts the commands together; the entry point of the ``recmind`` script."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import warnings

import click

from recmind.agent.cli.app import Application
from recmind.agent.cli.batch import batch
from recmind.agent.cli.chat import chat
from recmind.agent.cli.completion import add_completion
from recmind.agent.cli.describe import info, schema
from recmind.agent.cli.doctor import doctor
from recmind.agent.cli.erase import forget, items
from recmind.agent.cli.evaluate import evaluate
from recmind.agent.cli.feedback import feedback
from recmind.agent.cli.importing import import_group
from recmind.agent.cli.indexing import index
from recmind.agent.cli.preferences import preferences
from recmind.agent.cli.recommend import recommend
from recmind.agent.cli.threads import threads
from recmind.agent.cli.trace.main import trace

COMMANDS = (
    import_group,
    index,
    recommend,
    chat,
    threads,
    batch,
    feedback,
    preferences,
    evaluate,
    trace,
    info,
    doctor,
    schema,
    items,
    forget,
)

cli = Application(
    name="recmind",
    help="Recommendations over your own catalogue: grounded, explained, validated, traced.\n\n"
    "Begin with `recmind import demo`, `recmind index`, `recmind recommend`.",
)
for command in COMMANDS:
    cli.add_command(command)
add_completion(cli)
cli = click.version_option(package_name="recmind", message="%(package)s %(version)s")(cli)


def main() -> None:
    """Runs the command line and exits with its exit code."""
    _collect_seldom()
    debug = bool(os.environ.get("RECMIND_DEBUG"))
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not (debug or sys.warnoptions):
        # Deprecation warnings of libraries show in our tests; people at the terminal need not see them.
        warnings.simplefilter("ignore")
    cli()


def _collect_seldom() -> None:
    """Make Python look for garbage less often, and not at all when the process ends.

    A command imports some 1,500 modules and ends: nearly all that it makes stays until then, and the operating system
    takes it back. Going through it meanwhile, and once more at the end, takes a fifth of ``recommend``'s time.
    """
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
