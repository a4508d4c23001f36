"""Runs for GitHub Actions: a summary in which foreign text is literal, and annotations that cannot be forged."""

from __future__ import annotations

import html
import re
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from evalbot.reporting.gates import evaluate_gate
from evalbot.reports.github import MOST_BYTES, annotation_lines, command, literal, run_github
from evalbot.suites.gates import parse_gate
from tests.unit.reports.report_samples import SECRET, hostile_texts, mixed_report, report_of

MARKUP = re.compile(r"[\\`*_{}\[\]()#+!<>|~@$]|https?:|www\.|^-|^\d+\.")


@given(st.text(max_size=80))
@example("\xaa-")
def test_literal_text_has_no_markup_and_reads_the_same(text: str) -> None:
    """Nothing that Markdown, HTML or GitHub reads as more than a letter is left, and a browser shows what was there."""
    shown = literal(text)
    assert MARKUP.search(re.sub(r"&#\d+;", "x", shown)) is None
    assert "\n" not in shown
    if text.isprintable():
        assert html.unescape(shown) == " ".join(text.split())


@given(st.text(max_size=200), st.text(max_size=80))
def test_a_workflow_command_stays_one(text: str, title: str) -> None:
    """No text ends the line or the title of a command, so that none can begin another."""
    line = command("error", title, text)
    assert len(line.splitlines()) == 1
    found = re.fullmatch(r"::error title=([^:,]*)::(.*)", line)
    assert found is not None


def test_the_summary_has_a_table_with_intervals() -> None:
    """Each skill is a row with score, interval and n; what is not counted is said."""
    text = html.unescape(run_github(mixed_report()))
    assert "## support-desk: 44 % (19 to 73, n 9) passed" in text
    assert "| **overall** | 44 % | 19 to 73 | 9 |" in text
    assert "1 error and 1 answer without a verdict, not counted" in text
    assert "1 holdout answer not listed" in text
    assert SECRET not in text


def test_the_gate_is_told_and_annotated() -> None:
    """A failing condition is in the summary and is an error; what is not counted is a warning."""
    report = mixed_report()
    report = replace(report, gate=evaluate_gate(parse_gate(["overall.lower < 0.8"]), report.summary, ["main"]))
    assert "❌ Gate failed: 1 of 1 condition" in html.unescape(run_github(report))
    assert annotation_lines(report) == [
        "::error title=support-desk%2C run 7::overall.lower < 0.8: main passes 44 %25 (19 to 73, n 9)",
        "::warning title=support-desk%2C run 7::1 error and 1 answer without a verdict, not counted",
    ]


def test_hostile_texts_stay_texts() -> None:
    """Outside of entities and our own elements there is no markup, no blank line within a block, and no command."""
    text = run_github(report_of(list(dict.fromkeys(hostile_texts()))))
    assert len(text.encode()) < MOST_BYTES + 1_000
    blocks = re.findall(r"<pre>(.*?)</pre>", text)
    assert len(blocks) == 2 * text.count("<details>")
    assert all("<" not in block for block in blocks)
    rest = re.sub(r"<pre>.*?</pre>", "", text)
    assert set(re.findall(r"<(/?\w+)", rest)) <= {
        "details", "/details", "summary", "/summary", "code", "/code", "b", "/b",
    }  # fmt: skip
    assert not any(line.lstrip().startswith(("::", "##[")) for line in text.splitlines())
    assert re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\ud800-\udfff]", text) is None


def test_a_summary_keeps_below_the_limit() -> None:
    """GitHub drops a summary of more than 1 MiB; what does not fit is counted."""
    text = run_github(report_of([f"{n}{'<' * 19_000}" for n in range(60)]))
    assert len(text.encode()) < MOST_BYTES + 1_000
    assert re.search(r"\d+ more answers not listed here\.", text)
