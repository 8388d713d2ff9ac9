"""Writes traces into one HTML file that opens without a network."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from recmind.agent.tracing.page.document import block, document
from recmind.agent.tracing.page.views import details, row
from recmind.agent.tracing.records import TraceSummary
from recmind.agent.tracing.store.trace_store import TraceStore
from recmind.data.files import whole_file
from recmind.data.progress import Progress, quiet


def write_page(path: Path, traces: TraceStore, listed: Sequence[TraceSummary], progress: Progress = quiet) -> int:
    """Writes a page with these requests and all of their runs; returns its size in bytes.

    The file is replaced when the page is complete: a failure leaves the old file.

    Args:
        path: the HTML file.
        traces: where the traces are read from.
        listed: the requests of the page, in this order.
        progress: called after every trace.

    Raises:
        TraceError: a trace cannot be read.
        OSError: the file cannot be written.
    """

    def blocks() -> Iterator[str]:
        said = defaultdict(list)
        for one in traces.judgements():
            said[one.trace_id].append(one)
        yield block("rows", [row(summary) for summary in listed])
        for done, summary in enumerate(listed, 1):
            yield block(f"trace-{summary.trace_id}", details(traces.tree(summary.trace_id), said[summary.trace_id]))
            progress("writing traces", done, len(listed))

    with whole_file(path) as file:
        for part in document("file", blocks(), time.time()):
            file.write(part.encode())
    return path.stat().st_size
