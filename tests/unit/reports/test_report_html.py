"""Runs as a page: one file that needs no network, shows every number with its interval, and takes no text for markup."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

from evalbot.reporting.gates import evaluate_gate
from evalbot.reports.contents import RunReport, StoredRun, report_run
from evalbot.reports.html import run_html
from evalbot.suites.gates import parse_gate
from tests.factories import make_item, make_output, make_suite
from tests.unit.reports.report_samples import (
    SECRET,
    grade_of,
    hostile_texts,
    make_stored,
    mixed_report,
    report_of,
    summary_of,
)

VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """A page taken apart: how often each element stands in it, the attributes, the text, and whether all is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of a picture."""
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        """Check that the element that is closed is the open one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep a text that people read."""
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that is written on the page."""
        return " ".join(" ".join(self.texts).split())


def two_runs() -> tuple[StoredRun, StoredRun]:
    """Give two runs of forty items on two skills, of which citations fell by far."""
    items = [make_item(f"item-{n:02d}", skill="tone" if n < 20 else "citations") for n in range(40)]
    outputs = [make_output(item.id) for item in items]
    suite = make_suite(*items)
    good = make_stored(outputs, [grade_of(one, n % 10 != 0) for n, one in enumerate(outputs)], suite)
    bad = make_stored(outputs, [grade_of(one, n % 10 != 0 and n < 25) for n, one in enumerate(outputs)], suite)
    return good, bad


def fallen_report() -> RunReport:
    """Give the report of the later of two runs."""
    good, bad = two_runs()
    return report_run(bad, summary_of(bad, good))


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """There is no script, no link to anywhere, no picture from elsewhere; a policy forbids them besides."""
    source = run_html(fallen_report())
    page = Page(source)
    assert page.open == []
    assert page.tags.keys().isdisjoint({"script", "link", "img", "iframe", "object", "form", "image", "use", "base"})
    assert "default-src 'none'" in source
    addresses = [value for name, value in page.attributes if name in ("href", "src", "action", "xlink:href")]
    assert addresses == ["#answers"]
    assert re.findall(r"url\(|@import", source) == []
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_numbers_stand_with_interval_and_n() -> None:
    """The verdict comes first; every score and change has its interval and its number of items."""
    page = Page(run_html(fallen_report()))
    assert "support-desk: worse on citations, no clear change elsewhere" in page.text
    assert "Against run 6: −35 points (−50 to −22, n 40), a real drop." in page.text
    assert "▼ worse" in page.text
    assert page.text.count("95 % interval") >= 3


def test_light_and_dark_follow_the_reader() -> None:
    """Colours are named once for each of both schemes, and the same ones."""
    source = run_html(fallen_report())
    light, dark = source.split("@media (prefers-color-scheme: dark)")[:2]
    named = re.compile(r"(--[a-z0-9-]+): #")
    assert set(named.findall(light)) == set(named.findall(dark)) != set()
    assert re.findall(r'(?:fill|stroke|style|bgcolor)="', source) == []


def test_the_picture_says_in_words_what_it_shows() -> None:
    """The picture has a title and a description with the numbers, and each kind of mark differs by more than colour."""
    source = run_html(fallen_report())
    description = re.search(r"<desc[^>]*>([^<]*)</desc>", source)
    assert description is not None
    assert "citations: main 20 % (8 to 42, n 20), change −70 points (−84 to −40, n 20), ▼ worse" in description[1]
    assert 'role="img" aria-labelledby="chart-title chart-desc"' in source


def test_states_and_grades_are_listed() -> None:
    """Answers come failed first, each state in words; what is under review shows no verdict."""
    source = run_html(mixed_report())
    page = Page(source)
    kinds = re.findall(r'<details class="answer (\w+)"', source)
    assert kinds == ["failed"] * 3 + ["error", "ungraded", "review"] + ["passed"] * 4
    assert "1 of 2 people passed it" in page.text
    review = source[source.index('<details class="answer review"') :].split("</details>")[0]
    assert "Grades" not in review.split("<h3>Answer</h3>")[1].split("grades show")[0]
    assert "people are grading this answer" in review


def test_the_holdout_is_left_out_unless_asked_for() -> None:
    """Holdout answers are counted, not shown."""
    source = run_html(mixed_report())
    assert SECRET not in source
    assert "1 holdout answer not listed" in source
    assert SECRET.replace("'", "&#39;") in run_html(mixed_report(include_holdout=True))


def test_hostile_texts_stay_texts() -> None:
    """Hostile outputs, names and reasons change neither the elements of the page nor their attributes' names."""
    texts = list(dict.fromkeys(hostile_texts()))
    hostile = Page(run_html(report_of(texts)))
    harmless = Page(run_html(report_of([f"{n} words" for n in range(len(texts))])))
    assert hostile.open == []
    assert hostile.tags.keys() <= harmless.tags.keys()
    assert hostile.tags["details"] == harmless.tags["details"]
    assert hostile.tags["pre"] == harmless.tags["pre"]
    assert {name for name, _ in hostile.attributes} <= {name for name, _ in harmless.attributes}
    written = "".join(hostile.texts)
    assert "</pre></details><script>alert(1)</script>" in written
    assert "{{ 7 * 7 }}" in written
    assert "(empty answer)" in written
    assert "[cut at" in written
    assert re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u2067\ud800-\udfff]", written) is None


def test_the_gate_is_told_at_the_head() -> None:
    """A gate that fails shows its conditions, the failing ones first."""
    report = fallen_report()
    gate = evaluate_gate(parse_gate(["errors > 3", "overall.lower < 0.8"]), report.summary, ["main"])
    page = Page(run_html(replace(report, gate=gate)))
    assert "Gate failed: 1 of 2 conditions. ✗ overall.lower < 0.8: main passes 55 % (40 to 69, n 40)" in page.text


def test_a_page_has_an_end() -> None:
    """More answers than a page holds are counted on it, and where they all are is said."""
    report = mixed_report()
    page = Page(run_html(replace(report, answers=report.answers * 120)))
    assert "200 more answers not on this page" in page.text
    assert page.tags["details"] - page.tags["table"] == 1_000


def test_an_empty_run_has_a_page() -> None:
    """A run without any score says so."""
    stored = make_stored([], [], make_suite())
    page = Page(run_html(report_run(stored, summary_of(stored))))
    assert "nothing could be scored" in page.text
    assert "There is no answer to list." in page.text
