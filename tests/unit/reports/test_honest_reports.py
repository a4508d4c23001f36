"""What every report says beside a number: people's correction, an unverified judge, a target without a score."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.reporting.estimates import Correction, Degenerate, How, Response, RunSummary
from evalbot.reporting.gates import evaluate_gate
from evalbot.reports.contents import RunReport
from evalbot.reports.gate_words import gate_line
from evalbot.reports.github import run_github
from evalbot.reports.html import run_html
from evalbot.reports.interval_chart import chart_rows, interval_chart
from evalbot.reports.json import run_json
from evalbot.reports.junit import run_junit
from evalbot.reports.words import run_verdict
from evalbot.suites.gates import parse_gate
from evalbot.terminal.showing import print_gate, print_verdict
from evalbot.terminal.summaries import print_run
from tests.factories import make_estimate
from tests.unit.reports.report_samples import mixed_report

BAD = JudgeStanding(Standing.UNVERIFIED, 0.6, 0.5, 0.7, 60, 0.7, 0.85, "It agrees with people less than it should.")


def report_with(change: Callable[[RunSummary], RunSummary]) -> RunReport:
    """Give the report of the mixed run with another summary."""
    report = mixed_report()
    return replace(report, summary=change(report.summary))


def corrected(summary: RunSummary) -> RunSummary:
    """Give a summary whose pass rate is a judge's, 84 %, corrected by people to 79 %."""
    found = make_estimate(0.79, 0.05, 180, how=How.CORRECTED, human_n=40)
    alone = make_estimate(0.84, 0.05, 180, how=How.JUDGE)
    errors = make_estimate(0.81, 0.05, 183, how=How.JUDGE)
    first = replace(
        summary.rows[0], estimate=alone, corrected=Correction(found, 180, 0.05, 0.37, 75), with_errors=errors
    )
    return replace(summary, judge="big", rows=(first, *summary.rows[1:]), response=Response(60, 44))


def unverified(summary: RunSummary) -> RunSummary:
    """Give a summary that stands on an unverified judge alone."""
    rows = tuple(replace(row, estimate=replace(row.estimate, how=How.JUDGE)) for row in summary.rows)
    return replace(summary, judge="big", rows=rows, standing=BAD)


def constant(summary: RunSummary) -> RunSummary:
    """Give a summary of a target with one answer to everything."""
    return replace(summary, rows=(), changes=(), degenerate=(Degenerate("main", "<b>Sorry.</b>", 12),))


def printed(report: RunReport) -> str:
    """Give what a terminal shows."""
    out = io.StringIO()
    console = Console(file=out, width=200, no_color=True)
    print_verdict(console, report)
    print_run(console, report.run, report.summary)
    return out.getvalue()


WRITERS: dict[str, Callable[[RunReport], str]] = {
    "terminal": printed,
    "page": run_html,
    "github": lambda report: run_github(report).replace("&#46;", ".").replace("&#40;", "(").replace("&#41;", ")"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_corrected_number_stands_beside_the_judges(name: str) -> None:
    """Both numbers are there, with how many answers people graded; the corrected one is the headline."""
    report = report_with(corrected)
    said = WRITERS[name](report)
    assert "79" in said
    assert "84" in said
    assert "40" in said
    assert run_verdict(report.run, report.summary) == "79 % (74 to 84, n 180) passed, corrected by people"


@pytest.mark.parametrize("name", ["terminal", "page"])
def test_what_more_grades_would_do_is_said(name: str) -> None:
    """The reader learns what would narrow the interval, what the judge spared, who chose, and what errors would do."""
    said = WRITERS[name](report_with(corrected))
    assert "75 more graded answers would halve this interval" in said
    assert "the judge saved about 37 % of the clicks" in said
    assert "elf-selected: people graded 44 of the 60 answers drawn for them" in said
    assert "with errors counted as fails" in said


@pytest.mark.parametrize("name", WRITERS)
def test_an_unverified_judge_makes_no_headline(name: str) -> None:
    """Its numbers are marked where they stand and are not what the report opens with."""
    report = report_with(unverified)
    said = WRITERS[name](report)
    assert run_verdict(report.run, report.summary) == "judge unverified: no headline"
    assert "no headline" in said
    assert "44 % unverified" in said or "44.4% unverified" in said


@pytest.mark.parametrize("name", WRITERS)
def test_a_constant_target_is_said_to_be_unscored(name: str) -> None:
    """Instead of a pass rate there is a sentence; what the target said is no markup."""
    said = WRITERS[name](report_with(constant))
    assert "one answer to all of 12 items" in said
    assert "<b>Sorry" not in said


def test_the_json_has_it_all() -> None:
    """Programs find the corrected estimate, the share of answers graded, the judge's standing and what is not verified."""
    data = json.loads(run_json(report_with(corrected)))
    row = data["estimates"][0]
    assert (row["score"], row["verified"], row["corrected"]["score"], row["corrected"]["human_n"]) == (
        0.84,
        True,
        0.79,
        40,
    )
    assert (row["corrected"]["saving"], row["corrected"]["grades_to_halve"], row["with_errors"]["n"]) == (0.37, 75, 183)
    assert (data["headlines"]["main"]["score"], data["review"]["self_selected"]) == (0.79, True)
    doubted = json.loads(run_json(report_with(unverified)))
    assert {row["verified"] for row in doubted["estimates"]} == {False}
    assert (doubted["headlines"]["main"], doubted["judge"]["standing"]["standing"]) == (None, "unverified")
    assert json.loads(run_json(report_with(constant)))["degenerate"] == [
        {"target": "main", "items": 12, "scored": False}
    ]


# --- gates, and every other place ------------------------------------------------------------------


def gated(report: RunReport, *conditions: str) -> RunReport:
    """Give a report with how a gate of these conditions stands."""
    found = evaluate_gate(parse_gate(conditions), report.summary, [target.label for target in report.run.targets])
    return replace(report, gate=found)


@pytest.mark.parametrize("name", ["page", "github"])
def test_an_undecided_gate_says_so_and_what_to_do(name: str) -> None:
    """On the word of an unverified judge no gate passes; the reader learns that it is not decided, and what decides it."""
    report = gated(report_with(unverified), "overall.lower < 0.01")
    said = WRITERS[name](report).replace("&#44;", ",").replace("&#58;", ":").replace("&#39;", "'")
    assert "Gate not decided, so it fails: 1 of 1 condition stands on a judge that is unverified" in said
    assert "unverified, so it decides nothing" in said
    assert "calibrate it" in said.lower()


def test_an_undecided_gate_in_json_and_on_the_terminal() -> None:
    """Programs find state, remedy and that it is not decided; the terminal marks it as failed and says why."""
    report = gated(report_with(unverified), "overall.lower < 0.01", "errors > 100")
    data = json.loads(run_json(report))["gate"]
    assert (data["failed"], data["decided"]) == (True, False)
    assert [one["state"] for one in data["conditions"]] == ["unverified", "clear"]
    assert data["remedy"]
    out = io.StringIO()
    assert report.gate is not None
    print_gate(Console(file=out, width=300, no_color=True), report.gate)
    assert "✗ overall.lower < 0.01" in out.getvalue()
    assert "Gate not decided" in out.getvalue()


def test_a_gate_with_both_kinds_counts_both() -> None:
    """A condition that is met fails the gate for good; the undecided ones are told beside it."""
    report = gated(report_with(unverified), "overall.lower < 0.01", "errors >= 0")
    assert report.gate is not None
    assert gate_line(report.gate).startswith("Gate failed: 2 of 2 conditions, 1 of them as the judge is unverified. ")


def test_junit_says_how_far_the_judge_may_be_believed() -> None:
    """A CI server that reads only this file shows the judge's standing and no headline on its word."""
    said = run_junit(report_with(unverified))
    assert 'name="judge" value="big, unverified: agrees with people 60 % (50 to 70, n 60)"' in said
    assert "judge unverified: no headline" in said
    assert 'name="judge"' not in run_junit(report_with(lambda summary: replace(summary, judge="")))


def test_the_picture_has_no_verdict_on_an_unverified_judges_word() -> None:
    """Its marks are pale, its drop is not red, and the words for those who hear it say why."""
    page = run_html(report_with(unverified))
    assert "What stands on the judge alone is pale" in page
    rows = chart_rows(report_with(unverified).summary.rows, (), ["main"], lambda _: True)
    assert all(row.doubted for row in rows)
    assert ", unverified" in str(interval_chart(rows, ["main"], "c"))
    assert "What stands on the judge alone is pale" not in run_html(report_with(corrected))


def test_errors_counted_as_fails_are_marked_as_well() -> None:
    """The number with errors stands on the same judge as the one without."""
    errors = make_estimate(0.81, 0.05, 183, how=How.JUDGE)

    def doubted(summary: RunSummary) -> RunSummary:
        found = unverified(summary)
        return replace(found, rows=(replace(found.rows[0], with_errors=errors), *found.rows[1:]))

    for name in ("terminal", "page"):
        assert "with errors counted as fails, unverified" in WRITERS[name](report_with(doubted))
