"""The commands put together, and the entry point of the ``recmind`` script."""

from __future__ import annotations

import logging
import os
import sys
import warnings

import click

from agent.cli.app import Application
from agent.cli.batch import batch
from agent.cli.chat import chat
from agent.cli.describe import info, schema
from agent.cli.doctor import doctor
from agent.cli.erase import forget, items
from agent.cli.evaluate import evaluate
from agent.cli.feedback import feedback
from agent.cli.importing import import_group
from agent.cli.indexing import index
from agent.cli.preferences import preferences
from agent.cli.recommend import recommend
from agent.cli.threads import threads
from agent.cli.trace import trace

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
cli = click.version_option(package_name="recmind", message="%(package)s %(version)s")(cli)


def main() -> None:
    """Run the command line and leave with its exit code."""
    debug = bool(os.environ.get("RECMIND_DEBUG"))
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not (debug or sys.warnoptions):
        # Deprecations inside the libraries are for us to read in the tests, not for the person at the terminal.
        warnings.simplefilter("ignore")
    cli()
