"""The page in a real browser: what is seen, what the keys do, and that no text of a trace ever acts."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recmind.agent.tracing.page import PageServer, write_page
from recmind.agent.tracing.page.document import block, document
from recmind.agent.tracing.page.views import details, row
from tests.agent.tracing.page.made import HOSTILE, MadeStore, judgement, tree

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0  # Chromium has none for root
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser reported on its console."""
    return []


@pytest.fixture
def open_page(browser: Any, complaints: list[str]) -> Iterator[Open]:
    """Opens an address; fails the test where the browser complains."""
    contexts = []

    def open_it(url: str | Path, *, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url.as_uri() if isinstance(url, Path) else url)
        page.wait_for_selector(".rows-inner > *:visible")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A page with three requests: the newest is called hostile names, the second failed, the first had the fallback."""
    store = MadeStore(
        tree(1, "a heist", source="fallback", model="openai:first"),
        tree(2, "a western", status="error", source=None, error="ModelFailure: no answer", latency_ms=4_000.0),
        tree(3, HOSTILE, turns=2, model=HOSTILE),
    )
    path = tmp_path / "traces.html"
    write_page(path, store, store.list())
    return path


def queries(page: Any) -> list[str]:
    return [text.partition(" ModelFailure")[0] for text in page.locator("#requests .query").all_inner_texts()]


def test_text_that_looks_like_markup_is_text(three, open_page) -> None:
    page = open_page(three)
    assert page.locator("#requests .query").first.text_content() == HOSTILE
    page.keyboard.press("Enter")
    page.wait_for_selector("#runs .run")
    assert page.locator("#trace h1").text_content() == HOSTILE
    seen = []
    for name in ("recommend", "any", "search_items"):
        page.locator("#runs .run", has_text=name).first.click()
        for tab in "1234567":
            page.keyboard.press(tab)
            seen.append(page.locator("#panel").text_content())
    assert sum(HOSTILE in text for text in seen) >= 8
    assert page.evaluate("window.harmed") is None
    assert page.locator("#trace img").count() == 0


def test_markup_and_the_network_are_refused(three, open_page, complaints) -> None:
    page = open_page(three)
    refused = "(act) => { try { act(); return false } catch { return true } }"
    assert page.evaluate(f"({refused})(() => {{ document.body.innerHTML = '<b>x</b>' }})")
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert "TrustedHTML" in complaints[0]
    assert all("violates" in text for text in complaints[1:])
    complaints.clear()


def test_keys_lead_through_everything(three, open_page) -> None:
    page = open_page(three)
    press = page.keyboard.press
    press("j")
    press("j")
    press("Enter")
    page.wait_for_selector("#runs .run")
    assert page.locator("#trace h1").text_content() == "a heist"
    chosen = page.locator("#runs [aria-selected=true]")
    assert chosen.get_attribute("aria-level") == "1"
    press("ArrowDown")
    press("ArrowRight")
    assert chosen.locator(".what").inner_text() == "any"
    tab = page.locator("[role=tab][aria-selected=true]")
    assert tab.inner_text() == "Messages"
    press("2")
    assert tab.inner_text() == "Prompt"
    assert "You recommend items." in page.locator("#panel").inner_text()
    press("]")
    press("]")
    assert tab.inner_text() == "Tool rows"
    assert "Film 1" in page.locator("#panel").inner_text()
    press("ArrowLeft")
    press("ArrowLeft")
    assert page.locator("#runs .run").count() == 5
    assert chosen.get_attribute("aria-expanded") == "false"
    press("p")
    page.locator("#trace h1", has_text="a western").wait_for()
    press("Escape")
    page.locator("#list").wait_for()
    press("/")
    page.keyboard.type("HEIST ada")
    assert queries(page) == ["a heist"]
    press("Escape")
    assert len(queries(page)) == 3
    press("Escape")
    press("?")
    assert page.locator("#help").is_visible()
    press("Escape")
    assert not page.locator("#help").is_visible()


def test_model_calls_are_stepped_through(three, open_page) -> None:
    page = open_page(three)
    page.keyboard.press("Enter")
    page.wait_for_selector("#runs .run")
    page.keyboard.press("3")
    panel = page.locator("#panel")
    assert panel.inner_text().startswith("Model call 1 of 2: any, read 2 messages")
    page.get_by_title("The next call").click()
    assert panel.inner_text().startswith("Model call 2 of 2: any, read 4 messages")
    assert page.locator("#runs [aria-selected=true] .what").inner_text() == "any"
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Messages"
    assert page.get_by_title("The next call").is_disabled()


def test_the_list_is_filtered_and_put_in_order(three, open_page) -> None:
    page = open_page(three)
    for label, value, left in (
        ("Outcome", "failed", "a western"),
        ("Outcome", "fallback", "a heist"),
        ("Model", "openai:first", "a heist"),
    ):
        page.get_by_label(label).select_option(value)
        assert queries(page) == [left]
        page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Slower than, in seconds").fill("3.5")
    assert queries(page) == ["a western"]
    assert page.locator(".said").inner_text().startswith("1 of 3 requests · 1 failed")
    page.get_by_label("Slower than, in seconds").fill("")
    page.get_by_role("button", name="Took").click()
    assert queries(page)[0] == "a western"
    page.get_by_role("button", name="When").click()
    page.get_by_role("button", name="When").click()
    assert queries(page)[0] == "a heist"


def test_what_people_said_is_seen(tmp_path, open_page) -> None:
    judged = tree(1, "a heist", score=0.25, comment=HOSTILE)
    store = MadeStore(judged, tree(2, "a western", score=0.75), tree(3, "a comedy"))
    store.said = [
        judgement(judged, 0.5, HOSTILE),
        judgement(judged, 0.0, "seen it", "film-1"),
        judgement(judged, 1.0, "", "b"),
    ]
    path = tmp_path / "traces.html"
    write_page(path, store, store.list())
    page = open_page(path)
    assert page.locator("#requests .mark").all_inner_texts() == ["", "0.75", "0.25"]
    mark, took = (page.locator(f"#requests .{name}").nth(1).bounding_box() for name in ("mark", "ms"))
    assert mark["x"] + mark["width"] <= took["x"]
    assert "2 scored, 0.50 on average" in page.locator(".said").inner_text()
    page.get_by_label("Feedback").select_option("scored less than 0.5")
    assert page.locator("#requests .query").text_content() == f"a heist “{HOSTILE}”"
    page.get_by_label("Feedback").select_option("with feedback")
    assert page.locator("#requests .list-row").count() == 2
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Search").fill("window.harmed")
    page.locator("#requests .list-row").click()
    page.wait_for_selector("#runs .run")
    assert "scored 0.25" in page.locator(".meta").inner_text()
    said = page.locator("#panel .items .feedback").inner_text()
    assert "0.00" in said
    assert "“seen it”" in said
    whole = page.locator("#panel section", has_text="What people said of it").locator(".feedback")
    assert f"“{HOSTILE}”" in whole.first.text_content()
    assert whole.count() == 2
    assert page.evaluate("window.harmed") is None


def test_a_trace_of_five_hundred_runs_is_shown(tmp_path, open_page) -> None:
    store = MadeStore(tree(1, turns=125))
    path = tmp_path / "one.html"
    write_page(path, store, store.list())
    page = open_page(path)
    assert page.locator("#trace").is_visible()
    assert page.locator("#runs .run").count() < 100
    page.keyboard.press("End")
    chosen = page.locator("#runs [aria-selected=true]")
    assert (chosen.get_attribute("aria-posinset"), chosen.get_attribute("aria-setsize")) == ("502", "502")
    assert chosen.locator(".what").inner_text() == "validate"
    bar, lane = chosen.locator(".bar").bounding_box(), chosen.locator(".lane").bounding_box()
    assert bar["x"] == pytest.approx(lane["x"] + lane["width"] * 3750 / 3756, abs=1)
    page.keyboard.press("z")
    assert chosen.locator(".bar").bounding_box()["width"] == pytest.approx(lane["width"], abs=1)
    page.keyboard.press("5")
    page.get_by_label("Search the slate").fill("film 125")
    assert page.locator("#panel tbody tr").count() == 1


def test_ten_thousand_requests(tmp_path, open_page) -> None:
    one = tree(1)
    rows = [row(one.summary) | {"id": f"t{n}", "query": f"request {n}"} for n in range(10_000)]
    rows[9_999]["id"] = one.summary.trace_id
    blocks = [block("rows", rows), block(f"trace-{one.summary.trace_id}", details(one))]
    path = tmp_path / "many.html"
    path.write_text("".join(document("file", blocks, time.time())), encoding="utf-8")
    page = open_page(path)
    assert page.locator(".said").inner_text().startswith("10,000 requests")
    assert page.locator("#requests .list-row").count() < 150
    page.keyboard.press("End")
    assert page.locator("#requests [aria-selected=true] .query").inner_text() == "request 9999"
    page.keyboard.press("Enter")
    page.wait_for_selector("#runs .run")
    page.keyboard.press("Escape")
    assert page.locator("#requests [aria-selected=true] .query").inner_text() == "request 9999"
    page.keyboard.press("/")
    page.keyboard.type("request 4321")
    assert queries(page) == ["request 4321"]


def test_the_page_is_light_or_dark_as_the_browser_is(three, open_page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(20, 23, 27)"
    page = open_page(three, scheme="dark")
    assert page.evaluate(paper) == dark
    page.keyboard.press("t")
    assert page.evaluate(paper) == light
    page.reload()
    page.wait_for_selector(".rows-inner > *:visible")
    assert page.evaluate(paper) == light
    page.keyboard.press("t")
    assert page.evaluate(paper) == dark
    assert open_page(three).evaluate(paper) == light


@pytest.mark.parametrize("width", [360, 700, 1000, 1900])
def test_nothing_sticks_out_of_the_page(tmp_path, open_page, width) -> None:
    judged = tree(3, HOSTILE, turns=2, model=HOSTILE, score=0.5, comment=HOSTILE)
    store = MadeStore(tree(1, "a heist"), judged)
    store.said = [judgement(judged, 0.5, HOSTILE), judgement(judged, 0.5, HOSTILE, "film-1")]
    path = tmp_path / "traces.html"
    write_page(path, store, store.list())
    page = open_page(path, width=width)
    over = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(over) <= 0
    page.keyboard.press("Enter")
    page.wait_for_selector("#runs .run")
    assert page.evaluate(over) <= 0


def test_a_server_searches_all_runs(open_page) -> None:
    store = MadeStore(tree(1, "a heist"), tree(2, "a western", turns=3))
    with PageServer(store) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = open_page(server.url)
            page.keyboard.press("/")
            page.keyboard.type("Film 3")
            assert queries(page) == []
            page.locator("#requests .query", has_text="a western").wait_for()
            assert queries(page) == ["a western"]
            assert page.locator(".said").inner_text().startswith("1 of 2 requests")
            page.keyboard.press("Escape")
            assert queries(page) == ["a western", "a heist"]
            page.keyboard.type("heist")
            assert queries(page) == ["a heist"]
            with page.expect_response("**/api/search?q=heist"):
                pass
            assert queries(page) == ["a heist"]
            page.get_by_label("Search").fill("fact 1")
            page.locator("#requests .query", has_text="a western").wait_for()
            page.get_by_label("Model").select_option("openai:any")
            assert queries(page) == ["a western", "a heist"]
            page.close()
        finally:
            server.shutdown()
            thread.join()


def test_a_server_is_asked_for_what_is_opened(open_page) -> None:
    store = MadeStore(tree(1, "a heist"), tree(2, "a western"))
    with PageServer(store) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = open_page(server.url)
            assert (queries(page), store.read) == (["a western", "a heist"], [])
            page.keyboard.press("Enter")
            page.wait_for_selector("#runs .run")
            assert store.read == [store.list()[0].trace_id]
            store.trees |= MadeStore(tree(3, "a comedy")).trees
            page.keyboard.press("Escape")
            page.keyboard.press("r")
            page.locator("#requests .query", has_text="a comedy").wait_for()
            assert queries(page)[0] == "a comedy"
            page.close()
        finally:
            server.shutdown()
            thread.join()
