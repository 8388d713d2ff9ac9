"""``recmind trace``: what happened inside requests. Each command has a file of its own."""

from __future__ import annotations

from agent.cli.app import Group
from agent.cli.trace_diff import diff
from agent.cli.trace_export import export
from agent.cli.trace_judge import judge
from agent.cli.trace_list import list_traces
from agent.cli.trace_prune import prune
from agent.cli.trace_replay import replay
from agent.cli.trace_show import show
from agent.cli.trace_stats import stats
from agent.cli.trace_view import view

trace = Group(
    name="trace",
    help="See what happened inside requests.",
    short_help="List, show, compare, judge and replay requests.",
)
for command in (list_traces, show, view, diff, stats, judge, replay, export, prune):
    trace.add_command(command)
