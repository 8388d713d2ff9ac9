"""The command line: ``recmind``. One file per command; what is heavy is imported inside the command that needs it."""

from recmind.agent.cli.main import cli, main

__all__ = ["cli", "main"]
