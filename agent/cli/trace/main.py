"""``recmind trace``: what happened inside requests. Each command has a file of its own."""

from __future__ import annotations

from recmind.agent.cli.app import Group
from recmind.agent.cli.trace.diff import diff
from recmind.agent.cli.trace.export import export
from recmind.agent.cli.trace.judge import judge
from recmind.agent.cli.trace.list import list_traces
from recmind.agent.cli.trace.prune import prune
from recmind.agent.cli.trace.replay import replay
from recmind.agent.cli.trace.show import show
from recmind.agent.cli.trace.stats import stats
from recmind.agent.cli.trace.view import view

trace = Group(
    name="trace",
    help="See what happened inside requests.",
    short_help="List, show, compare, judge and replay requests.",
)
for command in (list_traces, show, view, diff, stats, judge, replay, export, prune):
    trace.add_command(command)
