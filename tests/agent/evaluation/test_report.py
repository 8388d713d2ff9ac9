"""The report page: whole, harmless, and the same for the same run."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import pytest

from recmind.agent.evaluation.report import report_page, write_report
from recmind.agent.evaluation.summary import summarize
from tests.agent.evaluation.runs import HISTORIES, large, tiny, vectors

VOID = {"meta", "path", "use", "br"}


class Page(HTMLParser):
    """What a browser makes of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        self._attributes(dict(attrs))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self._attributes(dict(attrs))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def _attributes(self, attributes):
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("src", "href", "xlink:href") if name in attributes]


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(summarize(large(("popularity", "collaborative", "hybrid"))))


def test_the_page_is_whole(page) -> None:
    read = Page(page)
    assert read.open == []
    assert read.tags.count("svg") == 6
    assert len(read.ids) == len(set(read.ids))
    for said in (
        "Hit rate over k",
        "Reliability of confidence",
        "Smallest visible",
        "hybrid is better than popularity",
    ):
        assert said in read.text
    assert "nan" not in re.findall(r"\w+", read.text)


def test_settings_are_told_in_words() -> None:
    summary = summarize(large(("hybrid", "popularity")))
    settings = {**summary.settings, "systems": ["hybrid", "popularity"], "k": (5, 10), "tune": False, "left": []}
    read = Page(report_page(replace(summary, settings=settings)))
    assert "hybrid, popularity" in read.text
    assert "5, 10" in read.text
    assert not {"[", "false"} & set(re.findall(r"\[|false", read.text.partition("How it was run")[2]))


def test_the_page_asks_for_nothing(page) -> None:
    read = Page(page)
    assert {link[0] for link in read.links} == {"#"}
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert all(part.startswith("#") for part in re.findall(r"url\((.)", page))


def test_what_a_plot_points_to_is_in_it(page) -> None:
    ids = set(Page(page).ids)
    assert {link[1:] for link in Page(page).links} <= ids
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= ids


def test_colors_are_those_of_the_style_sheet(page) -> None:
    drawn = page[page.index("<body>") :]
    defined = set(re.findall(r"(--[\w-]+):", page))
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) <= defined
    assert not re.findall(r"#f00[de]", drawn)
    assert "light-dark(" in page


def test_the_same_run_gives_the_same_bytes(page, tmp_path) -> None:
    write_report(summarize(large(("popularity", "collaborative", "hybrid"))), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_the_style_of_the_person_who_runs_it_changes_nothing(page) -> None:
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "figure.facecolor": "red"}):
        assert report_page(summarize(large(("popularity", "collaborative", "hybrid")))) == page


HOSTILE = "<script>alert('x')</script> $10^2$ ${title} & \"#f00d01\" #f00d09"


def test_names_are_shown_as_text() -> None:
    run = tiny()
    renamed = tuple(replace(one, system=HOSTILE) if one.system == "agent" else one for one in run.outcomes)
    run = replace(
        run,
        protocol=HOSTILE,
        description=HOSTILE,
        systems=("plain", HOSTILE),
        outcomes=tuple(replace(one, fallback_cause=HOSTILE if one.source == "fallback" else None) for one in renamed),
        settings={**run.settings, HOSTILE: HOSTILE, "files": {HOSTILE: [HOSTILE]}, "list": [HOSTILE]},
    )
    page = report_page(summarize(run, vectors=vectors, histories=HISTORIES))
    read = Page(page)
    assert "script" not in read.tags
    assert read.open == []
    assert read.text.count("<script>alert('x')</script> $10^2$ ${title} &") > 10


def test_a_run_with_nothing_in_it_still_has_a_page() -> None:
    run = tiny()
    for less in (
        replace(run, outcomes=()),
        replace(run, outcomes=(), cases=()),
        replace(run, outcomes=run.outcomes[:1], item_ids=(), popularity={}),
        replace(run, systems=("plain",), outcomes=run.outcomes[:3]),
    ):
        assert Page(report_page(summarize(less))).open == []


def test_a_run_that_was_stopped_says_so() -> None:
    run = tiny()
    text = Page(report_page(summarize(replace(run, outcomes=run.outcomes[:4])))).text
    assert "(on 1 of 3 cases)" in text
    assert "too few users to tell" in text


def test_many_systems_are_told_apart() -> None:
    names = tuple(f"system {n}" for n in range(10))
    assert Page(report_page(summarize(large(names, n=20), compare=[(names[1], names[0])]))).open == []
