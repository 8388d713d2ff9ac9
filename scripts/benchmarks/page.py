"""How long the page of traces takes in a browser: 10,000 requests in the list, 500 runs in a trace."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.traces import request
from recmind.agent.tracing import TraceStore
from recmind.agent.tracing.page import PageServer, write_page

NEEDS_DATA = False
LISTED, TURNS, LOOK_UPS = 10_000, 100, 299
"""Requests in the list; model calls and look-ups of the newest one, which has 500 runs with the root and its steps."""
JUDGED = 200
WORDS = ("heist", "western", "comedy", "space", "murder", "paris", "jazz", "robot", "family", "war", "road", "desert")
KEYS = 40

_PAINTED = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));"
_FILTER = f"""async ([label, value]) => {{
  const field = document.querySelector(`[aria-label="${{label}}"]`);
  const one = field.tagName === "SELECT" ? [...field.options].find((one) => one.text.startsWith(value)).value : value;
  const began = performance.now();
  field.value = one;
  field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", {{ bubbles: true }}));
  {_PAINTED}
  return performance.now() - began;
}}"""
_KEY = f"""async (key) => {{
  const began = performance.now();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true }}));
  {_PAINTED}
  return performance.now() - began;
}}"""


def run(_data: Path, work: Path, *, listed: int = LISTED) -> dict[str, Any]:
    """Milliseconds until the page shows something, as a file (of the list and one trace) and served.

    ``first_list_ms`` counts from opening the address; ``filter_ms`` and ``key_ms`` until the list, or the tree of 500
    runs, is painted again; ``search_ms`` until the server's matches in all runs are there.

    Args:
        _data: not used.
        work: a folder for the files.
        listed: number of requests in the list.
    """
    from playwright.sync_api import sync_playwright

    work.mkdir(parents=True, exist_ok=True)
    with TraceStore(work / "traces.db") as store, sync_playwright() as playwright:
        fill(store, listed)
        written = work / "traces.html"
        write_page(written, store, store.list(listed))
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=os.geteuid() != 0)
        with PageServer(store) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            figures = {
                "file": {"mib": round(written.stat().st_size / 2**20, 1), **seen(browser, written.as_uri())},
                "served": seen(browser, server.url, searches=True),
            }
            server.shutdown()
        browser.close()
    return {"requests": listed, "runs": 1 + 2 * TURNS + LOOK_UPS, **figures}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark to the command line."""
    parser.add_argument("--listed", type=int, default=LISTED, metavar="N", help=f"requests; {LISTED:,}")


def fill(store: TraceStore, listed: int) -> None:
    """Write requests of a few words, some of them judged, and a long one as the newest."""
    rng = np.random.default_rng(0)
    for n in range(listed - 1):
        made = request(store, " ".join(rng.choice(WORDS, size=rng.integers(2, 7))))
        if n < JUDGED:
            store.judge(made, float(rng.random()), "liked it" if n % 2 else "", at=time.time())
    request(store, "the long one", turns=TURNS, look_ups=LOOK_UPS)


def seen(browser: Any, url: str, *, searches: bool = False) -> dict[str, Any]:
    """The milliseconds of the page at this address.

    Args:
        browser: a Chromium of Playwright.
        url: the address.
        searches: whether the page has a server, which can search all runs.
    """
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("#requests .list-row")
    figures: dict[str, Any] = {"first_list_ms": round(1000 * (time.perf_counter() - began))}
    filters = (("Outcome", "answered"), ("Model", "offline"), ("Feedback", "scored less"), ("When", "the last hour"))
    figures["filter_ms"] = {label.lower(): round(page.evaluate(_FILTER, [label, value])) for label, value in filters}
    page.get_by_role("button", name="Clear filters").click()
    figures["filter_ms"]["words"] = round(page.evaluate(_FILTER, ["Search", "heist paris"]))
    if searches:
        began = time.perf_counter()
        page.get_by_label("Search").fill("said western jazz")
        page.wait_for_selector(".said:not(:has-text('searching'))")
        figures["search_ms"] = round(1000 * (time.perf_counter() - began))
    page.get_by_label("Search").fill("the long one")
    page.locator("#requests .query", has_text="the long one").wait_for()
    began = time.perf_counter()
    page.get_by_label("Search").press("Enter")
    page.wait_for_selector("#runs .run")
    figures["open_ms"] = round(1000 * (time.perf_counter() - began))
    figures["key_ms"] = round(statistics.median(page.evaluate(_KEY, "ArrowDown") for _ in range(KEYS)))
    page.close()
    return figures
