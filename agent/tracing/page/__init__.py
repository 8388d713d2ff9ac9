"""Traces as a page for a browser: written to one file, or served on the loopback interface."""

from __future__ import annotations

from recmind.agent.tracing.page.serving import PageServer
from recmind.agent.tracing.page.writing import write_page

__all__ = ["PageServer", "write_page"]
