"""Whole runs on the demo catalogue: what is kept, how they continue, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import AIMessage

from recmind.agent.answer import Answer, Proof, Recommendation
from recmind.agent.evaluation import evaluate
from recmind.agent.evaluation.comparing import compare_runs
from recmind.agent.evaluation.evaluating import resume
from recmind.agent.evaluation.records import Case, Outcome
from recmind.agent.evaluation.runner import RunFolder
from recmind.agent.evaluation.systems import Bench
from recmind.agent.evaluation.validity import faults
from recmind.agent.recommender import RecMind
from recmind.data.conditions import parse_condition
from recmind.data.errors import InputError, WorkspaceError
from recmind.data.records import Preference
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.brief import Brief
from recmind.tools.context import RequestContext
from tests.agent.scripted import ScriptedModel


class Stopped(BaseException):
    """What Ctrl-C is to a run."""


def stop_after(n: int):
    """Progress that ends the run when so many cases have been asked."""
    told = []

    def progress(what: str, done: int, total: int | None) -> None:
        if what.startswith("evaluating"):
            told.append(done)
            if len(told) > n:
                raise Stopped

    return progress


def test_a_run_leaves_its_figures(demo_copy: Path, tmp_path: Path) -> None:
    told: list[str] = []
    done = evaluate(
        demo_copy, users=6, seed=3, k=(5, 10), out=tmp_path / "run", progress=lambda what, *_: told.append(what)
    )
    run, folder = done.run, RunFolder(tmp_path / "run")
    assert done.folder == folder.path
    assert run.systems == ("popularity", "collaborative", "hybrid")
    assert [(o.system, o.case_id) for o in run.outcomes] == [(s, c.case_id) for s in run.systems for c in run.cases]
    for outcome, case in zip(run.outcomes, run.cases * 3, strict=True):
        assert len(outcome.ranking) == len(set(outcome.ranking)) == 100
        place = outcome.ranking.index(case.targets[0]) + 1 if case.targets[0] in outcome.ranking else None
        assert outcome.ranks == (place,)
        assert outcome.seconds > 0
    assert sum(run.popularity.values()) == 4943 - 6
    assert set(run.item_ids) == set(run.popularity)
    assert json.loads((folder.path / "summary.json").read_text()) == json.loads(json.dumps(done.summary.to_dict()))
    assert (folder.path / "report.html").read_text(encoding="utf-8").startswith("<!")
    with (folder.path / "ranks.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(r["system"], r["user_id"], r["target"], r["rank"]) for r in rows] == [
        (o.system, o.case_id, case.targets[0], "" if o.ranks[0] is None else str(o.ranks[0]))
        for o, case in zip(run.outcomes, run.cases * 3, strict=True)
    ]
    assert not folder.workspace.exists(), "the copy goes when it is no longer asked"
    assert {"evaluating popularity", "evaluating collaborative", "evaluating hybrid"} <= set(told)
    read = folder.read()
    assert (read.cases, read.outcomes, read.popularity) == (run.cases, run.outcomes, run.popularity)
    assert not (demo_copy / "evaluations").exists()


def test_no_system_is_told_what_is_held_out(demo_copy: Path, tmp_path: Path) -> None:
    done = evaluate(demo_copy, users=4, systems=["hybrid"], out=tmp_path / "run", keep=True)
    with Store(tmp_path / "run" / "workspace" / "recmind.db") as store:
        for case in done.run.cases:
            assert case.user_id is not None
            assert not set(case.targets) & {i.item_id for i in store.interactions.of_user(case.user_id)}
            # And nothing that the user has had is recommended.
            ranking = next(o.ranking for o in done.run.outcomes if o.case_id == case.case_id)
            assert not set(ranking) & store.interactions.consumed_ids(case.user_id)


def test_a_stopped_run_goes_on_without_loss_or_repetition(demo_copy: Path, tmp_path: Path) -> None:
    options = {"users": 5, "systems": ["popularity", "collaborative"]}
    whole = evaluate(demo_copy, out=tmp_path / "whole", **options)
    with pytest.raises(Stopped):
        evaluate(demo_copy, out=tmp_path / "run", progress=stop_after(7), **options)
    folder = RunFolder(tmp_path / "run")
    kept = (folder.path / "outcomes.jsonl").read_bytes()
    assert kept.count(b"\n") == 6
    # A line that was torn off in the middle is asked again.
    (folder.path / "outcomes.jsonl").write_bytes(kept[:-20])
    assert len(folder.outcomes()) == 5
    with pytest.raises(Stopped):
        resume(folder.path, progress=stop_after(2))
    asked: list[tuple[str, int]] = []
    done = resume(folder.path, progress=lambda what, n, _: asked.append((what, n)))
    assert ("evaluating popularity", 5) in asked
    assert ("evaluating popularity", 0) not in asked
    timeless = [[replace(o, seconds=0.0) for o in run.outcomes] for run in (done.run, whole.run)]
    assert timeless[0] == timeless[1]
    assert (folder.path / "outcomes.jsonl").read_bytes().startswith(kept[: kept.rfind(b"\n", 0, -1)])
    again = resume(folder.path)
    assert again.run.outcomes == done.run.outcomes, "a finished run asks nothing again"


def test_a_run_that_lost_its_copy_makes_the_same_one(demo_copy: Path, tmp_path: Path) -> None:
    whole = evaluate(demo_copy, "cold-items", users=4, systems=["collaborative"], out=tmp_path / "whole")
    with pytest.raises(Stopped):
        evaluate(
            demo_copy, "cold-items", users=4, systems=["collaborative"], out=tmp_path / "run", progress=stop_after(2)
        )
    (tmp_path / "run" / "workspace" / "recmind.db").unlink()
    done = resume(tmp_path / "run")
    assert [o.ranking for o in done.run.outcomes] == [o.ranking for o in whole.run.outcomes]


def test_another_source_or_setting_is_refused_by_name(demo_copy: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        evaluate(demo_copy, users=3, out=tmp_path / "run", progress=stop_after(1))
    with pytest.raises(InputError, match=r"was begun with users 3, not 9"):
        resume(tmp_path / "run", given={"users": 9, "seed": 0})
    with pytest.raises(InputError, match=r"was begun with k \[5, 10, 20\], not \[1\]"):
        resume(tmp_path / "run", given={"k": (1,)})
    with pytest.raises(InputError, match=r"already. Continue it with --resume"):
        evaluate(demo_copy, users=3, out=tmp_path / "run")
    with Store(demo_copy / "recmind.db") as store:
        clock = store.clock
        store.preferences.put(Preference(store.users.ids(1)[0], "no war", "genres!=War"))
    with pytest.raises(InputError, match=rf"workspace has changed .* clock was {clock} and is {clock + 1}"):
        resume(tmp_path / "run")
    with pytest.raises(InputError, match=r"no evaluation in .* it has no run.json"):
        resume(tmp_path / "nothing")


def test_damage_in_the_middle_is_told_by_line(demo_copy: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        evaluate(demo_copy, users=3, out=tmp_path / "run", progress=stop_after(3))
    path = tmp_path / "run" / "outcomes.jsonl"
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(InputError, match=r"outcomes.jsonl', line 1, is damaged"):
        resume(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match=r"has format 99, and this RecMind reads 1"):
        resume(tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"systems": ["magic"]}, r"no system 'magic'; there are: popularity, collaborative, search, hybrid, agent"),
        ({"systems": ["search"]}, r"needs words, and the protocol leave-one-out has none; use it with requests"),
        ({"systems": ["hybrid"], "model": "openai:x"}, r"add the system agent"),
        ({"systems": ["agent"], "k": (200,)}, r"k is 200, and the agent gives 100"),
        ({"k": (0, 5)}, r"k is \[0, 5\]: give whole numbers"),
        (
            {"compare": ("hybrid", "search"), "systems": ["hybrid"]},
            r"'search' cannot be compared: the run has .* hybrid",
        ),
        ({"protocol": "loo"}, r"no protocol 'loo'"),
        ({"protocol": "requests"}, r"--requests FILE"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is(
    demo_copy: Path, tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(demo_copy, out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_without_an_index_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "new", create=True)
    Store(workspace.database).close()
    with pytest.raises(WorkspaceError, match=r"Nothing has been indexed in .*/new'. Run: recmind index"):
        evaluate(workspace.home)


def test_only_the_candidates_are_ranked(demo_copy: Path, tmp_path: Path) -> None:
    systems = ["popularity", "collaborative", "hybrid", "agent"]
    done = evaluate(demo_copy, "sampled", systems, users=2, out=tmp_path / "run")
    for outcome in done.run.outcomes:
        case = next(case for case in done.run.cases if case.case_id == outcome.case_id)
        assert case.candidates is not None
        assert set(outcome.ranking) <= set(case.candidates)
        assert len(outcome.ranking) == {"hybrid": 100, "agent": 20}.get(outcome.system, len(outcome.ranking))


def test_requests_are_asked_in_words(demo_copy: Path, tmp_path: Path) -> None:
    with Store(demo_copy / "recmind.db") as store:
        items = [item for _, item in store.items.all()][:3]
    lines = [json.dumps({"text": f"a film like this: {item.description}", "item_id": item.item_id}) for item in items]
    (tmp_path / "asked.jsonl").write_text("\n".join(lines))
    done = evaluate(demo_copy, "requests", requests=tmp_path / "asked.jsonl", k=(10,), out=tmp_path / "run")
    assert done.run.systems == ("popularity", "search", "hybrid")
    assert all(outcome.ranks[0] == 1 for outcome in done.run.outcomes if outcome.system == "search")
    assert done.summary.systems[1].metrics["hit_rate@10"].value == 1


def test_what_people_said_of_answers_becomes_cases(demo_copy: Path, tmp_path: Path) -> None:
    with RecMind.open(demo_copy) as rec:
        answer = rec.recommend("a heist", k=3)
        best, second, third = (found.item_id for found in answer.recommendations)
        rec.feedback("ada", best, trace_id=answer.trace_id, comment="just right")
        rec.feedback("ada", second, "dislike", trace_id=answer.trace_id)
        rec.traces.judge(answer.trace_id, 1.0, item_id=third, at=1.0)
        rec.traces.judge(answer.trace_id, 0.0, item_id=third, at=2.0)
        rec.feedback(trace_id=answer.trace_id, score=0.9)
        again = rec.recommend("a heist", k=3)
        rec.feedback(trace_id=again.trace_id, item_id=best, user_id="ada")
        for said in ("a comedy", "from the 90s"):
            told = rec.recommend(said, thread="t", k=2)
            rec.traces.judge(told.trace_id, 1.0, item_id=told.recommendations[0].item_id, at=3.0)
    done = evaluate(demo_copy, "requests", ["hybrid"], k=(3,), out=tmp_path / "run")
    asked = [(case.query, case.targets) for case in done.run.cases]
    assert dict(asked)["a heist"] == (best,)
    assert [query for query, _ in asked] == ["a comedy", "a heist"]
    assert done.summary.systems[0].metrics["hit_rate@3"].value == 1.0
    assert (tmp_path / "run" / "judged.jsonl").is_file()


def test_the_agent_is_checked_by_the_evaluation(demo_copy: Path, tmp_path: Path) -> None:
    done = evaluate(demo_copy, systems=["agent"], users=3, k=(5,), out=tmp_path / "run")
    for outcome in done.run.outcomes:
        assert (outcome.source, outcome.recommendations, len(outcome.ranking)) == ("agent", 5, 5)
        assert (outcome.invalid_items, outcome.unproved_reasons, outcome.cost_usd) == (0, 0, 0.0)
        assert outcome.model_calls > 0
        assert outcome.tool_calls > 0
    assert (tmp_path / "run" / "traces.db").is_file()
    assert done.run.settings["model"] == "offline"


def test_a_model_that_fails_shows_as_a_fallback(demo_copy: Path, tmp_path: Path) -> None:
    model = ScriptedModel(turns=[AIMessage("I would rather not.")])
    done = evaluate(demo_copy, systems=["agent"], users=2, model=model, k=(5,), out=tmp_path / "run")
    assert {outcome.source for outcome in done.run.outcomes} == {"fallback"}
    assert done.summary.systems[0].validity.fallbacks == 2
    assert done.run.settings["model"] == "ScriptedModel"


def test_a_lying_answer_is_found_out(demo_copy: Path) -> None:
    with RecMind.open(demo_copy) as rec:
        user_id = rec.store.users.ids(1)[0]
        had = next(iter(rec.store.interactions.consumed_ids(user_id)))
        items = [
            item
            for _, item in rec.store.items.all()
            if item.item_id not in rec.store.interactions.consumed_ids(user_id)
        ]
        horror = next(item for item in items if "Horror" in item.attributes["genres"])
        fine, other = [item for item in items if "Horror" not in item.attributes["genres"]][:2]
        genre = fine.attributes["genres"][0]
        true = Proof("metadata", f"genre {genre}", {"attribute": "genres", "value": genre})
        false = Proof("metadata", "genre Polka", {"attribute": "genres", "value": "Polka"})
        invented = Proof("award", "an Oscar", {})
        given = [
            (fine.item_id, "good", (true,)), (fine.item_id, "again", (true,)), (other.item_id, "said", (false,)),
            ("no-such-film", "good", (true,)), (had, "good", (true,)), (horror.item_id, "good", (true,)),
            (items[-1].item_id, "", (true,)), (items[-2].item_id, "nothing shown", ()),
            (items[-3].item_id, "made up", (invented,)),
        ]  # fmt: skip
        answer = Answer(
            "", user_id, tuple(Recommendation(n, i, "", 0.5, why, facts) for n, (i, why, facts) in enumerate(given, 1)),
            "", "agent", "liar", "trace",
        )  # fmt: skip
        context = RequestContext(query="", user_id=user_id, k=9, store=rec.store, engines=rec.engines)
        brief = Brief(
            standing=(parse_condition("genres!=Horror"),),
            excluded=rec.store.interactions.consumed_ids(user_id),
            consumed=rec.store.interactions.consumed_ids(user_id),
        )
        last = [item for item in (items[-1], items[-2], items[-3]) if "Horror" in item.attributes["genres"]]
        assert faults(answer, context, brief) == (4 + len(last), 4 - len(last))
        assert faults(answer, context, brief, candidates=[fine.item_id])[0] == 8


def test_two_runs_are_compared_on_what_they_share(demo_copy: Path, tmp_path: Path) -> None:
    for name, options in (("one", {"users": 12}), ("two", {"users": 30}), ("other", {"users": 9, "seed": 5})):
        done = evaluate(demo_copy, systems=["popularity", "collaborative"], k=(5, 10), out=tmp_path / name, **options)
        if name == "one":
            alone = done.summary
    summary = compare_runs(tmp_path / "one", tmp_path / "two")
    ids = {case.case_id for case in RunFolder(tmp_path / "one").read().cases}
    both = ids & {case.case_id for case in RunFolder(tmp_path / "two").read().cases}
    assert summary.cases == len(both) == 12, "a larger sample holds the smaller ones"
    assert [system.name for system in summary.systems] == [
        "one/popularity", "two/popularity", "one/collaborative", "two/collaborative",
    ]  # fmt: skip
    # All cases of the smaller run are common: its lists measure as they did when its copy was there.
    for before, after in zip(alone.systems, summary.systems[::2], strict=True):
        for name in ("diversity@5", "diversity@10", "popularity_bias@10", "novelty@10"):
            assert after.metrics[name].value == pytest.approx(before.metrics[name].value, abs=1e-3)
    (tmp_path / "two" / "vectors.npz").unlink()
    lacking = compare_runs(tmp_path / "one", tmp_path / "two")
    assert math.isnan(lacking.systems[0].metrics["diversity@10"].value)
    (tmp_path / "two" / "vectors.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="cannot be read"):
        compare_runs(tmp_path / "one", tmp_path / "two")
    # The copies differ in whose last interactions are gone, and the same cases are hardly moved by that.
    assert {comparison.verdict for comparison in summary.comparisons} <= {"alike", "not told apart"}
    evaluate(demo_copy, "temporal", systems=["hybrid"], users=2, out=tmp_path / "later")
    with pytest.raises(InputError, match=r"no case in common"):
        compare_runs(tmp_path / "one", tmp_path / "later")


def test_confidence_is_measured_where_it_is_learned(demo_copy: Path) -> None:
    class Half:
        """Says one half of everything that is about ratings."""

        kind = "rating"

        def predict(self, past, values, item_numbers):
            assert past.size == len(values) > 0
            return np.where(np.array(item_numbers) > 0, 0.5, np.nan).astype(np.float32)

    with Bench(Workspace(demo_copy), depth=10, k=5) as bench:
        user_id = bench.store.users.ids(1)[0]
        item_id = next(item.item_id for _, item in bench.store.items.all())
        case = Case("c", user_id, "", (item_id,))
        labels = ((item_id, True, "rating"), (item_id, False, ""))
        if getattr(bench.recmind.engines, "confidence", None) is None:
            assert bench.run_case("hybrid", case, labels).confidences == ()
        bench.recmind.engines.confidence = Half()
        assert bench.run_case("hybrid", case, labels).confidences == ((0.5, True),)
        assert bench.run_case("popularity", case, labels).confidences == ()
        assert isinstance(bench.run_case("hybrid", replace(case, user_id=None), labels), Outcome)
