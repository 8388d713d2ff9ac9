"""What ``recmind trace`` says of requests: found, shown, compared, counted, judged, run again, thrown away."""

import pytest

from recmind import RecMind
from recmind.agent.evaluation import judged_requests
from recmind.data.errors import InputError
from tests.agent.scripted import ScriptedModel, calls

COMEDIES = ("filter_items", {"where": ["genres=Comedy"], "n": 5})


def submit(*picks):
    recommendations = [{"item": item, "cites": cites, "reason": reason} for item, cites, reason in picks]
    return calls(("submit_recommendations", {"recommendations": recommendations}))


@pytest.fixture
def traces(recmind, home):
    """Two requests by the offline planner, and one whose model spoke nonsense, so that the fallback answered."""
    for words in (["a comedy", "--user", "bob"], ["a drama"]):
        assert recmind("recommend", *words, "-k", "2", "--home", home).code == 0
    with RecMind.open(home, model=ScriptedModel(turns=[ValueError("odd reply")])) as rec:
        rec.recommend("films with a crew", k=2)
    return lambda *options: [
        found["query"] for found in recmind("trace", "list", *options, "--home", home, "--json").json["traces"]
    ]


def test_requests_are_found(recmind, home, traces):
    assert traces() == ["films with a crew", "a drama", "a comedy"]
    assert traces("--fallback") == traces("--model", "ScriptedModel") == ["films with a crew"]
    assert traces("-q", "Comedy bob") == ["a comedy"]
    assert traces("-q", "heat") == ["films with a crew", "a drama"]
    assert traces("--user", "bob", "--since", "1h") == ["a comedy"]
    assert traces("--until", "1h") == traces("--since", "2099-01-01") == traces("--cost", "1") == []
    assert traces("--slow", "600000") == traces("--failed") == traces("--judged") == []
    assert len(traces("--slow", "0")) == 3
    assert "films with a crew  FALLBACK" in recmind("trace", "list", "--home", home).out
    done = recmind("trace", "list", "--since", "yesterday", "--home", home)
    assert (done.code, "'yesterday' is no moment: write 2026-01-31" in done.err) == (2, True)


def test_a_stranger_can_read_what_happened(recmind, home, traces):
    shown = recmind("trace", "show", "--home", home).out
    head, tree, fates = shown.split("\n\n")
    assert "Because  ScriptedModel gave no usable answer (odd reply)" in head
    assert "Versions data " in head
    assert "Said     " in head
    assert "├─ fallback" in tree
    assert "check  2 passed" in tree
    assert "█" in tree.splitlines()[0]
    assert fates.startswith("Candidates  ")
    assert " 1. " in fates
    assert "found by " in fates


def test_the_words_of_a_model_are_shown(recmind, home):
    with RecMind.open(home, model=ScriptedModel(turns=[calls(COMEDIES), submit(("c1", ["e1"], "Has {e1}."))])) as rec:
        rec.recommend("a comedy", k=1)
    said = recmind("trace", "show", "--prompt", "--home", home).out
    assert said.startswith("=== Model call 1 of 2: ")
    assert said.count("--- system") == 1
    assert "(the 3 messages above, then)" in said
    assert 'filter_items(where=["genres=Comedy"], n=5)' in said
    assert "--- tool filter_items\n" in said


def test_what_was_submitted_in_vain_is_told(recmind, home):
    turns = [calls(COMEDIES), submit(("c99", ["e1"], "Has {e1}.")), submit(("c1", ["e1"], "Has {e1}."))]
    with RecMind.open(home, model=ScriptedModel(turns=turns)) as rec:
        rec.recommend("a comedy", k=1)
    shown = recmind("trace", "show", "--home", home).out
    assert "check  0 passed, 1 sent back to the model\n" in shown
    assert "picks  c99\n" in shown
    assert "Checked\n     'c99' is not on the slate" in shown


def test_items_are_named_where_a_check_sent_them_back(recmind, home):
    turns = [calls(COMEDIES), submit(("c1", ["e1"], "Won 3 prizes.")), submit(("c1", ["e1"], "Has {e1}."))]
    with RecMind.open(home, model=ScriptedModel(turns=turns)) as rec:
        title = rec.recommend("a comedy", k=1).recommendations[0].title
    shown = recmind("trace", "show", "--home", home).out
    assert shown.count(f"picks  c1 {title}\n") == 2
    assert "check  0 passed, 1 sent back to the model\n" in shown
    assert f"c1 {title}: digits outside a slot" in shown
    assert "Checked" not in shown


def test_two_requests_are_compared(recmind, home):
    for user in ("bob", "bob", "ann"):
        recmind("recommend", "a comedy", "--user", user, "-k", "2", "--home", home)
    ids = [found["trace_id"] for found in recmind("trace", "list", "--home", home, "--json").json["traces"]]
    same = recmind("trace", "diff", ids[2], ids[1], "--home", home)
    assert "The same in all " in same.out
    assert "The same answer." in same.out
    other = recmind("trace", "diff", ids[1], "--home", home)
    assert "user_id differs\n  A  bob\n  B  ann" in other.out
    assert "The same in 0 steps; then\n  A  step prepare" in other.out
    assert "understanding" not in other.out
    told = recmind("trace", "diff", ids[2], ids[1], "--home", home, "--json").json
    assert (told["a"], told["b"], told["parted"]) == (ids[2], ids[1], None)


def test_requests_are_counted(recmind, home, traces):
    assert recmind("trace", "stats", "--home", home, "--json").code == 0
    counted = recmind("trace", "stats", "--by", "model", "--home", home, "--json").json["stats"]
    assert [(one["model"], one["requests"], one["fallbacks"], one["fallback_rate"]) for one in counted] == [
        ("ScriptedModel", 1, 1, 1.0),
        ("offline", 2, 0, 0.0),
    ]
    (whole,) = recmind("trace", "stats", "--by", "all", "--home", home, "--json").json["stats"]
    assert (whole["day"], whole["model"], whole["requests"], whole["failed"]) == (None, None, 3, 0)
    table = recmind("trace", "stats", "--home", home).out.splitlines()
    assert table[0].split()[:3] == ["DAY", "MODEL", "REQUESTS"]
    assert len(table) == 3
    assert recmind("trace", "stats", "--since", "2099-01-01", "--home", home).out == "No traces yet.\n"


def test_an_answer_is_judged(recmind, home, tmp_path):
    with RecMind.open(home) as rec:
        answer = rec.recommend("a comedy", user_id="bob", k=2)
        best, second = (found.item_id for found in answer.recommendations)
        rec.feedback("bob", best, trace_id=answer.trace_id)
        rec.feedback("bob", second, "dislike", trace_id=answer.trace_id, comment="seen too often")
        rec.feedback(trace_id=answer.trace_id, score=0.5)
        for given, told in (
            ({}, "feedback needs a user_id and an item_id, or the trace_id"),
            ({"trace_id": answer.trace_id}, "The judgement of trace"),
            ({"trace_id": answer.trace_id, "score": 2}, "score is 2; give a number from 0"),
            ({"trace_id": "abcdef", "score": 1}, "There is no trace 'abcdef'"),
            ({"user_id": "bob", "item_id": "none", "trace_id": answer.trace_id}, "There is no item 'none'"),
        ):
            with pytest.raises(InputError, match=told):
                rec.feedback(**given)
        assert best not in [found.item_id for found in rec.recommend("a comedy", user_id="bob").recommendations]
    (listed,) = recmind("trace", "list", "--judged", "--home", home, "--json").json["traces"]
    assert (listed["trace_id"], listed["score"], listed["comment"]) == (answer.trace_id, 0.5, "seen too often")
    assert "0.50" in recmind("trace", "list", "--home", home).out
    assert "“seen too often”" in recmind("trace", "list", "--home", home).out
    shown = recmind("trace", "show", answer.trace_id, "--home", home).out
    titles = [found.title for found in answer.recommendations]
    assert f"Judged   1.00 for {titles[0]}\n         0.00 for {titles[1]}: “seen too often”\n" in shown
    assert "\n         0.50 for the answer\n" in shown
    told = recmind("trace", "show", answer.trace_id, "--home", home, "--json").json["feedback"]
    assert [(one["item_id"], one["score"], one["comment"]) for one in told] == [
        (best, 1.0, ""),
        (second, 0.0, "seen too often"),
        (None, 0.5, ""),
    ]
    assert judged_requests(home, tmp_path / "judged.jsonl") == 1
    done = recmind("evaluate", "requests", "--requests", tmp_path / "judged.jsonl", "--home", home, "--json")
    assert done.code == 0, done.err
    done = recmind("trace", "judge", "last", "--score", "1", "--home", home)
    assert done.out.startswith("Kept with trace ")
    assert recmind("trace", "judge", "last", "--home", home).code == 2


def test_a_request_runs_again_with_what_its_model_said(recmind, home):
    turns = [calls(COMEDIES), submit(("c2", ["e1"], "Has {e1}."))]
    with RecMind.open(home, model=ScriptedModel(turns=turns)) as rec:
        first = rec.recommend("a comedy", k=1, filters=["year>=1980"])
    again = recmind("trace", "replay", "--home", home, "--json").json
    assert (again["replayed"], again["same_answer"], again["parted"]) == (first.trace_id, True, None)
    assert [found["item_id"] for found in again["recommendations"]] == [
        found.item_id for found in first.recommendations
    ]
    assert (again["source"], again["model"]) == ("agent", "ScriptedModel")
    assert again["usage"]["model_calls"] == first.usage.model_calls
    models = [found["model"] for found in recmind("trace", "list", "--home", home, "--json").json["traces"]]
    assert models == ["ScriptedModel (replayed)", "ScriptedModel"]
    assert "differs" not in recmind("trace", "diff", first.trace_id, "--home", home).out
    assert recmind("trace", "replay", "--home", home, "--json").json["same_answer"]
    recmind("items", "unavailable", first.recommendations[0].item_id, "--home", home)
    changed = recmind("trace", "replay", first.trace_id, "--home", home)
    assert f"Another answer than then. Run: recmind trace diff {first.trace_id} " in changed.out


def test_a_failure_runs_again_too(recmind, home, traces):
    again = recmind("trace", "replay", "--home", home)
    assert "The same answer as then." in again.out
    assert "odd reply" in again.out


def test_timings_cannot_be_run_again(recmind, home):
    (home / "recmind.toml").write_text('[traces]\ncontent = "timings"\n')
    for words in (["a comedy"], ["", "--mode", "conversational"]):
        recmind("recommend", *words, "--home", home)
        done = recmind("trace", "replay", "--home", home)
        assert (done.code, "kept only timings" in done.err) == (2, True)


def test_old_traces_are_thrown_away(recmind, home, traces):
    assert recmind("trace", "prune", "--home", home, "--json").json["pruned"] == 0
    assert recmind("trace", "prune", "--days", "0.00000001", "--home", home).out.startswith("Threw 3 traces away;")
    assert traces() == []
