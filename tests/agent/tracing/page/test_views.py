"""What the page is given: every run in its place, the slate with what became of it, and lines that give it all back."""

from __future__ import annotations

import base64
import gzip
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest

from recmind.agent.pages.assets import source_hash
from recmind.agent.tracing.page import write_page
from recmind.agent.tracing.page.document import block, document
from recmind.agent.tracing.page.packed import lines
from recmind.agent.tracing.page.views import details, row
from recmind.agent.tracing.records import TraceNode, TraceTree
from recmind.agent.tracing.store.schema import UnknownTrace
from tests.agent.tracing.page.made import HOSTILE, MadeStore, tree


def read_lines(data: bytes) -> Any:
    """What the page's script makes of them."""
    parts: list[Any] = []

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "§" in value:
            return parts[value["§"]]
        return {name[1:] if name.startswith("§§") else name: whole(part) for name, part in value.items()}

    for line in data.split(b"\n"):
        parts += [whole(orjson.loads(line))]
    return parts[-1]


def seen(made: TraceTree) -> Any:
    """What the page sees of a trace."""
    return orjson.loads(orjson.dumps(details(made)))


def test_lines_say_each_part_once_and_give_all_back() -> None:
    long = "x" * 500
    value = {"a": [long, {"b": long}], "again": [long, {"b": long}], "§": 7, "§1": {"§": long}, "text": "line\nline"}
    assert read_lines(lines(value)) == value
    assert lines(value).count(b"xxx") < 500
    assert len(lines(value)) < 800


def test_every_run_is_in_its_place() -> None:
    view = seen(tree(1, turns=2))
    assert [(run["name"], run["kind"], run["parent"], run["at"], run["ms"]) for run in view["runs"]] == [
        ("recommend", "step", None, 0.0, 66.0),
        ("reason", "step", 0, 0.0, 20.0),
        ("any", "model", 1, 1.0, 18.0),
        ("act", "step", 0, 20.0, 10.0),
        ("search_items", "tool", 3, 21.0, 8.0),
        ("reason", "step", 0, 30.0, 20.0),
        ("any", "model", 5, 31.0, 18.0),
        ("act", "step", 0, 50.0, 10.0),
        ("search_items", "tool", 7, 51.0, 8.0),
        ("validate", "step", 0, 60.0, 5.0),
    ]
    first, second = (run for run in view["runs"] if run["kind"] == "model")
    assert [message["role"] for message in second["read"]] == ["system", "human", "ai", "tool"]
    assert first["said"][0]["calls"] == [{"name": "search_items", "arguments": {"query": "a western"}, "id": "call_0"}]
    assert (first["first_token_ms"], first["offered"]) == (4.0, [{"name": "search_items"}])
    assert view["runs"][4]["hint"] == '1 row · query="a western"'


def test_the_slate_says_what_became_of_each_entry() -> None:
    made = tree(1, turns=3)
    outputs = dict(made.root.run.outputs)
    outputs["verdict"] = {**outputs["verdict"], "problems": ["c2 is not available: choose another candidate"]}
    outputs["slate"]["entries"]["c3"]["role"] = "reference"
    submitted = {"recommendations": [{"item": "c1", "cites": ["e1"]}, {"item": "c2", "cites": ["e2"]}]}
    view = seen(with_submission(made, outputs, submitted))
    told = [(entry["handle"], entry["fate"], entry["rank"], entry["remarks"]) for entry in view["slate"]]
    assert told == [
        ("c1", "recommended", 1, ["Rewrote the reason for Film 1 from evidence."]),
        ("c2", "rejected", None, ["c2 Film 2 is not available: choose another candidate"]),
        ("c3", "reference", None, []),
    ]
    assert view["slate"][0]["evidence"] == [[1, "metadata", "fact 1"]]
    assert view["growth"] == [{"added": [f"c{n}"], "total": n, "run": 4 * n - 1} for n in (1, 2, 3)]
    assert [(said["run"], said["passed"]) for said in view["verdicts"]] == [(13, 1)]


def with_submission(made: TraceTree, outputs: dict[str, Any], arguments: dict[str, Any]) -> TraceTree:
    """The trace with these outputs, in which the last model call submitted this."""
    call = {"name": "submit_recommendations", "args": arguments, "id": "last"}
    said = {"generations": [[{"message": {"type": "ai", "content": "", "tool_calls": [call]}}]]}
    children = list(made.root.children)
    reason = children[-3]
    model = replace(reason.children[0].run, outputs=said)
    children[-3] = TraceNode(reason.run, (TraceNode(model),))
    validate = replace(children[-1].run, outputs={"verdict": outputs["verdict"]})
    children[-1] = TraceNode(validate)
    return TraceTree(made.summary, TraceNode(replace(made.root.run, outputs=outputs), tuple(children)))


@pytest.mark.parametrize("outputs", [{}, {"slate": "(Slate)", "verdict": "(Verdict)"}, {"slate": {"entries": ["?"]}}])
def test_a_trace_of_which_little_was_kept_is_shown_all_the_same(outputs) -> None:
    made = tree(1)
    view = seen(TraceTree(made.summary, TraceNode(replace(made.root.run, outputs=outputs, end_time=None))))
    assert (view["slate"], view["verdicts"], view["answer"]["chosen"], view["runs"][0]["ms"]) == ([], [], [], None)


class Blocks(HTMLParser):
    """The scripts of a page as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.code: list[str] = []
        self._in: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._in = dict(attrs).get("id", "") if tag == "script" else None
        self.code += [""] * (self._in == "")

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in:
            self.found[self._in] = self.found.get(self._in, "") + data
        elif self._in == "":
            self.code[-1] += data


def test_a_file_holds_its_traces_and_asks_for_nothing(tmp_path) -> None:
    made = [tree(1), tree(2, HOSTILE)]
    store = MadeStore(*made)
    path = tmp_path / "page.html"
    assert write_page(path, store, store.list()) == path.stat().st_size
    page = path.read_text(encoding="utf-8")
    blocks = Blocks(page)
    read = {name: read_lines(gzip.decompress(base64.b64decode(text))) for name, text in blocks.found.items()}
    assert read.pop("rows") == [row(made[1].summary), row(made[0].summary)]
    assert read == {f"trace-{one.summary.trace_id}": seen(one) for one in made}
    assert HOSTILE not in page
    assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "unsafe" not in policy[1]
    assert all(source_hash(code) in policy[1] for code in blocks.code)


def test_a_failure_leaves_the_older_file(tmp_path) -> None:
    path = tmp_path / "page.html"
    path.write_text("older")
    gone = tree(2).summary
    with pytest.raises(UnknownTrace):
        write_page(path, MadeStore(tree(1)), [gone])
    assert [(found.name, found.read_text()) for found in Path(tmp_path).iterdir()] == [("page.html", "older")]


def test_a_block_has_a_harmless_name() -> None:
    with pytest.raises(ValueError, match="is not a name"):
        block('x"><script>', [])


def test_a_page_from_a_server_may_ask_it_and_holds_nothing() -> None:
    page = "".join(document("server", (), time.time()))
    assert "connect-src 'self'" in page
    assert Blocks(page).found == {}
