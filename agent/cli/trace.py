"""``recmind trace``: what happened inside requests. Each command has a file of its own."""

from __future__ import annotations

from recmind.agent.cli.app import Group
from recmind.agent.cli.trace_diff import diff
from recmind.agent.cli.trace_export import export
from recmind.agent.cli.trace_judge import judge
from recmind.agent.cli.trace_list import list_traces
from recmind.agent.cli.trace_prune import prune
from recmind.agent.cli.trace_replay import replay
from recmind.agent.cli.trace_show import show
from recmind.agent.cli.trace_stats import stats
from recmind.agent.cli.trace_view import view

trace = Group(
    name="trace",
    help="See what happened inside requests.",
    short_help="List, show, compare, judge and replay requests.",
)
for command in (list_traces, show, view, diff, stats, judge, replay, export, prune):
    trace.add_command(command)
