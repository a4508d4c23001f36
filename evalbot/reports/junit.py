"""A run as JUnit XML: a test suite for each target, a test case for each answer with its skill as class."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from xml.etree import ElementTree as ET

from evalbot.reports.contents import AnswerState, ReportedAnswer, RunReport
from evalbot.reports.foreign_text import line, shown, visible
from evalbot.reports.words import judge_words, run_verdict

MOST_TEXT = 20_000
"""The longest question or answer in a test case."""

_SKIPPED = {
    AnswerState.IN_REVIEW: "People are grading this answer; its verdict shows when they are done.",
    AnswerState.MISSING: "Not asked: the run stopped before the end or still goes on.",
    AnswerState.UNGRADED: "No verdict: there is nothing to grade by, or the judge has not come to it.",
}


def run_junit(report: RunReport) -> str:
    """Give a run as JUnit XML, in the form of the schema that most readers of it share."""
    root = ET.Element("testsuites")
    for place, target in enumerate(report.run.targets):
        answers = list(report.of_target(target.label))
        root.append(_suite(report, target.label, place, answers))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: RunReport, label: str, place: int, answers: Sequence[ReportedAnswer]) -> ET.Element:
    """Give the test suite of a target."""
    cases = [_case(answer, report.run.repeats) for answer in answers]
    run = report.run
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
    suite = ET.Element(
        "testsuite",
        name=line(label) or "target",
        package=line(run.suite),
        id=str(place),
        timestamp=run.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(len(cases)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=_seconds(sum(answer.output.usage.latency_s for answer in answers if answer.output)),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", name=name, value=line(value, 500))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = visible(f"{run.suite}: {run_verdict(run, report.summary)}")
    ET.SubElement(suite, "system-err")
    return suite


def _properties(report: RunReport) -> dict[str, str]:
    """Give what identifies the run."""
    run = report.run
    found = {
        "run": str(run.number),
        "suite": run.suite,
        "suite version": str(run.suite_version),
        "status": run.status.value,
    }
    if report.summary.judge:
        found["judge"] = judge_words(report.summary)
    if report.held_back:
        found["holdout answers left out"] = str(report.held_back)
    return found


def _case(answer: ReportedAnswer, repeats: int) -> ET.Element:
    """Give the test case of an answer."""
    again = f" (repeat {answer.unit.repeat + 1})" if repeats > 1 else ""
    latency = answer.output.usage.latency_s if answer.output else 0.0
    case = ET.Element(
        "testcase", name=f"{line(answer.item.id)}{again}", classname=line(answer.skill), time=_seconds(latency)
    )
    if answer.state is AnswerState.FAILED:
        _add_failure(case, answer)
    elif answer.state is AnswerState.ERROR or (answer.state is AnswerState.UNGRADED and answer.broken_grades):
        _add_error(case, answer)
    elif answer.state in _SKIPPED:
        ET.SubElement(case, "skipped", message=_SKIPPED[answer.state])
    return case


def _add_failure(case: ET.Element, answer: ReportedAnswer) -> None:
    """Add the graders that failed, all in the one place that the schema has."""
    names = list(dict.fromkeys(line(grade.criterion, 60) for grade in answer.failed_grades))
    message = "; ".join(line(f"{grade.criterion}: {grade.reason or 'failed'}") for grade in answer.failed_grades)
    failure = ET.SubElement(case, "failure", message=message, type=", ".join(names) or "failed")
    failure.text = _details(answer)


def _add_error(case: ET.Element, answer: ReportedAnswer) -> None:
    """Add why there is no answer or no verdict."""
    failed = answer.output.failure if answer.output else None
    if failed:
        ET.SubElement(case, "error", message=line(failed.message, 500), type=line(failed.kind, 60) or "error")
        return
    message = "; ".join(line(f"{grade.criterion}: {grade.error or 'no verdict'}") for grade in answer.broken_grades)
    ET.SubElement(case, "error", message=message, type="grader").text = _details(answer)


def _details(answer: ReportedAnswer) -> str:
    """Give what was asked and answered, for the person who looks into it."""
    said = [f"Question: {shown(answer.item.question, 'question', MOST_TEXT)}"]
    said += [f"Reference: {shown(one, 'reference', MOST_TEXT)}" for one in answer.item.references[:5]]
    said.append(f"Answer: {shown(answer.text, 'answer', MOST_TEXT)}")
    return "\n".join(said)


def _seconds(value: float) -> str:
    """Write seconds as the decimal that the schema wants, never with an exponent."""
    return f"{value:.3f}"
