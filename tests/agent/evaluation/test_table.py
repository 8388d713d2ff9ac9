"""An evaluation at the terminal, and how its figures are said."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from recmind.agent.evaluation.report_text import (
    asked,
    dollars,
    milliseconds,
    number,
    p_value,
    share,
    spent,
    told,
    verdict,
)
from recmind.agent.evaluation.summary import summarize
from recmind.agent.evaluation.table import plain_table, summary_table
from tests.agent.evaluation.runs import HISTORIES, large, tiny, vectors


def test_the_plain_table_reads_as_written_here() -> None:
    opening, accuracy, *others = plain_table(summarize(tiny(), vectors=vectors, histories=HISTORIES)).split("\n\n")
    assert opening == (
        "leave-one-out: Made up.\n3 cases of 2 users with 4 targets, 4 items; in brackets 95 % intervals over users"
    )
    assert [line[:56] for line in accuracy.splitlines()] == [
        "Accuracy at 2",
        "  System                 Hit rate                   Reca",
        "  plain   0.3333 [0.0000, 0.5000]  0.1667 [0.0000, 0.250",
        "  agent   0.6667 [0.0000, 1.0000]  0.5000 [0.0000, 0.750",
    ]
    # The hit rates differ by 1 in one of Ann's two cases and by 0 in Bob's: 1/3; Ann is off by 1/3, Bob by -1/3, so the
    # standard error is sqrt(2 / 1 * (1/9 + 1/9)) / 3 = 0.2222, and 2.8016 of these could be seen. In a quarter of the
    # resamples Bob is drawn twice.
    assert "\n\n".join(others) == (
        """\
Differences at 2
  Systems        Metric                   Difference      p  Smallest visible  The first is
  agent − plain  Hit rate  +0.3333 [0.0000, +0.5000]  0.499            0.6226  not told apart
  agent − plain  NDCG      +0.2579 [0.0000, +0.3869]  0.499            0.4817  not told apart

Lists of 2
  System  Coverage  Diversity  Novelty  Popularity  Popularity bias   Gini
  plain      0.750      0.764     1.57       0.708           +0.083  0.417
  agent      1.000      0.293     2.36       0.500           −0.250  0.000

Calibration of confidence
  System  Pairs  Base rate    ECE  ECE by chance  Brier  Brier skill
  agent       3      0.333  0.267          0.374  0.080       +0.640

Validity
  System   Invalid items  Unproved reasons  Repairs  Fallbacks  No answer
  agent   0 of 4 (0.0 %)   1 of 4 (25.0 %)        2          1          1

Causes of fallbacks
  System  Cases  Cause
  agent       1  timeout

Time and cost of a request
  System     p50     p95  Model calls  Tokens     Cost
  plain   2.0 ms  2.9 ms          0.0       0       $0
  agent   250 ms  475 ms          1.7      80  unknown

Models chosen
  System  Model         Requests
  agent   small  2 of 3 (66.7 %)"""
    )


def test_the_table_fits_a_terminal() -> None:
    out = io.StringIO()
    Console(file=out, width=100, highlight=False).print(summary_table(summarize(large())))
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "hybrid − popularity" in text
    assert "Time and cost of a request" in text


def test_a_name_cannot_steer_the_terminal() -> None:
    run = tiny()
    causes = tuple(replace(one, fallback_cause="\x1b[2Jboom\nbang") for one in run.outcomes)
    summary = summarize(replace(run, outcomes=causes, description="\x1b[31mred"))
    out = io.StringIO()
    Console(file=out, width=100, highlight=False).print(summary_table(summary))
    for text in (plain_table(summary), out.getvalue()):
        assert "\x1b" not in text
        assert " [2Jboom bang" in text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (number(-0.00004, 4), "0.0000"),
        (number(-0.25, 2, signed=True), "−0.25"),
        (number(1234.5, 1), "1,234.5"),
        (number(float("nan")), "–"),
        (number(None), "–"),
        (milliseconds(0.42), "0.42 ms"),
        (milliseconds(4.24), "4.2 ms"),
        (milliseconds(42.4), "42 ms"),
        (milliseconds(4240), "4.2 s"),
        (milliseconds(float("nan")), "–"),
        (dollars(None), "unknown"),
        (dollars(0), "$0"),
        (dollars(12.345), "$12.35"),
        (dollars(0.01234), "$0.0123"),
        (dollars(0.0000123), "$1.2e-05"),
        (share(3, 1200), "3 of 1,200 (0.2 %)"),
        (share(0, 0), "–"),
        (p_value(None, 2000), "–"),
        (p_value(0.0005, 2000), "≤ 0.001"),
        (p_value(0.0421, 2000), "0.042"),
    ],
)
def test_figures_are_said(said, expected) -> None:
    assert said == expected


def test_comparisons_are_said() -> None:
    summary = summarize(large(), compare=[("popularity", "hybrid")])
    found = {one.metric: one for one in summary.comparisons}
    hits = found["hit_rate@10"]
    assert verdict(hits) == "worse"
    assert told(hits).startswith("popularity is worse than hybrid: Hit rate@10 −0.")
    unclear = found["popularity@20"]
    assert verdict(unclear) == "not told apart"
    assert "would have been seen four times in five; a smaller one may be there." in told(unclear)


def test_what_was_asked_is_said() -> None:
    assert asked(summarize(large())) == "120 cases of 120 users, 200 items"
    run = tiny()
    nobody = tuple(replace(case, user_id=None) for case in run.cases)
    assert asked(summarize(replace(run, cases=nobody))) == "3 cases with 4 targets, 4 items"


def test_what_a_system_takes_is_said() -> None:
    run = tiny()
    plain, agent = summarize(run).systems
    assert spent(plain) == "2.0 ms at the median"
    assert spent(agent) == "250 ms at the median, 80 tokens a request at an unknown price"
    priced = tuple(replace(one, cost_usd=0.03) for one in run.outcomes)
    assert spent(summarize(replace(run, outcomes=priced)).systems[1]).endswith("80 tokens a request for $0.0300")
